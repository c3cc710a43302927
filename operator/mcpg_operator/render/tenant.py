"""What a tenant brings into each of its namespaces, besides the operator's right on Secrets: a label and a quota.

The label tells people whose a namespace is, and no rule reads it. The quota holds even while nobody watches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import COMPONENT, MANAGER
from mcpg_operator.resources import NAMESPACE, RESOURCE_QUOTA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.resources import Resource
    from supplychain.api.tenant import TenantSpec

__all__ = [
    "LABEL",
    "QUOTA_LABELS",
    "hard_limits",
    "label_manifest",
    "quota_fits",
    "quota_manifest",
    "quota_name",
]

LABEL: Final = "mcpg.dev/tenant"
QUOTA_LABELS: Final = {**MANAGER, COMPONENT: "tenant-quota"}
"""Labels of every quota that the operator writes, and of nothing else."""
_KEYS: Final = {
    "max_gateways": "count/mcpggateways.mcpg.dev",
    "max_plugin_sets": "count/mcpgpluginsets.mcpg.dev",
    "max_routes": "count/mcpgroutes.mcpg.dev",
}


def quota_name(tenant: str) -> str:
    """Name a tenant's quota; the name belongs to the operator in every namespace of that tenant."""
    return f"mcpg-tenant-{tenant}"


def hard_limits(spec: TenantSpec) -> dict[str, str]:
    """Write what a quota has to enforce in each namespace; empty where nothing is limited."""
    if spec.quotas is None:
        return {}
    limits = {key: getattr(spec.quotas, field) for field, key in _KEYS.items()}
    return {key: str(limit) for key, limit in limits.items() if limit is not None}


def quota_manifest(*, tenant: str, namespace: str, hard: Mapping[str, str]) -> dict[str, Any]:
    """Write the quota of one namespace."""
    return {
        "apiVersion": RESOURCE_QUOTA.api_version,
        "kind": RESOURCE_QUOTA.name,
        "metadata": {"name": quota_name(tenant), "namespace": namespace, "labels": {**QUOTA_LABELS, LABEL: tenant}},
        "spec": {"hard": dict(hard)},
    }


def quota_fits(found: Resource, wanted: Mapping[str, Any]) -> bool:
    """Whether a quota enforces what is wanted: these limits of ours and no others, for everything in its namespace.

    Limits of other things may stand beside them: whoever added one restrains nobody but themselves.
    """
    spec = found.spec if isinstance(found.spec, dict) else {}
    hard = spec.get("hard")
    ours = {key: value for key, value in hard.items() if key in _KEYS.values()} if isinstance(hard, dict) else {}
    scoped = bool(spec.get("scopes") or spec.get("scopeSelector"))
    return not scoped and ours == wanted["spec"]["hard"] and wanted["metadata"]["labels"].items() <= found.labels.items()


def label_manifest(namespace: Resource, tenant: str | None) -> dict[str, Any]:
    """Write a namespace's label; None takes away the one that the operator wrote, and no other.

    Uid and version see to it that nothing is written to a namespace that is gone: to apply it would create it.
    """
    metadata: dict[str, Any] = {
        "name": namespace.name,
        "uid": namespace.uid,
        "resourceVersion": namespace.resource_version,
    }
    if tenant is not None:
        metadata["labels"] = {LABEL: tenant}
    return {"apiVersion": NAMESPACE.api_version, "kind": NAMESPACE.name, "metadata": metadata}
