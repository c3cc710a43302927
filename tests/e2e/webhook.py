"""An operator whose webhook a real API server asks, by URL and with a certificate of its own."""

from __future__ import annotations

import copy
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcpg_operator.admission.configuration import UrlTarget, configuration
from mcpg_operator.resources import PLUGIN, WEBHOOK_CONFIGURATION
from tests.support.cluster import ApiError
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.private_ca import PrivateCa
from tests.support.processes import lasting_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cluster import RunningCluster

__all__ = ["LEASE", "TAG_OF_ANOTHER_VERSION", "Webhook", "admitting", "is_refused", "plugin"]

LEASE = ("--lease-duration-secs=15", "--lease-renew-secs=12", "--lease-retry-secs=0.5")
PLUGIN_OBJECT = {
    "apiVersion": "mcpg.dev/v1alpha2",
    "kind": "MCPGPlugin",
    "metadata": {"name": "admitted"},
    "spec": {
        "pluginId": "dev.acme.audit",
        "version": "1.2.3",
        "pluginClass": "audit_sink",
        "oci": {"image": f"ghcr.io/acme/audit@sha256:{'a' * 64}"},
        "trust": {"signingKeyRef": {"secretName": "acme-keys"}},
    },
}


def plugin(name: str, **spec: Any) -> dict[str, Any]:
    document = copy.deepcopy(PLUGIN_OBJECT)
    document["metadata"] = {"name": name}
    return {**document, "spec": {**document["spec"], **spec}}  # type: ignore[dict-item]


TAG_OF_ANOTHER_VERSION = plugin("tagged", oci={"image": "ghcr.io/acme/audit:9.9.9"})


class Webhook:
    """An operator whose webhook the API server asks."""

    def __init__(self, cluster: RunningCluster, directory: Path, *, name: str = "one-test", flags: tuple[str, ...] = ()) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.cluster = cluster
        self.directory = directory
        self.port = lasting_port()
        self.ca = self.prepare("ca-1")
        self.switch()
        self.operator = OperatorProcess(
            cluster,
            name=f"admission-{name}",
            flags=(f"--webhook-bind=127.0.0.1:{self.port}", f"--tls-cert-dir={directory}", *LEASE, *flags),
        )
        self.operator.url = self.operator.url.replace("http://", "https://")
        self.operator.trust = ssl.create_default_context()
        self.operator.trust.check_hostname = False
        self.operator.trust.verify_mode = ssl.CERT_NONE

    def prepare(self, name: str) -> bytes:
        """Make a certificate of a fresh authority for `switch`; gives the authority."""
        ca = PrivateCa(self.directory / name)
        for source, target in zip(ca.server("127.0.0.1"), ("next.crt", "next.key"), strict=True):
            (self.directory / target).write_bytes(source.read_bytes())
        return ca.certificate.read_bytes()

    def switch(self) -> None:
        """Put the prepared certificate where the operator looks: two files, one after the other."""
        for part in ("crt", "key"):
            (self.directory / f"tls.{part}").write_bytes((self.directory / f"next.{part}").read_bytes())

    def presented(self) -> str:
        """What it presents to whoever connects now."""
        return ssl.get_server_certificate(("127.0.0.1", self.port))

    def configure(self, authorities: bytes | None = None, *, condition: dict[str, str] | None = None) -> None:
        """Have the API server ask it, under one more condition where one is given."""
        found = configuration(self.name, UrlTarget(base=f"https://127.0.0.1:{self.port}"), authorities=authorities or self.ca)
        for one in found["webhooks"] if condition else ():
            one["matchConditions"] = [*one["matchConditions"], condition]
        self.cluster.api.apply(found)

    def calls(self) -> float:
        """How many reviews were answered."""
        return sum(value for name, value in self.operator.metrics().items() if "admission_requests_total" in name)


@contextmanager
def admitting(webhook: Webhook) -> Iterator[Webhook]:
    """Run it, and have the API server ask it, until the end."""
    webhook.operator.start()
    try:
        webhook.operator.wait_until_ready()
        webhook.configure()
        webhook.cluster.wait_until(lambda: is_refused(webhook.cluster, TAG_OF_ANOTHER_VERSION), what="the webhook to be asked")
        yield webhook
    finally:
        webhook.cluster.api.delete(WEBHOOK_CONFIGURATION, webhook.name)
        webhook.operator.program.stop(grace=15)
    assert not webhook.operator.defects(), webhook.operator.defects()[:3]


def is_refused(cluster: RunningCluster, document: dict[str, Any]) -> ApiError | None:
    """Try on the server side, storing nothing."""
    try:
        cluster.api.request("POST", f"/apis/mcpg.dev/v1alpha2/{PLUGIN.plural}", body=document, dryRun="All")
    except ApiError as error:
        return error
    return None
