"""The controller of the certificate that the operator makes for its webhook."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.watches import Dependants
from mcpg_operator.controllers.webhook_certificate.decide import Rest, Seen, decide
from mcpg_operator.names import COMPONENT, MANAGED_BY, MANAGER, OPERATOR, manager
from mcpg_operator.resources import SECRET, WEBHOOK_CONFIGURATION, Key
from mcpg_operator.services import Outcome, Result
from mcpg_operator.serving import read_kept
from supplychain.errors import NameConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services, Watch
    from mcpg_operator.serving import Kept

__all__ = ["WebhookCertificateReconciler"]

_LOOK: Final = 30.0
"""Seconds between two looks at the configuration, which nothing watches: whoever installs it anew may empty `caBundle`."""
_SOON: Final = 1.0
_LABELS: Final = {**MANAGER, COMPONENT: "webhook"}


@dataclass(frozen=True, slots=True)
class _Published:
    authorities: bytes
    since: datetime


class WebhookCertificateReconciler:
    """Keeps a valid certificate in a Secret, and the configuration of the webhook trusting it."""

    name = "webhook-certificate"

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._key = Key(WEBHOOK_CONFIGURATION, self._settings.webhook_configuration)
        self._published: _Published | None = None
        self.first = (self._key,)
        """Due at the start, whether there is such an object or not."""
        self.watches: tuple[Watch, ...] = (Dependants(kind=SECRET, of=self._of_secret),)

    def reconcile(self, key: Key) -> Result:
        """Make one pass.

        Raises:
            SupplyChainError: something cannot be read or written, or somebody else's Secret has the name.
        """
        if key != self._key:
            return Result()
        secret = self._services.cluster.get(SECRET, self._settings.tls_secret, namespace=self._settings.namespace)
        if secret is not None and secret.labels.get(MANAGED_BY) != OPERATOR:
            raise NameConflictError(
                "a Secret of somebody else has the name of the webhook's certificate",
                expected="none, or one that this operator made; `--tls-secret` chooses another name",
                where=f"`{self._settings.namespace}/{self._settings.tls_secret}`",
            )
        kept, found = read_kept(secret), self._services.cluster.get(WEBHOOK_CONFIGURATION, self._key.name)
        step = decide(self._seen(kept, found))
        if isinstance(step, Rest):
            changed = kept is not None and self._publish(found, kept.authorities)
            wait = (step.until - self._services.now()).total_seconds()
            return Result(outcome=_outcome(found), after=min(max(wait, _SOON), _LOOK), changed=changed)
        self._publish(found, step.kept.authorities)
        self._keep(step.kept, secret)
        return Result(outcome=_outcome(found), after=_SOON, changed=True)

    def _seen(self, kept: Kept | None, found: Resource | None) -> Seen:
        published = None if found is None else _trusted(found)
        authorities = None if kept is None else kept.authorities
        if published is None or published != authorities:
            self._published = None
        elif self._published is None or self._published.authorities != published:
            self._published = _Published(published, self._services.now())
        service = f"{self._settings.webhook_service}.{self._settings.namespace}.svc"
        return Seen(
            kept=kept,
            published=published,
            since=self._published.since if self._published else None,
            names=(service, f"{service}.{self._settings.cluster_domain}"),
            lifetime=timedelta(seconds=self._settings.tls_lifetime),
            now=self._services.now(),
        )

    def _publish(self, found: Resource | None, authorities: bytes) -> bool:
        """Make every API server trust these, if there is a configuration; says whether that took a write."""
        if found is None or _trusted(found) == authorities:
            return False
        bundle = base64.b64encode(authorities).decode()
        webhooks = [{"name": one.get("name"), "clientConfig": {"caBundle": bundle}} for one in _webhooks(found)]
        manifest = {
            "apiVersion": WEBHOOK_CONFIGURATION.api_version,
            "kind": WEBHOOK_CONFIGURATION.name,
            "metadata": {"name": found.name, "uid": found.uid},
            "webhooks": webhooks,
        }
        self._services.cluster.apply(manifest, manager=manager(self.name))
        return True

    def _keep(self, kept: Kept, secret: Resource | None) -> None:
        metadata: dict[str, Any] = {"name": self._settings.tls_secret, "namespace": self._settings.namespace, "labels": _LABELS}
        if secret is not None:
            metadata["resourceVersion"] = secret.resource_version
        manifest = {
            "apiVersion": SECRET.api_version,
            "kind": SECRET.name,
            "metadata": metadata,
            "type": "kubernetes.io/tls",
            "data": {name: base64.b64encode(value).decode() for name, value in kept.data().items()},
        }
        self._services.cluster.apply(manifest, manager=manager(self.name))

    def _of_secret(self, found: Resource) -> Iterable[Key]:
        ours = (found.name, found.namespace) == (self._settings.tls_secret, self._settings.namespace)
        return (self._key,) if ours else ()


def _trusted(found: Resource) -> bytes | None:
    """Whom all webhooks trust alike; nobody where they differ."""
    bundles = {str(_mapping(one.get("clientConfig")).get("caBundle") or "") for one in _webhooks(found)}
    if len(bundles) != 1:
        return b""
    try:
        return base64.b64decode(bundles.pop(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _webhooks(found: Resource) -> list[Mapping[str, Any]]:
    webhooks = found.body.get("webhooks")
    return [_mapping(one) for one in webhooks] if isinstance(webhooks, list) else []


def _outcome(found: Resource | None) -> Outcome:
    return Outcome.DEPENDENCY_PENDING if found is None else Outcome.SUCCESS


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
