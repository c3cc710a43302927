"""The SHA-256 values of the artifact format, as types that never mix.

`ArtifactHash` is over the library's bytes and is written as bare hex; the others are over OCI blobs and are written with the
`sha256:` prefix (OCI image-spec, descriptor digests). Passing one for another is a type error.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from supplychain.errors import InvalidReferenceError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["ArtifactHash", "ConfigDigest", "LayerDigest", "ManifestDigest"]

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class _Sha256:
    """What all four share; no value of one kind equals one of another."""

    hex: str

    def __post_init__(self) -> None:
        if _HEX.fullmatch(self.hex) is None:
            raise InvalidReferenceError("not a SHA-256 value", expected="64 lower-case hex characters", got=f"`{self.hex[:80]}`")

    @classmethod
    def of(cls, data: Buffer) -> Self:
        """Hash `data`."""
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<hex>` or bare hex, in either case.

        Raises:
            InvalidReferenceError: the text is neither.
        """
        return cls(text.removeprefix("sha256:").lower())


class ArtifactHash(_Sha256):
    """SHA-256 of the raw bytes of `plugin.so` or `plugin.wasm`; the SLSA subject and the key of revocation."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.hex


class _OciDigest(_Sha256):
    __slots__ = ()

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


class ManifestDigest(_OciDigest):
    """SHA-256 of the bytes of an OCI manifest or index; what pins name and cosign signs."""

    __slots__ = ()


class LayerDigest(_OciDigest):
    """SHA-256 of a layer blob: the package ZIP, or a bundle."""

    __slots__ = ()


class ConfigDigest(_OciDigest):
    """SHA-256 of a config blob."""

    __slots__ = ()
