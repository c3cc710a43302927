"""The detached signature itself: 64 raw bytes over the raw artifact, RFC 8032 PureEdDSA, no prehash and no context."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from supplychain.ed25519.keys import point_weakness
from supplychain.errors import Remedy, SignatureInvalidError, SignatureMissingError, SigningKeyMissingError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from supplychain.ed25519.keys import PublicKey

__all__ = ["verify_detached"]

_SIGNATURE_SIZE: Final = 64
_GROUP_ORDER: Final = 2**252 + 27742317777372353535851937790883648493


def verify_detached(
    artifact: Buffer, *, signature: bytes | None, keys: tuple[PublicKey, ...], where: str = "`plugin.sig`"
) -> PublicKey:
    """Return the first trusted key under which `signature` is valid for the bytes of `artifact`, which are not copied.

    Stricter than the library where RFC 8032 leaves room: `S` must be reduced, and `R` must be a sound point, so that a signature
    has one encoding and says something about its message. `where` names the place of the signature for people.

    Raises:
        SigningKeyMissingError: there is no key to try; nothing is ever verified by none.
        SignatureMissingError: there is no signature.
        SignatureInvalidError: the signature is malformed, or no key accepts it.
    """
    if not keys:
        raise SigningKeyMissingError("no trusted signing key")
    if signature is None:
        raise SignatureMissingError("the package carries no detached signature", expected="`plugin.sig`")
    _check_form(signature, where=where)
    message = memoryview(artifact).cast("B")
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
        except InvalidSignature:
            continue
        return key
    tried = ", ".join(f"`{key.name}` ({key.fingerprint})" for key in keys)
    artifact_hash = hashlib.sha256(message).hexdigest()
    raise SignatureInvalidError(
        f"the signature does not verify under any trusted key: tried {tried}",
        where=f"artifact hash `{artifact_hash}`",
        remedies=_remedies(keys),
    )


def _remedies(keys: tuple[PublicKey, ...]) -> tuple[Remedy, ...]:
    one = " or ".join(key.fingerprint for key in keys)
    return (
        Remedy(change=f"a `plugin.sig` over this very library by the key {one}", effect="changes the evidence"),
        Remedy(
            change="--key FILE with the key that made this signature",
            effect="whoever holds that key is trusted",
            weakens=True,
            manifest="a Secret with that key, named by spec.trust.signingKeyRef",
        ),
    )


def _check_form(signature: bytes, *, where: str) -> None:
    if len(signature) != _SIGNATURE_SIZE:
        raise SignatureInvalidError(
            "malformed detached signature",
            expected=f"{_SIGNATURE_SIZE} raw bytes",
            got=f"{len(signature)} bytes",
            where=where,
            hint="the signature is raw: no hex, no base64, no PEM, no line end",
        )
    if int.from_bytes(signature[32:], "little") >= _GROUP_ORDER:
        raise SignatureInvalidError("malformed detached signature", got="a number S that is not reduced", where=where)
    if (weakness := point_weakness(signature[:32])) is not None:
        raise SignatureInvalidError("malformed detached signature", got=f"for its point R {weakness}", where=where)
