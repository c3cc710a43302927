"""Cases of `MCPGPluginSet`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.rules.case import denied, document, fine, plugin, tenant, warned

__all__ = ["CASES"]

_ALLOWED: Final = "PluginNotAllowed"
_NAME: Final = "spec.entries[0].pluginRef.name"
_READY: Final = {"conditions": [{"type": "Ready", "status": "True", "reason": "Reconciled"}]}
_FAILED: Final = {"conditions": [{"type": "Ready", "status": "False", "reason": "IdentityMismatch"}]}


def _set(*, grants: Any = None, **entry: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"entries": [{"id": "dev.acme.audit", "pluginRef": {"name": "audit"}} | entry]}
    return document("MCPGPluginSet", "base", spec if grants is None else {**spec, "capabilityGrants": {"dev.acme.audit": grants}})


def _allowing(*entries: dict[str, Any]) -> dict[str, Any]:
    return tenant(allowedPlugins=list(entries))


CASES: Final = (
    denied(403, _ALLOWED, _NAME, "plugin that the tenant does not allow", _set(), why="The list names another one.",
           world=(_allowing({"name": "dev.acme.other"}), plugin())),
    denied(403, _ALLOWED, _NAME, "plugin of a tenant that allows none", _set(), why="An empty list allows nothing.",
           world=(_allowing(), plugin())),
    denied(403, _ALLOWED, _NAME, "plugin that is switched off and not allowed", _set(enabled=False), why="It can be switched on any time.",
           world=(_allowing(), plugin())),
    denied(422, _ALLOWED, _NAME, "plugin under the id of an allowed one", _set(), "PluginIdDiffers spec.entries[0].id",
           why="The plugin's own id counts, not the one that the tenant writes.",
           world=(_allowing({"name": "dev.acme.audit"}), plugin(pluginId="dev.evil.audit"))),
    denied(403, _ALLOWED, _NAME, "plugin of an owner that begins alike", _set(), why="Prefixes end at a boundary.",
           world=(_allowing({"registryPrefix": "ghcr.io/acme"}), plugin(image="ghcr.io/acme-evil/audit:1.2.3"))),
    denied(403, _ALLOWED, _NAME, "plugin of a registry that begins alike", _set(), why="A port makes another registry.",
           world=(_allowing({"registryPrefix": "ghcr.io"}), plugin(image="ghcr.io:8443/acme/audit:1.2.3"))),
    fine(_ALLOWED, "plugin allowed by its own id", _set(), why="As the list says.",
         world=(_allowing({"name": "dev.acme.audit"}), plugin())),
    fine(_ALLOWED, "plugin allowed by its resource name", _set(), why="As the list says.", world=(_allowing({"name": "audit"}), plugin())),
    fine(_ALLOWED, "plugin allowed by its owner", _set(), why="As the list says.",
         world=(_allowing({"registryPrefix": "ghcr.io/acme"}), plugin(image="ghcr.io/acme/audit:1.2.3"))),
    fine(_ALLOWED, "plugin allowed by its registry", _set(), why="As the list says.",
         world=(_allowing({"registryPrefix": "GHCR.io"}), plugin(image="ghcr.io/acme/audit:1.2.3"))),
    fine(_ALLOWED, "plugin of a tenant that allows all", _set(), why="As the list says.", world=(_allowing({"name": "*"}), plugin())),
    fine(_ALLOWED, "plugin that the tenant of another namespace does not allow", _set(), why="Not its namespace.",
         world=(tenant(namespaces=["team-b"], allowedPlugins=[]), plugin())),
    fine(_ALLOWED, "plugin that nobody knows yet", _set(), f"PluginNotFound {_NAME} (warning)",
         why="It is judged when the set is resolved.", world=(_allowing({"name": "dev.acme.other"}),)),
    denied(422, "PluginIdDiffers", "spec.entries[0].id", "entry under another id than its plugin", _set(id="dev.acme.trail"),
           why="The gateway would load another plugin than it asks for.", world=(plugin(),)),
    fine("PluginIdDiffers", "entry under the id of its plugin", _set(), why="They agree.", world=(plugin(),)),
    denied(422, "GrantNotRequired", "spec.capabilityGrants.dev.acme.audit[1]", "grant that the plugin does not require",
           _set(grants=["audit_write", "network_outbound"]), why="A plugin gets what it asks for and no more.", world=(plugin(),),
           descriptors={"audit": ["audit_write"]}),
    denied(422, "GrantNotRequired", "spec.capabilityGrants.dev.acme.audit[0]", "grant for a plugin that requires none",
           _set(grants=["audit_write"]), why="A plugin gets what it asks for and no more.", world=(plugin(),), descriptors={"audit": []}),
    fine("GrantNotRequired", "grants that the plugin requires", _set(grants=["audit_write", "secrets_read"]), why="All of them.",
         world=(plugin(),), descriptors={"audit": ["audit_write", "secrets_read", "metric_emit"]}),
    warned("GrantsUnchecked", "spec.capabilityGrants.dev.acme.audit", "grants for a plugin that was not pulled",
           _set(grants=["audit_write"]), why="What it requires stands in its package.", world=(plugin(),)),
    fine("GrantsUnchecked", "no grants for a plugin that was not pulled", _set(), why="Nothing to compare.", world=(plugin(),)),
    warned("PluginNotFound", _NAME, "plugin that is not there", _set(), why="It may come."),
    fine("PluginNotFound", "plugin that is there", _set(), why="It is there.", world=(plugin(),)),
    warned("PluginNotReady", _NAME, "plugin that is not Ready", _set(), why="The set will wait for it.", world=(plugin(status=_FAILED),)),
    fine("PluginNotReady", "plugin that is Ready", _set(), why="As it should be.", world=(plugin(status=_READY),)),
    fine("PluginNotReady", "plugin that was not judged yet", _set(), why="It was applied a moment ago.", world=(plugin(status={}),)),
    warned("PluginIsRevoked", _NAME, "plugin that is revoked", _set(), why="The set will never have it.",
           world=(plugin(status={**_FAILED, "revokedBySha": True}),)),
    fine("PluginIsRevoked", "plugin that no list names", _set(), why="As it should be.",
         world=(plugin(status={**_READY, "revokedBySha": False}),)),
    warned("GuardInShadowMode", "spec.entries[0].enforce", "policy engine in shadow mode", _set(enforce=False),
           why="Its refusals become permissions.", world=(plugin(pluginClass="policy_engine"),)),
    warned("GuardInShadowMode", "spec.entries[0].enforce", "identity provider in shadow mode", _set(enforce=False),
           why="Its refusals become permissions.", world=(plugin(pluginClass="identity_provider"),)),
    fine("GuardInShadowMode", "policy engine that enforces", _set(enforce=True), why="As it should be.",
         world=(plugin(pluginClass="policy_engine"),)),
    fine("GuardInShadowMode", "audit sink in shadow mode", _set(enforce=False), why="It guards nothing.", world=(plugin(),)),
)  # fmt: skip
