"""The certificate that the operator makes itself: an API server that is told to trust it, and every replica that presents it.

The API server finds the webhook as it does in production, by its Service, whose name is what the certificate must be for. The
Service leads to this machine, because there are no pods here.
"""

from __future__ import annotations

import base64
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.admission.configuration import ServiceTarget, configuration
from mcpg_operator.resources import SECRET, WEBHOOK_CONFIGURATION, Kind
from tests.e2e.webhook import LEASE, TAG_OF_ANOTHER_VERSION, is_refused, plugin
from tests.support.cluster import NAMESPACE
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.processes import lasting_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cluster import RunningCluster

NAME = "mcpg-operator-validation"
SERVICE = "mcpg-operator-webhook"
KEPT = "mcpg-operator-webhook-tls"
LIFETIME = 90
"""Seconds: long enough to be seen, and renewed after a minute."""


class Replicas:
    """Two operators behind one port, of which one serves at a time."""

    def __init__(self, cluster: RunningCluster) -> None:
        self.cluster = cluster
        self.port = lasting_port()

    def make(self, name: str, port: int) -> OperatorProcess:
        flags = (f"--webhook-bind=127.0.0.1:{port}", "--tls-self-signed", f"--tls-lifetime-secs={LIFETIME}", *LEASE)
        return OperatorProcess(self.cluster, name=name, flags=flags)

    def configure(self) -> None:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        }
        target = ServiceTarget(namespace=NAMESPACE, name=SERVICE, port=self.port)
        self.cluster.api.apply([service, configuration(NAME, target)])

    @property
    def bundles(self) -> set[bytes]:
        found = self.cluster.api.get(WEBHOOK_CONFIGURATION, NAME)
        assert found is not None
        return {base64.b64decode(one["clientConfig"].get("caBundle", "")) for one in found["webhooks"]}

    def kept(self) -> dict[str, bytes]:
        found: dict[str, Any] | None = self.cluster.api.get(SECRET, KEPT, namespace=NAMESPACE)
        return {} if found is None else {name: base64.b64decode(value) for name, value in found["data"].items()}


def presented(port: int) -> bytes:
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()


@pytest.fixture
def replicas(cluster: RunningCluster) -> Iterator[Replicas]:
    found = Replicas(cluster)
    yield found
    cluster.api.delete(WEBHOOK_CONFIGURATION, NAME)
    cluster.api.delete(Kind(name="Service", plural="services"), SERVICE, namespace=NAMESPACE)
    cluster.api.delete(SECRET, KEPT, namespace=NAMESPACE)


def test_it_is_made_trusted_renewed_under_load_and_served_by_every_replica(replicas: Replicas) -> None:
    cluster = replicas.cluster
    replicas.configure()
    assert is_refused(cluster, plugin("nobody-there")) is not None
    standby_port = lasting_port()
    leader, standby = replicas.make("self-signed-a", replicas.port), replicas.make("self-signed-b", standby_port)
    leader.start()
    try:
        leader.wait_until_ready()
        cluster.wait_until(lambda: is_refused(cluster, plugin("trusted")) is None, what="the API server to trust it")
        error = is_refused(cluster, TAG_OF_ANOTHER_VERSION)
        assert error is not None
        assert error.status == 422
        standby.start()
        standby.wait_until_ready()
        assert not standby.answers("/reconcilez")
        first = replicas.kept()["tls.crt"]
        assert presented(standby_port) == presented(replicas.port) == first
        assert replicas.bundles == {replicas.kept()["ca.crt"]}
        expiry = leader.metrics()["mcpg_operator_webhook_certificate_expiry_timestamp_seconds"]
        assert expiry == standby.metrics()["mcpg_operator_webhook_certificate_expiry_timestamp_seconds"] > 0

        failures: list[str] = []
        ends = threading.Event()

        def load() -> None:
            while not ends.wait(0.02):
                refused = is_refused(cluster, plugin("load"))
                if refused is not None:
                    failures.append(str(refused))

        loading = threading.Thread(target=load)
        loading.start()
        try:
            cluster.wait_until(lambda: replicas.kept()["tls.crt"] != first, seconds=LIFETIME + 30, what="the renewal")
            second = replicas.kept()["tls.crt"]
            for port in (replicas.port, standby_port):
                cluster.wait_until(lambda port=port: presented(port) == second, what="both to present it")  # type: ignore[misc]
            cluster.wait_until(lambda: is_refused(cluster, plugin("after")) is None)
        finally:
            ends.set()
            loading.join(30)
        assert failures == []

        replicas.configure()  # as an upgrade of the chart does
        cluster.api.merge(
            WEBHOOK_CONFIGURATION,
            NAME,
            {"webhooks": [{**one, "clientConfig": {**one["clientConfig"], "caBundle": ""}} for one in _webhooks(cluster)]},
        )
        cluster.wait_until(lambda: replicas.bundles == {replicas.kept()["ca.crt"]}, seconds=60, what="the trust to come back")
        for operator in (leader, standby):
            assert operator.defects() == []
    finally:
        standby.program.stop(grace=15)
        leader.program.stop(grace=15)


def _webhooks(cluster: RunningCluster) -> list[dict[str, Any]]:
    found = cluster.api.get(WEBHOOK_CONFIGURATION, NAME)
    assert found is not None
    return list(found["webhooks"])
