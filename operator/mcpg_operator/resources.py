"""Kubernetes objects as plain JSON: which kinds the operator knows, how one is named, and how its parts are read.

Nothing here trusts an object: every accessor copes with members that are absent or of another type, because an old schema may
have let anything in. Shapes follow the Kubernetes API conventions (metadata, typical status properties).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AUTOSCALER",
    "CLUSTER",
    "CONFIG_MAP",
    "CRD",
    "DEPLOYMENT",
    "DISRUPTION_BUDGET",
    "EVENT",
    "GATEWAY",
    "GROUP",
    "INGRESS",
    "LEASE",
    "NAMESPACE",
    "NETWORK_POLICY",
    "PLUGIN",
    "PLUGIN_MIRROR",
    "PLUGIN_SET",
    "POD",
    "PROMETHEUS_RULE",
    "REPLICA_SET",
    "RESOURCE_QUOTA",
    "REVOCATION_LIST",
    "ROLE_BINDING",
    "ROUTE",
    "SECRET",
    "SERVICE",
    "SERVICE_ACCOUNT",
    "SERVICE_MONITOR",
    "TENANT",
    "WEBHOOK_CONFIGURATION",
    "Key",
    "Kind",
    "Resource",
    "kind_of",
]

GROUP: Final = "mcpg.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind at one version, as the API server serves it."""

    name: str
    plural: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`group/version`, or the bare version of the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return self.name


PLUGIN: Final = Kind(name="MCPGPlugin", plural="mcpgplugins", group=GROUP, version="v1alpha2", namespaced=False)
PLUGIN_MIRROR: Final = Kind(
    name="MCPGPluginMirror", plural="mcpgpluginmirrors", group=GROUP, version="v1alpha2", namespaced=False
)
REVOCATION_LIST: Final = Kind(
    name="MCPGRevocationList", plural="mcpgrevocationlists", group=GROUP, version="v1alpha2", namespaced=False
)
PLUGIN_SET: Final = Kind(name="MCPGPluginSet", plural="mcpgpluginsets", group=GROUP, version="v1alpha2")
GATEWAY: Final = Kind(name="MCPGGateway", plural="mcpggateways", group=GROUP, version="v1alpha2")
ROUTE: Final = Kind(name="MCPGRoute", plural="mcpgroutes", group=GROUP, version="v1alpha2")
CLUSTER: Final = Kind(name="MCPGCluster", plural="mcpgclusters", group=GROUP, version="v1alpha2", namespaced=False)
TENANT: Final = Kind(name="MCPGTenant", plural="mcpgtenants", group=GROUP, version="v1alpha2", namespaced=False)
SECRET: Final = Kind(name="Secret", plural="secrets")
CONFIG_MAP: Final = Kind(name="ConfigMap", plural="configmaps")
NAMESPACE: Final = Kind(name="Namespace", plural="namespaces", namespaced=False)
SERVICE: Final = Kind(name="Service", plural="services")
SERVICE_ACCOUNT: Final = Kind(name="ServiceAccount", plural="serviceaccounts")
RESOURCE_QUOTA: Final = Kind(name="ResourceQuota", plural="resourcequotas")
POD: Final = Kind(name="Pod", plural="pods")
REPLICA_SET: Final = Kind(name="ReplicaSet", plural="replicasets", group="apps")
DEPLOYMENT: Final = Kind(name="Deployment", plural="deployments", group="apps")
AUTOSCALER: Final = Kind(name="HorizontalPodAutoscaler", plural="horizontalpodautoscalers", group="autoscaling", version="v2")
DISRUPTION_BUDGET: Final = Kind(name="PodDisruptionBudget", plural="poddisruptionbudgets", group="policy")
INGRESS: Final = Kind(name="Ingress", plural="ingresses", group="networking.k8s.io")
NETWORK_POLICY: Final = Kind(name="NetworkPolicy", plural="networkpolicies", group="networking.k8s.io")
SERVICE_MONITOR: Final = Kind(name="ServiceMonitor", plural="servicemonitors", group="monitoring.coreos.com")
PROMETHEUS_RULE: Final = Kind(name="PrometheusRule", plural="prometheusrules", group="monitoring.coreos.com")
WEBHOOK_CONFIGURATION: Final = Kind(
    name="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
    group="admissionregistration.k8s.io",
    namespaced=False,
)
ROLE_BINDING: Final = Kind(name="RoleBinding", plural="rolebindings", group="rbac.authorization.k8s.io")
LEASE: Final = Kind(name="Lease", plural="leases", group="coordination.k8s.io")
EVENT: Final = Kind(name="Event", plural="events", group="events.k8s.io")
CRD: Final = Kind(
    name="CustomResourceDefinition", plural="customresourcedefinitions", group="apiextensions.k8s.io", namespaced=False
)


_BY_NAME: Final = {(one.api_version, one.name): one for one in tuple(globals().values()) if isinstance(one, Kind)}


def kind_of(manifest: Mapping[str, Any]) -> Kind:
    """Tell the kind of a manifest from its `apiVersion` and `kind`.

    Raises:
        KeyError: it is none that the operator knows; a mistake in the operator.
    """
    return _BY_NAME[manifest["apiVersion"], manifest["kind"]]


class Key(NamedTuple):
    """What one reconcile is about: an object by kind and name, whether it exists or not."""

    kind: Kind
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        return f"{self.kind.name}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind.name}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One object as the API server gave it."""

    kind: Kind
    body: Mapping[str, Any]

    @property
    def key(self) -> Key:
        """The object's key."""
        return Key(self.kind, self.name, self.namespace)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """`metadata`, empty where it is no mapping."""
        return _mapping(self.body.get("metadata"))

    @property
    def name(self) -> str:
        """`metadata.name`, empty where it is missing."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str | None:
        """`metadata.namespace`; None for cluster-scoped objects."""
        return self.metadata.get("namespace") or None

    @property
    def uid(self) -> str:
        """`metadata.uid`, empty where it is missing."""
        return str(self.metadata.get("uid") or "")

    @property
    def generation(self) -> int:
        """`metadata.generation`: counts changes of the spec; 0 where it is missing."""
        value = self.metadata.get("generation")
        return value if type(value) is int else 0

    @property
    def resource_version(self) -> str:
        """`metadata.resourceVersion`, opaque."""
        return str(self.metadata.get("resourceVersion") or "")

    @property
    def deleting(self) -> bool:
        """Whether somebody asked for its deletion."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def labels(self) -> Mapping[str, str]:
        """`metadata.labels`."""
        return _mapping(self.metadata.get("labels"))

    @property
    def owners(self) -> tuple[Mapping[str, Any], ...]:
        """`metadata.ownerReferences`, without whatever is no mapping."""
        return _mappings(self.metadata.get("ownerReferences"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """`metadata.annotations`."""
        return _mapping(self.metadata.get("annotations"))

    @property
    def spec(self) -> Any:
        """`spec` as it stands, which may be anything."""
        return self.body.get("spec")

    @property
    def status(self) -> Mapping[str, Any]:
        """`status`, empty where it is no mapping."""
        return _mapping(self.body.get("status"))

    @property
    def conditions(self) -> tuple[Mapping[str, Any], ...]:
        """`status.conditions`, without whatever is no mapping."""
        return _mappings(self.status.get("conditions"))

    def data(self) -> dict[str, bytes] | None:
        """Decode the payload of a Secret or ConfigMap; None where it is no usable payload."""
        section = _mapping(self.body.get("data"))
        if self.kind != SECRET:
            plain = {key: value.encode() for key, value in section.items() if isinstance(value, str)}
            decoded = _decoded(_mapping(self.body.get("binaryData")))
            return None if decoded is None else {**plain, **decoded}
        return _decoded(section)


def _decoded(section: Mapping[str, Any]) -> dict[str, bytes] | None:
    try:
        return {key: base64.b64decode(value, validate=True) for key, value in section.items()}
    except (binascii.Error, TypeError, ValueError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
