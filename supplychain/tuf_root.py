"""The public-good trust root, kept current through The Update Framework (TUF 1.0; theupdateframework/specification).

This file and `supplychain.mirror` are the only ones that talk to a network. Trust starts from the root metadata that ships with
this package; whatever comes from network or cache is verified against it, every time, so that neither can widen trust. That first
root may be past its own end, as the specification has it (5.3.10): only the last one of the chain must be unexpired. Without
network the cache serves on for as long as its metadata is unexpired.

The cache is used only as a directory of our own that nobody else may write, and by one process at a time. What lies in it could
not widen trust anyhow, but others could make us write elsewhere, or keep us on an old root for as long as that is unexpired.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.api.metadata import Metadata
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from supplychain.errors import InvalidTrustRootError, TrustRootUnavailableError
from supplychain.trust_root import TrustRoot, parse_trust_root

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PUBLIC_GOOD", "OnlineRoot", "cache_directory", "default_cache", "fetch_trust_root"]

PUBLIC_GOOD: Final = "https://tuf-repo-cdn.sigstore.dev"
_TARGET: Final = "trusted_root.json"
_TIMESTAMP: Final = "timestamp.json"
_MAX_TARGET: Final = 1024 * 1024
_METADATA: Final = ("root.json", _TIMESTAMP, "snapshot.json", "targets.json")
_NOT_FOUND: Final = 404
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRoot:
    """A verified trust root with what is known about its age."""

    root: TrustRoot
    """`root.as_of` is the day on which the repository last confirmed it, as far as the cache's file times tell."""
    current: bool
    """Whether the repository confirmed it just now."""
    expires: datetime
    """When the repository's own word on it runs out; after that it is not used without network."""
    problem: str | None = None
    """Why the repository could not confirm it, where it could not."""
    cache_problem: str | None = None
    """Why the cache was neither read nor written, where it was not."""


def default_cache() -> Path:
    """Name the cache directory: `supplychain/tuf` below `$XDG_CACHE_HOME`, else below `~/.cache` (XDG base directories)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "supplychain" / "tuf"  # noqa: PTH117 — a text


def cache_directory(*, mirror_url: str = PUBLIC_GOOD, cache: Path | None = None) -> Path:
    """Name the directory below the cache that holds what `mirror_url` served; every repository has its own."""
    return (cache if cache is not None else default_cache()) / quote(mirror_url.rstrip("/"), safe="")


def fetch_trust_root(
    *,
    mirror_url: str = PUBLIC_GOOD,
    bootstrap: bytes | None = None,
    cache: Path | None = None,
    idle_seconds: int = 5,
    total_seconds: float = 30.0,
) -> OnlineRoot:
    """Refresh the trust root from a TUF repository, or take the cached one while it is unexpired.

    `bootstrap` is the root metadata that trust starts from; None takes the public-good one of this package. `idle_seconds` bounds
    each wait for the other side, `total_seconds` the whole conversation, and before it the wait for other users of the cache.

    Raises:
        TrustRootUnavailableError: neither repository nor cache yields a verified, unexpired root.
    """
    problem: str | None = None
    refused: str | None = None
    try:
        anchor = _embedded_anchor() if bootstrap is None else bootstrap
        with _workplace(mirror_url, cache, wait_seconds=total_seconds) as (directory, refused):
            try:
                data, expires = _update(directory, anchor, mirror_url, _Bounded(idle_seconds, total_seconds))
                os.utime(directory / _TIMESTAMP)
            except Exception as exc:  # noqa: BLE001 — tuf's, urllib3's and the system's errors: the cache decides now
                problem = _describe(exc)
                data, expires = _update(directory, anchor, mirror_url, _CacheOnly(directory))
            confirmed = datetime.fromtimestamp((directory / _TIMESTAMP).stat().st_mtime, UTC)
        root = parse_trust_root(data, name=mirror_url, as_of=min(confirmed, datetime.now(UTC)).date())
    except InvalidTrustRootError as exc:
        what = "the repository's trust root cannot be used"
        raise TrustRootUnavailableError(what, got=str(exc), where=f"`{mirror_url}`") from exc
    except Exception as exc:  # whatever foreign libraries and the system raise means the same here
        got = (problem or _describe(exc)) + (f"; the cache is not used: {refused}" if refused else "")
        what = "no current trust root from repository or cache"
        raise TrustRootUnavailableError(what, got=got, where=f"`{mirror_url}`") from exc
    return OnlineRoot(root=root, current=problem is None, expires=expires, problem=problem, cache_problem=refused)


@contextmanager
def _workplace(mirror_url: str, cache: Path | None, *, wait_seconds: float) -> Iterator[tuple[Path, str | None]]:
    """Lend the cache directory to this call alone; where it cannot be used, an empty one, and why."""
    lock, refused = None, None
    try:
        cached = cache_directory(mirror_url=mirror_url, cache=cache)
        lock = _lock(cached, deadline=time.monotonic() + wait_seconds)
    except (OSError, RuntimeError) as exc:  # RuntimeError: this user has no home
        refused = _describe(exc)
    if lock is None:
        with tempfile.TemporaryDirectory(prefix="supplychain-tuf-", ignore_cleanup_errors=True) as empty:
            yield Path(empty), refused
        return
    try:
        yield cached, None
    finally:
        os.close(lock)


def _lock(directory: Path, *, deadline: float) -> int:
    """Open the directory, see that it is ours, and lock it until the descriptor is closed.

    Raises:
        OSError: it cannot be made, is not ours alone or cannot be written, or others keep it busy.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _require_ours(directory, os.fstat(descriptor))
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(f"other processes keep `{directory}` busy")  # noqa: TRY301 — the descriptor is closed below
            time.sleep(_POLL_SECONDS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_ours(directory: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
        raise PermissionError(f"others may write to `{directory}`")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(f"`{directory}` cannot be written")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Bounded(FetcherInterface):
    """Fetches with a bound on every wait and on the whole conversation."""

    def __init__(self, idle_seconds: int, total_seconds: float) -> None:
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # each retry would be a line on standard error
        self._inner = Urllib3Fetcher(socket_timeout=idle_seconds)
        self._deadline = time.monotonic() + total_seconds

    def _fetch(self, url: str) -> Iterator[bytes]:
        self._check()
        return self._checked(self._inner.fetch(url))

    def _checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._check()
            yield chunk

    def _check(self) -> None:
        if time.monotonic() > self._deadline:
            raise SlowRetrievalError("the repository took too long")


class _CacheOnly(FetcherInterface):
    """Stands in for the repository while it is away: nothing there is newer than the cache."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.rpartition("/")[2]
        if name.endswith(".root.json"):
            raise DownloadHTTPError("no newer root metadata", _NOT_FOUND)
        if name == _TIMESTAMP:
            return iter([(self._directory / _TIMESTAMP).read_bytes()])
        raise DownloadError(f"`{name}` is not in the cache")


def _update(directory: Path, anchor: bytes, url: str, fetcher: FetcherInterface) -> tuple[bytes, datetime]:
    """Run one TUF update; return the target's verified bytes and when the repository's word on them runs out."""
    updater = Updater(
        metadata_dir=str(directory),
        metadata_base_url=url,
        target_dir=str(directory),
        target_base_url=f"{url.rstrip('/')}/targets/",
        fetcher=fetcher,
        config=UpdaterConfig(max_root_rotations=64),
        bootstrap=anchor,
    )
    updater.refresh()
    target = updater.get_targetinfo(_TARGET)
    if target is None or target.length > _MAX_TARGET:
        raise DownloadError(f"the repository has no usable target `{_TARGET}`")
    path = directory / _TARGET
    if updater.find_cached_target(target, str(path)) is None:
        path.unlink(missing_ok=True)  # the updater would write through a link
        updater.download_target(target, str(path))
    data = path.read_bytes()
    target.verify_length_and_hashes(data)  # the file may have changed since the updater looked at it
    return data, min(_expiry(directory / name) for name in _METADATA)


def _expiry(path: Path) -> datetime:
    expires: datetime = Metadata.from_bytes(path.read_bytes()).signed.expires
    return expires.astimezone(UTC) if expires.tzinfo else expires.replace(tzinfo=UTC)


def _embedded_anchor() -> bytes:
    return (Path(__file__).parent / "data" / "tuf_root.json").read_bytes()


def _describe(exc: Exception) -> str:
    text = str(exc) or str(exc.__cause__ or "")
    return f"{type(exc).__name__}: {text[:200]}" if text else type(exc).__name__
