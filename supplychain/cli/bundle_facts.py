"""What is said of a bundle besides verdicts: what it holds, and how old that is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.carry.plugin_bundle.summary import ProvenSummary
    from supplychain.report import Fact
    from supplychain.revocation import RevocationList
    from supplychain.trust_root import TrustRoot

__all__ = ["bundle_facts", "list_facts", "root_facts", "summary_facts"]


def bundle_facts(bundle: Bundle) -> dict[str, Fact]:
    """Name the file and what is in it."""
    return {
        "file": str(bundle.volume.path),
        "sha256": bundle.volume.sha256,
        "parts": bundle.volume.parts,
        "size": bundle.volume.size,
        "plugins": tuple({"reference": str(one.reference), "digest": str(one.digest)} for one in bundle.inventory.plugins),
        "packages": len(bundle.inventory.packages),
    }


def root_facts(root: TrustRoot, *, at: datetime) -> dict[str, Fact]:
    """Say which root it is and how old."""
    from supplychain.trust_root_age import age_in_days

    return {
        "name": root.name,
        "sha256": root.sha256,
        "asOf": None if root.as_of is None else root.as_of.isoformat(),
        "ageDays": None if root.as_of is None else age_in_days(root.as_of, at=at),
    }


def list_facts(one: RevocationList, *, at: datetime) -> dict[str, Fact]:
    """Say which list it is and how old, by its own word."""
    issued = None if one.issued_at is None else datetime.fromisoformat(one.issued_at)
    return {
        "name": one.name,
        "sha256": one.sha256,
        "entries": len(one.entries),
        "issuedAt": one.issued_at,
        "ageDays": None if issued is None else max(0, (at - issued).days),
    }


def summary_facts(proven: ProvenSummary, *, at: datetime) -> dict[str, Fact]:
    """Say who verified what, and how long ago."""
    from supplychain.findings import utc

    summary = proven.summary
    return {
        "resource": summary.resource,
        "verifier": summary.verifier,
        **_signer(proven),
        "verifiedAt": utc(summary.verified_at),
        "ageDays": max(0, (at - proven.as_of).days),
        "levels": summary.levels,
    }


def _signer(proven: ProvenSummary) -> dict[str, Fact]:
    """Name the key, or the identity with its issuer, the proven times and the root that it rests on."""
    from supplychain.findings import utc
    from supplychain.identity import SignerIdentity

    envelope = proven.envelope
    if envelope is None:
        return {"key": None if proven.key is None else proven.key.fingerprint}
    signer, root = envelope.signer, envelope.trust_root
    assert isinstance(signer, SignerIdentity)  # noqa: S101 — a key needs no such envelope
    return {
        "identity": signer.subject,
        "issuer": signer.issuer,
        "signedAt": tuple({"at": utc(one.at), "source": one.source} for one in envelope.times),
        "trustRoot": None if root is None else root.sha256,
    }
