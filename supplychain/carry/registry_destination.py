"""One repository of a registry, written: blobs, then documents, then tags.

Writing goes through `mirror.push_session`: time-outs, credentials to the registry's own origin alone, no redirects. What may pass
is tried again from its beginning. An upload that breaks off leaves nothing behind that anybody could read.
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from supplychain.carry.fallback import ReferrersList
from supplychain.carry.protocols import fallback_tag
from supplychain.carry.pushing import Body, finish, may_pass, refused
from supplychain.errors import DigestMismatchError, RegistryUnavailableError
from supplychain.mirror.answers import PassingError, back_off
from supplychain.mirror.artifact_form import INDEX_TYPE
from supplychain.mirror.hosts import bare_address
from supplychain.mirror.manifests import INDEX_TYPES, MANIFEST_TYPES
from supplychain.mirror.push_session import read_answer
from supplychain.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType

    import requests
    from typing_extensions import Buffer

    from supplychain.carry.protocols import Document
    from supplychain.carry.registry_content import RegistryContentSource
    from supplychain.digest import ManifestDigest
    from supplychain.errors import UnavailableError
    from supplychain.limits import Limits
    from supplychain.mirror.manifests import OciDescriptor
    from supplychain.mirror.push_session import PushSession

__all__ = ["RegistryContentDestination"]

T = TypeVar("T")

_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404
_ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308})
"""The registry has it, and keeps the bytes at a store of its own."""
_LONGEST_WAIT: Final = 60.0
_ACCEPT: Final = ", ".join(sorted(MANIFEST_TYPES | INDEX_TYPES, reverse=True))
_ROUNDS: Final = 32
"""Times that a fallback tag is written for one entry before this gives up."""
_SHORTEST_PAUSE: Final = 0.1
_PAUSE: Final = 4.0
"""The pause before the last look at a fallback tag, in times of what reading and writing it took."""


class RegistryContentDestination:
    """A `ContentDestination` over one repository; close it after use.

    Args:
        registry: as references name it.
        repository: the path in it.
        connect: opens the session when the first request is to be made; closed here.
        reader: reads the same repository; tells whether there is a referrers API.
        limits: how often what may pass is tried again, and the bound for lists of referrers.
        avoid: hosts that must get no packet: the upstream, where this is its mirror.
        sleep: waits; with `clock` (monotonic, seconds) replaced in tests.
        clock: see there.
    """

    def __init__(
        self,
        registry: str,
        repository: str,
        *,
        connect: Callable[[], PushSession],
        reader: RegistryContentSource,
        limits: Limits,
        avoid: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"{registry}/{repository}"
        self._avoid = frozenset(bare_address(host) for host in avoid)
        if bare_address(registry) in self._avoid:
            raise RegistryUnavailableError("the upstream must not be written to", where=f"registry `{registry}`")
        self._repository = repository
        self._connect = connect
        self._reader = reader
        self._limits = limits
        self._sleep = sleep
        self._clock = clock
        self._open = ExitStack()
        self._opened: PushSession | None = None
        self._listed: dict[ManifestDigest, frozenset[str]] = {}
        self._lists: dict[ManifestDigest, ReferrersList] = {}
        self._look_again = 0.0

    def close(self) -> None:
        """Close the session, if there was one."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def holds_document(self, digest: ManifestDigest) -> bool:
        """Whether the manifest or index is there."""
        return self._holds(f"manifests/{digest}")

    def holds_blob(self, digest: str) -> bool:
        """Whether the blob `sha256:<hex>` is there."""
        return self._holds(f"blobs/{digest}")

    def put_blob(self, descriptor: OciDescriptor, data: Buffer | Spool) -> None:
        """Write a blob in one request, from its beginning again where that fails.

        Raises:
            UnavailableError: the registry does not take it.
        """
        view = data.view if isinstance(data, Spool) else data
        self._again(lambda: self._upload(f"sha256:{descriptor.sha256}", view))

    def put_document(self, document: Document, *, tag: str | None = None) -> None:
        """Write a manifest or index under its digest, or under a tag.

        Raises:
            DigestMismatchError: the registry says that it holds something else now.
            UnavailableError: the registry does not take it.
        """
        lookup = tag if tag is not None else str(document.digest)
        held = self._again(lambda: self._put(lookup, document.data, media_type=document.media_type))
        if held not in {"", str(document.digest)}:
            raise DigestMismatchError(
                "the registry holds another document than was written",
                expected=f"`{document.digest}`",
                got=f"`{held[:80]}`",
                where=f"`{self.name}`, `{lookup}`",
            )

    def attach(self, subject: ManifestDigest, entry: OciDescriptor) -> None:
        """Make `entry` appear in the list of referrers of `subject`.

        Raises:
            ManifestInvalidError: the fallback tag leads to something other than a list.
            RegistryUnavailableError: others write the list all the time.
        """
        if entry.sha256 not in self._listed.get(subject, frozenset()):
            self._listed[subject] = self._reader.lists(subject) or frozenset()
        if entry.sha256 in self._listed[subject]:
            return
        tag = fallback_tag(subject)
        known = self._lists.setdefault(subject, ReferrersList(where=f"`{self.name}`, tag {tag}"))
        known.add(entry)
        self._merge(tag, known)

    def settle(self) -> None:
        """Look once more at every fallback tag that was written, after a pause, and put back what others overwrote.

        Raises: as `attach`.
        """
        for _ in range(_ROUNDS):
            if not self._look_again:
                return
            self._sleep(max(self._look_again - self._clock(), 0.0))
            self._look_again = 0.0
            for subject, known in self._lists.items():
                self._merge(fallback_tag(subject), known)
        raise RegistryUnavailableError("others write the lists of referrers all the time", where=f"`{self.name}`")

    def _merge(self, tag: str, known: ReferrersList) -> None:
        for _ in range(_ROUNDS):
            start = self._clock()
            wanted = known.merge(self._again(lambda: self._get(tag)))
            if wanted is None:
                return
            self._again(lambda data=wanted: self._put(tag, data, media_type=INDEX_TYPE))  # type: ignore[misc]
            took = self._clock() - start
            pause = max(_PAUSE * took, _SHORTEST_PAUSE) * (1 + random.random())  # noqa: S311 — not a secret
            self._look_again = max(self._look_again, self._clock() + pause)
        raise RegistryUnavailableError("others write the list of referrers all the time", where=known.where)

    def _holds(self, path: str) -> bool:
        def ask() -> bool:
            with self._ask("HEAD", path, headers={"Accept": _ACCEPT}) as answer:
                if answer.status_code not in {_OK, _NOT_FOUND, *_ELSEWHERE}:
                    raise refused(answer)
                finish(answer)
                return answer.status_code != _NOT_FOUND

        return self._again(ask)

    def _get(self, tag: str) -> bytes | None:
        with self._ask("GET", f"manifests/{tag}", headers={"Accept": _ACCEPT}) as answer:
            if answer.status_code == _NOT_FOUND:
                return None
            if answer.status_code != _OK:
                raise refused(answer)
            return read_answer(answer, bound=self._limits.manifest)

    def _put(self, lookup: str, data: bytes, *, media_type: str) -> str:
        with self._ask("PUT", f"manifests/{lookup}", data=data, headers={"Content-Type": media_type}) as done:
            if done.status_code != _CREATED:
                raise refused(done)
            finish(done)
            return str(done.headers.get("Docker-Content-Digest", "")).strip().lower()

    def _upload(self, digest: str, data: Buffer) -> None:
        with self._ask("POST", "blobs/uploads/", headers={"Content-Length": "0"}) as opened:
            location = opened.headers.get("Location")
            if opened.status_code != _ACCEPTED or not location:
                raise refused(opened)
            finish(opened)
            url = self._allowed(urljoin(f"{self._session.origin}{self._path('blobs/uploads/')}", location))
        url += f"{'&' if urlsplit(url).query else '?'}digest={quote(digest, safe='')}"
        with Body(data) as body:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(body))}
            with self._session.request("PUT", url, data=body if len(body) else b"", headers=headers) as done:
                if done.status_code != _CREATED:
                    raise refused(done)
                finish(done)

    def _allowed(self, url: str) -> str:
        """Refuse an upload location at the upstream."""
        host = urlsplit(url).netloc.rpartition("@")[2]
        if bare_address(host) in self._avoid:
            raise RegistryUnavailableError("the upstream must not be written to", where=f"`{host[:200]}`")
        return url

    def _ask(
        self, method: str, path: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        return self._session.request(method, f"{self._session.origin}{self._path(path)}", data=data, headers=headers)

    def _path(self, path: str) -> str:
        return f"/v2/{self._repository}/{path}"

    @property
    def _session(self) -> PushSession:
        if self._opened is None:
            self._opened = self._open.enter_context(self._connect())
        return self._opened

    def _again(self, step: Callable[[], T]) -> T:
        """Do a step, and do it again while what is wrong may pass."""
        attempt = 0
        while True:
            try:
                return step()
            except PassingError as passing:
                error: UnavailableError = passing.error
            except RegistryUnavailableError as broken:
                if not may_pass(broken):
                    raise
                error = broken
            delay = back_off(error, attempt=attempt, jitter=random.random())  # noqa: S311 — not a secret
            if attempt >= self._limits.retries or delay > _LONGEST_WAIT:
                raise error
            self._sleep(delay)
            attempt += 1
