"""Rules of the house that a machine can check."""

import ast
import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import supplychain
from supplychain import errors
from tests.support import reasons

ROOT = Path(__file__).parent.parent
MODULES = sorted(module.name for module in pkgutil.walk_packages(supplychain.__path__, "supplychain."))
ERRORS = reasons.classes(errors.SupplyChainError)
CASES = sorted(path.parent for path in (ROOT / "testdata/verify").glob("*/expected.json"))

FAMILY_ONLY = {
    "Error": "the root of the tree",
    "InvalidInput": "a family",
    "VerificationFailed": "a family",
    "ManifestRefused": "a family",
    "PackageRefused": "a family",
    "BundleFileRefused": "a family",
    "DeliveryRefused": "a family",
    "RequestMismatch": "a family",
    "EvidenceRefused": "a family",
    "CosignFailed": "a family",
    "ProvenanceFailed": "a family",
    "Unavailable": "a family",
    "NotTrusted": "a defect of the caller, never a verdict",
}
"""Reasons that are never reported by themselves."""

ELSEWHERE = {
    "ApplyFailed": "tests/operators/test_kube.py",
    "ApplyForbidden": "tests/operators/test_kube.py",
    "ClusterUnavailable": "tests/operators/test_kube.py",
    "Conflict": "tests/operators/test_kube.py",
    "LookupFailed": "tests/supplychain/rules/test_check.py",
    "MaterialiseFailed": "tests/operators/plugin/test_outages.py",
    "NameConflict": "tests/operators/plugin/test_kept_secrets.py",
    "VerificationExpired": "tests/operators/plugin/test_decide.py",
    "VersionRollback": "tests/operators/plugin/test_again.py",
    "BundleFileInvalid": "tests/supplychain/carry/test_archive.py",
    "BundlePartMismatch": "tests/supplychain/carry/test_bundle_parts.py",
    "BundlePartMissing": "tests/supplychain/carry/test_bundle_parts.py",
    "SummaryMismatch": "tests/supplychain/carry/test_bundle_verify.py",
    "SummaryMissing": "tests/supplychain/carry/test_bundle_verify.py",
    "DeliveryInvalid": "tests/supplychain/delivery/test_assemble.py",
    "ShardMissing": "tests/supplychain/delivery/test_assemble.py",
    "ShardMismatch": "tests/supplychain/delivery/test_assemble.py",
    "RevocationListStale": "tests/supplychain/test_freshness.py",
    "OutputFailed": "tests/supplychain/test_files.py",
    "RegistryAuthFailed": "tests/supplychain/mirror/test_transport.py",
    "StorageUnavailable": "tests/supplychain/test_spool.py",
    "RegistryUnavailable": "tests/supplychain/mirror/test_registry.py",
    "TransparencyLogUnavailable": "tests/supplychain/mirror/test_rekor.py",
    "VerifiersDisagree": "tests/supplychain/test_evidence.py",
    "TrustRootUnavailable": "tests/supplychain/test_tuf_root.py",
}
"""Reasons that files on disk cannot bring about, with the test that does."""


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_documented_and_exports_a_complete_list(name):
    if name == "supplychain.__main__":
        return
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    assert exported is not None, f"{name} has no __all__"
    assert [one for one in exported if not hasattr(module, one)] == []
    assert (module.__doc__ or "").strip(), f"{name} has no docstring"


def test_every_error_is_exported_documented_and_has_a_reason_of_its_own():
    assert {error.__name__ for error in ERRORS} <= set(errors.__all__)
    assert [error.__name__ for error in ERRORS if not error.__doc__ or not error.__name__.endswith("Error")] == []
    found = [error.reason for error in ERRORS]
    assert sorted(found) == sorted(set(found))
    assert all(reason.isidentifier() and reason[0].isupper() for reason in found)


def test_the_error_tree_in_the_module_docstring_is_complete():
    assert [error.__name__ for error in ERRORS if error.__name__ not in (errors.__doc__ or "")] == []


@pytest.mark.parametrize("reason", sorted(error.reason for error in ERRORS if error.reason not in FAMILY_ONLY))
def test_every_reason_has_a_case_or_a_named_test(reason):
    if reason in ELSEWHERE:
        text = (ROOT / ELSEWHERE[reason]).read_text()
        name = next(error.__name__ for error in ERRORS if error.reason == reason)
        assert name in text or reason in text
        return
    reasons_in_cases = {found for case in CASES for found in _reasons(json.loads((case / "expected.json").read_text()))}
    assert reason in reasons_in_cases


def test_the_page_of_reasons_is_fresh():
    assert (ROOT / "docs/reasons.md").read_text() == reasons.render()


def test_modules_and_functions_stay_small():
    long_modules, long_functions = [], []
    for path in sorted([*(ROOT / "supplychain").rglob("*.py"), *(ROOT / "operator").rglob("*.py")]):
        text = path.read_text()
        if len(text.splitlines()) > 300:
            long_modules.append(str(path.relative_to(ROOT)))
        long_functions += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 40
        ]
    assert (long_modules, long_functions) == ([], [])


def _reasons(document):
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "reason" and isinstance(value, str):
                yield value
            else:
                yield from _reasons(value)
    elif isinstance(document, list):
        for value in document:
            yield from _reasons(value)
