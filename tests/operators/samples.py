"""Statuses with every field set, for the schema and for a real API server."""

from __future__ import annotations

from typing import Final

from mcpg_operator.api import (
    ClusterStatus,
    Condition,
    FailedEntry,
    GatewayStatus,
    ObservedCounts,
    PluginMirrorStatus,
    PluginSetStatus,
    PluginStatus,
    RevocationListStatus,
    RouteStatus,
    TenantStatus,
)

__all__ = ["CONDITION", "STATUSES"]

_TIME: Final = "2026-01-31T08:00:00Z"
CONDITION: Final = Condition(
    type="Ready", status="True", reason="Reconciled", message="all is well", last_transition_time=_TIME, observed_generation=1
)
_FRESH: Final = Condition(
    type="Fresh", status="Unknown", reason="NeverPulled", message="", last_transition_time=_TIME, observed_generation=1
)
_AVAILABLE: Final = Condition(
    type="Available", status="True", reason="PodsReady", message="2 of 3", last_transition_time=_TIME, observed_generation=1
)
_BOUND: Final = Condition(
    type="GatewayBound", status="True", reason="GatewayBound", message="", last_transition_time=_TIME, observed_generation=1
)
_COMMON: Final = {"conditions": (CONDITION, _FRESH), "observed_generation": 1, "last_reconcile_time": _TIME}

STATUSES: Final = (
    PluginStatus.model_validate(
        {
            **_COMMON,
            "resolved_digest": "a" * 64,
            "manifest_digest": "sha256:" + "b" * 64,
            "version": "1.2.3",
            "signature_valid": True,
            "cosign_verified": False,
            "slsa_verified": True,
            "revoked_by_sha": False,
            "artefact_secret_name": "mcpg-plugin-audit-aaaaaaaa",
            "evidence_secret_name": "mcpg-evidence-audit",
            "pulled_at": _TIME,
            "verified_at": _TIME,
        }
    ),
    PluginMirrorStatus.model_validate(
        {**_COMMON, "reachable": True, "proxied_references": 3, "endpoint_host": "harbor.oci-mirror.svc.cluster.local:80"}
    ),
    RevocationListStatus.model_validate(
        {
            **_COMMON,
            "observed_revocations": 2,
            "materialised_namespaces": 1,
            "plugins_blocked": ("audit", "other"),
            "content_hash": "c" * 64,
        }
    ),
    PluginSetStatus.model_validate(
        {
            **_COMMON,
            "resolved_entries": 1,
            "total_entries": 2,
            "resolved_hash": "d" * 64,
            "failed_entries": (FailedEntry(id="dev.acme.audit", reason="PluginNotReady", message="not yet"),),
        }
    ),
    GatewayStatus.model_validate(
        {
            **_COMMON,
            "conditions": (CONDITION, _AVAILABLE),
            "replicas": 3,
            "ready_replicas": 2,
            "updated_replicas": 3,
            "available_replicas": 2,
            "config_hash": "e" * 64,
            "plugin_set_hash": "d" * 64,
            "revocation_list_hash": "c" * 64,
        }
    ),
    RouteStatus.model_validate(
        {**_COMMON, "conditions": (CONDITION, _BOUND), "matched_tools": 2, "bound_gateway": "default/example"}
    ),
    ClusterStatus.model_validate(
        {**_COMMON, "plugin_id": "dev.mcpg.cluster.redis", "bound_gateways": 4, "config_hash": "f" * 64}
    ),
    TenantStatus.model_validate(
        {
            **_COMMON,
            "bound_namespaces": ("north", "south"),
            "observed": ObservedCounts(gateways=5, plugin_sets=3, routes=8),
        }
    ),
)
