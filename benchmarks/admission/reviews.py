"""A cluster of some size, and reviews of what people change in it."""

from __future__ import annotations

import copy
import itertools
import random
from typing import Any

from mcpg_operator.admission.server import path_of
from mcpg_operator.resources import Resource, kind_of
from tests.operators.admission.reviews import review

__all__ = ["mixture", "objects"]

_TENANTS = 20
_PLUGINS = 500
_SETS = 100
_GATEWAYS = 100
_ROUTES = 200


def objects() -> list[dict[str, Any]]:
    """What the cluster holds: tenants with their namespaces, plugins, sets, gateways, routes."""
    found: list[dict[str, Any]] = []
    for number in range(_TENANTS):
        name = f"tenant-{number}"
        found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        spec = {
            "namespaces": [name],
            "allowedPlugins": [{"registryPrefix": "ghcr.io/acme/"}],
            "quotas": {"maxReplicasPerGateway": 5},
        }
        found.append(_object("MCPGTenant", name, spec))
    found.extend(_plugin(number) for number in range(_PLUGINS))
    found.extend(_set(number) for number in range(_SETS))
    found.extend(_gateway(number) for number in range(_GATEWAYS))
    found.extend(_route(number) for number in range(_ROUTES))
    found.append(_object("MCPGCluster", "redis", {"backend": "redis", "config": {"url": "rediss://redis.acme.dev:6379"}}))
    return [_stored(one) for one in found]


def mixture() -> list[tuple[str, bytes]]:
    """Paths and bodies of a thousand reviews; some are refused."""
    choose = random.Random(1)
    made = {
        "MCPGPlugin": lambda number: _plugin(number, wrong=number % 10 == 0),
        "MCPGPluginSet": _set,
        "MCPGGateway": lambda number: _gateway(number, replicas=9 if number % 10 == 0 else 2),
        "MCPGRoute": _route,
        "MCPGRevocationList": lambda number: _list(50 + number % 50),
    }
    weights = {"MCPGPlugin": 30, "MCPGPluginSet": 25, "MCPGGateway": 25, "MCPGRoute": 15, "MCPGRevocationList": 5}
    names = choose.choices(list(weights), weights=list(weights.values()), k=1000)
    found = []
    for number, name in zip(itertools.count(), names, strict=False):
        document = _stored(made[name](number % 100))
        old = copy.deepcopy(document) if number % 2 else None
        if old is not None:
            old["metadata"]["generation"] = 0
            old["spec"] = {**old["spec"], "touched": 1}
        kind = kind_of(document)
        found.append((path_of(kind), review(document, old, kind=kind)))
    return found


def _plugin(number: int, *, wrong: bool = False) -> dict[str, Any]:
    spec = {
        "pluginId": f"dev.acme.plugin{number}",
        "version": "9.9.9" if wrong else "1.2.3",
        "pluginClass": "audit_sink",
        "oci": {"image": f"ghcr.io/acme/plugin{number}:1.2.3@sha256:{number:064x}"},
        "trust": {
            "signingKeyRef": {"secretName": "acme-keys"},
            "cosignIdentity": {
                "certificateIdentityRegexp": rf"^https://github\.com/acme/plugin{number}/\.github/workflows/release\.yml@refs/tags/v.+$",
                "oidcIssuer": "https://token.actions.githubusercontent.com",
            },
        },
    }
    status = {"conditions": [{"type": "Ready", "status": "True", "reason": "Reconciled"}]}
    return {**_object("MCPGPlugin", f"plugin{number}", spec), "status": status}


def _set(number: int) -> dict[str, Any]:
    chosen = [(number * 7 + step) % _PLUGINS for step in range(20)]
    entries = [
        {"id": f"dev.acme.plugin{one}", "pluginRef": {"name": f"plugin{one}"}, "config": {"level": "info"}} for one in chosen
    ]
    return _object("MCPGPluginSet", f"set-{number}", {"entries": entries}, namespace=f"tenant-{number % _TENANTS}")


def _gateway(number: int, *, replicas: int = 2) -> dict[str, Any]:
    tools = [{"name": f"tool-{one}", "description": "does one thing well " * 4} for one in range(30)]
    spec = {
        "replicas": replicas,
        "clusterRef": {"name": "redis"},
        "pluginSetRef": {"name": f"set-{number}"},
        "config": {"mcp": {"capabilities": {"tools": tools}}, "governance": {"policy": {"default": "deny"}}},
        "ingress": {
            "ingressClassName": "nginx",
            "hosts": [{"host": "mcp.acme.dev", "paths": [{"path": "/", "pathType": "Prefix"}]}],
        },
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
    }
    return _object("MCPGGateway", f"gateway-{number}", spec, namespace=f"tenant-{number % _TENANTS}")


def _route(number: int) -> dict[str, Any]:
    spec = {
        "gatewayRef": {"name": f"gateway-{number % _GATEWAYS}"},
        "match": {"tools": [{"id": f"tool-{(number + one) % 30}"} for one in range(3)]},
        "attributes": {"tenant": f"team-{number}"},
    }
    return _object("MCPGRoute", f"route-{number}", spec, namespace=f"tenant-{number % _GATEWAYS % _TENANTS}")


def _list(count: int) -> dict[str, Any]:
    entries = [{"artifactSha256": f"{number:064x}", "reason": "the signing key leaked on a runner"} for number in range(count)]
    return _object("MCPGRevocationList", f"list-{count}", {"version": 1, "revocations": entries})


def _object(kind: str, name: str, spec: dict[str, Any], *, namespace: str | None = None) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "mcpg.dev/v1alpha2", "kind": kind, "metadata": metadata, "spec": spec}


def _stored(document: dict[str, Any]) -> dict[str, Any]:
    metadata = {"uid": f"uid-{document['metadata']['name']}", "resourceVersion": "1", "generation": 1, **document["metadata"]}
    return dict(Resource(kind_of(document), {**document, "metadata": metadata}).body)
