"""Rules of `MCPGPluginSet` about the plugins that it names, and about the tenant whose namespace it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplychain.descriptor import same_class
from supplychain.rules.problem import Family, Severity
from supplychain.rules.reading import at, condition, items, mapping, name_of, spec_of, texts
from supplychain.rules.rule import Finding, Rule, Subject
from supplychain.rules.tenancy import allows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supplychain.rules.reading import Document

__all__ = ["GRANTS_UNCHECKED", "RULES"]

GRANTS_UNCHECKED: Final = "GrantsUnchecked"
"""Only somebody who has pulled the packages could say more."""
_GUARDS: Final = ("identity_provider", "policy_engine")


def _entries(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Every entry that names a plugin, with its field and that name."""
    for index, value in enumerate(items(subject.spec.get("entries"))):
        entry = mapping(value)
        plugin = at(entry, "pluginRef.name")
        if isinstance(plugin, str):
            yield f"spec.entries[{index}]", entry, plugin


def _plugins(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any], Document]]:
    """The same for every entry whose plugin exists, with the plugin."""
    for field, entry, name in _entries(subject):
        plugin = subject.world.plugin(name)
        if plugin is not None:
            yield field, entry, plugin


def _not_allowed(subject: Subject) -> Iterator[Finding]:
    tenant = subject.owner
    if tenant is None:
        return
    for field, _, name in _entries(subject):
        plugin = subject.world.plugin(name)
        # Of a plugin that is not there only its name is known; what it will be is judged when the set is resolved.
        if plugin is None or allows(tenant, plugin):
            continue
        known = at(plugin, "spec.pluginId")
        yield Finding(
            field=f"{field}.pluginRef.name",
            what=f"tenant `{name_of(tenant)}`, which owns namespace `{subject.namespace}`, does not allow the plugin",
            got=f"`{name}`" + (f" (`{known}`)" if isinstance(known, str) else ""),
            hint="whoever runs the cluster can add it to the tenant's `allowedPlugins`",
        )


def _other_id(subject: Subject) -> Iterator[Finding]:
    for field, entry, plugin in _plugins(subject):
        known = at(plugin, "spec.pluginId")
        if isinstance(known, str) and known != entry.get("id"):
            yield Finding(
                field=f"{field}.id",
                what=f"MCPGPlugin `{name_of(plugin)}` is another plugin",
                expected=f"`{known}`",
                got=f"`{entry.get('id')}`",
            )


def _excess_grants(subject: Subject) -> Iterator[Finding]:
    for _, entry, plugin in _plugins(subject):
        descriptor = subject.world.descriptor(name_of(plugin))
        if descriptor is None:
            continue
        required = {one.kind for one in descriptor.required_capabilities}
        for index, granted in enumerate(_grants(subject, entry)):
            if granted not in required:
                yield Finding(
                    field=f"spec.capabilityGrants.{entry.get('id')}[{index}]",
                    what=f"MCPGPlugin `{name_of(plugin)}` does not require the capability",
                    expected=", ".join(f"`{one}`" for one in sorted(required)) or "no grant at all",
                    got=f"`{granted}`",
                )


def _unchecked_grants(subject: Subject) -> Iterator[Finding]:
    for _, entry, plugin in _plugins(subject):
        if _grants(subject, entry) and subject.world.descriptor(name_of(plugin)) is None:
            yield Finding(
                field=f"spec.capabilityGrants.{entry.get('id')}",
                what=f"MCPGPlugin `{name_of(plugin)}` has not been pulled, so nobody knows which capabilities it requires",
                hint="the grants are checked when the set is resolved",
            )


def _grants(subject: Subject, entry: Mapping[str, Any]) -> tuple[str, ...]:
    return texts(mapping(subject.spec.get("capabilityGrants")).get(str(entry.get("id"))))


def _missing(subject: Subject) -> Iterator[Finding]:
    for field, _, name in _entries(subject):
        if subject.world.plugin(name) is None:
            yield Finding(field=f"{field}.pluginRef.name", what=f"there is no MCPGPlugin `{name}` yet")


def _not_ready(subject: Subject) -> Iterator[Finding]:
    for field, _, plugin in _plugins(subject):
        ready = condition(plugin, "Ready")
        if ready is not None and ready.get("status") != "True" and not _revoked_plugin(plugin):
            why = ready.get("reason")
            yield Finding(
                field=f"{field}.pluginRef.name",
                what=f"MCPGPlugin `{name_of(plugin)}` is not Ready" + (f" (`{why}`)" if isinstance(why, str) and why else ""),
            )


def _revoked(subject: Subject) -> Iterator[Finding]:
    for field, _, plugin in _plugins(subject):
        if _revoked_plugin(plugin):
            yield Finding(field=f"{field}.pluginRef.name", what=f"MCPGPlugin `{name_of(plugin)}` is revoked")


def _revoked_plugin(plugin: Document) -> bool:
    return at(plugin, "status.revokedBySha") is True


def _shadowed(subject: Subject) -> Iterator[Finding]:
    for field, entry, plugin in _plugins(subject):
        word = spec_of(plugin).get("pluginClass")
        if entry.get("enforce") is False and isinstance(word, str) and any(same_class(word, one) for one in _GUARDS):
            yield Finding(
                field=f"{field}.enforce",
                what=f"MCPGPlugin `{name_of(plugin)}` decides who gets in, and in shadow mode its refusals become permissions",
            )


_WARNING: Final = Severity.WARNING

RULES: Final = (
    Rule(
        name="PluginNotAllowed",
        about="The tenant that owns the namespace does not allow a plugin; its own id and image count, not the entry's id.",
        find=_not_allowed,
        family=Family.TENANT,
    ),
    Rule(name="PluginIdDiffers", about="An entry's `id` is not the `pluginId` of its plugin.", find=_other_id),
    Rule(
        name="GrantNotRequired",
        about="A capability is granted that the plugin's descriptor does not require.",
        find=_excess_grants,
        reads=("capabilityGrants",),
    ),
    Rule(
        name=GRANTS_UNCHECKED,
        about="A plugin was not pulled yet, so its grants cannot be compared with its descriptor. `lint` never says so.",
        find=_unchecked_grants,
        severity=_WARNING,
        reads=("capabilityGrants",),
    ),
    Rule(name="PluginNotFound", about="A plugin does not exist (yet).", find=_missing, severity=_WARNING),
    Rule(name="PluginNotReady", about="A plugin exists and is not Ready.", find=_not_ready, severity=_WARNING),
    Rule(name="PluginIsRevoked", about="A plugin is revoked.", find=_revoked, severity=_WARNING),
    Rule(
        name="GuardInShadowMode",
        about="`enforce: false` on an identity provider or a policy engine.",
        find=_shadowed,
        severity=_WARNING,
    ),
)
