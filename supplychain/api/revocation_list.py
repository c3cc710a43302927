"""`MCPGRevocationList`: artifact hashes that nobody may load any more.

This model is for admission: it refuses a list with one bad entry. What is already stored is read by `supplychain.revocation`
instead, which enforces the good entries of a list whatever the others look like.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from supplychain.api.common import Model, Text, checked, refuse

__all__ = ["Revocation", "RevocationListSpec"]

_HEX = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _time(text: str) -> None:
    try:
        if _RFC3339.fullmatch(text) is None:
            raise ValueError  # noqa: TRY301 — the same refusal as for a day that does not exist
        datetime.fromisoformat(re.sub(r"\.\d+", "", text.upper()))
    except ValueError:
        refuse("no RFC 3339 time", expected="such as `2026-01-31T08:00:00Z`", got=f"`{text[:80]}`")


def _hash(text: str) -> None:
    if _HEX.fullmatch(text.strip()) is None:
        refuse("no artifact hash", expected="64 hex characters, the SHA-256 of the library", got=f"`{text[:80]}`")


def _version(number: int) -> None:
    if number != 1:
        refuse("unknown list version", expected="`1`", got=f"`{number}`")


Time = Annotated[str, checked(_time)]


class Revocation(Model):
    """One revoked artifact; times are for the audit, nothing depends on them."""

    artifact_sha256: Annotated[str, checked(_hash)] = Field(description="Hex in either case; compared in lower case.")
    reason: Text
    revoked_at: Time | None = None


def _unique(entries: tuple[Revocation, ...]) -> tuple[Revocation, ...]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        earlier = seen.setdefault(entry.artifact_sha256.strip().lower(), index)
        if earlier != index:
            refuse(f"entries {earlier} and {index} revoke the same artifact", got=f"`{entry.artifact_sha256.strip()}`")
    return entries


class RevocationListSpec(Model):
    """The `spec` of an `MCPGRevocationList`; an empty list is valid."""

    version: Annotated[int, checked(_version)] = 1
    issued_at: Time | None = None
    revocations: Annotated[tuple[Revocation, ...], Field(strict=False), AfterValidator(_unique)] = ()
