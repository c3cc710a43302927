"""A proven log entry about something else refuses the bundle, whatever part of it is the wrong one."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.bundle import verify_message_bundle
from supplychain.errors import (
    EvidenceUnsupportedError,
    LogEntryError,
)
from tests.supplychain.bundle.support import (
    MESSAGE,
    OTHER,
    SIGSTORE,
    accept,
    as_intoto_1,
    entry,
    put,
    refuse,
    root,
    statement,
)
from tests.support.sigstore.transparency import b64

if TYPE_CHECKING:
    from collections.abc import Callable


OTHER_PEM = b64(b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(OTHER.ca.chain[0]) + b"\n-----END CERTIFICATE-----\n")
NO_PEM = b64(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
HASH = "0" * 64
SIGNATURE = ("spec", "signatures", 0)
V2 = ("spec", "hashedRekordV002")
INTOTO = ("spec", "content", "envelope")
RECORD = {"log": "rekor1", "kind": "hashedrekord"}


@pytest.mark.parametrize(
    ("plan", "edit", "text"),
    [
        ({"log": "rekor1"}, put("spec", "payloadHash", "value", HASH), "another payload"),
        ({"log": "rekor1"}, put("spec", "payloadHash", "algorithm", "sha512"), "another payload digest algorithm"),
        ({"log": "rekor1"}, put(*SIGNATURE, "signature", b64(b"x")), "another signature"),
        ({"log": "rekor1"}, put(*SIGNATURE, "verifier", OTHER_PEM), "another certificate"),
        ({"log": "rekor1"}, put(*SIGNATURE, "verifier", NO_PEM), "no certificate"),
        ({"log": "rekor1"}, put("spec", "signatures", []), "0 signatures"),
        ({}, put(*V2, "data", "digest", b64(bytes(32))), "another digest"),
        ({}, put(*V2, "data", "algorithm", "SHA2_512"), "another digest"),
        ({}, put(*V2, "data", "algorithm", "MD5"), "not of the SHA-2 family"),
        ({}, put(*V2, "signature", "content", b64(b"x")), "another signature"),
        ({}, put(*V2, "signature", "verifier", "x509Certificate", "rawBytes", b64(OTHER.ca.chain[0])), "another certificate"),
        ({}, put(*V2, "signature", "verifier", "keyDetails", "PKIX_ED25519"), "another kind than the signer's key"),
        ({"log": "rekor1", "kind": "intoto"}, put("spec", "content", "payloadHash", "value", HASH), "another payload"),
        ({"log": "rekor1", "kind": "intoto"}, put(*INTOTO, "payloadType", "x"), "another payload type"),
        ({"log": "rekor1", "kind": "intoto"}, put(*INTOTO, "signatures", 0, "sig", b64(b"eA==")), "another signature"),
        ({"log": "rekor1", "kind": "intoto"}, put(*INTOTO, "signatures", 0, "publicKey", OTHER_PEM), "another certificate"),
        (RECORD, put("spec", "data", "hash", "value", HASH), "another digest"),
        (RECORD, put("spec", "signature", "content", b64(b"x")), "another signature"),
        (RECORD, put("spec", "signature", "publicKey", "content", OTHER_PEM), "another certificate"),
    ],
)
def test_an_entry_about_something_else_is_refused(plan: dict[str, Any], edit: Any, text: str) -> None:
    refuse(statement(edit_body=edit, **plan), LogEntryError, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("content", "payloadHash", "value", HASH), "another payload"),
        (("publicKey", OTHER_PEM), "another certificate"),
    ],
)
def test_the_oldest_intoto_entry_about_something_else_is_refused(path: Any, text: str) -> None:
    def edit(body: dict[str, Any]) -> None:
        as_intoto_1(body)
        put("spec", *path)(body)

    refuse(statement(log="rekor1", kind="intoto", edit_body=edit), LogEntryError, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("data", "hash", "value", HASH), "another digest"),
        (("data", "hash", "algorithm", "sha512"), "which cannot be compared"),
        (("signature", "content", b64(b"x")), "another signature"),
        (("signature", "publicKey", "content", OTHER_PEM), "another certificate"),
    ],
)
def test_a_message_entry_about_something_else_is_refused(path: Any, text: str) -> None:
    raw = SIGSTORE.sign_message(MESSAGE, log="rekor1", edit_body=put("spec", *path))
    with pytest.raises(LogEntryError, match=text):
        verify_message_bundle(raw, root=root(), digest=hashlib.sha256(MESSAGE).digest())


def test_an_entry_whose_body_is_of_another_kind_is_refused() -> None:
    def relabel(value: dict[str, Any]) -> None:
        entry(value)["kindVersion"] = {"kind": "intoto", "version": "0.0.2"}

    refuse(statement(edit=relabel), LogEntryError, "another kind than the entry says")


def test_a_kind_that_cannot_hold_the_content_is_refused_and_an_unknown_one_is_unsupported() -> None:
    def relabel(kind: str, version: str) -> Callable[[dict[str, Any]], None]:
        return lambda value: entry(value).update(kindVersion={"kind": kind, "version": version})

    with pytest.raises(LogEntryError, match="cannot be about this content"):
        verify_message_bundle(SIGSTORE.sign_message(MESSAGE, edit=relabel("dsse", "0.0.1")), root=root(), message=MESSAGE)
    refuse(statement(edit=relabel("dsse", "0.0.2")), EvidenceUnsupportedError, "not known")


def test_an_envelope_may_be_logged_by_the_digest_of_its_signed_bytes() -> None:
    assert accept(statement(**RECORD)).log[0].kind == "hashedrekord/0.0.1"


def test_the_kind_of_key_need_not_be_named_because_the_key_itself_is_compared() -> None:
    verifier = ("spec", "hashedRekordV002", "signature", "verifier")
    accept(statement(edit_body=put(*verifier, "keyDetails", None)))
