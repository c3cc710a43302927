"""Which modules are mutated, and which tests must notice: the one place that says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DESELECTED", "MODULES", "ROOT", "Batch", "batches", "tests_of"]

ROOT = Path(__file__).resolve().parents[3]

_VERIFIER_SOURCE = Path("supplychain")
_OPERATOR_SOURCE = Path("operator/mcpg_operator")

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
    "rules/*",
)
"""Globs under `supplychain/`, without `.py`."""

_ADMISSION = tuple(f"admission/test_{one}.py" for one in ("review", "world", "reviewer", "descriptors", "live", "server"))
_ACCESS = (
    "render_gateway/test_access.py",
    "render_gateway/test_policies.py",
    "render_gateway/test_delivery.py",
    "render_gateway/test_cases.py::test_the_inputs_of_the_file_are_rendered_to_the_byte",
)
_OPERATOR = {
    "admission/review": _ADMISSION,
    "admission/reviewer": _ADMISSION,
    "admission/world": _ADMISSION,
    "controllers/cluster/credentials": ("cluster",),
    "controllers/cluster/decide": ("cluster",),
    "controllers/gateway/claims": ("gateway",),
    "controllers/gateway/coordinators": ("gateway",),
    "controllers/gateway/decide": ("gateway",),
    "controllers/gateway/dependencies": ("gateway",),
    "controllers/gateway/hosts": ("gateway",),
    "controllers/gateway/lists": ("gateway",),
    "controllers/gateway/rescue": ("gateway",),
    "controllers/gateway/running": ("gateway",),
    "controllers/gateway/sets": ("gateway",),
    "controllers/plugin_set/document": ("plugin_set",),
    "controllers/route/decide": ("route",),
    "controllers/tenant/decide": ("tenant",),
    "render/cluster_block": ("cluster",),
    "render/gateway/cel": _ACCESS,
    "render/gateway/credentials": _ACCESS,
    "render/gateway/dialect": _ACCESS,
    "render/gateway/materialise": _ACCESS,
    "render/gateway/plugins": _ACCESS,
    "render/gateway/routes": _ACCESS,
    "render/gateway/tool_access": _ACCESS,
    "render/tenant": ("tenant",),
    "keeping/chain": ("keeping", "plugin/test_forged_evidence.py"),
    "keeping/layers": ("keeping", "plugin/test_forged_evidence.py"),
    "controllers/plugin/decide": ("plugin/test_decide.py", "plugin/test_rules.py"),
    "controllers/plugin/rules": ("plugin/test_decide.py", "plugin/test_rules.py"),
    "controllers/plugin/semver": ("plugin/test_decide.py", "plugin/test_rules.py"),
    "controllers/plugin_mirror/decide": ("plugin_mirror",),
    "controllers/plugin_set/decide": ("plugin_set",),
    "controllers/revocation_list/decide": ("revocation_list",),
    "render/grants": ("test_render_set.py", "plugin_set"),
    "render/plugin_set": ("test_render_set.py", "plugin_set"),
    "render/resolved_set": ("test_render_set.py", "plugin_set"),
    "keeping/demand": ("keeping/test_sweep.py", "plugin/test_held_back.py", "plugin/test_kept_secrets.py"),
    "keeping/secrets": ("keeping", "plugin/test_kept_secrets.py", "plugin/test_forged_evidence.py"),
    "keeping/source": ("keeping", "plugin/test_kept_secrets.py", "plugin/test_forged_evidence.py"),
    "keeping/sweep": ("keeping/test_sweep.py", "plugin/test_held_back.py", "plugin/test_kept_secrets.py"),
    "revocations": ("test_revocations.py", "revocation_list"),
    "runtime/fence": ("test_fence.py",),
    "runtime/lease": ("test_lease.py",),
    "trust": ("plugin/test_trust.py",),
}
"""Globs under `operator/mcpg_operator/`, without `.py`, with the tests under `tests/operators/` that must notice."""

_ELSEWHERE = {
    "rules/*": (
        "rules/test_every_item.py",
        "rules/test_check.py",
        "rules/test_coordinator.py",
        "rules/test_manifest_file.py",
        "rules/test_parts.py",
        "rules/test_tenancy.py",
        "rules/test_cases.py",
    ),
    "identity_proof": ("test_identity_pattern.py", "test_identity_examples.py"),
    "policy": ("test_verifier.py",),
    "wire": ("test_wire.py", "test_dsse.py", "test_revocation.py", "test_in_toto.py", "bundle/test_model.py"),
    "evidence": ("test_evidence.py", "test_evidence_roots.py"),
    "cosign/*": ("cosign", "test_evidence.py"),
    "slsa/*": ("slsa", "test_evidence.py"),
    "identity_pattern": ("test_identity_pattern.py", "test_identity_examples.py"),
}
"""Tests of a module beside or instead of the mirrored ones, under `tests/supplychain/`."""

_EXPLAINING = {"catalogue.py", "nearest.py", "problem.py"}
"""Modules beside these that word refusals and warnings, or list rules for the documentation, and decide nothing."""

DESELECTED = (
    "tests/supplychain/test_descriptor.py::test_importing_the_module_is_cheap",
    "tests/supplychain/test_trust_root.py::test_the_embedded_root_is_the_public_good_one_and_says_its_day",
)
"""Tests that cannot hold of a module made ready for mutants: it imports `json`, and keeps nothing in caches."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Modules of one package and the tests that reach them: one run of the mutation tester.

    Attributes:
        name: The package, or `core` for the modules beside the packages; of the operator, what is tested together.
        source: The package that is imported, as a path from the root of the repository.
        modules: Paths from the root of the repository.
        tests: Paths from the root of the repository.
    """

    name: str
    source: Path
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _expanded(package: Path, globs: Iterable[str]) -> tuple[str, ...]:
    found = {path for glob in globs for path in (ROOT / package).glob(f"{glob}.py")}
    return tuple(str(path.relative_to(ROOT)) for path in sorted(found) if path.name not in {"__init__.py", *_EXPLAINING})


MODULES = (*_expanded(_VERIFIER_SOURCE, _DECIDING), *_expanded(_OPERATOR_SOURCE, _OPERATOR))
"""Every module that decides, as a path from the root of the repository."""


def tests_of(module: str) -> tuple[str, ...]:
    """Return the tests that must notice a change in `module`: its mirror under `tests/supplychain/` unless a table says otherwise."""
    path = Path(module).with_suffix("")
    if path.is_relative_to(_OPERATOR_SOURCE):
        path = path.relative_to(_OPERATOR_SOURCE)
        return tuple(f"tests/operators/{one}" for glob, tests in _OPERATOR.items() if path.match(glob) for one in tests)
    path = path.relative_to(_VERIFIER_SOURCE)
    mirrored = (f"test_{path}.py",) if len(path.parts) == 1 else (path.parts[0],)
    chosen = next((tests for glob, tests in _ELSEWHERE.items() if path.match(glob)), mirrored)
    return tuple(f"tests/supplychain/{one}" for one in chosen)


def batches(modules: tuple[str, ...]) -> tuple[Batch, ...]:
    """Group `modules` by package, those of the operator by their tests, so that the tester starts once for each."""
    grouped: dict[tuple[str, Path], list[str]] = {}
    for module in modules:
        path = Path(module)
        if path.is_relative_to(_OPERATOR_SOURCE):
            tests = Path(tests_of(module)[0]).stem.removeprefix("test_")
            grouped.setdefault((f"operator-{tests}", _OPERATOR_SOURCE), []).append(module)
        else:
            grouped.setdefault((path.parts[1] if len(path.parts) > 2 else "core", _VERIFIER_SOURCE), []).append(module)
    return tuple(
        Batch(
            name,
            source,
            tuple(found),
            tuple(dict.fromkeys(test for one in found for test in tests_of(one) if (ROOT / test.partition("::")[0]).exists())),
        )
        for (name, source), found in grouped.items()
    )
