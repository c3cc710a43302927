"""A source that is read once and judged several times, each time over the same bytes."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeVar

from supplychain.errors import SupplyChainError
from supplychain.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from supplychain.artifact import EvidenceSet, Platform, PulledArtifact
    from supplychain.digest import ManifestDigest
    from supplychain.ports import PluginSource

__all__ = ["OnceSource"]

T = TypeVar("T")


class OnceSource:
    """Asks `source` for everything once at most, errors included, and hands the answer out again; for one thread.

    What it hands out is the caller's to close; what it keeps goes when it is closed itself.
    """

    def __init__(self, source: PluginSource) -> None:
        self._source = source
        self._pulled: dict[Platform, PulledArtifact | SupplyChainError] = {}
        self._evidence: dict[tuple[ManifestDigest, bool], EvidenceSet | SupplyChainError] = {}
        self._spools = ExitStack()

    def pull(self, *, platform: Platform) -> PulledArtifact:
        """As the source, with a package of its own.

        Raises:
            SupplyChainError: as the source.
        """
        if platform not in self._pulled:
            self._pulled[platform] = _answer(lambda: self._source.pull(platform=platform))
            if not isinstance(found := self._pulled[platform], SupplyChainError):
                self._spools.enter_context(found.package)
        found = self._pulled[platform]
        if isinstance(found, SupplyChainError):
            raise found
        package = _again(found.package)
        return replace(found, package=package, opened=None if found.opened is None else replace(found.opened, artifact=package))

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        """As the source.

        Raises:
            SupplyChainError: as the source.
        """
        key = (digest, thorough)
        if key not in self._evidence:
            self._evidence[key] = _answer(lambda: self._source.evidence(digest, thorough=thorough))
        found = self._evidence[key]
        if isinstance(found, SupplyChainError):
            raise found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._spools.close()


def _answer(ask: Callable[[], T]) -> T | SupplyChainError:
    try:
        return ask()
    except SupplyChainError as error:
        return error


def _again(spool: Spool) -> Spool:
    """The same bytes of the same open file, to be closed by somebody else."""
    file = os.fdopen(os.dup(spool.file.fileno()), "rb", buffering=0)
    return Spool(file, size=spool.size, sha256=spool.sha256)
