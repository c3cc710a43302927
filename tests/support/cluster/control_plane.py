"""The three programs of a control plane, with what makes them trust each other: keys and certificates of one run, worth nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.cluster.kubeconfig import write_kubeconfig
from tests.support.cluster.program import Guard, Program
from tests.support.components import component
from tests.support.private_ca import PrivateCa
from tests.support.processes import lasting_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["PROGRAMS", "ControlPlane"]

PROGRAMS: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
"""What has to be built."""
_CONTROLLERS: Final = (
    "clusterrole-aggregation-controller", "deployment-controller", "garbage-collector-controller", "namespace-controller",
    "disruption-controller", "horizontal-pod-autoscaler-controller", "node-lifecycle-controller", "replicaset-controller",
    "resourcequota-controller", "root-ca-certificate-publisher-controller", "serviceaccount-controller",
    "serviceaccount-token-controller", "validatingadmissionpolicy-status-controller",
)  # fmt: skip
"""What a test can see; volumes and the rest cost time and show nothing without a kubelet."""


class ControlPlane:
    """Prepares everything in `directory` and starts nothing; every port stays the same over a restart."""

    def __init__(self, directory: Path, *, guard: Guard, api_server_flags: Sequence[str] = ()) -> None:
        for name in PROGRAMS:
            component(name)
        self._directory = directory
        self._guard = guard
        ca = PrivateCa(directory / "ca")
        self.ca_file = ca.certificate
        self.admin = ca.client("admin", organization="system:masters")
        self._serving = ca.server("127.0.0.1")
        self._write_service_account_keys()
        self._etcd_url = f"http://127.0.0.1:{lasting_port()}"
        self.url = f"https://127.0.0.1:{lasting_port()}"
        self.kubeconfig = directory / "admin.kubeconfig"
        certificate, key = self.admin
        user = {"client-certificate": str(certificate), "client-key": str(key)}
        write_kubeconfig(self.kubeconfig, url=self.url, ca_file=self.ca_file, user=user)
        self.etcd = self._program("etcd", self._etcd())
        self.api_server = self._program("kube-apiserver", [*self._api_server(), *api_server_flags])
        self.controller_manager = self._program("kube-controller-manager", self._controller_manager())

    def _write_service_account_keys(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        file = self._directory / "service-accounts.key"
        file.touch(mode=0o600)
        file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        (self._directory / "service-accounts.pub").write_bytes(public)

    def _etcd(self) -> list[str]:
        peers = f"http://127.0.0.1:{lasting_port()}"
        return [
            f"--data-dir={self._directory / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}", f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peers}", "--unsafe-no-fsync=true", "--log-level=warn",
        ]  # fmt: skip

    def _api_server(self) -> list[str]:
        certificate, key = self._serving
        return [
            f"--etcd-servers={self._etcd_url}", "--bind-address=127.0.0.1", f"--secure-port={self.url.rpartition(':')[2]}",
            f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}", f"--client-ca-file={self.ca_file}",
            "--authorization-mode=RBAC", "--anonymous-auth=false", "--allow-privileged=true",
            "--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
            f"--service-account-issuer={self.url}/",
            f"--service-account-key-file={self._directory / 'service-accounts.pub'}",
            f"--service-account-signing-key-file={self._directory / 'service-accounts.key'}",
        ]  # fmt: skip

    def _controller_manager(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0", f"--controllers={','.join(_CONTROLLERS)}",
            f"--service-account-private-key-file={self._directory / 'service-accounts.key'}",
            f"--root-ca-file={self.ca_file}", "--allocate-node-cidrs=false",
            "--kube-api-qps=500", "--kube-api-burst=1000", "--concurrent-gc-syncs=20", "--concurrent-namespace-syncs=10",
            "--horizontal-pod-autoscaler-sync-period=1s",
        ]  # fmt: skip

    def _program(self, name: str, flags: Sequence[str]) -> Program:
        return Program([component(name), *flags], log=self._directory / f"{name}.log", guard=self._guard)
