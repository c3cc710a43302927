"""Envelopes: the pre-authentication encoding, the two alphabets, and what is no envelope."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from supplychain.dsse import Signature, parse_envelope, pre_authentication_encoding
from supplychain.errors import EnvelopeInvalidError

GOOD: dict[str, Any] = {"payloadType": "t", "payload": "+/8=", "signatures": [{"keyid": "k", "sig": "QQ=="}]}


def test_the_encoding_is_the_specifications_own_example() -> None:
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_count_bytes_and_not_characters() -> None:
    assert pre_authentication_encoding("\u00e9", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_an_envelope_is_read_from_bytes_and_from_an_object() -> None:
    envelope = parse_envelope(json.dumps(GOOD).encode())
    assert envelope == parse_envelope(GOOD)
    assert envelope.payload == b"\xfb\xff"
    assert envelope.signatures == (Signature(keyid="k", sig=b"A"),)
    assert envelope.signed_bytes == b"DSSEv1 1 t 2 \xfb\xff"


def test_either_alphabet_is_read_and_an_absent_or_null_keyid_is_empty() -> None:
    for text, payload in (("-_8=", b"\xfb\xff"), ("-A==", b"\xf8"), ("_A==", b"\xfc"), ("+A==", b"\xf8"), ("/A==", b"\xfc")):
        assert parse_envelope({**GOOD, "payload": text}).payload == payload
    for signature in ({"sig": "QQ=="}, {"sig": "QQ==", "keyid": None}):
        assert parse_envelope({**GOOD, "signatures": [signature]}).signatures[0].keyid == ""


def test_unknown_fields_are_ignored_unless_strict() -> None:
    added: dict[str, Any] = {**GOOD, "signatures": [{**GOOD["signatures"][0], "cert": "x"}]}
    assert parse_envelope(added) == parse_envelope(GOOD)
    with pytest.raises(EnvelopeInvalidError, match="unknown field `cert`"):
        parse_envelope(added, strict=True)


@pytest.mark.parametrize(
    "change",
    [
        {"payloadType": ""},
        {"payloadType": 1},
        {"payloadType": None},
        {"payload": None},
        {"payload": "+_8="},
        {"payload": "+/8"},
        {"payload": "+/9="},
        {"signatures": None},
        {"signatures": []},
        {"signatures": {}},
        {"signatures": [1]},
        {"signatures": [{}]},
        {"signatures": [{"sig": ""}]},
        {"signatures": [{"sig": "Q"}]},
        {"signatures": GOOD["signatures"] * 17},
    ],
)
def test_what_is_no_envelope_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeInvalidError, match="not a readable DSSE envelope"):
        parse_envelope(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{" * 9999, base64.b64encode(b"x")])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(EnvelopeInvalidError):
        parse_envelope(data)


def test_one_empty_signature_beside_a_good_one_is_refused() -> None:
    with pytest.raises(EnvelopeInvalidError, match="not a readable DSSE envelope"):
        parse_envelope({**GOOD, "signatures": [*GOOD["signatures"], {"sig": ""}]})
