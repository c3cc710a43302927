"""Reading what a registry answers: manifests, pages of referrers, blobs of a known size. Pure, but for the bytes that arrive."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from supplychain.errors import DigestMismatchError, ManifestInvalidError, NotFoundError, RegistryUnavailableError
from supplychain.mirror.answers import PassingError
from supplychain.mirror.manifests import INDEX_TYPES, Index, parse_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.mirror.answers import Answer

__all__ = ["expect_digest", "read_exactly", "read_manifest", "read_page"]

_LIST_TYPES: Final = INDEX_TYPES | {"application/json"}
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,]*\brel="?next"?(?=[;,\s]|$)', re.IGNORECASE)
_KNOWN_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})


def read_manifest(answer: Answer, *, bound: int, size: int | None = None) -> tuple[bytes, str]:
    """Read a manifest with its media type; hold it against its `size`, if known, and the digest that the registry itself names.

    Raises:
        DigestMismatchError: it has another size, or the registry contradicts itself.
        ArtifactTooLargeError: it has more than `bound` bytes.
    """
    data = answer.read(bound) if size is None else b"".join(read_exactly(answer, size=size))
    named = answer.headers.get("docker-content-digest", "").strip()
    algorithm, _, _ = named.partition(":")
    if algorithm in _KNOWN_HASHES:
        expect_digest(named.lower(), got=f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}", where=answer.where)
    return data, answer.headers.get("content-type", "")


def read_page(answer: Answer, *, host: str, target: str, bound: int) -> tuple[Index, str | None]:
    """Read one page of a list of referrers, and where the next one is: a path on the same registry, or None.

    Raises:
        NotFoundError: a web page instead of a list; registries answer so that do not know the API at all.
        ManifestInvalidError: no image index, or the next page is on another host.
        ArtifactTooLargeError: it has more than `bound` bytes.
    """
    declared = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in _LIST_TYPES:
        raise NotFoundError("the referrers API is not offered", got=f"`{declared[:80]}`", where=answer.where)
    index = parse_index(answer.read(bound), where=answer.where, declared=declared)
    link = _NEXT.search(", ".join(answer.headers.get_list("link")))
    if link is None:
        return index, None
    following = urlsplit(urljoin(f"https://{host}{target}", link[1]))
    if following.netloc.lower() != host or not following.path.startswith("/v2/"):
        raise ManifestInvalidError("the next page of referrers is somewhere else", got=f"`{link[1][:200]}`", where=answer.where)
    return index, f"{following.path}?{following.query}"


def read_exactly(answer: Answer, *, size: int) -> Iterator[bytes]:
    """Yield the body of a blob that must have `size` bytes, and never more of it.

    Raises:
        DigestMismatchError: the body is longer or shorter, by its header or in fact.
        PassingError: it broke off.
    """
    declared = answer.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) != size:
        raise _wrong_size(f"{declared} bytes", size=size, where=answer.where)
    received = 0
    for chunk in answer.chunks():
        received += len(chunk)
        if received > size:
            raise _wrong_size(f"more than {size} bytes", size=size, where=answer.where)
        yield chunk
    if received < size and not declared and "transfer-encoding" not in answer.headers:
        # Such a body ends where the connection ends, for whatever reason.
        raise PassingError(RegistryUnavailableError("the answer broke off", got=f"{received} bytes", where=answer.where))
    if received != size:
        raise _wrong_size(f"{received} bytes", size=size, where=answer.where)


def expect_digest(expected: str, *, got: str, where: str) -> None:
    """Refuse other bytes than were asked for.

    Raises:
        DigestMismatchError: `got` is not `expected`.
    """
    if got != expected:
        raise DigestMismatchError("the registry serves other bytes", expected=f"`{expected}`", got=f"`{got}`", where=where)


def _wrong_size(got: str, *, size: int, where: str) -> DigestMismatchError:
    return DigestMismatchError(
        "the blob has another size than its descriptor says", expected=f"{size} bytes", got=got, where=where
    )
