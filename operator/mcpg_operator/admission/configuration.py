"""The ValidatingWebhookConfiguration: which objects the API server asks about, where, and what it does without an answer. Pure.

An object that is being deleted is not sent at all, and neither is one whose spec an update leaves alone, where no rule looks at
anything else. So both pass while nobody answers. Gateways and clusters have
annotations that rules read, and are always sent.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from mcpg_operator.admission.expressions import CHANGED, NOT_DELETING
from mcpg_operator.admission.server import KINDS, path_of
from mcpg_operator.resources import CLUSTER, GATEWAY, WEBHOOK_CONFIGURATION

if TYPE_CHECKING:
    from mcpg_operator.resources import Kind

__all__ = ["OPT_OUT", "PlainDumper", "ServiceTarget", "UrlTarget", "configuration", "render_configuration", "webhook_name"]

OPT_OUT: Final = "mcpg.dev/skip-validation"
"""The label of a namespace whose objects are not reviewed, whatever its value."""
_HEADER: Final = "# Made by `make policies`; edits are overwritten.\n"
_WIDTH: Final = 130
_PORT: Final = 443
_TIMEOUT: Final = 10
_ANNOTATED: Final = frozenset({GATEWAY, CLUSTER})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTarget:
    """The webhook behind a Service of the cluster."""

    namespace: str
    name: str
    port: int = _PORT

    def client(self, path: str) -> dict[str, Any]:
        """Write where the API server finds one path."""
        return {"service": {"namespace": self.namespace, "name": self.name, "port": self.port, "path": path}}


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlTarget:
    """The webhook at an address, for an API server outside the cluster."""

    base: str
    """`https://host:port`."""

    def client(self, path: str) -> dict[str, Any]:
        """Write where the API server finds one path."""
        return {"url": f"{self.base}{path}"}


def webhook_name(kind: Kind) -> str:
    """What the webhook of a kind is called, in messages too."""
    return f"{kind.plural}.{kind.group}"


def configuration(
    name: str, target: ServiceTarget | UrlTarget, *, authorities: bytes = b"", failure_policy: str = "Fail"
) -> dict[str, Any]:
    """Write the configuration.

    Args:
        name: of the object
        target: who answers
        authorities: PEM, whom to trust; empty: somebody else enters it
        failure_policy: `Fail` or `Ignore`: what happens without an answer
    """
    trust = {"caBundle": base64.b64encode(authorities).decode()} if authorities else {}
    webhooks = [
        {
            "name": webhook_name(kind),
            "admissionReviewVersions": ["v1"],
            "clientConfig": {**target.client(path_of(kind)), **trust},
            "failurePolicy": failure_policy,
            "matchConditions": [NOT_DELETING] if kind in _ANNOTATED else [NOT_DELETING, CHANGED],
            **({"namespaceSelector": _SELECTOR} if kind.namespaced else {}),
            "rules": [
                {
                    "apiGroups": [kind.group],
                    "apiVersions": [kind.version],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": [kind.plural],
                    "scope": "Namespaced" if kind.namespaced else "Cluster",
                }
            ],
            "sideEffects": "None",
            "timeoutSeconds": _TIMEOUT,
        }
        for kind in KINDS
    ]
    return {
        "apiVersion": WEBHOOK_CONFIGURATION.api_version,
        "kind": WEBHOOK_CONFIGURATION.name,
        "metadata": {"name": name},
        "webhooks": webhooks,
    }


def render_configuration(
    name: str, target: ServiceTarget | UrlTarget, *, authorities: bytes = b"", failure_policy: str = "Fail"
) -> bytes:
    """Write the same as YAML; the same arguments give the same bytes."""
    found = configuration(name, target, authorities=authorities, failure_policy=failure_policy)
    return (_HEADER + yaml.dump(found, Dumper=PlainDumper, sort_keys=True, allow_unicode=True, width=_WIDTH)).encode()


class PlainDumper(yaml.SafeDumper):
    """Writes every node in full: no anchors, which hide what a reader looks for."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 — the base class names it
        """Say yes for everything."""
        return True


_SELECTOR: Final = {"matchExpressions": [{"key": OPT_OUT, "operator": "DoesNotExist"}]}
