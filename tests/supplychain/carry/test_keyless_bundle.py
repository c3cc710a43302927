"""Bundles whose summaries an identity signed: whose identity counts, by whose root, and every way to feign one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from supplychain.cli.main import main
from tests.supplychain.carry.test_bundle_verify import MemoryDestination
from tests.support.bundling import make_bundle
from tests.support.keyless import resign
from tests.support.scenario import AT, SIGSTORE
from tests.support.virtual_sigstore import GITHUB_ISSUER, VirtualSigstore, github_identity

SUBJECT = github_identity().subject
BELIEVED = ("--verifier-certificate-identity", SUBJECT, "--verifier-certificate-oidc-issuer", GITHUB_ISSUER)


@pytest.fixture
def desk(tmp_path: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOME", "/nonexistent")
    desk = MemoryDestination(tmp_path, capsys)
    make_bundle(desk.path)
    return desk


def judged(desk: Any, *argv: Any, believed: tuple[str, ...] = BELIEVED, root: bool = True, key: bool = False) -> int:
    own = ("--trust-root", desk.folder / "root.json") if root else ()
    return int(desk.verify(*believed, *own, *argv, key=key))


def test_the_enclosed_counts_under_the_identity_that_the_reader_names(desk: Any) -> None:
    resign(desk.path)
    assert judged(desk) == 0, desk.report
    facts = desk.report["extra"]["bundle"]
    assert facts["policy"] == "enclosed"
    [summary] = facts["summaries"]
    assert (summary["identity"], summary["issuer"]) == (SUBJECT, GITHUB_ISSUER)
    assert summary["trustRoot"] is not None
    assert "key" not in summary
    assert [one["at"] for one in summary["signedAt"]] == ["2025-06-02T12:00:00Z"]


def test_a_pattern_names_a_family_of_releases(desk: Any) -> None:
    resign(desk.path)
    pattern = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v1\.2\.[0-9]+$"
    believed = ("--verifier-certificate-identity-regexp", pattern, "--verifier-certificate-oidc-issuer", GITHUB_ISSUER)
    assert judged(desk, believed=believed) == 0, desk.report
    assert judged(desk, believed=(believed[0], pattern.replace("plugins", "other"), *believed[2:])) == 1


@pytest.mark.parametrize(
    ("subject", "issuer"), [(SUBJECT, "https://other.example"), (SUBJECT.replace("acme", "mallory"), GITHUB_ISSUER)]
)
def test_another_identity_or_issuer_counts_for_nothing(desk: Any, subject: str, issuer: str) -> None:
    resign(desk.path)
    believed = ("--verifier-certificate-identity", subject, "--verifier-certificate-oidc-issuer", issuer)
    assert judged(desk, believed=believed) == 1
    assert desk.reasons == ["SummaryMissing"]


@pytest.mark.parametrize("options", [{"log": "none"}, {"log": "rekor2", "tsa": None}, {"edit_signature": lambda one: one[:-1]}])
def test_what_is_not_logged_or_not_dated_or_not_signed_counts_for_nothing(desk: Any, options: dict[str, Any]) -> None:
    resign(desk.path, **options)
    assert judged(desk) == 1
    assert desk.reasons == ["SummaryMissing"]


def test_the_enclosed_root_never_judges_the_summary_that_encloses_it(desk: Any) -> None:
    resign(desk.path)
    assert judged(desk, root=False) == 1, "the embedded public-good root knows nothing of this instance"
    assert desk.reasons == ["SummaryMissing"]
    (desk.folder / "root.json").write_bytes(VirtualSigstore(seed=b"somebody else").trusted_root())
    assert judged(desk) == 1
    assert desk.reasons == ["SummaryMissing"]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["subject"][0]["digest"].update(sha256="a" * 64),
        lambda one: one["predicate"]["policy"]["digest"].update(sha256="a" * 64),
        lambda one: one["predicate"].update(inputAttestations=[]),
        lambda one: one["predicate"]["verifier"].update(id="https://other.example"),
        lambda one: one.update(predicateType="https://other.example"),
    ],
)
def test_a_statement_over_something_else_is_a_mismatch_whoever_signed_it(desk: Any, change: Any) -> None:
    resign(desk.path, change=change)
    assert judged(desk) == 1
    assert desk.reasons == ["SummaryMismatch"]


def test_age_counts_from_the_proven_time_and_not_from_a_later_claim(desk: Any) -> None:
    resign(desk.path)
    days = (AT - SIGSTORE.at).days
    assert days > 1
    assert judged(desk, "--max-age", f"verification={days + 2}d") == 0
    assert judged(desk, "--max-age", f"verification={days - 1}d") == 3
    assert desk.reasons == ["VerificationExpired"]
    make_bundle(desk.path, at=SIGSTORE.at - timedelta(days=9))
    resign(desk.path)
    assert judged(desk, "--max-age", f"verification={days + 2}d") == 3, "its own word counts where it is the older one"


def test_a_form_for_which_nobody_is_trusted_counts_for_nothing(desk: Any) -> None:
    assert judged(desk) == 1
    resign(desk.path)
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMissing"]
    assert judged(desk, key=True) == 0, "one of both is enough"


@pytest.mark.parametrize("believed", [BELIEVED[:2], BELIEVED[2:], (*BELIEVED[:2], BELIEVED[2], "")])
def test_identity_and_issuer_go_together(desk: Any, believed: tuple[str, ...]) -> None:
    assert judged(desk, believed=believed) == 2
    assert desk.reasons == ["InvalidPolicy"]


def test_both_verifiers_judge_it(desk: Any) -> None:
    resign(desk.path)
    believed = (*BELIEVED, "--trust-root", str(desk.folder / "root.json"))
    assert main(["bundle", "verify", str(desk.path), *believed], clock=lambda: AT) == 0


def test_inspection_shows_the_claim(desk: Any) -> None:
    resign(desk.path)
    shown = json.loads(desk.run("inspect", desk.path, "--output", "json"))
    assert [one["claimedKeys"] for one in shown["enclosed"]["summaries"]] == [[]]
