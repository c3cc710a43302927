"""Admission as a part of the process: its server, its certificate, and what it answers from."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mcpg_operator.admission.configuration import OPT_OUT
from mcpg_operator.admission.descriptors import Descriptors
from mcpg_operator.admission.live import Live
from mcpg_operator.admission.metrics import AdmissionMetrics
from mcpg_operator.admission.reviewer import Reviewer
from mcpg_operator.admission.server import application
from mcpg_operator.resources import GATEWAY, NAMESPACE, PLUGIN_SET, ROUTE
from mcpg_operator.serving import Server
from supplychain.rules.strictness import Strictness

if TYPE_CHECKING:
    from mcpg_operator.cluster import Cluster
    from mcpg_operator.runtime.store import Store
    from mcpg_operator.serving import Certificate
    from mcpg_operator.settings import Settings
    from mcpg_operator.telemetry import Metrics

__all__ = ["Admission", "strictness"]

_LOG = logging.getLogger(__name__)


class Admission:
    """Runs in every replica, leader or not; `tend` and `stop` are called by one thread."""

    def __init__(self, settings: Settings, store: Store, cluster: Cluster, metrics: Metrics, *, certificate: Certificate) -> None:
        """Bind the port; nobody is answered before `tend` finds a certificate.

        Args:
            settings: where to listen, how strict to be
            store: what this replica knows of the cluster
            cluster: asked where the store may lag behind; its requests must give up within seconds
            metrics: whose registry gets the metrics of admission
            certificate: what to present

        Raises:
            InvalidPolicyError: the address cannot be bound.
        """
        self._store = store
        self._certificate = certificate
        found = AdmissionMetrics(metrics.registry, opted_out=self._opted_out)
        live = Live(cluster)
        descriptors = Descriptors(store, live, namespace=settings.namespace)
        reviewer = Reviewer(store, live, strictness(settings), descriptors, failed=found.lookup_failed)
        self._server = Server(
            application(reviewer, found),
            settings.webhook_bind,
            certificate=certificate,
            flag="`--webhook-bind`",
            name="admission",
        )

    @property
    def port(self) -> int:
        """The bound port."""
        return self._server.port

    @property
    def serving(self) -> bool:
        """Whether reviews are answered."""
        return self._server.alive

    @property
    def failed(self) -> bool:
        """Whether it served and does no more."""
        return self._server.begun and not self._server.alive

    def tend(self) -> None:
        """Take a new certificate into use; with the first one the server starts."""
        self._certificate.refresh()
        if not self._server.begun and self._server.startable:
            self._server.start()
            _LOG.info("reviews are answered", extra={"port": self._server.port})

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def _opted_out(self) -> int:
        labelled = {one.name for one in self._store.list(NAMESPACE) if OPT_OUT in one.labels}
        if not labelled:
            return 0
        inhabited = {one.namespace for kind in (GATEWAY, PLUGIN_SET, ROUTE) for one in self._store.list(kind)}
        return len(labelled & inhabited)


def strictness(settings: Settings) -> Strictness:
    """Put together how strictly the rules are applied."""
    return Strictness(
        require_coordinator_tls=settings.require_coordinator_tls,
        require_digest_or_cosign=settings.require_digest_or_cosign,
        operator_namespace=settings.namespace,
        admit_without_lookup=settings.admission_lookup_failure == "allow",
    )
