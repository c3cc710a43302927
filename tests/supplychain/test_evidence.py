"""Two verifiers: the core decides, the second must agree where it can judge, and the result says who judged."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

import pytest

from supplychain import second_opinion
from supplychain.artifact import EvidenceForm, Material
from supplychain.errors import (
    BundleInvalidError,
    EnvelopeInvalidError,
    EvidenceUnsupportedError,
    VerifiersDisagreeError,
)
from supplychain.evidence import verify_envelope, verify_message
from supplychain.second_opinion import Opinion, Verdict
from tests.supplychain.bundle.support import MESSAGE, SIGSTORE, STATEMENT, root, statement

DIGEST = hashlib.sha256(MESSAGE).digest()
BOTH = ("supplychain", "sigstore-python")


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


@pytest.mark.parametrize("form", [form for form in EvidenceForm if form is not EvidenceForm.BUNDLE])
def test_other_forms_are_unsupported_with_a_message_of_their_own(form: EvidenceForm) -> None:
    texts = set()
    for verify in (verify_envelope, verify_message):
        with pytest.raises(EvidenceUnsupportedError) as caught:
            verify(material(b"{}", form), root=root())
        assert caught.value.where == "a test"
        assert caught.value.hint
        texts.add(caught.value.what)
    assert len(texts) == 1


def test_one_verifier_alone_needs_none_of_the_seconds_packages() -> None:
    code = (
        "import sys, supplychain.bundle, supplychain.evidence, supplychain.trust_root\n"
        "supplychain.trust_root.embedded()\n"
        "heavy = {'sigstore', 'sigstore_models', 'pydantic', 'requests', 'urllib3', 'httpx', 'tuf', 'ssl', 'asyncio', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
