"""Cases of `MCPGGateway`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.rules.case import denied, document, fine, gateway, plugin, tenant, warned

__all__ = ["CASES"]

_CLUSTER: Final = document("MCPGCluster", "shared", {"backend": "redis", "config": {"url": "rediss://redis.infra:6379"}})
_SINGLE: Final = document("MCPGCluster", "shared", {"backend": "single_node"})
_FEW: Final = tenant(quotas={"maxReplicasPerGateway": 2})
_REDIS: Final = {"cluster": {"kind": "redis", "url": "rediss://redis.infra:6379"}}
_CAP: Final = "ReplicaCapExceeded"
_ALONE: Final = "CoordinatorMissing"
_INLINE: Final = "InlinePluginNotAllowed"
_PLUGINS: Final = "spec.config.plugins"
_ACME: Final = tenant(allowedPlugins=[{"registryPrefix": "ghcr.io/acme/"}, {"name": "dev.mcpg.backend.http"}])


def _listing(*entries: dict[str, Any], **config: Any) -> dict[str, Any]:
    return gateway(config={"plugins": list(entries), **config})


def _entry(**more: Any) -> dict[str, Any]:
    return {"id": "dev.acme.audit", "kind": "native", "class": "audit_sink", **more}


def _pulled(image: str) -> dict[str, Any]:
    return _entry(source={"oci": {"image": image}})


_NAMES: Final = (
    denied(422, "NameNotUsable", "metadata.name", "name with a dot", gateway("shop.v2"), why="A Service's name has no dot."),
    denied(422, "NameNotUsable", "metadata.name", "name of 64 characters", gateway("a" * 64), why="No Service is called so."),
    denied(
        422, "NameNotUsable", "metadata.name", "name of 59 characters that begins with a digit", gateway("1" + "a" * 58),
        why="With the prefix that it gets it is too long.",
    ),
    fine("NameNotUsable", "name of 63 characters", gateway("a" * 63), why="The longest."),
    fine("NameNotUsable", "name of 58 characters that begins with a digit", gateway("1" + "a" * 57), why="The longest with a prefix."),
)  # fmt: skip
_REPLICAS: Final = (
    denied(
        403, _CAP, "spec.replicas", "more replicas than the tenant may have", gateway(replicas=3, clusterRef={"name": "shared"}),
        why="The cap is for each gateway.", world=(_FEW, _CLUSTER),
    ),
    denied(
        403, _CAP, "spec.autoscaling.maxReplicas", "autoscaling above the cap of the tenant",
        gateway(autoscaling={"enabled": True, "maxReplicas": 3}, clusterRef={"name": "shared"}),
        why="What it may come to counts.", world=(_FEW, _CLUSTER),
    ),
    denied(
        403, _CAP, "spec.replicas", "more replicas than the older of two tenants may have",
        gateway(replicas=3, clusterRef={"name": "shared"}),
        why="Two tenants declare the namespace; the older one owns it.",
        world=(_CLUSTER, tenant("a", created="2026-02-01T00:00:00Z"), {**_FEW, "metadata": {"name": "b", "creationTimestamp": "2026-01-01T00:00:00Z"}}),
    ),
    fine(_CAP, "as many replicas as the tenant may have", gateway(replicas=2, clusterRef={"name": "shared"}), why="Just enough.",
         world=(_FEW, _CLUSTER)),
    fine(_CAP, "many replicas where another tenant may not", gateway(replicas=9, clusterRef={"name": "shared"}),
         why="The namespace is not its.", world=(tenant(namespaces=["team-b"], quotas={"maxReplicasPerGateway": 1}), _CLUSTER)),
    fine(_CAP, "autoscaling that is off above the cap", gateway(autoscaling={"enabled": False, "maxReplicas": 9}),
         why="Only `replicas` counts then.", world=(_FEW,)),
    denied(422, _ALONE, "spec.replicas", "two replicas by themselves", gateway(replicas=2), why="Each would have sessions of its own."),
    denied(
        422, _ALONE, "spec.replicas", "two replicas with a single node of their own",
        gateway(replicas=2, config={"cluster": {"kind": "single_node"}}), why="Nothing is shared.",
    ),
    denied(
        422, _ALONE, "spec.autoscaling.maxReplicas", "autoscaling without a coordinator",
        gateway(autoscaling={"enabled": True, "maxReplicas": 2}), why="There may be two one day.",
    ),
    fine(_ALONE, "two replicas with a coordinator of their own", gateway(replicas=2, config=_REDIS), why="The gateway's own configuration."),
    fine(_ALONE, "two replicas that share a cluster", gateway(replicas=2, clusterRef={"name": "shared"}), why="By reference.", world=(_CLUSTER,)),
    denied(
        422, "SingleNodeCoordinator", "spec.replicas", "two replicas that refer to a single node",
        gateway(replicas=2, clusterRef={"name": "shared"}), why="A reference alone shares nothing.", world=(_SINGLE,),
    ),
    denied(
        422, "SingleNodeCoordinator", "spec.replicas", "two replicas that refer to a cluster of the default backend",
        gateway(replicas=2, clusterRef={"name": "shared"}), why="The default is `single_node`.",
        world=(document("MCPGCluster", "shared", {}),),
    ),
    fine("SingleNodeCoordinator", "one replica that refers to a single node", gateway(clusterRef={"name": "shared"}),
         why="Nothing has to be shared.", world=(_SINGLE,)),
)  # fmt: skip
_BINDING: Final = (
    denied(
        403, "ClusterNotBindable", "spec.clusterRef.name", "cluster for other namespaces", gateway(clusterRef={"name": "shared"}),
        why="Binding copies its credentials.",
        world=({**_CLUSTER, "metadata": {"name": "shared", "annotations": {"mcpg.dev/bindable-namespaces": "team-b, team-c"}}},),
    ),
    fine(
        "ClusterNotBindable", "cluster for this namespace among others", gateway(clusterRef={"name": "shared"}), why="It is listed.",
        world=({**_CLUSTER, "metadata": {"name": "shared", "annotations": {"mcpg.dev/bindable-namespaces": "team-b, team-a"}}},),
    ),
)  # fmt: skip
_TENANTS: Final = (
    denied(403, _INLINE, f"{_PLUGINS}[0]", "inline plugin from a foreign registry", _listing(_pulled("ghcr.io/evil/audit:1.2.3")),
           why="It would go around the allowlist.", world=(_ACME,)),
    denied(403, _INLINE, f"{_PLUGINS}[0]", "inline plugin from a registry that begins alike", _listing(_pulled("ghcr.io/acme-evil/audit:1.2.3")),
           why="Another owner.", world=(_ACME,)),
    denied(403, _INLINE, f"{_PLUGINS}[0]", "inline plugin that gives itself an allowed id",
           _listing({**_pulled("ghcr.io/evil/http:1"), "id": "dev.mcpg.backend.http"}),
           why="The id is written by whom the list is to restrain.", world=(_ACME,)),
    denied(403, _INLINE, f"{_PLUGINS}.entries[0]", "inline plugin in the other dialect",
           gateway(config={"plugins": {"entries": [_pulled("ghcr.io/evil/audit:1.2.3")]}}), why="Both forms are read.", world=(_ACME,)),
    denied(403, _INLINE, f"{_PLUGINS}[0]", "inline plugin of the image that is not allowed", _listing(_entry(source={"path": "/opt/audit.so"})),
           why="Neither its id nor its place is allowed.", world=(_ACME,)),
    fine(_INLINE, "inline plugin from an allowed registry", _listing(_pulled("ghcr.io/acme/audit:1.2.3")), why="Its place is allowed.",
         world=(_ACME,)),
    fine(_INLINE, "inline plugin of the image that is allowed", _listing(_entry(ref="dev.mcpg.backend.http", source={"path": "/opt/http.so"})),
         why="By its reference.", world=(_ACME,)),
    fine(_INLINE, "inline plugin that is an allowed MCPGPlugin", _listing(_pulled("quay.io/other/audit:1.2.3")),
         why="The very image of a plugin whose id is allowed.",
         world=(tenant(allowedPlugins=[{"name": "dev.acme.audit"}]), plugin(image="quay.io/other/audit:1.2.3"))),
    fine(_INLINE, "inline plugin in a namespace without tenant", _listing(_pulled("ghcr.io/evil/audit:1.2.3")), why="Nobody restrains it."),
    denied(403, "SignaturesNotEnforced", f"{_PLUGINS}[0].signature.policy", "inline plugin whose signature is not checked",
           _listing({**_pulled("ghcr.io/acme/audit:1.2.3"), "signature": {"policy": "disabled"}}), why="Anything could be behind the tag.",
           world=(_ACME,)),
    denied(403, "SignaturesNotEnforced", "spec.config.gateway.plugin_registry.default_signature_policy", "signatures that only warn",
           gateway(config={"gateway": {"plugin_registry": {"default_signature_policy": "warn"}}}), why="The default for every plugin.",
           world=(_ACME,)),
    fine("SignaturesNotEnforced", "signatures that are enforced",
         _listing({**_pulled("ghcr.io/acme/audit:1.2.3"), "signature": {"policy": "enforce"}},
                  gateway={"plugin_registry": {"default_signature_policy": "enforce"}}),
         why="As it must be.", world=(_ACME,)),
    fine("SignaturesNotEnforced", "signatures that only warn without tenant",
         gateway(config={"gateway": {"plugin_registry": {"default_signature_policy": "warn"}}}), why="Nobody restrains it."),
    denied(403, "OwnTrustAnchor", f"{_PLUGINS}[0].signature.trusted_keys", "inline plugin with a key of its own",
           _listing({**_pulled("ghcr.io/acme/audit:1.2.3"), "signature": {"trusted_keys": [{"id": "mine", "pem": "…"}]}}),
           why="Whoever chooses the key signs what they like.", world=(_ACME,)),
    denied(403, "OwnTrustAnchor", "spec.config.gateway.plugin_registry.trusted_keys", "registry with a key of its own",
           gateway(config={"gateway": {"plugin_registry": {"trusted_keys": [{"id": "mine", "pem": "…"}]}}}), why="For every plugin at once.",
           world=(_ACME,)),
    fine("OwnTrustAnchor", "registry with a key of its own without tenant",
         gateway(config={"gateway": {"plugin_registry": {"trusted_keys": [{"id": "mine", "pem": "…"}]}}}), why="Nobody restrains it.",
         world=(tenant(namespaces=["team-b"]),)),
    denied(403, "OverlayNotAllowed", "spec.config.gateway.config_overlay", "overlay of a tenant",
           gateway(config={"gateway": {"config_overlay": "/run/overlay.yaml"}}), why="It could add plugins at boot.", world=(_ACME,)),
    fine("OverlayNotAllowed", "overlay that is empty", gateway(config={"gateway": {"config_overlay": ""}}), why="There is none.", world=(_ACME,)),
    fine("OverlayNotAllowed", "overlay without tenant", gateway(config={"gateway": {"config_overlay": "/run/overlay.yaml"}}),
         why="Nobody restrains it."),
)  # fmt: skip
_SET: Final = document("MCPGPluginSet", "base", {"entries": [{"id": "dev.acme.audit", "pluginRef": {"name": "audit"}}]})
_PAIR: Final[dict[str, Any]] = {"replicas": 2, "clusterRef": {"name": "shared"}}


def _budget(**budget: Any) -> dict[str, Any]:
    return gateway(podDisruptionBudget={"enabled": True, **budget}, **_PAIR)


_WARNINGS: Final = (
    warned("NoIdentityProvider", "spec.workloadIdentity", "identity of no provider", gateway(workloadIdentity={}), why="It says nothing."),
    fine("NoIdentityProvider", "identity of one provider", gateway(workloadIdentity={"azure": {"clientId": "1b2c"}}), why="Exactly one."),
    warned("InlinePluginsReplaced", _PLUGINS, "plugins of a set and inline",
           gateway(pluginSetRef={"name": "base"}, config={"plugins": [_entry()]}), why="The list is discarded.", world=(_SET,)),
    fine("InlinePluginsReplaced", "plugins of a set alone", gateway(pluginSetRef={"name": "base"}), why="One source.", world=(_SET,)),
    warned("InlineClusterReplaced", "spec.config.cluster", "coordinator by reference and inline",
           gateway(clusterRef={"name": "shared"}, config=_REDIS), why="The section is discarded.", world=(_CLUSTER,)),
    fine("InlineClusterReplaced", "coordinator inline alone", gateway(config=_REDIS), why="One source."),
    warned("UnclaimedToolsOpen", "spec.acceptedRouteNamespaces", "shared gateway with unclaimed tools",
           gateway(acceptedRouteNamespaces=["team-b"]), why="Deleting a route would open its tool."),
    fine("UnclaimedToolsOpen", "shared gateway that denies unclaimed tools",
         gateway(acceptedRouteNamespaces=["team-b"], annotations={"mcpg.dev/unclaimed-tools": "deny"}), why="As it should be."),
    warned("LoopbackListener", "spec.config.gateway.server.bind_address", "listener on loopback",
           gateway(config={"gateway": {"server": {"bind_address": "127.0.0.1:8787"}}}), why="No probe reaches it."),
    warned("LoopbackListener", "spec.config.gateway.server.bind_address", "listener on loopback by name",
           gateway(config={"gateway": {"server": {"bind_address": "localhost:8787"}}}), why="The same."),
    warned("LoopbackListener", "spec.config.gateway.server.bind_address", "listener on loopback of IPv6",
           gateway(config={"gateway": {"server": {"bind_address": "[::1]:8787"}}}), why="The same."),
    fine("LoopbackListener", "listener on every address", gateway(config={"gateway": {"server": {"bind_address": "0.0.0.0:8787"}}}),
         why="Everybody reaches it."),
    warned("PortsDiffer", "spec.service.port", "service of another port than the listener",
           gateway(service={"port": 80}, config={"gateway": {"server": {"bind_address": "0.0.0.0:8787"}}}), why="Worth knowing."),
    warned("PortsDiffer", "spec.config.gateway.server.bind_address", "listener of another port than the default",
           gateway(config={"gateway": {"server": {"bind_address": "0.0.0.0:9000"}}}), why="Worth knowing."),
    fine("PortsDiffer", "service of the port of the listener",
         gateway(service={"port": 9000}, config={"gateway": {"server": {"bind_address": "0.0.0.0:9000"}}}), why="They agree."),
    fine("PortsDiffer", "listener that is a placeholder", gateway(config={"gateway": {"server": {"bind_address": "${env.BIND}"}}}),
         why="Nobody knows."),
    warned("DrainsBlocked", "spec.podDisruptionBudget.minAvailable", "budget that keeps every pod", _budget(minAvailable=2),
           why="No node can be drained.", world=(_CLUSTER,)),
    warned("DrainsBlocked", "spec.podDisruptionBudget.minAvailable", "budget of 51 percent of two pods", _budget(minAvailable="51%"),
           why="It is rounded up.", world=(_CLUSTER,)),
    warned("DrainsBlocked", "spec.podDisruptionBudget.maxUnavailable", "budget that lets none go", _budget(maxUnavailable=0),
           why="No node can be drained.", world=(_CLUSTER,)),
    fine("DrainsBlocked", "budget of half of the pods", _budget(minAvailable="50%"), why="One may go.", world=(_CLUSTER,)),
    fine("DrainsBlocked", "budget of one percent", _budget(maxUnavailable="1%"), why="Rounded up, one may go.", world=(_CLUSTER,)),
    fine("DrainsBlocked", "budget that is off", gateway(podDisruptionBudget={"enabled": False, "minAvailable": 1}), why="There is none."),
    fine("DrainsBlocked", "budget without a threshold", _budget(), why="The default is not the author's doing.", world=(_CLUSTER,)),
    warned("PluginSetNotFound", "spec.pluginSetRef.name", "set of another namespace", gateway(pluginSetRef={"name": "base"}),
           why="A set is looked up in the gateway's namespace.", world=({**_SET, "metadata": {"name": "base", "namespace": "team-b"}},)),
    fine("PluginSetNotFound", "set of the same namespace", gateway(pluginSetRef={"name": "base"}), why="It is there.", world=(_SET,)),
    warned("RevocationListNotFound", "spec.revocationListRef.name", "list that is not there", gateway(revocationListRef={"name": "ours"}),
           why="It may come."),
    fine("RevocationListNotFound", "list that is there", gateway(revocationListRef={"name": "ours"}), why="It is there.",
         world=(document("MCPGRevocationList", "ours", {"revocations": []}),)),
    warned("ClusterNotFound", "spec.clusterRef.name", "cluster that is not there", gateway(clusterRef={"name": "shared"}), why="It may come."),
    fine("ClusterNotFound", "cluster that is there", gateway(clusterRef={"name": "shared"}), why="It is there.", world=(_CLUSTER,)),
    warned("DialectContradicted", _PLUGINS, "flat dialect with wrapped plugins",
           gateway(annotations={"mcpg.dev/config-dialect": "flat"}, config={"plugins": {"entries": []}}), why="The gateway would not start."),
    warned("DialectContradicted", _PLUGINS, "wrapped dialect with a flat list",
           gateway(annotations={"mcpg.dev/config-dialect": "seed"}, config={"plugins": []}), why="The gateway would not start."),
    warned("DialectContradicted", "metadata.annotations.mcpg.dev/config-dialect", "dialect that nobody speaks",
           gateway(annotations={"mcpg.dev/config-dialect": "json"}), why="It would be ignored."),
    fine("DialectContradicted", "flat dialect with a flat list",
         gateway(annotations={"mcpg.dev/config-dialect": "flat"}, config={"plugins": []}), why="They agree."),
)  # fmt: skip
CASES: Final = (*_NAMES, *_REPLICAS, *_BINDING, *_TENANTS, *_WARNINGS)
