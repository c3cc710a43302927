"""A package on its way into a spool: what has arrived stays when the connection breaks, and the digest is that of the whole.

After a break only the bytes from there on are asked for (RFC 9110, section 14). Nothing that a server says about ranges is
believed beyond where the bytes belong: an answer that does not go on exactly there, or that starts anew, starts anew here too. A
whole that was put together from parts and has another digest is fetched once more in one piece; only that piece is judged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from supplychain.errors import DigestMismatchError, RegistryUnavailableError
from supplychain.mirror.answers import PassingError
from supplychain.mirror.reading import expect_digest, read_exactly
from supplychain.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from supplychain.mirror.answers import Answer
    from supplychain.mirror.manifests import OciDescriptor
    from supplychain.mirror.transport import Conversation
    from supplychain.spool import Spool

__all__ = ["Progress", "download"]

Progress: TypeAlias = "Callable[[int, int], None]"
"""Called with the bytes that have arrived and the bytes that are expected; from zero again where a download starts anew."""

_WHOLE: Final = 200
_PARTIAL: Final = 206
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/(?:[0-9]{1,19}|\*)", re.ASCII | re.IGNORECASE)


def download(talk: Conversation, blob: OciDescriptor, *, progress: Progress | None = None) -> Spool:
    """Fetch a blob of the conversation's repository; the caller closes the spool.

    Raises:
        DigestMismatchError: the registry serves other bytes, or another number of them.
        StorageUnavailableError: there is no room for it.
        UnavailableError: as `Conversation.get`.
    """
    with _Arriving(blob, where=f"package in `{talk.registry}/{talk.repository}`", progress=progress) as arriving:
        target = f"/v2/{talk.repository}/blobs/{blob.layer_digest}"
        return talk.get(target, consume=arriving.take, missing=arriving.missing)


class _Arriving:
    """The bytes of one blob that have arrived so far; they vanish when its `with` block ends, unless they became a spool."""

    def __init__(self, blob: OciDescriptor, *, where: str, progress: Progress | None) -> None:
        self._blob = blob
        self._where = where
        self._progress = progress
        self._writer = SpoolWriter()
        self._in_parts = False
        self._in_one = False
        """Whether the parts of an earlier try did not fit together, so that nothing is put together any more."""

    def missing(self) -> range:
        """Say which bytes are still to come."""
        return range(0 if self._in_one else self._writer.size, self._blob.size)

    def take(self, answer: Answer) -> Spool:
        """Take what an answer brings.

        Raises:
            PassingError: it broke off, or does not go on where the bytes so far end.
            DigestMismatchError: it brought the whole in one piece, and that is another one.
        """
        self._begin(answer)
        try:
            for chunk in read_exactly(answer, size=self._blob.size - self._writer.size):
                self._writer.write(chunk)
                if self._progress is not None:
                    self._progress(self._writer.size, self._blob.size)
            return self._finish()
        except DigestMismatchError as exc:
            if not self._in_parts:
                raise
            self._in_one = True
            self._restart()
            wrong = RegistryUnavailableError("the parts of a download do not fit together", got=exc.got, where=self._where)
            raise PassingError(wrong) from exc

    def _begin(self, answer: Answer) -> None:
        """Find out whether an answer goes on where the bytes so far end, or starts anew."""
        if answer.status == _WHOLE:
            if self._writer.size:
                self._restart()
        elif answer.status == _PARTIAL and self._goes_on(answer.headers.get("content-range", "")):
            self._in_parts = True
        else:
            self._restart()
            wrong = RegistryUnavailableError(
                "the registry does not go on where it broke off", got=f"status {answer.status}", where=answer.where
            )
            raise PassingError(wrong)

    def _goes_on(self, text: str) -> bool:
        found = _CONTENT_RANGE.fullmatch(text.strip())
        return found is not None and (int(found[1]), int(found[2])) == (self._writer.size, self._blob.size - 1)

    def _finish(self) -> Spool:
        spool = self._writer.finish()
        try:
            expect_digest(str(self._blob.layer_digest), got=f"sha256:{spool.sha256}", where=self._where)
        except DigestMismatchError:
            spool.close()
            raise
        return spool

    def _restart(self) -> None:
        self._writer.discard()
        self._writer = SpoolWriter()
        self._in_parts = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.discard()
