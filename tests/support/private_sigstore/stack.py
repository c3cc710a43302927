"""Every program of the private Sigstore, started in its order."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.components import component
from tests.support.private_sigstore.issuer import Issuer
from tests.support.private_sigstore.programs import started, wait_for_file, wait_until_ready
from tests.support.private_sigstore.settings import PASSWORD, ct_log_config, fulcio_config, signing_config, write_keys
from tests.support.processes import free_port
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["PROGRAMS", "PrivateSigstore"]

PROGRAMS = ("ct-server", "fulcio", "rekor", "rekor-tiles", "timestamp-authority", "trillian-memory")
"""What has to be built."""
_REKOR_CALLS = "getLogInfo,getPublicKey,getLogProof,createLogEntry,getLogEntryByIndex,getLogEntryByUUID,searchLogQuery"
"""All but the search index, which wants a database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateSigstore:
    """A running instance: its keys, and where its parts answer."""

    keys: VirtualSigstore
    issuer: Issuer
    fulcio: str
    rekor1: str
    rekor2: str
    tsa: str
    """Takes timestamp requests."""

    @classmethod
    @contextmanager
    def running(cls, directory: Path) -> Iterator[PrivateSigstore]:
        """Start everything on free ports of loopback, and stop it again; files and logs lie in `directory`."""
        for name in PROGRAMS:
            component(name)
        keys = VirtualSigstore(seed=secrets.token_bytes(32))
        write_keys(keys, directory)
        with ExitStack() as stack:
            issuer = stack.enter_context(Issuer.serving(directory))
            yield cls(keys=keys, issuer=issuer, **_Starter(stack, directory, keys=keys).start_all(issuer))

    def signing_config(self, log: str) -> str:
        """What cosign signs with: `rekor2` with a timestamp, `rekor1`, or a timestamp alone, `none`."""
        rekor, version = {"rekor1": (self.rekor1, 1), "rekor2": (self.rekor2, 2), "none": (None, 1)}[log]
        return signing_config(fulcio=self.fulcio, rekor=rekor, rekor_version=version, tsa=None if log == "rekor1" else self.tsa)


class _Starter:
    """Starts programs in `directory` and leaves them to `stack`."""

    def __init__(self, stack: ExitStack, directory: Path, *, keys: VirtualSigstore) -> None:
        self._stack = stack
        self._directory = directory
        self._keys = keys
        self._waiting: list[Callable[[], None]] = []

    def start_all(self, issuer: Issuer) -> Mapping[str, str]:
        """Start what others need first, then the rest side by side; returns their URLs."""
        trillian, ct_id, rekor_id = self._trillian()
        urls = {
            "tsa": self._timestamps(),
            "rekor2": self._rekor2(),
            "rekor1": self._rekor1(trillian, log_id=rekor_id),
            "fulcio": self._fulcio(issuer, ct_log=self._ct_log(trillian, log_id=ct_id)),
        }
        for wait in self._waiting:
            wait()
        return urls

    def _trillian(self) -> tuple[int, str, str]:
        port, files = free_port(), [self._directory / f"{log}.log-id" for log in ("ct", "rekor1")]
        process = self._start("trillian-memory", [f"127.0.0.1:{port}", *files])
        first, second = (wait_for_file(file, process=process) for file in files)
        return port, first, second

    def _ct_log(self, trillian: int, *, log_id: str) -> str:
        port, config = free_port(), self._directory / "ct.config"
        config.write_text(ct_log_config(self._keys, log_id=log_id, roots=self._directory / "fulcio-root.pem"))
        command = [
            f"--log_config={config}", f"--log_rpc_server=127.0.0.1:{trillian}", f"--http_endpoint=127.0.0.1:{port}",
            "--quota_remote=false", "--quota_intermediate=false", "--logtostderr",
        ]  # fmt: skip
        self._start("ct-server", command, ready=f"http://127.0.0.1:{port}/ct/ct/v1/get-sth")
        return f"http://127.0.0.1:{port}/ct"

    def _fulcio(self, issuer: Issuer, *, ct_log: str) -> str:
        port, config = free_port(), self._directory / "fulcio.yaml"
        config.write_text(fulcio_config(email_issuer=issuer.url))
        command = [
            "serve", "--host=127.0.0.1", f"--port={port}", "--grpc-host=127.0.0.1", f"--grpc-port={free_port()}",
            "--metrics-port=0",  # it has no option for the host; 0 is a free port
            f"--legacy-unix-domain-socket={self._directory / 'fulcio.sock'}", f"--config-path={config}",
            "--ca=fileca", "--fileca-watch=false", f"--fileca-cert={self._directory / 'fulcio.pem'}",
            f"--fileca-key={self._directory / 'fulcio.key'}", f"--fileca-key-passwd={PASSWORD}",
            f"--ct-log-url={ct_log}", f"--ct-log-public-key-path={self._directory / 'ct.pub'}",
        ]  # fmt: skip
        environment = {"HTTPS_PROXY": issuer.proxy, "SSL_CERT_FILE": str(issuer.certificate)}
        url = f"http://127.0.0.1:{port}"
        self._start("fulcio", command, ready=f"{url}/healthz", environment=environment)
        return url

    def _timestamps(self) -> str:
        port = free_port()
        command = [f"127.0.0.1:{port}", self._directory / "tsa.key", self._directory / "tsa.pem"]
        self._start("timestamp-authority", command, ready=f"http://127.0.0.1:{port}/ping")
        return f"http://127.0.0.1:{port}/api/v1/timestamp"

    def _rekor1(self, trillian: int, *, log_id: str) -> str:
        port = free_port()
        command = [
            "serve", "--rekor_server.address=127.0.0.1", f"--port={port}",
            "--trillian_log_server.address=127.0.0.1", f"--trillian_log_server.port={trillian}",
            f"--trillian_log_server.tlog_id={log_id}", f"--rekor_server.signer={self._directory / 'rekor1.key'}",
            f"--rekor_server.hostname={self._keys.rekor1.note_name}",
            "--enable_retrieve_api=false", f"--enabled_api_endpoints={_REKOR_CALLS}",
        ]  # fmt: skip
        self._start("rekor", command, ready=f"http://127.0.0.1:{port}/api/v1/log")
        return f"http://127.0.0.1:{port}"

    def _rekor2(self) -> str:
        port, storage = free_port(), self._directory / "rekor2"
        storage.mkdir()
        command = [
            "serve", "--http-address=127.0.0.1", f"--http-port={port}", "--grpc-address=127.0.0.1", f"--grpc-port={free_port()}",
            f"--http-metrics-port={free_port()}", f"--hostname={self._keys.rekor2.note_name}", f"--storage-dir={storage}",
            f"--signer-filepath={self._directory / 'rekor2.key'}", "--checkpoint-interval=100ms", "--batch-max-age=50ms",
        ]  # fmt: skip
        self._start("rekor-tiles", command, ready=f"http://127.0.0.1:{port}/healthz")
        return f"http://127.0.0.1:{port}"

    def _start(
        self, name: str, words: Sequence[object], *, ready: str | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program; the URL that says when it is ready is waited for at the end."""
        log = self._directory / f"{name}.log"
        process = self._stack.enter_context(started([component(name), *words], log=log, environment=environment))
        if ready is not None:
            self._waiting.append(lambda: wait_until_ready(ready, process=process, log=log))
        return process
