"""What a cosign signature must say, in either of its two forms: this is about exactly one manifest.

`cosign sign` of version 3 writes a Statement v1 with an empty predicate of type `https://sigstore.dev/cosign/sign/v1`, whose
one subject is the manifest's digest. A statement of any other predicate type is an attestation about the image; that it exists
does not mean that anybody signed the image off. Older versions sign a JSON document instead (sigstore/cosign,
specs/SIGNATURE_SPEC.md, "Simple Signing"); its `docker-reference` and `optional` part bind nothing and are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.errors import CosignSignatureInvalidError, SignedDigestMismatchError
from supplychain.in_toto import STATEMENT_V1
from supplychain.wire import Fields, parse_json, translating

if TYPE_CHECKING:
    from supplychain.digest import ManifestDigest
    from supplychain.in_toto import Statement

__all__ = ["SIGNATURE_TYPE", "check_signature_statement", "check_simple_signing"]

SIGNATURE_TYPE: Final = "https://sigstore.dev/cosign/sign/v1"
_SIMPLE_SIGNING: Final = "cosign container image signature"


def check_signature_statement(statement: Statement, *, digest: ManifestDigest, where: str) -> None:
    """Demand that `statement` is a signature of `digest` and of nothing else.

    Raises:
        CosignSignatureInvalidError: another kind of statement, or several subjects.
        SignedDigestMismatchError: about another manifest.
    """
    if statement.predicate_type != SIGNATURE_TYPE:
        raise CosignSignatureInvalidError(
            "an attestation is no image signature",
            expected=f"predicate type `{SIGNATURE_TYPE}`",
            got=f"`{statement.predicate_type[:200]}`",
            where=where,
            hint="sign the image itself with `cosign sign`; attesting it is not enough",
        )
    if statement.type != STATEMENT_V1 or len(statement.subjects) != 1:
        raise CosignSignatureInvalidError(
            "a statement that cosign does not write",
            expected=f"`{STATEMENT_V1}` about one subject",
            got=f"`{statement.type}` about {len(statement.subjects)}",
            where=where,
        )
    claimed = statement.subjects[0].digests.get("sha256", "no sha256 digest")
    if claimed != digest.hex:
        raise SignedDigestMismatchError(
            "the signature is about another manifest", expected=f"`{digest}`", got=f"`{claimed[:100]}`", where=where
        )


def check_simple_signing(payload: bytes, *, digest: ManifestDigest, where: str) -> None:
    """Demand that the JSON document `payload` is a signature of `digest`.

    Raises:
        CosignSignatureInvalidError: another kind of document.
        SignedDigestMismatchError: about another manifest.
    """
    with translating(CosignSignatureInvalidError, "the signed payload is no image signature", where=where):
        critical = Fields(parse_json(payload), "payload").fields("critical")
        kind = critical.text("type")
        claimed = critical.fields("image").text("docker-manifest-digest")
    if kind != _SIMPLE_SIGNING:
        raise CosignSignatureInvalidError(
            "the signed payload is no image signature", expected=f"type `{_SIMPLE_SIGNING}`", got=f"`{kind[:100]}`", where=where
        )
    if claimed != str(digest):
        raise SignedDigestMismatchError(
            "the signature is about another manifest", expected=f"`{digest}`", got=f"`{claimed[:100]}`", where=where
        )
