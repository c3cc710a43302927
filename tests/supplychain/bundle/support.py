"""What the tests of the core share: one private Sigstore, its root, and a way to state a single fault."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.bundle import verify_dsse_bundle
from supplychain.trust_root import TrustRoot, parse_trust_root
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.errors import SupplyChainError

SIGSTORE = VirtualSigstore()
AT = SIGSTORE.at
SECOND = timedelta(seconds=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2044, 1, 1, tzinfo=UTC)
OTHER = VirtualSigstore(seed=b"another sigstore")
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": []}
MESSAGE = b"a message"


@cache
def root() -> TrustRoot:
    return parse_trust_root(SIGSTORE.trusted_root(), name="virtual")


def root_with(edit: Any = None, **windows: Any) -> TrustRoot:
    return parse_trust_root(SIGSTORE.trusted_root(edit=edit, **windows), name="edited")


def statement(**plan: Any) -> bytes:
    return SIGSTORE.sign_statement(STATEMENT, **plan)


def edited(raw: bytes, edit: Callable[[dict[str, Any]], None]) -> bytes:
    value = json.loads(raw)
    edit(value)
    return json.dumps(value).encode()


def material(value: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = value["verificationMaterial"]
    return part


def entry(value: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = material(value)["tlogEntries"][0]
    return part


def accept(raw: bytes, *, trusted: TrustRoot | None = None) -> Any:
    return verify_dsse_bundle(raw, root=trusted or root())


def refuse(raw: bytes, error: type[SupplyChainError], text: str, *, trusted: TrustRoot | None = None) -> SupplyChainError:
    with pytest.raises(error, match=text) as caught:
        verify_dsse_bundle(raw, root=trusted or root())
    assert type(caught.value) is error
    return caught.value


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    *keys, value = path

    def edit(body: Any) -> None:
        for key in keys[:-1]:
            body = body[key]
        body[keys[-1]] = value

    return edit


def as_intoto_1(body: dict[str, Any]) -> None:
    content = body["spec"]["content"]
    body["apiVersion"] = "0.0.1"
    body["spec"] = {
        "content": {"hash": content["hash"], "payloadHash": content["payloadHash"]},
        "publicKey": content["envelope"]["signatures"][0]["publicKey"],
    }


__all__ = [
    "AT",
    "END",
    "MESSAGE",
    "OTHER",
    "SECOND",
    "SIGSTORE",
    "START",
    "STATEMENT",
    "accept",
    "as_intoto_1",
    "edited",
    "entry",
    "material",
    "put",
    "refuse",
    "root",
    "root_with",
    "statement",
]
