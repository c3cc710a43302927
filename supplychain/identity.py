"""Who signed: the identity that a proven certificate carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KeyHolder", "SignerIdentity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerIdentity:
    """The one subject alternative name of a signing certificate, its issuer, and the Fulcio claims.

    `claims` maps the last arc of 1.3.6.1.4.1.57264.1.N, as `int`, to its text: both the raw ones (1 to 6) and the DER UTF8String
    ones (8 and up), decoded (fulcio/docs/oid-info.md). `issuer` is claim 8, or claim 1 where 8 is absent; where both are
    present, they agree.
    """

    subject: str
    subject_kind: str
    """`uri`, `email` or `other-name`."""
    issuer: str
    claims: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """Whoever holds a configured key; nothing says who used it."""

    name: str
    """Where the key was configured, as a person would name it."""
    fingerprint: str
    """`sha256:` and hex over the key's DER SubjectPublicKeyInfo."""
