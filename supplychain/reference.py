"""OCI references as values: parse, print, compare.

Grammar: the distribution specification's `<name>` with an optional registry host in front, a tag and a sha256 digest
(opencontainers/distribution-spec, "Pulling manifests"). The registry must be written: no default registry is filled in, and no
default tag either, because a verifier that guesses verifies something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from supplychain.digest import ManifestDigest
from supplychain.errors import InvalidReferenceError

__all__ = ["OciReference"]

_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-fA-F]{64}")
_MAX_NAME = 255
_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class OciReference:
    """`registry/repository[:tag][@sha256:…]` with at least one of tag and digest."""

    registry: str
    repository: str
    tag: str | None = None
    digest: ManifestDigest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a full reference.

        Raises:
            InvalidReferenceError: a part is missing or breaks the grammar; the message names the part.
        """
        if "://" in text:
            raise InvalidReferenceError("a reference has no URL scheme", got=f"`{text[:200]}`")
        name, at, digest_text = text.partition("@")
        if at and _DIGEST.fullmatch(digest_text) is None:
            raise InvalidReferenceError(
                "unusable digest",
                expected="`sha256:` and 64 hex characters",
                got=f"`{digest_text[:80]}`",
                where=f"`{text[:200]}`",
            )
        registry, slash, rest = name.partition("/")
        if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
            raise InvalidReferenceError("the registry host is missing", expected="`host/repository`", got=f"`{text[:200]}`")
        repository, colon, tag = rest.partition(":")
        if colon and _TAG.fullmatch(tag) is None:
            raise InvalidReferenceError("unusable tag", got=f"`{tag[:140]}`", where=f"`{text[:200]}`")
        if not colon and not at:
            raise InvalidReferenceError("neither tag nor digest", expected="`:tag` or `@sha256:…`", got=f"`{text[:200]}`")
        if _HOST.fullmatch(registry) is None or not _is_port(registry):
            raise InvalidReferenceError("unusable registry host", got=f"`{registry[:200]}`", where=f"`{text[:200]}`")
        if len(repository) > _MAX_NAME or _REPOSITORY.fullmatch(repository) is None:
            raise InvalidReferenceError(
                "unusable repository", expected="lower-case path components", got=f"`{repository[:200]}`", where=f"`{text[:200]}`"
            )
        return cls(
            registry=registry.lower(),
            repository=repository,
            tag=tag if colon else None,
            digest=ManifestDigest.parse(digest_text) if at else None,
        )

    @property
    def name(self) -> str:
        """`registry/repository`, the part that a tag or digest is added to."""
        return f"{self.registry}/{self.repository}"

    @property
    def lookup(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return str(self.digest) if self.digest is not None else str(self.tag)

    def pinned(self, digest: ManifestDigest) -> Self:
        """Name the same repository by digest alone."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        text = self.name
        if self.tag is not None:
            text += f":{self.tag}"
        return f"{text}@{self.digest}" if self.digest is not None else text


def _is_port(registry: str) -> bool:
    port = registry.rpartition("]")[2].partition(":")[2]
    return not port or 0 < int(port) <= _LARGEST_PORT
