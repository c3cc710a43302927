"""The online trust root against a TUF repository on loopback: fresh, cached, stale, tampered, away."""

from __future__ import annotations

import fcntl
import http.server
import os
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.exceptions import SlowRetrievalError
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from supplychain import tuf_root
from supplychain.errors import TrustRootUnavailableError
from supplychain.trust_root import parse_trust_root
from supplychain.tuf_root import cache_directory, default_cache, fetch_trust_root
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TRUSTED_ROOT = VirtualSigstore().trusted_root()
OTHER_ROOT = VirtualSigstore(seed=b"another").trusted_root()
WEEK = timedelta(days=7)


class Repository:
    """A TUF repository whose files are served from memory; one key for all roles."""

    def __init__(self, seed: int = 1) -> None:
        self.signer = CryptoSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))
        self.files: dict[str, bytes] = {}
        self.version = 0
        self.requests: list[str] = []
        self.bootstrap = self.publish(TRUSTED_ROOT)

    def publish(
        self,
        target: bytes | None,
        *,
        expires: datetime | None = None,
        root_version: int = 1,
        root_expires: datetime | None = None,
    ) -> bytes:
        """Write all metadata anew, with `target` as trusted root; return the root metadata."""
        self.version += 1
        expires = (expires or datetime.now(UTC) + WEEK).replace(microsecond=0)
        root_expires = (root_expires or datetime.now(UTC) + WEEK).replace(microsecond=0)
        root = Root(version=root_version, expires=root_expires, consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self.signer.public_key, role)
        targets = Targets(version=self.version, expires=expires)
        if target is not None:
            info = TargetFile.from_data("trusted_root.json", target)
            targets.targets["trusted_root.json"] = info
            self.files[f"targets/{info.hashes['sha256']}.trusted_root.json"] = target
        snapshot = Snapshot(version=self.version, expires=expires, meta={"targets.json": MetaFile(self.version)})
        timestamp = Timestamp(version=self.version, expires=expires, snapshot_meta=MetaFile(self.version))
        self.files[f"{root_version}.root.json"] = self._sign(root)
        self.files[f"{self.version}.targets.json"] = self._sign(targets)
        self.files[f"{self.version}.snapshot.json"] = self._sign(snapshot)
        self.files["timestamp.json"] = self._sign(timestamp)
        return self.files[f"{root_version}.root.json"]

    def _sign(self, signed: Any) -> bytes:
        metadata = Metadata(signed)
        metadata.sign(self.signer)
        return metadata.to_bytes()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        repository: Repository = self.server.repository  # type: ignore[attr-defined]
        repository.requests.append(self.path)
        body = repository.files.get(self.path.lstrip("/"))
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def url(repository: Repository) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.repository = repository  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(url: str, repository: Repository, cache: Path, **options: Any) -> tuf_root.OnlineRoot:
    return fetch_trust_root(mirror_url=url, bootstrap=repository.bootstrap, cache=cache, **options)


def directory(cache: Path) -> Path:
    [one] = cache.iterdir()
    return one


def test_a_root_is_fetched_verified_and_dated(url: str, repository: Repository, tmp_path: Path) -> None:
    online = fetch(url, repository, tmp_path)
    assert online.root.sha256 == parse_trust_root(TRUSTED_ROOT, name="x").sha256
    assert (online.root.name, online.current, online.problem) == (url, True, None)
    assert online.root.as_of == datetime.now(UTC).date()
    assert timedelta(0) < online.expires - datetime.now(UTC) <= WEEK


def test_a_new_root_replaces_the_cached_one_and_an_old_one_is_not_fetched_twice(
    url: str,
    repository: Repository,
    tmp_path: Path,
) -> None:
    fetch(url, repository, tmp_path)
    repository.requests.clear()
    fetch(url, repository, tmp_path)
    assert repository.requests == ["/2.root.json", "/timestamp.json"]
    repository.publish(OTHER_ROOT, root_version=2)
    assert fetch(url, repository, tmp_path).root.document == OTHER_ROOT


def test_without_network_the_cached_root_serves_and_says_why(url: str, repository: Repository, tmp_path: Path) -> None:
    fetch(url, repository, tmp_path)
    os.utime(directory(tmp_path) / "timestamp.json", (0, 0))
    repository.files.clear()
    online = fetch(url, repository, tmp_path)
    assert online.root.document == TRUSTED_ROOT
    assert not online.current
    assert online.problem is not None
    assert "404" in online.problem
    assert online.root.as_of == datetime(1970, 1, 1, tzinfo=UTC).date()


def test_without_network_newer_root_metadata_in_the_cache_still_counts(url: str, repository: Repository, tmp_path: Path) -> None:
    repository.publish(OTHER_ROOT, root_version=2)
    fetch(url, repository, tmp_path)
    repository.files = {}
    assert fetch(url, repository, tmp_path).root.document == OTHER_ROOT


def test_without_network_and_cache_there_is_no_root(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(TrustRootUnavailableError) as caught:
        fetch("http://127.0.0.1:1", repository, tmp_path)
    assert caught.value.where == "`http://127.0.0.1:1`"
    assert "NewConnectionError" in str(caught.value.got)


def test_an_expired_cache_is_not_used(url: str, repository: Repository, tmp_path: Path, monkeypatch: Any) -> None:
    fetch(url, repository, tmp_path)
    repository.files.clear()
    from tuf.ngclient._internal import trusted_metadata_set

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + 2 * WEEK

    monkeypatch.setattr(f"{trusted_metadata_set.__name__}.datetime.datetime", Later)
    with pytest.raises(TrustRootUnavailableError):
        fetch(url, repository, tmp_path)


def test_expired_metadata_of_the_repository_is_not_used(url: str, repository: Repository, tmp_path: Path) -> None:
    repository.publish(TRUSTED_ROOT, expires=datetime.now(UTC) - WEEK)
    with pytest.raises(TrustRootUnavailableError, match="Expired"):
        fetch(url, repository, tmp_path)


def test_a_repository_of_another_key_is_refused(url: str, repository: Repository, tmp_path: Path) -> None:
    honest = repository.bootstrap
    repository.files = Repository(seed=2).files
    with pytest.raises(TrustRootUnavailableError):
        fetch_trust_root(mirror_url=url, bootstrap=honest, cache=tmp_path)


def test_a_target_that_is_not_the_signed_one_is_refused(url: str, repository: Repository, tmp_path: Path) -> None:
    [name] = [name for name in repository.files if name.startswith("targets/")]
    repository.files[name] = OTHER_ROOT
    with pytest.raises(TrustRootUnavailableError):
        fetch(url, repository, tmp_path)


def test_a_replaced_target_in_the_cache_never_counts(url: str, repository: Repository, tmp_path: Path) -> None:
    fetch(url, repository, tmp_path)
    (directory(tmp_path) / "trusted_root.json").write_bytes(OTHER_ROOT)
    assert fetch(url, repository, tmp_path).root.document == TRUSTED_ROOT
    (directory(tmp_path) / "trusted_root.json").write_bytes(OTHER_ROOT)
    repository.files.clear()
    with pytest.raises(TrustRootUnavailableError):
        fetch(url, repository, tmp_path)


def test_a_wholly_replaced_cache_never_widens_trust(url: str, repository: Repository, tmp_path: Path) -> None:
    fetch(url, repository, tmp_path)
    attacker = Repository(seed=2)
    attacker.publish(OTHER_ROOT, root_version=2)
    for name in ("timestamp", "snapshot", "targets"):
        source = f"{attacker.version}.{name}.json" if name != "timestamp" else "timestamp.json"
        (directory(tmp_path) / f"{name}.json").write_bytes(attacker.files[source])
    for version in (1, 2):
        (directory(tmp_path) / "root_history" / f"{version}.root.json").write_bytes(attacker.files[f"{version}.root.json"])
    (directory(tmp_path) / "trusted_root.json").write_bytes(OTHER_ROOT)
    assert fetch(url, repository, tmp_path).root.document == TRUSTED_ROOT


def test_a_target_replaced_behind_the_updaters_back_is_refused(
    url: str,
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetch(url, repository, tmp_path)
    (directory(tmp_path) / "trusted_root.json").write_bytes(OTHER_ROOT)
    monkeypatch.setattr("tuf.ngclient.updater.Updater.find_cached_target", lambda *paths: paths[-1])
    with pytest.raises(TrustRootUnavailableError, match="LengthOrHashMismatch"):
        fetch(url, repository, tmp_path)


def test_an_error_without_text_is_named() -> None:
    assert tuf_root._describe(KeyError()) == "KeyError"


# -- the cache ---------------------------------------------------------------------------------------------------------


def _a_file(place: Path) -> None:
    place.write_bytes(b"")


def _a_link(place: Path) -> None:
    elsewhere = place.parent / "elsewhere"
    elsewhere.mkdir()
    place.symlink_to(elsewhere)


def _open_to_the_group(place: Path) -> None:
    place.mkdir()
    place.chmod(0o770)


def _open_to_all(place: Path) -> None:
    place.mkdir()
    place.chmod(0o1777)


@pytest.mark.parametrize("make", [_a_file, _a_link, _open_to_the_group, _open_to_all])
def test_a_cache_that_is_not_ours_alone_is_neither_read_nor_written(
    url: str, repository: Repository, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    place = cache_directory(mirror_url=url, cache=tmp_path / "cache")
    place.parent.mkdir()
    make(place)
    online = fetch(url, repository, tmp_path / "cache")
    assert (online.root.document, online.current) == (TRUSTED_ROOT, True)
    assert "Error" in str(online.cache_problem)
    assert place.is_file() or not list(place.iterdir())
    repository.files.clear()
    with pytest.raises(TrustRootUnavailableError, match=r"404.*; the cache is not used: .*Error"):
        fetch(url, repository, tmp_path / "cache")


def test_a_cache_of_another_user_is_not_used(
    url: str, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(url, repository, tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    online = fetch(url, repository, tmp_path)
    assert online.current
    assert "others may write" in str(online.cache_problem)


def test_a_cache_that_cannot_be_written_is_not_used(
    url: str, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "cannot be written" in str(fetch(url, repository, tmp_path).cache_problem)


def test_a_user_without_home_has_no_cache(url: str, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", nowhere)
    online = fetch_trust_root(mirror_url=url, bootstrap=repository.bootstrap)
    assert (online.current, "home" in str(online.cache_problem)) == (True, True)


def test_a_new_cache_is_for_its_owner_alone(url: str, repository: Repository, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        fetch(url, repository, tmp_path)
    finally:
        os.umask(before)
    assert directory(tmp_path).stat().st_mode & 0o777 == 0o700


def test_a_busy_cache_is_waited_for_and_then_left_alone(url: str, repository: Repository, tmp_path: Path) -> None:
    fetch(url, repository, tmp_path)
    lock = os.open(directory(tmp_path), os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        # the wait and the conversation have the same bound
        assert "busy" in str(fetch(url, repository, tmp_path, total_seconds=1.0).cache_problem)
    finally:
        os.close(lock)
    assert fetch(url, repository, tmp_path).cache_problem is None


def test_many_processes_at_once_all_get_the_root(url: str, repository: Repository, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from supplychain.tuf_root import fetch_trust_root\n"
        "online = fetch_trust_root(mirror_url=sys.argv[1], cache=Path(sys.argv[2]), bootstrap=Path(sys.argv[3]).read_bytes())\n"
        "print(online.root.sha256, online.current, online.cache_problem)"
    )
    (tmp_path / "root.json").write_bytes(repository.bootstrap)
    command = [sys.executable, "-c", code, url, str(tmp_path / "cache"), str(tmp_path / "root.json")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {process.communicate(timeout=60)[0].strip() for process in running}
    assert answers == {f"{parse_trust_root(TRUSTED_ROOT, name='x').sha256} True None"}


@pytest.mark.parametrize("name", ["trusted_root.json", "timestamp.json", "snapshot.json", "targets.json", "root.json"])
@pytest.mark.parametrize("damage", ["cut", "emptied", "removed", "linked"])
def test_a_damaged_cache_is_mended_from_the_repository_and_never_followed(
    url: str, repository: Repository, tmp_path: Path, name: str, damage: str
) -> None:
    fetch(url, repository, tmp_path)
    path = directory(tmp_path) / name
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.write_bytes(b"precious")
    data = path.read_bytes()
    path.unlink()
    if damage == "linked":
        path.symlink_to(elsewhere)
    elif damage != "removed":
        path.write_bytes(data[:100] if damage == "cut" else b"")
    online = fetch(url, repository, tmp_path)
    assert (online.root.document, online.current) == (TRUSTED_ROOT, True)
    assert elsewhere.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["trusted_root.json", "timestamp.json", "snapshot.json", "targets.json"])
def test_a_damaged_cache_is_no_root_without_network(url: str, repository: Repository, tmp_path: Path, name: str) -> None:
    fetch(url, repository, tmp_path)
    path = directory(tmp_path) / name
    path.write_bytes(path.read_bytes()[:100])
    repository.files.clear()
    with pytest.raises(TrustRootUnavailableError):
        fetch(url, repository, tmp_path)


def test_a_cache_of_another_repository_proves_nothing(url: str, repository: Repository, tmp_path: Path) -> None:
    """A repository signed by other keys was cached under its own name; its files under this one's name count for nothing."""
    attacker = Repository(seed=2)
    attacker.publish(OTHER_ROOT)
    honest = dict(repository.files)
    repository.files = attacker.files
    fetch_trust_root(mirror_url=url, bootstrap=attacker.bootstrap, cache=tmp_path)
    repository.files = {}
    with pytest.raises(TrustRootUnavailableError):
        fetch(url, repository, tmp_path)
    repository.files = honest
    assert fetch(url, repository, tmp_path).root.document == TRUSTED_ROOT
    assert cache_directory(mirror_url=f"{url}/mirror", cache=tmp_path) != directory(tmp_path)
    assert cache_directory(mirror_url=f"{url}/", cache=tmp_path) == directory(tmp_path)


def test_a_cache_rolled_back_is_rolled_forward_by_the_repository_and_serves_no_longer_than_it_may(
    url: str, repository: Repository, tmp_path: Path
) -> None:
    fetch(url, repository, tmp_path)
    old = tmp_path.parent / f"{tmp_path.name}-old"
    shutil.copytree(directory(tmp_path), old, symlinks=True)
    repository.publish(OTHER_ROOT)
    assert fetch(url, repository, tmp_path).root.document == OTHER_ROOT
    shutil.rmtree(directory(tmp_path))
    shutil.copytree(old, cache_directory(mirror_url=url, cache=tmp_path), symlinks=True)
    assert fetch(url, repository, tmp_path).root.document == OTHER_ROOT
    shutil.rmtree(directory(tmp_path))
    shutil.copytree(old, cache_directory(mirror_url=url, cache=tmp_path), symlinks=True)
    repository.files.clear()
    # Without network nobody can know better: it is the repository's own word, and its end is shown.
    online = fetch(url, repository, tmp_path)
    assert (online.root.document, online.current) == (TRUSTED_ROOT, False)
    assert online.expires - datetime.now(UTC) <= WEEK


def test_a_repository_that_rolls_back_is_not_followed(url: str, repository: Repository, tmp_path: Path) -> None:
    old = dict(repository.files)
    repository.publish(OTHER_ROOT)
    fetch(url, repository, tmp_path)
    repository.files = old
    online = fetch(url, repository, tmp_path)
    assert (online.root.document, online.current) == (OTHER_ROOT, False)
    assert "BadVersionNumber" in str(online.problem)


def test_a_cache_dated_in_the_future_is_dated_today(url: str, repository: Repository, tmp_path: Path) -> None:
    fetch(url, repository, tmp_path)
    tomorrow = (datetime.now(UTC) + WEEK).timestamp()
    os.utime(directory(tmp_path) / "timestamp.json", (tomorrow, tomorrow))
    repository.files.clear()
    assert fetch(url, repository, tmp_path).root.as_of == datetime.now(UTC).date()


def test_every_confirmation_is_dated(url: str, repository: Repository, tmp_path: Path) -> None:
    fetch(url, repository, tmp_path)
    os.utime(directory(tmp_path) / "timestamp.json", (0, 0))
    fetch(url, repository, tmp_path)  # nothing new, so that the updater writes nothing
    repository.files.clear()
    assert fetch(url, repository, tmp_path).root.as_of == datetime.now(UTC).date()


def test_the_first_part_of_the_metadata_to_run_out_is_the_end(url: str, repository: Repository, tmp_path: Path) -> None:
    repository.publish(TRUSTED_ROOT, expires=datetime.now(UTC) + 9 * WEEK)
    assert fetch(url, repository, tmp_path).expires - datetime.now(UTC) <= WEEK  # that of the root metadata


# -- the root metadata that trust starts from --------------------------------------------------------------------------


def test_an_expired_bootstrap_leads_to_the_unexpired_root_of_the_repository(
    url: str, repository: Repository, tmp_path: Path
) -> None:
    """TUF 5.3.10 checks the end of the last root in the chain only, so a package may ship one that has ended since."""
    bootstrap = repository.publish(TRUSTED_ROOT, root_expires=datetime.now(UTC) - 5 * WEEK)
    repository.publish(OTHER_ROOT, root_version=2, root_expires=datetime.now(UTC) - WEEK)
    repository.publish(OTHER_ROOT, root_version=3)
    online = fetch_trust_root(mirror_url=url, bootstrap=bootstrap, cache=tmp_path)
    assert (online.root.document, online.current) == (OTHER_ROOT, True)
    repository.files.clear()
    online = fetch_trust_root(mirror_url=url, bootstrap=bootstrap, cache=tmp_path)
    assert (online.root.document, online.current) == (OTHER_ROOT, False)


def test_a_chain_that_ends_expired_is_refused(url: str, repository: Repository, tmp_path: Path) -> None:
    bootstrap = repository.publish(TRUSTED_ROOT, root_expires=datetime.now(UTC) - WEEK)
    with pytest.raises(TrustRootUnavailableError, match="Expired"):
        fetch_trust_root(mirror_url=url, bootstrap=bootstrap, cache=tmp_path)


def test_the_shipped_root_metadata_may_be_past_its_end() -> None:
    """The repository renews its root several times a year; a package that is older than that must still find the way."""
    shipped = Metadata[Root].from_bytes(tuf_root._embedded_anchor()).signed
    assert (shipped.version, shipped.expires.date().isoformat()) == (15, "2026-11-20")


@pytest.mark.parametrize("target", [None, b"x" * (1024 * 1024 + 1)], ids=["missing", "huge"])
def test_a_repository_without_usable_target_is_refused(
    url: str,
    repository: Repository,
    tmp_path: Path,
    target: bytes | None,
) -> None:
    repository.publish(target)
    with pytest.raises(TrustRootUnavailableError, match="no usable target"):
        fetch(url, repository, tmp_path)


def test_a_signed_target_that_is_no_trust_root_is_refused(url: str, repository: Repository, tmp_path: Path) -> None:
    repository.publish(b"{}")
    with pytest.raises(TrustRootUnavailableError, match="cannot be used"):
        fetch(url, repository, tmp_path)


@pytest.mark.parametrize("bootstrap", [b"", b"{}", b"\xff"])
def test_an_unusable_bootstrap_is_refused(url: str, tmp_path: Path, bootstrap: bytes) -> None:
    with pytest.raises(TrustRootUnavailableError):
        fetch_trust_root(mirror_url=url, bootstrap=bootstrap, cache=tmp_path)


def test_the_whole_conversation_is_bounded(url: str, repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(TrustRootUnavailableError, match="too long"):
        fetch(url, repository, tmp_path, total_seconds=-1)


def test_every_request_and_every_piece_of_an_answer_is_bounded() -> None:
    fetcher = tuf_root._Bounded(1, -1)
    with pytest.raises(SlowRetrievalError, match="too long"):
        fetcher._fetch("http://127.0.0.1:1")
    with pytest.raises(SlowRetrievalError, match="too long"):
        next(fetcher._checked(iter([b"x"])))


def test_trust_starts_from_the_packages_own_root_metadata(url: str, tmp_path: Path) -> None:
    with pytest.raises(TrustRootUnavailableError):
        fetch_trust_root(mirror_url=url, cache=tmp_path)  # this repository is not the public one
    assert (directory(tmp_path) / "root_history" / "15.root.json").is_file()


def test_the_cache_lies_where_the_user_has_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "supplychain" / "tuf"
    with pytest.raises(TrustRootUnavailableError):
        fetch_trust_root(mirror_url=url)
    assert (tmp_path / "supplychain" / "tuf").is_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "supplychain" / "tuf"
