"""Two verifiers: the core decides, the second must agree where it can judge, and the result says who judged."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from supplychain import second_opinion
from supplychain.artifact import EvidenceForm, Material
from supplychain.errors import (
    BundleInvalidError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    LogEntryError,
    TransparencyLogUnavailableError,
    VerifiersDisagreeError,
)
from supplychain.evidence import verify_envelope, verify_logged_envelope, verify_message
from supplychain.ports import FoundEntry
from supplychain.second_opinion import Opinion, Verdict
from supplychain.trust_root import TrustRoots
from supplychain.verification_key import parse_trusted_keys
from tests.supplychain.bundle.support import MESSAGE, SIGSTORE, STATEMENT, entry, root, statement
from tests.support.sigstore.keys import public_key_pem
from tests.support.sigstore.legacy import bare_envelope, layer_annotations, served_entry

DIGEST = hashlib.sha256(MESSAGE).digest()
BOTH = ("supplychain", "sigstore-python")
ONE = (("supplychain",), "judged by one verifier; the second: it reads bundles only")
KEY = SIGSTORE.seed.p256("a release key")
KEYS = parse_trusted_keys(public_key_pem(KEY), name="given")
KEYED = statement(keyed=True, leaf_key=KEY)


def material(data: bytes, form: EvidenceForm = EvidenceForm.BUNDLE) -> Material:
    return Material(form=form, data=data, where="a test")


def answer(monkeypatch: pytest.MonkeyPatch, opinion: Opinion) -> None:
    for name in ("envelope_opinion", "message_opinion"):
        monkeypatch.setattr(second_opinion, name, lambda *_, **__: opinion)


def test_an_envelope_that_both_accept_is_judged_by_both() -> None:
    proven = verify_envelope(material(statement()), root=root())
    assert json.loads(proven.payload) == STATEMENT
    assert proven.judged_by == BOTH
    assert proven.notes == ()


def test_a_message_that_both_accept_is_judged_by_both() -> None:
    raw = material(SIGSTORE.sign_message(MESSAGE))
    assert verify_message(raw, root=root(), digest=DIGEST).judged_by == BOTH
    assert verify_message(raw, root=root(), message=MESSAGE).judged_by == BOTH


def test_what_the_second_cannot_judge_is_judged_by_one_and_says_why() -> None:
    proven = verify_envelope(material(statement(log="rekor1", kind="intoto")), root=root())
    assert proven.judged_by == ("supplychain",)
    assert proven.notes == ("judged by one verifier; the second: it knows no `intoto` log entries",)


def test_the_second_verifier_can_be_turned_off_visibly(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Opinion(verdict=Verdict.REFUSED, reason="must not be asked"))
    proven = verify_envelope(material(statement()), root=root(), second_opinion=False)
    message = verify_message(material(SIGSTORE.sign_message(MESSAGE)), root=root(), digest=DIGEST, second_opinion=False)
    for one in (proven, message):
        assert one.judged_by == ("supplychain",)
        assert one.notes == ("judged by one verifier; the second: it was not asked",)


def test_a_disagreement_is_a_refusal_with_both_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Opinion(verdict=Verdict.REFUSED, reason="because"))
    with pytest.raises(VerifiersDisagreeError) as caught:
        verify_envelope(material(statement()), root=root())
    assert (caught.value.expected, caught.value.got) == ("`supplychain` accepts", "`sigstore-python` refuses (because)")
    assert caught.value.where == "a test"
    with pytest.raises(VerifiersDisagreeError):
        verify_message(material(SIGSTORE.sign_message(MESSAGE)), root=root(), digest=DIGEST)


@pytest.mark.parametrize("content", [None, ("application/vnd.in-toto+json", b"other"), ("text/plain", b'{"x":1}')])
def test_acceptance_of_other_content_is_a_disagreement(monkeypatch: pytest.MonkeyPatch, content: Any) -> None:
    answer(monkeypatch, Opinion(verdict=Verdict.ACCEPTED, content=content))
    with pytest.raises(VerifiersDisagreeError, match="accepts other content"):
        verify_envelope(material(SIGSTORE.sign_statement({"x": 1})), root=root())


def test_what_the_core_refuses_is_refused_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Opinion(verdict=Verdict.ACCEPTED, content=("application/vnd.in-toto+json", b"other")))
    with pytest.raises(EnvelopeInvalidError):
        verify_envelope(material(statement(envelope_signatures=lambda one: one * 2)), root=root())
    with pytest.raises(BundleInvalidError):
        verify_message(material(SIGSTORE.sign_message(MESSAGE)), root=root(), digest=bytes(32))


def test_a_bare_envelope_is_unsupported_and_says_what_would_help() -> None:
    envelope = bare_envelope(statement(log="rekor1"))
    with pytest.raises(EvidenceUnsupportedError, match="a bare DSSE envelope") as caught:
        verify_envelope(material(envelope, EvidenceForm.ENVELOPE), root=root())
    assert caught.value.where == "a test"
    assert "--rekor-entry" in caught.value.hint


def test_a_bare_envelope_with_its_log_entry_is_judged_by_one() -> None:
    raw = statement(log="rekor1")
    logged = Material(
        form=EvidenceForm.ENVELOPE,
        data=bare_envelope(raw),
        where="a test",
        log_entries=(json.dumps(served_entry(raw)).encode(),),
    )
    proven = verify_envelope(logged, root=root())
    assert (proven.judged_by, proven.notes[-1]) == ONE
    keyed = replace(logged, data=bare_envelope(KEYED))
    with pytest.raises(BundleInvalidError, match="signed with a certificate"):
        verify_envelope(keyed, root=root(), keys=KEYS)


def test_a_configured_key_stands_for_a_bare_envelope() -> None:
    proven = verify_envelope(material(bare_envelope(KEYED), EvidenceForm.ENVELOPE), root=root(), keys=KEYS)
    assert "in no transparency log" in proven.notes[0]


def brought(*bundles: bytes, asked: list[Any] | None = None, end: Exception | None = None) -> Any:
    """A lookup that brings the log entries of these bundles, or bytes as they are."""

    def lookup(envelope: bytes, *, logs: Any, artifact: str) -> Any:
        if asked is not None:
            asked.append((envelope, logs, artifact))
        for one in bundles:
            document = json.dumps(served_entry(one)).encode() if b"tlogEntries" in one else one
            yield FoundEntry(document=document, log="rekor.example")
        if end is not None:
            raise end

    return lookup


LOGGED = statement(log="rekor1")
FOREIGN = statement(log="rekor1", leaf_key=SIGSTORE.seed.p256("a stranger's"))
OF_SOMETHING_ELSE = SIGSTORE.sign_statement({"x": 1}, log="rekor1")
SIGNED_MESSAGE = SIGSTORE.sign_message(MESSAGE, log="rekor1")
BARE = Material(form=EvidenceForm.ENVELOPE, data=bare_envelope(LOGGED), where="a test")


def test_a_log_entry_that_was_looked_up_is_judged_like_one_from_a_file_and_the_lookup_is_noted() -> None:
    asked: list[Any] = []
    proven = verify_logged_envelope(BARE, root=root(), lookup=brought(LOGGED, asked=asked), artifact="ab")
    assert proven.log[0].kind == "dsse/0.0.1"
    assert proven.notes == (ONE[1], "the log entry was looked up at `rekor.example`")
    assert asked == [(BARE.data, (SIGSTORE.rekor1.base_url,), "ab")]
    alone = verify_logged_envelope(BARE, root=root(), lookup=brought(LOGGED), artifact="ab", second_opinion=False)
    assert alone.notes[0].endswith("it was not asked")


def test_of_several_roots_each_log_that_gives_promises_is_asked_once() -> None:
    asked: list[Any] = []
    roots = TrustRoots((replace(root(), name="one"), replace(root(), name="two")))
    verify_logged_envelope(BARE, root=roots, lookup=brought(LOGGED, asked=asked), artifact="ab")
    assert asked[0][1] == (SIGSTORE.rekor1.base_url,)


@pytest.mark.parametrize("before", [(FOREIGN,), (OF_SOMETHING_ELSE, SIGNED_MESSAGE), (b"[", b"{}", b"[1]", FOREIGN)])
def test_entries_of_others_that_a_log_brings_do_not_stand_in_the_way(before: tuple[bytes, ...]) -> None:
    found = verify_logged_envelope(BARE, root=root(), lookup=brought(*before, LOGGED), artifact="ab")
    assert json.loads(found.payload) == STATEMENT


def test_with_an_entry_about_the_envelope_that_proves_nothing_it_is_refused() -> None:
    with pytest.raises(EnvelopeInvalidError):
        verify_logged_envelope(BARE, root=root(), lookup=brought(FOREIGN, FOREIGN, OF_SOMETHING_ELSE), artifact="ab")


@pytest.mark.parametrize("brings", [(), (OF_SOMETHING_ELSE,), (b"[", SIGNED_MESSAGE)])
def test_a_log_that_has_nothing_about_the_envelope_makes_it_unavailable(brings: tuple[bytes, ...]) -> None:
    with pytest.raises(TransparencyLogUnavailableError, match="no log entry about this envelope was found") as caught:
        verify_logged_envelope(BARE, root=root(), lookup=brought(*brings), artifact="ab")
    assert caught.value.got == f"none in `{SIGSTORE.rekor1.base_url}`"
    assert "--rekor-entry" in caught.value.hint


def test_a_root_without_a_log_that_can_be_searched_says_so() -> None:
    bare = replace(root(), logs=tuple(log for log in root().logs if log.is_v2))
    with pytest.raises(TransparencyLogUnavailableError) as caught:
        verify_logged_envelope(BARE, root=bare, lookup=brought(), artifact="ab")
    assert caught.value.got == "no log that can be searched"


def test_where_another_log_might_have_the_good_entry_nothing_is_refused() -> None:
    down = TransparencyLogUnavailableError("down")
    with pytest.raises(TransparencyLogUnavailableError, match="down"):
        verify_logged_envelope(BARE, root=root(), lookup=brought(FOREIGN, end=down), artifact="ab")
    assert verify_logged_envelope(BARE, root=root(), lookup=brought(LOGGED, end=down), artifact="ab").log


def test_an_entry_that_was_looked_up_counts_for_a_configured_key_too() -> None:
    by_key = statement(log="rekor1", keyed=True, leaf_key=KEY)
    keyed = replace(BARE, data=bare_envelope(by_key))
    assert verify_logged_envelope(keyed, root=root(), lookup=brought(by_key), artifact="ab", keys=KEYS).log
    with pytest.raises(BundleInvalidError):
        verify_logged_envelope(BARE, root=root(), lookup=brought(LOGGED), artifact="ab", keys=KEYS)


def test_bundles_by_a_configured_key_are_judged_by_one() -> None:
    envelope = verify_envelope(material(KEYED), root=root(), keys=KEYS)
    message = verify_message(
        material(SIGSTORE.sign_message(MESSAGE, keyed=True, leaf_key=KEY)), root=root(), digest=DIGEST, keys=KEYS
    )
    for proven in (envelope, message):
        assert proven.judged_by == ("supplychain",)
        assert proven.notes[-1].endswith("it knows no bundles signed by a key without certificate")


def test_layers_of_older_objects_are_judged_by_one() -> None:
    signed, attested = SIGSTORE.sign_message(MESSAGE, log="rekor1"), statement(log="rekor1")
    signature = Material(form=EvidenceForm.LEGACY_SIGNATURE, data=MESSAGE, where="a test", annotations=layer_annotations(signed))
    attestation = Material(
        form=EvidenceForm.LEGACY_ATTESTATION,
        data=bare_envelope(attested),
        where="a test",
        annotations=layer_annotations(attested),
    )
    message = verify_message(signature, root=root(), message=MESSAGE)
    envelope = verify_envelope(attestation, root=root())
    for proven in (message, envelope):
        assert (proven.judged_by, proven.notes[-1]) == ONE


def test_one_verifier_alone_needs_none_of_the_seconds_packages() -> None:
    code = (
        "import sys, supplychain.bundle, supplychain.evidence, supplychain.trust_root\n"
        "supplychain.trust_root.embedded()\n"
        "heavy = {'sigstore', 'sigstore_models', 'pydantic', 'requests', 'urllib3', 'httpx', 'tuf', 'ssl', 'asyncio', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def with_entries(*bundles: bytes, bare: Material = BARE) -> Material:
    return replace(bare, log_entries=tuple(json.dumps(served_entry(one)).encode() for one in bundles))


@pytest.mark.parametrize("bundles", [(FOREIGN, LOGGED), (SIGNED_MESSAGE, FOREIGN, LOGGED), (LOGGED, FOREIGN)])
def test_entries_of_strangers_in_a_file_do_not_stand_in_the_way(bundles: tuple[bytes, ...]) -> None:
    assert verify_envelope(with_entries(*bundles), root=root()).log


def test_of_several_entries_none_of_which_is_good_a_refusal_comes_before_what_cannot_be_judged() -> None:
    by_key = statement(log="rekor1", keyed=True, leaf_key=SIGSTORE.seed.p256("a stranger's key"))
    with pytest.raises(EvidenceUnsupportedError):
        verify_envelope(with_entries(by_key), root=root())
    with pytest.raises(EnvelopeInvalidError, match="does not verify"):
        verify_envelope(with_entries(by_key, FOREIGN), root=root())


def test_of_several_given_entries_about_the_payload_any_may_be_the_signatures() -> None:
    """A stranger who signed the same payload has logged it too; that entry comes first and proves nothing here."""
    entries = tuple(json.dumps(served_entry(raw)).encode() for raw in (FOREIGN, LOGGED))
    for order in (entries, entries[::-1]):
        assert verify_envelope(replace(BARE, log_entries=order), root=root()).log
    with pytest.raises(EnvelopeInvalidError):
        verify_envelope(replace(BARE, log_entries=entries[:1]), root=root())


def test_of_several_refused_entries_that_were_looked_up_the_first_refusal_is_reported() -> None:
    stale = statement(log="rekor1", promise=True, edit=lambda value: entry(value).update(integratedTime="1"))
    for brings, error in (((FOREIGN, stale), EnvelopeInvalidError), ((stale, FOREIGN), LogEntryError)):
        with pytest.raises(error):
            verify_logged_envelope(BARE, root=root(), lookup=brought(*brings), artifact="ab")
