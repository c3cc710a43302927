"""The second verifier: what it accepts, what it refuses, what it cannot judge, and that nothing escapes it."""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from supplychain import second_opinion
from supplychain.bundle import verify_dsse_bundle, verify_message_bundle
from supplychain.second_opinion import Opinion, Verdict, envelope_opinion, message_opinion
from supplychain.trust_root import TrustRoot, parse_trust_root
from tests.supplychain.bundle.support import (
    AT,
    END,
    MESSAGE,
    OTHER,
    SECOND,
    SIGSTORE,
    START,
    edited,
    entry,
    material,
    put,
    root,
    root_with,
    statement,
)
from tests.support.sigstore.certificates import Authority
from tests.support.sigstore.keys import Seed
from tests.support.sigstore.transparency import b64

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST = hashlib.sha256(MESSAGE).digest()


def opinion(raw: bytes, *, trusted: TrustRoot | None = None) -> Opinion:
    """Ask after the core has accepted, as `evidence` does."""
    trusted = trusted or root()
    return envelope_opinion(raw, root=trusted, times=verify_dsse_bundle(raw, root=trusted).times)


@pytest.mark.parametrize("plan", [{"log": "rekor1"}, {"log": "rekor1", "version": "0.1"}, {}, {"version": "0.2"}])
def test_honest_statements_are_accepted_with_their_content(plan: dict[str, Any]) -> None:
    raw = statement(**plan)
    answer = opinion(raw)
    assert (answer.verdict, answer.reason) == (Verdict.ACCEPTED, "")
    assert answer.content == ("application/vnd.in-toto+json", verify_dsse_bundle(raw, root=root()).payload)


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_honest_messages_are_accepted(log: Any) -> None:
    raw = SIGSTORE.sign_message(MESSAGE, log=log)
    times = verify_message_bundle(raw, root=root(), digest=DIGEST).times
    assert message_opinion(raw, digest=DIGEST, root=root(), times=times) == Opinion(verdict=Verdict.ACCEPTED)
    assert message_opinion(raw, digest=bytes(32), root=root(), times=times).verdict is Verdict.REFUSED


def test_tampered_evidence_is_refused_with_a_reason() -> None:
    raw = edited(statement(), lambda value: value["dsseEnvelope"].update(payload=b64(b"{}")))
    answer = envelope_opinion(raw, root=root(), times=())
    assert answer.verdict is Verdict.REFUSED
    assert answer.reason.startswith("VerificationError: ")
    assert answer.content is None


def test_evidence_of_another_instance_is_refused() -> None:
    answer = envelope_opinion(OTHER.sign_statement({}), root=root(), times=())
    assert answer.verdict is Verdict.REFUSED


def only_root(value: dict[str, Any]) -> None:
    value["certificateAuthorities"][0]["certChain"]["certificates"].pop(0)


def only_tsa_root(value: dict[str, Any]) -> None:
    value["timestampAuthorities"][0]["certChain"]["certificates"].pop(0)


def no_logs(value: dict[str, Any]) -> None:
    value["tlogs"] = []


def no_ct_logs(value: dict[str, Any]) -> None:
    value["ctlogs"] = []


VERIFIER = ("spec", "hashedRekordV002", "signature", "verifier")


@pytest.mark.parametrize(
    ("raw", "trusted", "reason"),
    [
        (statement(log="rekor1", entries=2), root(), "exactly one log entry"),
        (statement(log="rekor1", kind="intoto"), root(), "no `intoto` log entries"),
        (statement(log="rekor1", kind="hashedrekord"), root(), "no `hashedrekord` 0.0.1 log entries about envelopes"),
        (statement(edit_body=put(*VERIFIER, "keyDetails", None)), root(), "demands the kind of key"),
        (statement(log="rekor1", version="0.1", proof=False), root(), "without inclusion proof"),
        (statement(version="0.2"), root_with(only_root), "ignores certificates in the bundle"),
        (statement(log="rekor1", leaf_key=Seed(b"x").p384("leaf")), root(), "P-256 keys only"),
        (statement(log="rekor1", leaf_key=Seed(b"x").ed25519("leaf")), root(), "P-256 keys only"),
        (statement(log="none"), root_with(no_logs), "exactly one log entry"),
        (statement(scts=0), root_with(no_ct_logs), "without certificate transparency logs"),
        (statement(timestamps=2), root(), "no timestamp twice"),
        (statement(), root_with(tsa_window=(START, AT)), "last second as outside"),
        (statement(), root_with(only_tsa_root), "not in the trust root"),
    ],
)
def test_what_it_cannot_judge_is_said_by_rules_of_ours(raw: bytes, trusted: TrustRoot, reason: str) -> None:
    answer = opinion(raw, trusted=trusted)
    assert answer.verdict is Verdict.CANNOT_JUDGE
    assert reason in answer.reason


def test_an_authority_with_an_ed25519_key_is_beyond_it() -> None:
    top = Authority.root("top", key=Seed(b"x").ed25519("ca"), not_before=START, not_after=END)
    low = top.intermediate("low", key=Seed(b"x").p384("low"), not_before=START, not_after=END)

    def trust(value: dict[str, Any]) -> None:
        value["certificateAuthorities"][0]["certChain"]["certificates"] = [{"rawBytes": b64(one)} for one in low.chain]

    answer = opinion(statement(ca=low), trusted=root_with(trust))
    assert (answer.verdict, answer.reason) == (Verdict.CANNOT_JUDGE, "it knows no certificate authorities with Ed25519 keys")


def test_a_key_without_certificate_is_beyond_it() -> None:
    def managed(value: dict[str, Any]) -> None:
        material(value)["publicKey"] = {"hint": "x"}

    assert "without certificate" in envelope_opinion(edited(statement(), managed), root=root(), times=()).reason


def test_the_last_second_does_not_matter_where_the_log_proves_the_time() -> None:
    raw = statement(log="rekor1", tsa=SIGSTORE.tsa)
    assert opinion(raw, trusted=root_with(tsa_window=(START, AT))).verdict is Verdict.ACCEPTED
    assert opinion(statement(), trusted=root_with(tsa_window=(START, AT + SECOND))).verdict is Verdict.ACCEPTED


def test_a_root_of_another_media_type_is_beyond_it_and_not_a_refusal() -> None:
    document = SIGSTORE.trusted_root().replace(b"trustedroot+json;version=0.1", b"trustedroot.v0.1+json")
    answer = opinion(statement(), trusted=parse_trust_root(document, name="x"))
    assert (answer.verdict, answer.reason) == (Verdict.CANNOT_JUDGE, "it cannot use this trust root (ValidationError)")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"{" * 100_000, json.dumps({"verificationMaterial": 1}).encode()])
def test_garbage_is_refused_and_nothing_escapes(raw: bytes) -> None:
    assert envelope_opinion(raw, root=root(), times=()).verdict is Verdict.REFUSED
    assert message_opinion(raw, digest=DIGEST, root=root(), times=()).verdict is Verdict.REFUSED


def _with_certificate(der: bytes) -> Callable[[dict[str, Any]], None]:
    return lambda value: material(value)["certificate"].update(rawBytes=b64(der))


def test_a_certificate_that_is_none_is_refused() -> None:
    assert envelope_opinion(edited(statement(), _with_certificate(b"x")), root=root(), times=()).verdict is Verdict.REFUSED


def test_errors_without_text_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(second_opinion, "_judge_envelope", fail)
    raw = statement()
    answer = second_opinion.envelope_opinion(raw, root=root(), times=())
    assert (answer.verdict, answer.reason) == (Verdict.REFUSED, "MemoryError")


def test_it_is_silent_and_leaves_the_warning_filters_alone(capfd: pytest.CaptureFixture[str]) -> None:
    before = list(warnings.filters)
    opinion(statement())
    envelope_opinion(b"", root=root(), times=())
    assert warnings.filters == before
    assert capfd.readouterr() == ("", "")


def test_entries_with_a_checkpoint_that_is_empty_are_beyond_it() -> None:
    raw = edited(statement(), lambda value: entry(value)["inclusionProof"].update(checkpoint=None))
    assert "without inclusion proof" in envelope_opinion(raw, root=root(), times=()).reason


@pytest.mark.parametrize("part", ["entry", "index", "hashes"])
def test_fields_that_are_left_out_because_they_are_zero_are_beyond_it(part: str) -> None:
    def leave_out(value: dict[str, Any]) -> None:
        if part == "entry":
            assert entry(value).pop("logIndex") == "0"
        else:
            del entry(value)["inclusionProof"]["logIndex" if part == "index" else "hashes"]

    answer = opinion(statement(tree_size=1, edit=leave_out))
    assert answer.verdict is Verdict.CANNOT_JUDGE
    assert "left out where they are zero" in answer.reason


def test_several_ct_timestamps_are_beyond_it() -> None:
    answer = opinion(statement(scts=2))
    assert (answer.verdict, answer.reason) == (
        Verdict.CANNOT_JUDGE,
        "it takes exactly one certificate transparency timestamp",
    )


def test_one_timestamp_authority_with_its_certificate_is_enough() -> None:
    def two(value: dict[str, Any]) -> None:
        theirs = json.loads(OTHER.trusted_root())["timestampAuthorities"][0]
        theirs["certChain"]["certificates"].pop(0)
        value["timestampAuthorities"].append(theirs)

    assert opinion(statement(), trusted=root_with(two)).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(("text", "shown"), [("x" * 201, "x" * 200), ("short\nmore", "short")])
def test_only_the_first_line_of_a_long_error_is_shown(monkeypatch: pytest.MonkeyPatch, text: str, shown: str) -> None:
    def fail(*_: Any) -> None:
        raise ValueError(text)

    monkeypatch.setattr(second_opinion, "_judge_envelope", fail)
    assert envelope_opinion(statement(), root=root(), times=()).reason == "ValueError: " + shown
