"""The online trust root against a TUF repository on loopback: fresh, cached, stale, tampered, away."""

from __future__ import annotations

import http.server
import os
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
from supplychain.tuf_root import default_cache, fetch_trust_root
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    from collections.abc import Iterator
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

    def publish(self, target: bytes | None, *, expires: datetime | None = None, root_version: int = 1) -> bytes:
        """Write all metadata anew, with `target` as trusted root; return the root metadata."""
        self.version += 1
        expires = (expires or datetime.now(UTC) + WEEK).replace(microsecond=0)
        root = Root(version=root_version, expires=datetime.now(UTC).replace(microsecond=0) + WEEK, consistent_snapshot=True)
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
    other = tmp_path / "other.json"
    other.write_bytes(OTHER_ROOT)
    monkeypatch.setattr("tuf.ngclient.updater.Updater.find_cached_target", lambda *_: str(other))
    with pytest.raises(TrustRootUnavailableError, match="LengthOrHashMismatch"):
        fetch(url, repository, tmp_path / "cache")


def test_an_error_without_text_is_named() -> None:
    assert tuf_root._describe(KeyError()) == "KeyError"


def test_an_unusable_cache_directory_is_an_error_of_its_own(url: str, repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TrustRootUnavailableError, match="Error: "):
        fetch(url, repository, tmp_path / "file")


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
