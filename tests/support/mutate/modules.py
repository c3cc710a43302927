"""Which modules are mutated, and which tests must notice: the one place that says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["DESELECTED", "MODULES", "ROOT", "Batch", "batches", "tests_of"]

ROOT = Path(__file__).resolve().parents[3]

_DECIDING = (
    "bundle/*",
    "cosign/*",
    "slsa/*",
    "ed25519/*",
    "archive",
    "candidates",
    "delivery/*",
    "descriptor",
    "digest",
    "dsse",
    "evidence",
    "identity_pattern",
    "identity_proof",
    "in_toto",
    "package",
    "policy",
    "proof_memory",
    "re2_*",
    "reference",
    "revocation",
    "second_opinion",
    "trust_root*",
    "verification_key",
    "verifier",
    "wire",
    "mirror/answers",
    "mirror/authorize",
    "mirror/collect",
    "mirror/hosts",
    "mirror/manifests",
    "mirror/rewrite",
)
"""Globs under `supplychain/`, without `.py`."""

_ELSEWHERE = {
    "identity_proof": ("test_identity_pattern.py", "test_identity_examples.py"),
    "policy": ("test_verifier.py",),
    "wire": ("test_wire.py", "test_dsse.py", "test_revocation.py", "test_in_toto.py", "bundle/test_model.py"),
    "evidence": ("test_evidence.py", "test_evidence_roots.py"),
    "cosign/*": ("cosign", "test_evidence.py"),
    "slsa/*": ("slsa", "test_evidence.py"),
    "identity_pattern": ("test_identity_pattern.py", "test_identity_examples.py"),
}
"""Tests of a module beside or instead of the mirrored ones, under `tests/supplychain/`."""

_EXPLAINING = {"nearest.py"}
"""Modules beside these that word refusals and decide nothing."""

DESELECTED = (
    "tests/supplychain/test_descriptor.py::test_importing_the_module_is_cheap",
    "tests/supplychain/test_trust_root.py::test_the_embedded_root_is_the_public_good_one_and_says_its_day",
)
"""Tests that cannot hold of a module made ready for mutants: it imports `json`, and keeps nothing in caches."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Modules of one package and the tests that reach them: one run of the mutation tester.

    Attributes:
        name: The package, or `core` for the modules beside the packages.
        modules: Paths from the root of the repository.
        tests: Paths from the root of the repository.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _expanded() -> tuple[str, ...]:
    package = ROOT / "supplychain"
    found = {path for glob in _DECIDING for path in package.glob(f"{glob}.py") if path.name not in {"__init__.py", *_EXPLAINING}}
    return tuple(str(path.relative_to(ROOT)) for path in sorted(found))


MODULES = _expanded()
"""Every module that decides, as a path from the root of the repository."""


def tests_of(module: str) -> tuple[str, ...]:
    """Return the tests that must notice a change in `module`: its mirror under `tests/supplychain/` unless the table says otherwise."""
    path = Path(module).relative_to("supplychain").with_suffix("")
    mirrored = (f"test_{path}.py",) if len(path.parts) == 1 else (path.parts[0],)
    chosen = next((tests for glob, tests in _ELSEWHERE.items() if path.match(glob)), mirrored)
    return tuple(f"tests/supplychain/{one}" for one in chosen)


def batches(modules: tuple[str, ...]) -> tuple[Batch, ...]:
    """Group `modules` by package, so that the tester starts once for each."""
    grouped: dict[str, list[str]] = {}
    for module in modules:
        parts = Path(module).parts
        grouped.setdefault(parts[1] if len(parts) > 2 else "core", []).append(module)
    return tuple(
        Batch(name, tuple(found), tuple(dict.fromkeys(test for one in found for test in tests_of(one) if (ROOT / test).exists())))
        for name, found in grouped.items()
    )
