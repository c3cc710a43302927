"""Several trust roots for one verdict: one of them must prove everything, and a refusal names the one that was meant."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from supplychain import second_opinion
from supplychain.artifact import EvidenceForm, Material
from supplychain.bundle import nearness, parse_bundle
from supplychain.errors import (
    BundleInvalidError,
    CertificateError,
    EvidenceUnsupportedError,
    LogEntryError,
    TrustedTimeError,
    VerifiersDisagreeError,
)
from supplychain.evidence import verify_envelope, verify_message
from supplychain.proof import RootName
from supplychain.second_opinion import Opinion, Verdict
from supplychain.trust_root import TrustRoot, TrustRoots, parse_trust_root
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    from supplychain.proof import ProvenEnvelope

STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": []}
PUBLIC = VirtualSigstore(seed=b"public")
CORP = VirtualSigstore(seed=b"corp")
GITHUB = VirtualSigstore(seed=b"github")
AT = PUBLIC.at
SECOND = timedelta(seconds=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


def root(sigstore: VirtualSigstore, name: str, **changes: Any) -> TrustRoot:
    return parse_trust_root(sigstore.trusted_root(**changes), name=name)


def without_logs(value: dict[str, Any]) -> None:
    del value["tlogs"], value["ctlogs"]


PUBLIC_ROOT, CORP_ROOT = root(PUBLIC, "public"), root(CORP, "corp")
GITHUB_ROOT = root(GITHUB, "github", edit=without_logs)
ALL = TrustRoots((PUBLIC_ROOT, CORP_ROOT, GITHUB_ROOT))


def material(data: bytes) -> Material:
    return Material(form=EvidenceForm.BUNDLE, data=data, where="a test")


def judge(raw: bytes, *roots: TrustRoot, second: bool = False) -> ProvenEnvelope:
    return verify_envelope(material(raw), root=TrustRoots(roots) if roots else ALL, second_opinion=second)


def private(sigstore: VirtualSigstore = GITHUB, **plan: Any) -> bytes:
    """Evidence of an instance without logs: a certificate without SCT, and a timestamp."""
    return sigstore.sign_statement(STATEMENT, log="none", scts=0, **plan)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize(
    ("raw", "by"),
    [
        (PUBLIC.sign_statement(STATEMENT), PUBLIC_ROOT),
        (CORP.sign_statement(STATEMENT), CORP_ROOT),
        (CORP.sign_statement(STATEMENT, log="rekor1"), CORP_ROOT),
        (private(), GITHUB_ROOT),
    ],
    ids=["public", "corp", "corp, older log", "github"],
)
def test_evidence_counts_by_the_root_it_was_made_for_and_says_by_which(raw: bytes, by: TrustRoot, second: bool) -> None:
    proven = judge(raw, second=second)
    assert proven.trust_root == RootName(name=by.name, sha256=by.sha256)
    assert judge(raw, *reversed(ALL.each)).trust_root == proven.trust_root
    judged_by_both = second and by is not GITHUB_ROOT
    assert proven.judged_by == (("supplychain", "sigstore-python") if judged_by_both else ("supplychain",))


def test_a_message_counts_by_the_root_it_was_made_for() -> None:
    proven = verify_message(material(CORP.sign_message(b"x")), root=ALL, message=b"x")
    assert proven.trust_root == RootName(name="corp", sha256=CORP_ROOT.sha256)
    with pytest.raises(BundleInvalidError, match=r"by trust root `corp`; by `public`: .*; by `github`: "):
        verify_message(material(CORP.sign_message(b"x")), root=ALL, message=b"y")


def test_one_root_alone_is_named_too_and_its_refusal_is_unchanged() -> None:
    assert verify_envelope(material(private()), root=GITHUB_ROOT).trust_root == RootName(name="github", sha256=GITHUB_ROOT.sha256)
    with pytest.raises(TrustedTimeError) as caught:
        judge(private(), CORP_ROOT)
    assert "by trust root" not in caught.value.what


@pytest.mark.parametrize(
    "parts",
    [
        {"ca": CORP.ca},
        {"ct_log": CORP.ct_log},
        {"rekor": CORP.rekor2},
        {"tsa": CORP.tsa},
        {"ca": CORP.ca, "ct_log": CORP.ct_log},
        {"rekor": CORP.rekor2, "tsa": CORP.tsa},
        {"tsa": GITHUB.tsa},
        {"ca": GITHUB.ca, "tsa": GITHUB.tsa},
    ],
    ids=" and ".join,
)
def test_no_root_lends_a_part_of_itself_to_another(parts: dict[str, Any]) -> None:
    """Every part is by an authority or log of some root here, but never all of them by those of one."""
    raw = PUBLIC.sign_statement(STATEMENT, **parts)
    for order in (ALL.each, ALL.each[::-1]):
        with pytest.raises((LogEntryError, CertificateError, TrustedTimeError), match="by trust root"):
            judge(raw, *order)


def test_the_log_of_one_root_cannot_be_left_out_because_another_has_none() -> None:
    """A root without logs asks for no entry, but only for certificates by its own authorities."""
    with pytest.raises(LogEntryError) as caught:
        judge(PUBLIC.sign_statement(STATEMENT, log="none", scts=0))
    alien = "the timestamp is over another signature, or by no authority of the trust root"
    assert caught.value.what == (
        f"there is no transparency log entry, by trust root `public`; by `corp`: {alien}; by `github`: {alien}"
    )


@pytest.mark.parametrize(
    ("raw", "error", "meant"),
    [
        (CORP.sign_statement(STATEMENT, promise=False, log="rekor1"), TrustedTimeError, "corp"),
        (CORP.sign_statement(STATEMENT, not_after=AT - SECOND, not_before=START), CertificateError, "corp"),
        (private(timestamped=b"other"), TrustedTimeError, "github"),
        (VirtualSigstore(seed=b"nobody").sign_statement(STATEMENT), LogEntryError, "public"),
        (CORP.sign_statement(STATEMENT, ca=VirtualSigstore(seed=b"nobody").ca), CertificateError, "corp"),
    ],
    ids=["no time", "certificate over", "timestamp of another", "nobody's", "only its log"],
)
def test_a_refusal_is_that_of_the_root_that_was_meant_and_lists_the_others(raw: bytes, error: Any, meant: str) -> None:
    with pytest.raises(error) as caught:
        judge(raw)
    assert f", by trust root `{meant}`; by `" in caught.value.what
    others = {one.name for one in ALL.each} - {meant}
    assert all(f"; by `{name}`: " in caught.value.what for name in others)
    assert isinstance(caught.value.__cause__, error)
    assert caught.value.hint == caught.value.__cause__.hint


def test_what_no_root_can_judge_stays_unsupported() -> None:
    def by_key(value: dict[str, Any]) -> None:
        del value["verificationMaterial"]["certificate"]
        value["verificationMaterial"]["publicKey"] = {"hint": "x"}

    with pytest.raises(EvidenceUnsupportedError):
        judge(PUBLIC.sign_statement(STATEMENT, edit=by_key))


def test_nearness_reads_hostile_certificates_without_complaint() -> None:
    bundle = parse_bundle(CORP.sign_statement(STATEMENT))
    assert nearness(bundle, CORP_ROOT) == (True, 1)
    assert nearness(bundle, PUBLIC_ROOT) == (False, 0)
    assert nearness(replace(bundle, certificates=(b"\x30\x00",)), CORP_ROOT) == (False, 1)
    assert nearness(replace(bundle, certificates=(), entries=()), CORP_ROOT) == (False, 0)


# -- disputes of the two verifiers -------------------------------------------------------------------------------------


def _disputed_by(monkeypatch: pytest.MonkeyPatch, disputed: TrustRoot) -> None:
    def opinion(_: bytes, *, root: TrustRoot, **__: Any) -> Opinion:
        if root is disputed:
            return Opinion(verdict=Verdict.REFUSED, reason="because")
        return Opinion(verdict=Verdict.CANNOT_JUDGE, reason="not asked here")

    monkeypatch.setattr(second_opinion, "envelope_opinion", opinion)


def test_a_dispute_by_one_root_is_noted_where_another_proves_all(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = replace(CORP_ROOT, name="older copy")
    _disputed_by(monkeypatch, copy)
    proven = judge(CORP.sign_statement(STATEMENT), PUBLIC_ROOT, copy, CORP_ROOT, second=True)
    assert proven.trust_root == RootName(name="corp", sha256=CORP_ROOT.sha256)
    assert [note for note in proven.notes if note.startswith("by trust root `older copy`: the two verifiers disagree")]


def test_a_dispute_is_what_is_told_where_no_root_proves_all(monkeypatch: pytest.MonkeyPatch) -> None:
    _disputed_by(monkeypatch, CORP_ROOT)
    with pytest.raises(VerifiersDisagreeError, match="by trust root `corp`; by `public`: "):
        judge(CORP.sign_statement(STATEMENT), PUBLIC_ROOT, CORP_ROOT, second=True)


# -- an instance without logs, whose authorities are renewed every few months ------------------------------------------

GENERATIONS = [VirtualSigstore(seed=b"generation %d" % number) for number in range(3)]
"""Authorities of one name with keys of their own, as GitHub's own instance has them."""
BORDERS = [datetime(2025, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7)]
OVERLAP = timedelta(days=7)


def renewed() -> TrustRoot:
    """All generations in one root; each ends a week after the next began, the last has no end."""
    value: dict[str, Any] = {}
    for number, sigstore in enumerate(GENERATIONS):
        window = (BORDERS[number], None if number == 2 else BORDERS[number + 1] + OVERLAP)
        part = json.loads(sigstore.trusted_root(fulcio_window=window, tsa_window=window, edit=without_logs))
        value = value or {**part, "certificateAuthorities": [], "timestampAuthorities": []}
        value["certificateAuthorities"] += part["certificateAuthorities"]
        value["timestampAuthorities"] += part["timestampAuthorities"]
    return parse_trust_root(json.dumps(value).encode(), name="github")


def at(number: int, moment: datetime, **plan: Any) -> bytes:
    return private(GENERATIONS[number], at=moment, **plan)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_generation_counts_within_its_window_and_never_beyond(number: int) -> None:
    trusted = renewed()
    assert len({authority.name for authority in trusted.authorities}) == 1
    for good in (BORDERS[number], BORDERS[number] + OVERLAP):
        assert judge(at(number, good), trusted).log == ()
    outside = [BORDERS[number] - SECOND]
    if number < 2:
        assert judge(at(number, BORDERS[number + 1] + OVERLAP), trusted).times[0].at == BORDERS[number + 1] + OVERLAP
        outside.append(BORDERS[number + 1] + OVERLAP + SECOND)
    for moment in outside:
        with pytest.raises(TrustedTimeError, match="outside its authority's time"):
            judge(at(number, moment), trusted)
        # The same for the certificate, when another generation's timestamp authority is in force.
        neighbour = GENERATIONS[max(0, number - 1) if moment < BORDERS[number] else number + 1]
        if moment >= BORDERS[0]:
            with pytest.raises(CertificateError, match="outside the authority's time"):
                judge(at(number, moment, tsa=neighbour.tsa), trusted)


def test_generations_that_overlap_may_stand_together() -> None:
    """Certificate authority and timestamp authority are renewed one after the other."""
    moment = BORDERS[1] + SECOND
    assert judge(at(0, moment, tsa=GENERATIONS[1].tsa), renewed()).certificate_sha256
    with pytest.raises(TrustedTimeError):
        judge(at(0, BORDERS[1] - SECOND, tsa=GENERATIONS[1].tsa), renewed())


def test_two_generations_of_log_keys_are_told_apart() -> None:
    """A log keeps its address when its key is renewed; entries count by the key that signed them, while that was in force."""
    older, newer = VirtualSigstore(seed=b"older"), VirtualSigstore(seed=b"newer")
    border = datetime(2025, 3, 1, tzinfo=UTC)

    def both(value: dict[str, Any]) -> None:
        before = json.loads(older.trusted_root(rekor_window=(START, border)))
        for log in value["tlogs"]:
            log["publicKey"]["validFor"] = {"start": "2025-03-01T00:00:00Z"}
        value["tlogs"] += before["tlogs"]

    trusted = root(newer, "renewed", edit=both)
    assert len({log.name for log in trusted.logs}) == 2
    for kind in ("rekor1", "rekor2"):
        for log, good, bad in ((older, border, border + SECOND), (newer, border, border - SECOND)):
            rekor = log.rekor1 if kind == "rekor1" else log.rekor2
            raw = [newer.sign_statement(STATEMENT, log=kind, rekor=rekor, at=moment) for moment in (good, bad)]
            assert judge(raw[0], trusted).log[0].log_id == rekor.log_id.hex()
            with pytest.raises(LogEntryError, match="outside the log's time"):
                judge(raw[1], trusted)


def test_a_root_named_twice_is_judged_by_both_alone() -> None:
    """The same document under two names gives no more trust than once."""
    twin = replace(PUBLIC_ROOT, name="twin")
    assert hashlib.sha256(twin.document).hexdigest() == twin.sha256
    with pytest.raises(LogEntryError, match="by trust root `public`; by `twin`"):
        judge(CORP.sign_statement(STATEMENT), PUBLIC_ROOT, twin)


def test_a_root_that_merely_refused_before_another_proved_is_not_noted() -> None:
    assert not any("by trust root" in note for note in judge(CORP.sign_statement(STATEMENT)).notes)
