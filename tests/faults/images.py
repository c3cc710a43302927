"""Cosign signatures: what a proven statement must say, and who must have signed it."""

from __future__ import annotations

from typing import Any

from supplychain.errors import (
    CosignSignatureInvalidError,
    CosignSignatureMissingError,
    EnvelopeInvalidError,
    IdentityMismatchError,
    SignedDigestMismatchError,
    SupplyChainError,
)
from tests.faults.table import DIGEST, Fault, Image
from tests.support.virtual_sigstore import github_identity, image_signature

__all__ = ["ROWS"]

HONEST = image_signature(DIGEST)
PATTERN = r"^https://github\.com/acme/plugins/\.github/workflows/{}\.yml@refs/tags/v1\.2\.3$"


def _row(name: str, error: type[SupplyChainError], text: str, bad: Image, good: Image | None = None) -> Fault:
    return Fault(name=f"cosign: {name}", error=error, text=text, bad=bad, good=good or Image())


def _statement(name: str, error: type[SupplyChainError], text: str, **changes: Any) -> Fault:
    return _row(name, error, text, Image(statement={**HONEST, **changes}), Image(statement=HONEST))


SUBJECT = HONEST["subject"][0]
ROWS = (
    _statement(
        "an attestation is no signature",
        CosignSignatureMissingError,
        "no image signature is attached",
        predicateType="https://slsa.dev/provenance/v1",
    ),
    _statement(
        "an older statement", CosignSignatureInvalidError, "cosign does not write", _type="https://in-toto.io/Statement/v0.1"
    ),
    _statement("an unknown statement", CosignSignatureInvalidError, "_type` is", _type="https://in-toto.io/Statement/v2"),
    _statement("two subjects", CosignSignatureInvalidError, "about one subject", subject=[SUBJECT, SUBJECT]),
    _statement("no subject", CosignSignatureInvalidError, "subject` is empty", subject=[]),
    _statement(
        "another manifest", SignedDigestMismatchError, "about another manifest", subject=[{"digest": {"sha256": "0" * 64}}]
    ),
    _statement(
        "the digest in capitals",
        SignedDigestMismatchError,
        "about another manifest",
        subject=[{"digest": {"sha256": DIGEST.hex.upper()}}],
    ),
    _statement(
        "the digest by another name", SignedDigestMismatchError, "no sha256 digest", subject=[{"digest": {"sha512": DIGEST.hex}}]
    ),
    _statement("no digest at all", CosignSignatureInvalidError, "names no digests", subject=[{"digest": {}}]),
    _statement("an unknown field", CosignSignatureInvalidError, "has the unknown field", unknown=1),
    _row(
        "another payload type", CosignSignatureInvalidError, "payload's type is", Image(plan={"payload_type": "application/json"})
    ),
    _row("another issuer", IdentityMismatchError, "another issuer vouches", Image(issuer="https://accounts.example")),
    _row(
        "an issuer that only begins alike",
        IdentityMismatchError,
        "another issuer vouches",
        Image(issuer="https://token.actions.githubusercontent.com/"),
    ),
    _row(
        "another signer",
        IdentityMismatchError,
        "the signer is not the trusted one",
        Image(identity=PATTERN.format("build")),
        Image(identity=PATTERN.format("release")),
    ),
    _row(
        "a signer that contains the trusted one",
        IdentityMismatchError,
        "the signer is not the trusted one",
        Image(plan={"identity": github_identity(ref="refs/tags/v1.2.3-evil")}),
    ),
    _row(
        "a signature over another statement", EnvelopeInvalidError, "does not verify", Image(plan={"signed_message": b"another"})
    ),
)
