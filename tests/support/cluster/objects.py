"""The operator's own kinds as a person writes them, and what their status says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mcpg_operator.resources import PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Said", "condition", "mirror", "plugin_set", "revocation_list", "said", "service"]


class Said(NamedTuple):
    """One condition."""

    status: str
    reason: str
    message: str = ""


def said(found: Mapping[str, Any] | None, kind: str = "Ready") -> Said:
    """Read one condition; all empty where there is no such object or condition, or it is about an older spec."""
    if found is None:
        return Said("", "")
    for one in found.get("status", {}).get("conditions", ()):
        if (
            one["type"] == kind
            and one.get("observedGeneration", found["metadata"]["generation"]) == found["metadata"]["generation"]
        ):
            return Said(one["status"], one["reason"], one.get("message", ""))
    return Said("", "")


def condition(found: Mapping[str, Any] | None, kind: str = "Ready") -> tuple[str, str]:
    """Read status and reason of one condition, as `said`."""
    return said(found, kind)[:2]


def plugin_set(
    namespace: str, name: str, plugins: Mapping[str, str], *, grants: Mapping[str, Sequence[str]] | None = None, **entry: Any
) -> dict[str, Any]:
    """A set of MCPGPlugins by plugin id; `entry` is added to each entry."""
    entries = [{"id": plugin_id, "pluginRef": {"name": plugin}, **entry} for plugin_id, plugin in plugins.items()]
    spec: dict[str, Any] = {"entries": entries}
    if grants is not None:
        spec["capabilityGrants"] = {plugin_id: list(kinds) for plugin_id, kinds in grants.items()}
    return _own(PLUGIN_SET.name, name, spec, namespace=namespace)


def revocation_list(*hashes: str, name: str = "cluster-default", reason: str = "signing host compromised") -> dict[str, Any]:
    """A list that names these artifacts."""
    return _own(
        REVOCATION_LIST.name, name, {"version": 1, "revocations": [{"artifactSha256": one, "reason": reason} for one in hashes]}
    )


def mirror(
    name: str, *, registry: str, upstream: str, namespace: str, port: int = 5000, prefix: str = "", secret: str | None = None
) -> dict[str, Any]:
    """A mirror at Service `<namespace>/<name>`, over plain HTTP, that stands in for `registry`/`upstream`."""
    service: dict[str, Any] = {"namespace": namespace, "name": name, "port": port}
    if prefix:
        service["pathPrefix"] = prefix
    spec: dict[str, Any] = {
        "endpoint": {"service": service, "insecure": True},
        "upstream": {"registry": registry, "namespace": upstream},
    }
    if secret is not None:
        spec["auth"] = {"secretRef": {"secretName": secret}}
    return _own(PLUGIN_MIRROR.name, name, spec)


def service(namespace: str, name: str, *, port: int = 5000) -> dict[str, Any]:
    """A Service without pods: its name resolves nowhere here, that it exists is what counts."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": port}]}}


def _own(kind: str, name: str, spec: Mapping[str, Any], *, namespace: str | None = None) -> dict[str, Any]:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": REVOCATION_LIST.api_version, "kind": kind, "metadata": metadata, "spec": dict(spec)}
