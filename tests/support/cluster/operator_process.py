"""The operator as a process of its own, with the rights that are shipped and a real token: nothing of it is in the test's process."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.support.cluster.manifests import NAMESPACE, OPERATOR
from tests.support.cluster.program import Program
from tests.support.cluster.running import wait_until
from tests.support.processes import lasting_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.support.cluster.running import RunningCluster

__all__ = ["QUICK_LEASE", "OperatorProcess", "operator_command"]

QUICK_LEASE: Final = ("--lease-duration-secs=3", "--lease-renew-secs=2", "--lease-retry-secs=0.5")
"""A killed leader is followed within seconds."""
_START_SECONDS: Final = 60


def operator_command(*, name: str, port: int, work_dir: Path, flags: Sequence[str] = ()) -> list[str]:
    """Build the operator's command line; flags given later win."""
    return [
        sys.executable, "-m", "mcpg_operator",
        f"--metrics-bind=127.0.0.1:{port}", "--webhook-bind=127.0.0.1:0",
        f"--operator-namespace={NAMESPACE}", f"--operator-service-account={OPERATOR}", f"--pod-name={name}",
        "--log-format=json", "--log-level=debug", f"--work-dir={work_dir}",
        *QUICK_LEASE, *flags,
    ]  # fmt: skip


class OperatorProcess:
    """One replica: started, stopped, killed and started again at the same port; its log goes on in the same file."""

    def __init__(
        self,
        cluster: RunningCluster,
        *,
        name: str = "operator-0",
        flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        port = lasting_port()
        work_dir, log = cluster.directory / name, cluster.directory / f"{name}.log"
        work_dir.mkdir(exist_ok=True)
        self._cluster = cluster
        self._read_from = 0
        self._begins = log.stat().st_size if log.exists() else 0
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self.trust: ssl.SSLContext | bool = True
        """By what the certificate of `url` is checked, where a test makes it `https`."""
        self.kubeconfig = cluster.directory / f"{NAMESPACE}.{OPERATOR}.kubeconfig"
        self.program = Program(
            operator_command(name=name, port=port, work_dir=work_dir, flags=flags),
            log=log,
            guard=cluster.guard,
            environment={"KUBECONFIG": str(self.kubeconfig), "PYTHONUNBUFFERED": "1", **(environment or {})},
        )

    @classmethod
    @contextmanager
    def running(
        cls,
        cluster: RunningCluster,
        *,
        name: str = "operator-0",
        flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[OperatorProcess]:
        """Start a replica, wait until it is ready, and end it afterwards."""
        operator = cls(cluster, name=name, flags=flags, environment=environment)
        try:
            operator.start()
            operator.wait_until_ready()
            yield operator
        finally:
            operator.program.stop(grace=5)

    def start(self) -> None:
        """Start it with a fresh token, and wait for nothing."""
        self._cluster.service_account_kubeconfig(NAMESPACE, OPERATOR)
        self.program.start()

    def stop(self, *, seconds: float = 30) -> int | None:
        """Ask it to end (SIGTERM); returns its exit code, -9 where it did not end in time."""
        return self.program.stop(grace=seconds)

    def kill(self) -> None:
        """End it in the middle of whatever it does (SIGKILL)."""
        self.program.kill()

    def freeze(self) -> None:
        """Let it stand still (SIGSTOP), as a machine does that pauses; `thaw` lets it go on."""
        self.program.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self.program.send(signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start it, and wait until it is ready."""
        self.stop()
        self.start()
        self.wait_until_ready()

    def wait_until_ready(self, *, seconds: float = _START_SECONDS) -> None:
        """Wait for `/readyz`.

        Raises:
            RuntimeError: it ended; with the last lines of its log.
            TimeoutError: it is not ready in time.
        """

        def ready() -> bool:
            if not self.program.running:
                raise RuntimeError(f"the operator ended: {self.program.tail()}")
            return self.answers("/readyz")

        wait_until(ready, seconds=seconds, what=f"the operator, whose log is {self.program.log}")

    def answers(self, path: str) -> bool:
        """Whether a probe gets 200; False where nothing answers."""
        try:
            return httpx.get(f"{self.url}{path}", timeout=5, trust_env=False, verify=self.trust).is_success
        except httpx.TransportError:
            return False

    def metrics(self) -> dict[str, float]:
        """Read `/metrics`: values by sample name with its labels, as they stand in the text."""
        text = httpx.get(f"{self.url}/metrics", timeout=5, trust_env=False, verify=self.trust).raise_for_status().text
        samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def lines(self) -> list[dict[str, Any]]:
        """Read every complete line that it logged, of all its starts; what is no JSON comes as `{"text": …}`."""
        return [_parsed(line) for line in self.text().splitlines(keepends=True) if line[-1] == "\n"]

    def text(self) -> str:
        """Read what it logged, of all its starts, without what another one of the same name had logged before."""
        with self.program.log.open("rb") as log:
            log.seek(self._begins)
            return log.read().decode(errors="replace")

    def defects(self) -> list[dict[str, Any]]:
        """Find what no state of the cluster may lead to: passes that failed unexpectedly, and errors of the operator's own."""
        return [
            one
            for one in self.lines()
            if (one.get("level") in {"error", "critical"} and str(one.get("logger")).startswith("mcpg_operator"))
            or str(one.get("text", "")).startswith("Traceback")
        ]

    def new_lines(self) -> list[dict[str, Any]]:
        """Read what it logged since the last call."""
        lines = self.lines()
        new, self._read_from = lines[self._read_from :], len(lines)
        return new


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": line.rstrip("\n")}
