"""Garbage and changed leaves: only our own errors come out, and nothing that is authenticated can change."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from supplychain.errors import (
    BundleInvalidError,
    SupplyChainError,
)
from tests.supplychain.bundle.support import (
    AT,
    accept,
    edited,
    put,
    refuse,
    statement,
)
from tests.support.sigstore.transparency import b64


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"{}", b'{"mediaType":1}', b"null"])
def test_garbage_is_refused(raw: bytes) -> None:
    refuse(raw, BundleInvalidError, "not a readable Sigstore bundle")


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, child in value.items() for leaf in _leaves(child, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, child in enumerate(value) for leaf in _leaves(child, (*path, index))]
    return [path]


@pytest.mark.parametrize("plan", [{"log": "rekor1", "version": "0.2"}, {"log": "rekor2"}, {"log": "rekor1", "kind": "intoto"}])
@pytest.mark.parametrize("replacement", [None, "", "!", 1, -1, "AAAA", [], {}, {"x": 1}, "9" * 5000, "\ud800"])
def test_every_changed_leaf_is_refused_by_one_of_our_errors(plan: dict[str, Any], replacement: Any) -> None:
    good = statement(**plan)
    accept(good)
    for path in _leaves(json.loads(good)):
        raw = edited(good, put(*path, replacement))
        try:
            accept(raw)
        except SupplyChainError:
            continue
        pytest.fail(f"{path} = {replacement!r} was accepted")


def test_certificates_cut_or_flipped_anywhere_are_refused_by_one_of_our_errors() -> None:
    good = statement(log="rekor1")
    der = base64.b64decode(json.loads(good)["verificationMaterial"]["certificate"]["rawBytes"])
    for position in range(0, len(der), 7):
        for changed in (der[:position], der[:position] + bytes([der[position] ^ 0xFF]) + der[position + 1 :]):
            raw = edited(good, put("verificationMaterial", "certificate", "rawBytes", b64(changed)))
            with pytest.raises(SupplyChainError):
                accept(raw)


TOKEN = ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps", 0, "signedTimestamp")


def test_timestamps_cut_or_flipped_are_refused_or_prove_the_same() -> None:
    good = statement()
    token = base64.b64decode(json.loads(good)["verificationMaterial"][TOKEN[1]][TOKEN[2]][0][TOKEN[4]])
    for position in range(0, len(token), 5):
        for changed in (token[:position], token[:position] + bytes([token[position] ^ 0x01]) + token[position + 1 :]):
            raw = edited(good, put(*TOKEN, b64(changed)))
            try:
                proven = accept(raw)
            except SupplyChainError:
                continue
            assert [time.at for time in proven.times] == [AT]  # version fields of a token are signed by nobody
