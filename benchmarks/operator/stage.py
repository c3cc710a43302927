"""The cluster, the registry and the operator of one measurement; everything is a real process on loopback."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.operator.eyes import Eyes
from tests.support.cluster import RunningCluster, definitions, rights
from tests.support.cluster.gate import Gate
from tests.support.cluster.objects import revocation_list
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.cluster.publishing import Published, make_release, publish, write_trust_root
from tests.support.registries import RunningRegistries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ADDRESSES = "--service-cluster-ip-range=10.0.0.0/20"
"""Enough for thousands of Services."""
_HANDS = 8
"""Threads that write objects."""


class Stage:
    """One cluster with one registry behind a gate, and what is published there."""

    def __init__(self, folder: Path, cluster: RunningCluster, registries: RunningRegistries, gate: Gate) -> None:
        self.cluster = cluster
        self.api = cluster.api
        self.gate = gate
        self.trust_root = write_trust_root(folder / "trusted_root.json")
        self._registry = registries.referrers.host

    @classmethod
    @contextmanager
    def set_up(cls) -> Iterator[Stage]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpg-bench-")))
            registries = RunningRegistries(folder)
            stack.callback(registries.close)
            gate = stack.enter_context(Gate.opened(registries.referrers.host))
            cluster = stack.enter_context(
                RunningCluster.running(folder, definitions=definitions(), api_server_flags=[_ADDRESSES])
            )
            cluster.api.apply(rights())
            cluster.api.apply(revocation_list("b" * 64))
            yield cls(folder, cluster, registries, gate)

    @contextmanager
    def eyes(self) -> Iterator[Eyes]:
        """Look at the statuses of all plugins, as an administrator's watch sees them."""
        eyes = Eyes(self.cluster)
        try:
            yield eyes
        finally:
            eyes.close()

    @contextmanager
    def operator(self, *more: str, resync: float = 600, **environment: str) -> Iterator[OperatorProcess]:
        """Run an operator with the flags of a chart and `more`, but for the places of registry and trust root."""
        flags = [
            f"--sigstore-trust-root-path={self.trust_root}",
            f"--insecure-registry={self.gate.host}",
            f"--resync-interval-secs={resync:g}",
            "--log-level=info",
            "--lease-duration-secs=15",
            "--lease-renew-secs=10",
            "--lease-retry-secs=2",
            *more,
        ]
        process = OperatorProcess(self.cluster, flags=flags, environment=environment)
        process.start()
        try:
            yield process
            if defects := process.defects():
                raise RuntimeError(f"the operator met what it must not meet: {defects[:3]}")
        finally:
            process.stop()

    def publish(self, name: str, **made: Any) -> Published:
        """Put a release into the registry and its policy's objects into the cluster."""
        release = make_release(name, **made)
        published = publish(release, host=self._registry, repository=f"acme/{name}", ask=self.gate.host)
        self.api.apply(published.policy_objects())
        return published

    def install(self, plugins: Iterable[tuple[str, Published]]) -> None:
        """Create MCPGPlugins, several at the same time."""
        together(lambda one: self.api.create(one[1].plugin(one[0])), plugins)


def together(work: Callable[[Any], object], things: Iterable[Any]) -> None:
    with ThreadPoolExecutor(_HANDS) as pool:
        for _ in pool.map(work, things):
            pass
