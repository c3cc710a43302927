"""Which trust roots judge Sigstore evidence: loaded on the first use, once, whatever the number of targets."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.cli.freshness import budget_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from datetime import date, datetime

    from supplychain.freshness import Dated
    from supplychain.report import Fact
    from supplychain.trust_root import TrustRoot, TrustRoots

__all__ = ["PUBLIC_GOOD", "LoadedRoot", "TrustRootChoice", "age_facts"]

PUBLIC_GOOD: Final = "public-good"
"""Stands for the root that is used without `--trust-root`."""
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRoot:
    """A root, with how it was had."""

    root: TrustRoot
    source: str
    """`file`, `embedded`, `online` (confirmed just now) or `cache`."""
    expires: datetime | None = None
    """When the repository's word on it runs out; None where it came without such a word."""
    warnings: tuple[str, ...] = ()


class TrustRootChoice:
    """Callable that gives the trust roots the flags ask for, as they are at one time. Threads share it."""

    def __init__(self, args: argparse.Namespace, *, limit: int, at: datetime, dated: bool = False) -> None:
        self._wanted: tuple[str, ...] = tuple(args.trust_root) or (PUBLIC_GOOD,)
        self._offline: bool = args.offline
        self._budget = budget_of(args)
        self._dated = dated or self._budget.trust_root is not None
        self._limit = limit
        self._at = at
        self._lock = threading.Lock()
        self._roots: TrustRoots | None = None
        self._loaded: tuple[LoadedRoot, ...] = ()
        self._read: tuple[LoadedRoot, ...] = ()

    def __call__(self) -> TrustRoots:
        """Load the roots.

        Raises:
            InputError: a file that was given is unreadable or no trust root.
            TrustRootUnavailableError: the online root cannot be had, or a root is older than it may be.
        """
        with self._lock:
            if self._roots is None:
                self._roots = self._load()
            return self._roots

    @property
    def loaded(self) -> tuple[LoadedRoot, ...]:
        """Every root that was used, in the order of the flags; empty before the first use."""
        return self._loaded

    @property
    def dated(self) -> tuple[Dated, ...]:
        """How old every root is that was read, also one that is too old to be used."""
        from supplychain.freshness import dated_root

        return tuple(dated_root(one.root) for one in self._read)

    def facts(self) -> tuple[Fact, ...]:
        """Describe the roots that were used; empty where none was."""
        return tuple(age_facts(one, at=self._at) for one in self._loaded)

    def warnings(self) -> tuple[str, ...]:
        """What is worth knowing about how the roots were had, and how good they still are."""
        return tuple(warning for one in self._loaded for warning in one.warnings)

    def _load(self) -> TrustRoots:
        from dataclasses import replace

        from supplychain.freshness import check_root
        from supplychain.trust_root import TrustRoots

        loaded = [one for wanted in self._wanted for one in self._one(wanted)]
        roots = TrustRoots(tuple(one.root for one in loaded))
        self._read = tuple(loaded)
        for root in roots.each:
            check_root(root, budget=self._budget, at=self._at)
        self._loaded = tuple(replace(one, warnings=(*one.warnings, *self._aged(one.root))) for one in loaded)
        return roots

    def _one(self, wanted: str) -> Iterator[LoadedRoot]:
        if wanted != PUBLIC_GOOD:
            yield from self._from_file(wanted)
        elif self._offline:
            from supplychain.trust_root import embedded

            yield LoadedRoot(root=embedded(), source="embedded")
        else:
            yield _online()

    def _from_file(self, wanted: str) -> Iterator[LoadedRoot]:
        from supplychain.files import read_bounded
        from supplychain.trust_root import parse_trust_roots

        named = _NAMED.fullmatch(wanted)
        name, path = (named[1], named[2]) if named is not None else (wanted, wanted)
        data = read_bounded(path, limit=self._limit)
        # A root does not say its own age. Only who sets a limit, or carries it elsewhere, is told the day on which the file was
        # written: it depends on how the file was copied, so that equal input would no longer give equal reports.
        as_of = _written_on(path) if self._dated else None
        for root in parse_trust_roots(data, name=name, as_of=as_of):
            yield LoadedRoot(root=root, source="file")

    def _aged(self, root: TrustRoot) -> Iterator[str]:
        from supplychain.trust_root_age import STALE_AFTER_DAYS, age_in_days, idle_parts

        days = 0 if root.as_of is None else age_in_days(root.as_of, at=self._at)
        if self._budget.trust_root is None and days > STALE_AFTER_DAYS:
            yield (
                f"the trust root `{root.name}` is {days} days old, more than {STALE_AFTER_DAYS}, and knows of nothing since; "
                "update this package, or carry a fresh root with `supplychain trust-root update --out FILE`"
            )
        for text in idle_parts(root, at=self._at):
            yield f"trust root `{root.name}`: {text}"


def age_facts(loaded: LoadedRoot, *, at: datetime) -> dict[str, Fact]:
    """Describe a root: fingerprint, source, age, and the period for which its parts are in force."""
    from supplychain.findings import utc
    from supplychain.trust_root_age import age_in_days, period

    root = loaded.root
    newest, earliest = period(root, at=at)
    return {
        "name": root.name,
        "sha256": root.sha256,
        "source": loaded.source,
        "asOf": None if root.as_of is None else root.as_of.isoformat(),
        "ageDays": None if root.as_of is None else age_in_days(root.as_of, at=at),
        "expires": None if loaded.expires is None else utc(loaded.expires),
        "newestStart": None if newest is None else utc(newest),
        "earliestEnd": None if earliest is None else utc(earliest),
        "warnings": loaded.warnings,
    }


def _online() -> LoadedRoot:
    from supplychain.tuf_root import fetch_trust_root

    online = fetch_trust_root()
    warnings = []
    if not online.current:
        why = online.problem or "no reason given"
        warnings.append(f"the trust root comes from the cache, because it was not confirmed: {why}")
    if online.cache_problem is not None:
        warnings.append(f"the cache of the trust root is not used: {online.cache_problem}")
    source = "online" if online.current else "cache"
    return LoadedRoot(root=online.root, source=source, expires=online.expires, warnings=tuple(warnings))


def _written_on(path: str) -> date:
    from datetime import UTC, datetime
    from pathlib import Path

    return datetime.fromtimestamp(Path(path).stat().st_mtime, UTC).date()
