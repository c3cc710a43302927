"""A Kubernetes control plane for one test run: etcd, kube-apiserver and kube-controller-manager, without nodes."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import httpx

from mcpg_operator.resources import CRD, NAMESPACE, Kind
from tests.support.cluster.api import Api, ApiError, Manifests, defined, documents
from tests.support.cluster.control_plane import ControlPlane
from tests.support.cluster.kubeconfig import write_kubeconfig
from tests.support.cluster.program import Guard
from tests.support.components import component

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.support.cluster.program import Program

__all__ = ["SERVICE_ACCOUNT", "RunningCluster", "wait_until"]

SERVICE_ACCOUNT: Final = Kind(name="ServiceAccount", plural="serviceaccounts")
_START_SECONDS: Final = 90
_STOP_SECONDS: Final = 1
"""With open watches the API server takes a minute to end by itself."""
_T = TypeVar("_T")


class RunningCluster:
    """Everything about one cluster; `api` talks to it as its administrator."""

    def __init__(self, directory: Path, *, guard: Guard, api_server_flags: Sequence[str] = ()) -> None:
        self.directory = directory
        self.guard = guard
        self._plane = ControlPlane(directory, guard=guard, api_server_flags=api_server_flags)
        self.api = self.client(certificate=self._plane.admin)

    @classmethod
    @contextmanager
    def running(
        cls, directory: Path, *, definitions: Manifests = (), api_server_flags: Sequence[str] = ()
    ) -> Iterator[RunningCluster]:
        """Start a cluster and stop it again; `definitions` are applied before the garbage collector looks which kinds exist.

        It looks again every 30 seconds only: owner references to kinds that came later take as long to have an effect.
        """
        guard = Guard()
        try:
            cluster = cls(directory, guard=guard, api_server_flags=api_server_flags)
            try:
                cluster.start(definitions)
                yield cluster
            finally:
                cluster.close()
        finally:
            guard.close()

    @property
    def url(self) -> str:
        """Where the API server answers."""
        return self._plane.url

    @property
    def ca_file(self) -> Path:
        """What its certificate is checked against."""
        return self._plane.ca_file

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self._plane.kubeconfig

    @property
    def logs(self) -> tuple[Path, ...]:
        """What the programs write."""
        return tuple(program.log for program in self._programs)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of etcd, API server and controller manager, while they run."""
        return tuple(program.pid for program in self._programs)

    def start(self, definitions: Manifests = ()) -> None:
        """Start all three programs and wait until the controllers work."""
        self._plane.etcd.start()
        self.start_api_server()
        self.define(definitions)
        self.start_controller_manager()

    def close(self) -> None:
        """End everything at once: nothing of it is kept."""
        self.api.close()
        for program in reversed(self._programs):
            program.kill()

    def client(self, *, certificate: tuple[Path, Path] | None = None, token: str | None = None) -> Api:
        """Make a client for a user; close it."""
        return Api(self.url, ca_file=self.ca_file, certificate=certificate, token=token)

    def kubectl(self, *words: object, input: str | None = None, check: bool = True) -> str:  # noqa: A002 — as in subprocess
        """Run kubectl as the administrator; gives what it printed, errors too.

        Raises:
            RuntimeError: it failed, unless `check` is off.
        """
        environment = {"HOME": str(self.directory), "KUBECONFIG": str(self.kubeconfig)}
        command = [str(component("kubectl")), *map(str, words)]
        done = subprocess.run(
            command, input=input, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(command[1:])}: {done.stdout.strip()}")
        return done.stdout

    def namespace(self, name: str) -> str:
        """Create a namespace where it does not exist; returns its name."""
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def drop_namespace(self, name: str, *, seconds: float = 30) -> None:
        """Delete a namespace and wait until it is gone: its controller starts after 5 seconds, whatever is in it."""
        self.api.delete(NAMESPACE, name)
        self.wait_until(lambda: self.api.get(NAMESPACE, name) is None, seconds=seconds, what=f"namespace `{name}` to be gone")

    def define(self, definitions: Manifests) -> None:
        """Apply CustomResourceDefinitions and wait until their kinds are served."""
        manifests = list(documents(definitions))
        self.api.apply(manifests)
        for kind in (kind for manifest in manifests for kind in defined(manifest)):
            self.wait_until(lambda kind=kind: self.api.serves(kind), what=f"{kind} to be served")  # type: ignore[misc]

    def undefine(self, *kinds: Kind) -> None:
        """Delete CustomResourceDefinitions with all their objects, and wait until they are gone."""
        for kind in kinds:
            self.api.delete(CRD, f"{kind.plural}.{kind.group}")
        for kind in kinds:
            self.wait_until(
                lambda kind=kind: self.api.get(CRD, f"{kind.plural}.{kind.group}") is None,  # type: ignore[misc]
                what=f"the definition of {kind} to be gone",
            )

    def token(self, namespace: str, service_account: str, *, seconds: int = 3600) -> str:
        """Have a real token made for a ServiceAccount, which must exist."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}
        return str(self.api.request("POST", path, body=body)["status"]["token"])

    def service_account_kubeconfig(self, namespace: str, service_account: str) -> Path:
        """Write a kubeconfig with a fresh token of a ServiceAccount, which must exist; returns the file."""
        file = self.directory / f"{namespace}.{service_account}.kubeconfig"
        user = {"token": self.token(namespace, service_account)}
        return write_kubeconfig(file, url=self.url, ca_file=self.ca_file, user=user, namespace=namespace)

    def stop_api_server(self) -> None:
        """Stop it: SIGTERM, and SIGKILL a second later."""
        self._plane.api_server.stop(grace=_STOP_SECONDS)

    def start_api_server(self) -> None:
        """Start it, at the port it always has, and wait until it is ready."""
        self._plane.api_server.start()
        self._wait_for(self._plane.api_server, self._is_ready)

    def stop_etcd(self) -> None:
        """Stop it: SIGTERM, and SIGKILL a second later; the API server stays and can answer little."""
        self._plane.etcd.stop(grace=_STOP_SECONDS)

    def start_etcd(self) -> None:
        """Start it with the data it had, and wait until the API server is ready again, where that runs."""
        self._plane.etcd.start()
        if self._plane.api_server.running:
            self._wait_for(self._plane.etcd, self._is_ready)

    def stop_controller_manager(self) -> None:
        """Stop it: no garbage collection, namespaces stay."""
        self._plane.controller_manager.stop(grace=_STOP_SECONDS)

    def start_controller_manager(self) -> None:
        """Start it and wait until it makes the ServiceAccount that every namespace gets."""
        where = "default"
        self.api.delete(SERVICE_ACCOUNT, "default", namespace=where)
        self._plane.controller_manager.start()
        self._wait_for(
            self._plane.controller_manager, lambda: self.api.get(SERVICE_ACCOUNT, "default", namespace=where) is not None
        )

    def wait_until(self, done: Callable[[], _T], *, seconds: float = 60, what: str = "it") -> _T:
        """Ask until the answer is true, see `wait_until`."""
        return wait_until(done, seconds=seconds, what=what)

    @property
    def _programs(self) -> tuple[Program, ...]:
        return self._plane.etcd, self._plane.api_server, self._plane.controller_manager

    def _is_ready(self) -> bool:
        return self.api.request("GET", "/readyz") == "ok"

    def _wait_for(self, program: Program, ready: Callable[[], bool]) -> None:
        def done() -> bool:
            if not program.running:
                raise RuntimeError(f"it ended: {program.tail()}")
            return ready()

        self.wait_until(done, seconds=_START_SECONDS, what=f"`{program.log.stem}`, whose log is {program.log}")


def wait_until(done: Callable[[], _T], *, seconds: float = 60, what: str = "it", pause: float = 0.05) -> _T:
    """Ask until the answer is true, and give the answer; a server that is away or busy counts as not yet.

    Raises:
        TimeoutError: it was never true; the text says what was waited for and how the last try ended.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            answer = done()
        except httpx.TransportError as error:
            last = repr(error)
        except ApiError as error:
            if error.status not in {403, 429} and error.status < httpx.codes.INTERNAL_SERVER_ERROR:
                raise
            last = str(error)
        else:
            if answer:
                return answer
            last = repr(answer)
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}: {last}")
        time.sleep(pause)
