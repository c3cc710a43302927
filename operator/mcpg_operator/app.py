"""The composition root: what starts, in which order, and what ends the process.

Settings, client, servers, definitions, caches, Lease, controllers; backwards when it is told to stop. Everything before the Lease
runs in every replica and only reads. The main thread only watches over the others: a Lease that was lost, or a thread that died
for good, ends the process at once, without another write.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from mcpg_operator import handlers
from mcpg_operator.admission import Admission
from mcpg_operator.kube import KubeCluster
from mcpg_operator.leading import Leading
from mcpg_operator.probes import application
from mcpg_operator.runtime.allocator import share_one_heap
from mcpg_operator.runtime.caches import Caches
from mcpg_operator.runtime.fence import FencedCluster
from mcpg_operator.runtime.lease import Elector
from mcpg_operator.serving import Certificate, Server, from_directory, from_store
from mcpg_operator.telemetry import Metrics, configure_logging
from supplychain.errors import StorageUnavailableError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcpg_operator.settings import Settings

__all__ = ["Operator", "run"]

_LOG = logging.getLogger(__name__)
_TICK: Final = 0.2
_DEFINITIONS_RETRY: Final = 2.0
_DRAIN_SECONDS: Final = 20.0
_SILENCE: Final = 300.0
"""Seconds without an answer from the API server after which a leader is not healthy."""
_STUCK: Final = 30.0
"""Seconds after which a loop that did not get round counts as blocked."""
_CERTIFICATE_LOOK: Final = 2.0
_LOOKUP_SECONDS: Final = 4.0
"""How long a review may wait for the API server: less than half of what the API server waits for the review."""
_LINGER: Final = 5.0
"""Seconds for which reviews are answered after readiness has ended: so long others may take to notice."""


class Operator:
    """One replica from its first to its last moment; `pause(seconds)` says whether it was told to stop."""

    def __init__(self, settings: Settings, *, pause: Callable[[float], bool]) -> None:
        self._settings = settings
        self._pause = pause
        self._metrics = Metrics()
        self._metrics.build_info(_version())
        self._metrics.leader(settings.lease_name, 0)
        self._cluster = KubeCluster(observe=self._metrics.api_request)
        self._elector = Elector(self._cluster, settings)
        self._defined = False
        self._draining = False
        self._leading: Leading | None = None
        self._stop_electing = threading.Event()
        self._electing = threading.Thread(target=self._elector.run, args=(self._stop_electing,), name="lease", daemon=True)
        self._caches = Caches(settings, self._reading(self._cluster), handlers.watch)
        self._certificate = self._from_files()
        self._server = Server(
            application(self, self._metrics), settings.metrics_bind, certificate=self._certificate, flag="`--metrics-bind`"
        )
        self._admission = self._make_admission()
        self._looked_at_certificate = time.monotonic()

    @property
    def alive(self) -> bool:
        """See `probes.Health`; stays true while running passes finish, or the kubelet would cut them short."""
        if self._draining:
            return True
        silent = time.monotonic() - self._cluster.last_answer if self._leading is not None else 0.0
        return self._caches.idle < _STUCK and silent < _SILENCE

    @property
    def ready(self) -> bool:
        """See `probes.Health`: the kinds are served, everything has been listed once, and reviews can be answered."""
        reviewing = self._admission is None or self._admission.serving
        return self._defined and self._caches.synced and reviewing and not self._draining

    @property
    def reconciling(self) -> bool:
        """See `probes.Health`."""
        return self._leading is not None and self._leading.started and not self._draining

    def run(self) -> int:
        """Do everything; gives the exit code. Does not come back where the Lease is lost or a thread died."""
        self._server.start()
        try:
            self._tend()
            if not self._await_definitions():
                self._caches.start()
                if not self._await_lease():
                    self._lead()
        except Exception:  # noqa: BLE001 — a defect, or nobody to work with: without the main thread nobody watches over the others
            _LOG.exception("the main thread failed")
            self._abort("the main thread failed")
        return self._end()

    def _end(self) -> int:
        self._draining = True
        begun = time.monotonic()
        finished = self._leading is None or self._leading.end(_DRAIN_SECONDS)
        self._stop_electing.set()
        if self._electing.is_alive():
            self._electing.join(self._settings.lease_retry)
        if self._settings.leader_election:
            self._elector.release()
        self._metrics.leader(self._settings.lease_name, 0)
        if self._admission is not None:
            if self._admission.serving:
                time.sleep(max(0.0, begun + _LINGER - time.monotonic()))
            self._admission.stop()
        self._caches.stop()
        self._server.stop()
        _LOG.info("stopped", extra={"finished": finished})
        return 0

    def _await_definitions(self) -> bool:
        """Wait until all kinds are served; says whether it was told to stop."""
        said: list[str] = []
        while True:
            try:
                needed = [one.kind for one in self._caches.targets if not one.optional]
                missing = [kind.plural for kind in needed if not self._cluster.served(kind)]
            except SupplyChainError as exc:
                missing = [str(exc)]
            if not missing:
                self._defined = True
                return False
            if missing != said:
                _LOG.warning("waiting for the definitions of our kinds: %s", ", ".join(missing))
                said = missing
            if self._rest(_DEFINITIONS_RETRY):
                return True

    def _await_lease(self) -> bool:
        if not self._settings.leader_election:
            _LOG.warning("leader election is off: a second replica would write as well")
            return False
        _LOG.info("waiting for the Lease", extra={"lease": self._settings.lease_name, "as": self._settings.pod_name})
        self._electing.start()
        while not self._elector.held:
            if self._rest(_TICK):
                return True
            if not self._electing.is_alive():
                self._abort("the election died")
        return False

    def _lead(self) -> None:
        _LOG.info("this replica leads")
        self._metrics.leader(self._settings.lease_name, 1)
        fenced = FencedCluster(self._cluster, self._permitted)
        leading = Leading(self._settings, fenced, self._caches, self._metrics, now=_now)
        leading.begin()
        self._leading = leading
        while not self._rest(_TICK):
            if not self._permitted():
                self._abort("the Lease was lost")
            if leading.failed:
                self._abort(f"{leading.failed} died")
            if not leading.started and leading.informed:
                leading.control()
                _LOG.info("reconciling")

    def _from_files(self) -> Certificate | None:
        """Load the certificate of both ports, if a directory is named."""
        if self._settings.tls_cert_dir is None:
            return None
        found = Certificate(
            from_directory(self._settings.tls_cert_dir), where="`--tls-cert-dir`", expiry=self._metrics.certificate_expiry
        )
        found.load()
        return found

    def _make_admission(self) -> Admission | None:
        certificate = self._certificate
        if certificate is None and self._settings.tls_self_signed:
            source = from_store(self._caches.store, self._settings)
            certificate = Certificate(source, where="`--tls-secret`", expiry=self._metrics.certificate_expiry)
        if certificate is None:
            _LOG.warning("no `--tls-cert-dir` and no `--tls-self-signed`: nothing is reviewed, objects are only reconciled")
            return None
        asking = KubeCluster(observe=self._metrics.api_request, seconds=_LOOKUP_SECONDS)
        return Admission(self._settings, self._caches.store, self._reading(asking), self._metrics, certificate=certificate)

    @staticmethod
    def _reading(cluster: KubeCluster) -> FencedCluster:
        """Whoever is not the holder of the Lease only reads."""
        return FencedCluster(cluster, lambda: False)

    def _tend(self) -> None:
        """Take changed certificates into use."""
        if self._certificate is not None:
            self._certificate.refresh()
        if self._admission is not None:
            self._admission.tend()

    def _permitted(self) -> bool:
        return self._elector.held or not self._settings.leader_election

    def _rest(self, seconds: float) -> bool:
        if not self._server.alive:
            self._abort("the HTTP server died")
        if self._caches.failed:
            self._abort(f"{self._caches.failed} died")
        if self._admission is not None and self._admission.failed:
            self._abort("the admission server died")
        if time.monotonic() - self._looked_at_certificate > _CERTIFICATE_LOOK:
            self._looked_at_certificate = time.monotonic()
            self._tend()
        return self._pause(seconds)

    def _abort(self, why: str) -> None:
        """End the process without letting any thread write another byte to the cluster."""
        self._metrics.leader(self._settings.lease_name, 0)
        _LOG.critical("the process ends: %s", why)
        logging.shutdown()
        os._exit(1)


def run(settings: Settings) -> int:
    """Run the operator until SIGTERM or SIGINT; gives the exit code.

    Raises:
        SupplyChainError: it cannot even start: no credentials, an address that is taken.
    """
    share_one_heap()
    configure_logging(style=settings.log_format, level=settings.log_level)
    handlers.quiet()
    _use_work_dir(settings.work_dir)
    _LOG.info(
        "mcpg-operator starts",
        extra={
            "version": _version(),
            "leader_election": settings.leader_election,
            "watch_namespace": settings.watch_namespace or "",
            "trust_root": str(settings.trust_root or ""),
        },
    )
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _: told.append(caught))

    def pause(seconds: float) -> bool:
        # A handler must not take a lock that the interrupted code may hold, so nothing is woken: short sleeps look at the list.
        end = time.monotonic() + seconds
        while not told and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _TICK))
        return bool(told)

    return Operator(settings, pause=pause).run()


def _use_work_dir(folder: Path | None) -> None:
    """Spool there from now on, and find out at the start, not at the first pull, whether that works."""
    if folder is not None:
        tempfile.tempdir = str(folder)
    try:
        with tempfile.TemporaryFile() as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as exc:
        raise StorageUnavailableError(
            "packages cannot be spooled", got=exc.strerror or type(exc).__name__, where=f"`{folder or tempfile.gettempdir()}`"
        ) from exc


def _now() -> datetime:
    return datetime.now(UTC)


def _version() -> str:
    try:
        return version("mcpg-supplychain")
    except PackageNotFoundError:
        return "unknown"
