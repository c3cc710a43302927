"""Cases of `MCPGRoute`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.rules.case import denied, document, fine, gateway, route, tenant, warned

__all__ = ["CASES"]

_SHARED: Final = gateway(namespace="platform", acceptedRouteNamespaces=["team-a"])
_SET: Final = document(
    "MCPGPluginSet",
    "base",
    {
        "entries": [
            {"id": "dev.acme.oidc", "pluginRef": {"name": "oidc"}},
            {"id": "dev.acme.audit", "pluginRef": {"name": "audit"}, "enabled": False},
        ]
    },
)
_WITH_SET: Final = gateway(pluginSetRef={"name": "base"})
_TENANT: Final = "spec.attributes.tenant"
_GATEWAY: Final = "spec.gatewayRef"
_TOOL: Final = "spec.match.tools[0].id"


def _foreign(**spec: Any) -> dict[str, Any]:
    return route(gatewayRef={"name": "shop", "namespace": "platform"}, **spec)


def _tools(*ids: str) -> dict[str, Any]:
    return {"tools": [{"id": one} for one in ids]}


def _identity(key: str, value: str) -> dict[str, Any]:
    return tenant(identityAttribute={"key": key, "value": value})


def _config(**config: Any) -> dict[str, Any]:
    tools = {"capabilities": {"tools": [{"name": "stock.write"}]}}
    return gateway(config={"mcp": tools} | config)


CASES: Final = (
    denied(403, "NamespaceNotAccepted", _GATEWAY, "route into a gateway that does not accept it", _foreign(),
           why="The gateway's owner decides.", world=(gateway(namespace="platform"),)),
    denied(403, "NamespaceNotAccepted", _GATEWAY, "route into a gateway that accepts a namespace that begins alike", _foreign(),
           why="Exact names only.", world=(gateway(namespace="platform", acceptedRouteNamespaces=["team", "team-a-2"]),)),
    fine("NamespaceNotAccepted", "route into a gateway that accepts it", _foreign(), why="It is listed.", world=(_SHARED,)),
    fine("NamespaceNotAccepted", "route into a gateway of its namespace", route(), why="Its own is always accepted.", world=(gateway(),)),
    denied(422, "ToolNotServed", "spec.match.tools[1].id", "tool that the gateway does not serve", route(match=_tools("stock.read", "stock.sell")),
           why="The route would never match.", world=(gateway(),)),
    denied(422, "ToolNotServed", _TOOL, "tool of a gateway that serves none", route(), why="The list is empty.",
           world=(gateway(config={"mcp": {"capabilities": {"tools": []}}}),)),
    fine("ToolNotServed", "tools that the gateway serves", route(match=_tools("stock.read", "stock.write")), why="Both.", world=(gateway(),)),
    denied(422, "ChainPluginMissing", "spec.policyChain[0]", "chain with a plugin that the set lacks",
           route(policyChain=["dev.acme.opa"]), "ChainsNotEnforced spec.policyChain (warning)", why="It could never run.", world=(_WITH_SET, _SET)),
    denied(422, "ChainPluginMissing", "spec.auditChain[0]", "chain with a plugin that is switched off",
           route(auditChain=["dev.acme.audit"]), "ChainsNotEnforced spec.auditChain (warning)", why="It could never run.", world=(_WITH_SET, _SET)),
    fine("ChainPluginMissing", "chain with a plugin of the set", route(identityChain=["dev.acme.oidc"]),
         "ChainsNotEnforced spec.identityChain (warning)", why="It is there.", world=(_WITH_SET, _SET)),
    fine("ChainPluginMissing", "chain at a gateway without set", route(identityChain=["dev.acme.oidc"]),
         "ChainsNotEnforced spec.identityChain (warning)", why="Its plugins are not known here.", world=(gateway(),)),
    fine("ChainPluginMissing", "chain at a gateway whose set is not there", route(identityChain=["dev.acme.oidc"]),
         "ChainsNotEnforced spec.identityChain (warning)", why="Its plugins are not known yet.", world=(_WITH_SET,)),
    denied(403, "TenantContradicted", _TENANT, "route for another tenant", route(attributes={"tenant": "south"}),
           why="A namespace cannot speak for another tenant.", world=(_identity("tenant", "north"), gateway())),
    fine("TenantContradicted", "route for its own tenant", route(attributes={"tenant": "north"}), why="They agree.",
         world=(_identity("tenant", "north"), gateway())),
    fine("TenantContradicted", "route of a tenant that is told by another attribute", route(attributes={"tenant": "south"}),
         why="Both predicates will hold.", world=(_identity("org", "north"), gateway())),
    fine("TenantContradicted", "route of a tenant that asks no attribute", route(attributes={"tenant": "south"}), why="Nothing to contradict.",
         world=(tenant(), gateway())),
    denied(403, "TenantRequired", _TENANT, "route across namespaces for everybody", _foreign(attributes=None),
           why="Whose callers are meant has to be said.", world=(_SHARED,)),
    fine("TenantRequired", "route across namespaces for a tenant", _foreign(), why="It is said.", world=(_SHARED,)),
    fine("TenantRequired", "route across namespaces of a tenant with an identity", _foreign(attributes=None), why="It follows from the tenant.",
         world=(_SHARED, _identity("tenant", "north"))),
    warned("OpenToEveryone", _TENANT, "route for everybody", route(attributes=None), why="Perhaps it is meant.", world=(gateway(),)),
    fine("OpenToEveryone", "route for somebody", route(), why="It is said.", world=(gateway(),)),
    fine("OpenToEveryone", "route for everybody of a tenant with an identity", route(attributes=None), why="It follows from the tenant.",
         world=(gateway(), _identity("tenant", "north"))),
    warned("GatewayNotFound", _GATEWAY, "gateway that is not there", route(), why="It may come."),
    warned("GatewayNotFound", _GATEWAY, "gateway that is in another namespace", route(), why="Without a namespace it is the route's own.",
           world=(gateway(namespace="platform"),)),
    fine("GatewayNotFound", "gateway that is there", route(), why="It is there.", world=(gateway(),)),
    warned("ToolsUnknown", "spec.match.tools", "gateway that federates", route(), why="It takes tools from elsewhere.",
           world=(_config(mcp={"federations": [{"name": "other"}], "capabilities": {"tools": [{"name": "stock.write"}]}}),)),
    warned("ToolsUnknown", "spec.match.tools", "gateway that imports from a registry", route(), why="It takes tools from elsewhere.",
           world=(_config(mcp={"registry_imports": ["x"], "capabilities": {"tools": []}}),)),
    warned("ToolsUnknown", "spec.match.tools", "gateway with an overlay", route(), why="It takes tools from elsewhere.",
           world=(_config(gateway={"config_overlay": "/run/overlay.yaml"}),)),
    warned("ToolsUnknown", "spec.match.tools", "gateway that names no tools", route(), why="A plugin may bring them.", world=(gateway(config={}),)),
    warned("ToolsUnknown", "spec.match.tools", "gateway with a tool without a name", route(), why="It could be any.",
           world=(gateway(config={"mcp": {"capabilities": {"tools": [{"title": "?"}]}}}),)),
    fine("ToolsUnknown", "gateway that federates with nobody", route(), why="The list is empty.",
         world=(_config(mcp={"federations": [], "capabilities": {"tools": [{"name": "stock.read"}]}}),)),
    warned("ChainsNotEnforced", "spec.identityChain", "route with a chain", route(identityChain=["dev.acme.oidc"]), why="Only recorded.",
           world=(gateway(),)),
    fine("ChainsNotEnforced", "route with an empty chain", route(identityChain=[]), why="There is none.", world=(gateway(),)),
    warned("ToolShared", _TOOL, "tool that another tenant has as well", route(), why="They will share it.",
           world=(gateway(), route("other", attributes={"tenant": "south"}))),
    warned("ToolShared", _TOOL, "tool that everybody has as well", route(), why="They will share it.", world=(gateway(), route("other", attributes=None))),
    fine("ToolShared", "tool that the same tenant has as well", route(), why="Nobody else.", world=(gateway(), route("other"))),
    fine("ToolShared", "tool that another tenant has at another gateway", route(), why="Another tool.",
         world=(gateway(), route("other", gatewayRef={"name": "till"}, attributes={"tenant": "south"}))),
    fine("ToolShared", "tool that the route itself had for another tenant", route(), why="It is being replaced.",
         world=(gateway(), route(attributes={"tenant": "south"}))),
    fine("ToolShared", "other tool of another tenant", route(), why="Another tool.",
         world=(gateway(), route("other", match=_tools("stock.write"), attributes={"tenant": "south"}))),
)  # fmt: skip
