"""Rules of `MCPGRoute` about the gateway that it binds to, the plugins in its chains, and the tenant that it speaks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.rules.binding import CHAINS, accepts, target_of, tenant_of, tool_ids
from supplychain.rules.problem import Family, Severity
from supplychain.rules.reading import at, items, name_of, namespace_of
from supplychain.rules.rule import Finding, Rule, Subject
from supplychain.rules.tenancy import TENANT_ATTRIBUTE, identity_of
from supplychain.rules.tools import enabled_entries, served_tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.rules.reading import Document

__all__ = ["RULES"]

_ATTRIBUTE: Final = f"spec.attributes.{TENANT_ATTRIBUTE}"
_SHOWN: Final = 8


def _gateway(subject: Subject) -> Document | None:
    target = target_of(subject.document)
    return None if target is None else subject.world.gateway(*target)


def _not_accepted(subject: Subject) -> Iterator[Finding]:
    gateway = _gateway(subject)
    if gateway is not None and not accepts(gateway, subject.namespace):
        yield Finding(
            field="spec.gatewayRef",
            what=f"gateway `{namespace_of(gateway)}/{name_of(gateway)}` takes no routes from namespace `{subject.namespace}`",
            hint="whoever owns the gateway can add it to `acceptedRouteNamespaces`",
        )


def _not_served(subject: Subject) -> Iterator[Finding]:
    gateway = _gateway(subject)
    served = None if gateway is None else served_tools(gateway)
    if served is None:
        return
    for index, tool in enumerate(tool_ids(subject.document)):
        if tool not in served:
            some = ", ".join(f"`{one}`" for one in sorted(served)[:_SHOWN])
            yield Finding(
                field=f"spec.match.tools[{index}].id",
                what="the gateway does not serve the tool",
                expected=(some + (" or another one of its tools" if len(served) > _SHOWN else "")) or "none; it serves no tool",
                got=f"`{tool}`",
            )


def _not_in_set(subject: Subject) -> Iterator[Finding]:
    gateway = _gateway(subject)
    name = at(gateway, "spec.pluginSetRef.name")
    if gateway is None or not isinstance(name, str):
        return
    plugin_set = subject.world.plugin_set(namespace_of(gateway), name)
    if plugin_set is None:
        return
    known = enabled_entries(plugin_set)
    for chain in CHAINS:
        for index, one in enumerate(items(subject.spec.get(chain))):
            if one not in known:
                yield Finding(
                    field=f"spec.{chain}[{index}]",
                    what=f"MCPGPluginSet `{name}` of the gateway has no enabled entry of this id",
                    got=f"`{one}`",
                )


def _contradicted(subject: Subject) -> Iterator[Finding]:
    wanted = tenant_of(subject.document)
    tenant = None if wanted is None else subject.owner
    identity = identity_of(tenant)
    if tenant is not None and identity is not None and identity.key == TENANT_ATTRIBUTE and identity.value != wanted:
        yield Finding(
            field=_ATTRIBUTE,
            what=f"namespace `{subject.namespace}` belongs to tenant `{name_of(tenant)}`, which cannot speak for another one",
            expected=f"`{identity.value}`",
            got=f"`{wanted}`",
        )


def _foreign(subject: Subject) -> bool:
    target = target_of(subject.document)
    return target is not None and target[0] != subject.namespace


def _unscoped(subject: Subject) -> Iterator[Finding]:
    if _foreign(subject) and tenant_of(subject.document) is None and identity_of(subject.owner) is None:
        yield Finding(
            field=_ATTRIBUTE,
            what="a route to another namespace's gateway has to say whose callers it is for",
            expected="a value, or an `identityAttribute` of the tenant that owns this namespace",
        )


def _for_everyone(subject: Subject) -> Iterator[Finding]:
    if not _foreign(subject) and tenant_of(subject.document) is None and identity_of(subject.owner) is None:
        yield Finding(field=_ATTRIBUTE, what="without it every caller whom the gateway admits may use the tools")


def _no_gateway(subject: Subject) -> Iterator[Finding]:
    target = target_of(subject.document)
    if target is not None and subject.world.gateway(*target) is None:
        yield Finding(field="spec.gatewayRef", what=f"there is no MCPGGateway `{target[0]}/{target[1]}` yet")


def _undecided(subject: Subject) -> Iterator[Finding]:
    gateway = _gateway(subject)
    if gateway is not None and served_tools(gateway) is None:
        yield Finding(
            field="spec.match.tools",
            what="the gateway's configuration does not tell all of its tools, so nobody checked that it serves these",
        )


def _chains(subject: Subject) -> Iterator[Finding]:
    for chain in CHAINS:
        if items(subject.spec.get(chain)):
            yield Finding(field=f"spec.{chain}", what="the chain is recorded, and no gateway enforces it for single routes")


def _shared(subject: Subject) -> Iterator[Finding]:
    target, mine = target_of(subject.document), tenant_of(subject.document)
    claims: dict[str, Document] = {}
    for route in () if target is None else subject.world.routes_of(*target):
        itself = name_of(route) == subject.name and namespace_of(route) == subject.namespace
        if tenant_of(route) != mine and not itself:
            for tool in tool_ids(route):
                claims.setdefault(tool, route)
    for index, tool in enumerate(tool_ids(subject.document)):
        other = claims.get(tool)
        if tool and other is not None:
            # Names of other namespaces' objects are not for everybody.
            here = namespace_of(other) == subject.namespace
            who = f"route `{name_of(other)}`" if here else "a route of another namespace"
            yield Finding(
                field=f"spec.match.tools[{index}].id",
                what=f"{who} claims tool `{tool}` for other callers; they will share it",
            )


_WARNING: Final = Severity.WARNING

RULES: Final = (
    Rule(
        name="NamespaceNotAccepted",
        about="The gateway exists and does not accept routes from this namespace.",
        find=_not_accepted,
        family=Family.TENANT,
        reads=("gatewayRef",),
    ),
    Rule(
        name="ToolNotServed",
        about="The gateway exists, all of its tools are known, and this one is not among them.",
        find=_not_served,
        reads=("gatewayRef",),
    ),
    Rule(
        name="ChainPluginMissing",
        about="A chain names a plugin that is no enabled entry of the gateway's plugin set.",
        find=_not_in_set,
        reads=("gatewayRef",),
    ),
    Rule(
        name="TenantContradicted",
        about="`attributes.tenant` is not the tenant that owns the namespace.",
        find=_contradicted,
        family=Family.TENANT,
        reads=("attributes",),
    ),
    Rule(
        name="TenantRequired",
        about="A route to a gateway of another namespace, with neither `attributes.tenant` nor a tenant's identity.",
        find=_unscoped,
        family=Family.TENANT,
        reads=("gatewayRef", "attributes"),
    ),
    Rule(
        name="OpenToEveryone",
        about="A route within one namespace without `attributes.tenant`.",
        find=_for_everyone,
        severity=_WARNING,
        reads=("gatewayRef", "attributes"),
    ),
    Rule(
        name="GatewayNotFound",
        about="The gateway does not exist (yet).",
        find=_no_gateway,
        severity=_WARNING,
        reads=("gatewayRef",),
    ),
    Rule(
        name="ToolsUnknown",
        about="The gateway's tools are not all known, so whether it serves these is not either.",
        find=_undecided,
        severity=_WARNING,
        reads=("gatewayRef",),
    ),
    Rule(
        name="ChainsNotEnforced",
        about="Chains are given; they are recorded and not enforced for single routes.",
        find=_chains,
        severity=_WARNING,
    ),
    Rule(
        name="ToolShared",
        about="Another route claims the same tool of the same gateway for another tenant.",
        find=_shared,
        severity=_WARNING,
        reads=("gatewayRef", "attributes"),
    ),
)
