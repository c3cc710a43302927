"""`MCPGRevocationList`: artifact hashes that nobody may load any more.

This model is for admission: it refuses a list with one bad entry. What is already stored is read by `supplychain.revocation`
instead, which enforces the good entries of a list whatever the others look like.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from supplychain.api.common import Model, Text
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import Cel, Shape

__all__ = ["MAX_REVOCATIONS", "Revocation", "RevocationListSpec"]

MAX_REVOCATIONS: Final = 5_000
"""Entries of one list, so that with reasons of ordinary length it fits the 1.5 MiB that an object may have."""

_RFC3339: Final = (
    r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


def _time(text: str) -> None:
    try:
        if re.fullmatch(_RFC3339, text) is None:
            raise ValueError  # noqa: TRY301 — the same refusal as for a day that does not exist
        datetime.fromisoformat(re.sub(r"\.[0-9]+", "", text.upper()))
    except ValueError:
        refuse("no RFC 3339 time", expected="such as `2026-01-31T08:00:00Z`", got=f"`{text[:80]}`")


def _version(number: int) -> None:
    if number != 1:
        refuse("unknown list version", expected="`1`", got=f"`{number}`")


Time = Annotated[
    str,
    # The format alone is not enough: servers take any character for the point before the fraction. CEL sees no text here.
    Field(max_length=64, json_schema_extra={"format": "date-time", "pattern": f"^{_RFC3339}$"}),
    checked(_time),
]
Hash = Annotated[
    str,
    Field(max_length=80),
    Shape(
        regex=r"[ \t\r\n]*[0-9a-fA-F]{64}[ \t\r\n]*",
        what="no artifact hash",
        expected="64 hex characters, the SHA-256 of the library",
    ),
]
Version = Annotated[int, checked(_version), Cel("self == 1", "unknown list version: expected `1`")]


class Revocation(Model):
    """One revoked artifact; times of entries are for the audit, nothing depends on them."""

    artifact_sha256: Hash = Field(description="Hex in either case; compared in lower case.")
    reason: Text = Field(description="Why, for people.")
    revoked_at: Time | None = Field(None, description="RFC 3339 time, for the audit.")


def _unique(entries: tuple[Revocation, ...]) -> tuple[Revocation, ...]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        earlier = seen.setdefault(entry.artifact_sha256.strip().lower(), index)
        if earlier != index:
            refuse(f"entries {earlier} and {index} revoke the same artifact", got=f"`{entry.artifact_sha256.strip()}`")
    return entries


# Not in the cluster's schema: comparing 5,000 entries with each other costs more than a rule may.
Revocations = Annotated[
    tuple[Revocation, ...],
    Field(strict=False, max_length=MAX_REVOCATIONS, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    AfterValidator(_unique),
]


class RevocationListSpec(Model):
    """The `spec` of an `MCPGRevocationList`; an empty list is valid."""

    version: Version = Field(1, description="Version of the list's form.")
    issued_at: Time | None = Field(
        None, description="RFC 3339 time as of which the list is confirmed; a setting says how old it may be."
    )
    revocations: Revocations = Field((), description="What is revoked; an empty list is valid.")
