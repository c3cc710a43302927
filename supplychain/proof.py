"""What a piece of Sigstore evidence proves, before any policy asks whether it is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from supplychain.identity import KeyHolder, SignerIdentity

__all__ = ["LogProof", "ProvenEnvelope", "ProvenMessage", "ProvenTime", "RootName"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenTime:
    """A moment at which the signature provably existed."""

    at: datetime
    """UTC."""
    source: str
    """`log` (signed entry timestamp) or `timestamp-authority`, then the authority's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """A transparency log entry that is proven to be in the log and to be about this signature."""

    log_id: str
    """Hex of the key id."""
    index: int | None
    """Only where it is authenticated: by the signed entry timestamp (Rekor v1) or by the inclusion proof (Rekor v2)."""
    kind: str
    """`hashedrekord/0.0.2` and the like."""
    origin: str | None
    """The checkpoint's origin line; None where only a signed entry timestamp stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootName:
    """The trust root that a proof rests on, as a report names it."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """What every proof says, whatever was signed."""

    signer: SignerIdentity | KeyHolder
    """The holder of a certificate, or of a key where the policy trusts keys."""
    certificate_sha256: str | None
    """Hex over the certificate's DER; None where a key signed."""
    times: tuple[ProvenTime, ...]
    log: tuple[LogProof, ...]
    judged_by: tuple[str, ...]
    """Names of the verifiers that accepted: `supplychain`, `sigstore-python`."""
    notes: tuple[str, ...] = ()
    """What was ignored or could not be bound, in words."""
    trust_root: RootName | None = None
    """The one root that all of this rests on; None where a configured key alone stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenEnvelope(_Proven):
    """A DSSE envelope whose signature, signer, time and log entry are proven; the payload is not parsed."""

    payload_type: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenMessage(_Proven):
    """A signature over a message with this digest; signer, time and log entry are proven."""

    algorithm: str
    """`sha256`, `sha384` or `sha512`."""
    digest: bytes
