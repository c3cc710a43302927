"""Rules of `MCPGGateway` about names, replicas, its tenant, and the objects that it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.rules import inline_plugins
from supplychain.rules.cluster import backend_of
from supplychain.rules.coordinator import BINDABLE, SINGLE_NODE, bindable_from, ceiling_of, has_coordinator
from supplychain.rules.gateway_names import service_name_problem
from supplychain.rules.gateway_warnings import WARNINGS
from supplychain.rules.problem import Family
from supplychain.rules.reading import at, name_of
from supplychain.rules.rule import Finding, Rule, Subject
from supplychain.rules.tenancy import replica_cap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from supplychain.rules.reading import Document

__all__ = ["RULES"]


def _cluster(subject: Subject) -> Document | None:
    name = at(subject.spec, "clusterRef.name")
    return subject.world.cluster(name) if isinstance(name, str) else None


def _unusable_name(subject: Subject) -> Iterator[Finding]:
    problem = service_name_problem(subject.name) if subject.name else None
    if problem is not None:
        yield Finding(field="metadata.name", what=problem, got=f"`{subject.name[:80]}`")


def _above_cap(subject: Subject) -> Iterator[Finding]:
    tenant = subject.owner
    cap, most = replica_cap(tenant), ceiling_of(subject.spec)
    if tenant is not None and cap is not None and most.maximum > cap:
        yield Finding(
            field=most.field,
            what=f"tenant `{name_of(tenant)}` may have fewer replicas of one gateway",
            expected=f"at most {cap}",
            got=str(most.maximum),
        )


def _alone(subject: Subject) -> Iterator[Finding]:
    most = ceiling_of(subject.spec)
    if most.maximum > 1 and not has_coordinator(at(subject.spec, "clusterRef.name"), subject.spec.get("config")):
        yield Finding(
            field=most.field,
            what="several replicas need a coordinator that they share",
            expected=f"`clusterRef`, or a `config.cluster.kind` other than `{SINGLE_NODE}`, or one replica",
            got=str(most.maximum),
        )


def _split(subject: Subject) -> Iterator[Finding]:
    most, cluster = ceiling_of(subject.spec), _cluster(subject)
    if most.maximum > 1 and cluster is not None and backend_of(cluster) == SINGLE_NODE:
        yield Finding(
            field=most.field,
            what=f"MCPGCluster `{name_of(cluster)}` is `{SINGLE_NODE}`, which replicas cannot share",
            expected="one replica, or an MCPGCluster of another backend",
            got=str(most.maximum),
        )


def _not_bindable(subject: Subject) -> Iterator[Finding]:
    cluster = _cluster(subject)
    if cluster is not None and not bindable_from(subject.namespace, cluster):
        yield Finding(
            field="spec.clusterRef.name",
            what=f"MCPGCluster `{name_of(cluster)}` cannot be bound from namespace `{subject.namespace}`",
            hint=f"whoever runs the cluster can add it to the annotation `{BINDABLE}`",
        )


def _not_allowed(subject: Subject) -> Iterable[Finding]:
    tenant, config = subject.owner, subject.spec.get("config")
    if tenant is None or not any(inline_plugins.inline_entries(config)):
        return ()
    return inline_plugins.unallowed(config, tenant=tenant, plugins=subject.world.plugins())


def _unenforced(subject: Subject) -> Iterable[Finding]:
    return inline_plugins.weak_policies(subject.spec.get("config")) if subject.owner is not None else ()


def _own_keys(subject: Subject) -> Iterable[Finding]:
    return inline_plugins.foreign_keys(subject.spec.get("config")) if subject.owner is not None else ()


def _overlaid(subject: Subject) -> Iterable[Finding]:
    return inline_plugins.overlay(subject.spec.get("config")) if subject.owner is not None else ()


_REPLICAS: Final = ("replicas", "autoscaling")

RULES: Final = (
    Rule(
        name="NameNotUsable",
        about="The gateway's name gives no valid Service name and label: a dot in it, or too long.",
        find=_unusable_name,
    ),
    Rule(
        name="ReplicaCapExceeded",
        about="The gateway may come to more replicas than the tenant that owns the namespace allows.",
        find=_above_cap,
        family=Family.TENANT,
        reads=_REPLICAS,
    ),
    Rule(
        name="CoordinatorMissing",
        about="More than one replica, with neither `clusterRef` nor a shared coordinator in `config`.",
        find=_alone,
        reads=(*_REPLICAS, "clusterRef", "config"),
    ),
    Rule(
        name="SingleNodeCoordinator",
        about="More than one replica, bound to an MCPGCluster of the backend `single_node`.",
        find=_split,
        reads=(*_REPLICAS, "clusterRef"),
    ),
    Rule(
        name="ClusterNotBindable",
        about="The MCPGCluster does not let this namespace bind to it.",
        find=_not_bindable,
        family=Family.TENANT,
        reads=("clusterRef",),
    ),
    Rule(
        name="InlinePluginNotAllowed",
        about="In a tenant's namespace, `config` lists a plugin that the tenant does not allow.",
        find=_not_allowed,
        family=Family.TENANT,
        reads=("config",),
    ),
    Rule(
        name="SignaturesNotEnforced",
        about="In a tenant's namespace, `config` asks for another signature policy than `enforce`.",
        find=_unenforced,
        family=Family.TENANT,
        reads=("config",),
    ),
    Rule(
        name="OwnTrustAnchor",
        about="In a tenant's namespace, `config` brings keys to trust.",
        find=_own_keys,
        family=Family.TENANT,
        reads=("config",),
    ),
    Rule(
        name="OverlayNotAllowed",
        about="In a tenant's namespace, `config` names an overlay.",
        find=_overlaid,
        family=Family.TENANT,
        reads=("config",),
    ),
    *WARNINGS,
)
