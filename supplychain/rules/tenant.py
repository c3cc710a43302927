"""Rules of `MCPGTenant` about other tenants, protected namespaces, and what is in the namespaces already."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from supplychain.rules.coordinator import ceiling_of
from supplychain.rules.problem import Family, Severity
from supplychain.rules.reading import items, mapping, name_of, namespace_of, spec_of, texts
from supplychain.rules.rule import Finding, Rule, Subject
from supplychain.rules.tenancy import quota_of, replica_cap

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LABEL_VALUE", "RULES", "protected"]

LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
"""The value of a Kubernetes label; a tenant's name becomes one on each of its namespaces."""
_KUBERNETES: Final = "kube-"
_SHOWN: Final = 3


def protected(namespace: str, *, operator_namespace: str) -> bool:
    """Whether no tenant may own a namespace: the operator's own, with its keys, and those of Kubernetes."""
    return namespace == operator_namespace or namespace.startswith(_KUBERNETES)


def _namespaces(subject: Subject) -> Iterator[tuple[str, str]]:
    for index, namespace in enumerate(items(subject.spec.get("namespaces"))):
        if isinstance(namespace, str):
            yield f"spec.namespaces[{index}]", namespace


def _taken(subject: Subject) -> Iterator[Finding]:
    owners: dict[str, list[str]] = {}
    for other in subject.world.tenants():
        if name_of(other) != subject.name:
            for namespace in texts(spec_of(other).get("namespaces")):
                owners.setdefault(namespace, []).append(name_of(other))
    for field, namespace in _namespaces(subject):
        if namespace in owners:
            whose = " and ".join(f"`{one}`" for one in owners[namespace][:_SHOWN])
            yield Finding(
                field=field,
                what=f"namespace `{namespace}` belongs to tenant {whose}",
                hint="a namespace has one tenant; take it off the other one first",
            )


def _protected(subject: Subject) -> Iterator[Finding]:
    for field, namespace in _namespaces(subject):
        if protected(namespace, operator_namespace=subject.strictness.operator_namespace):
            yield Finding(field=field, what=f"namespace `{namespace}` can belong to no tenant")


def _no_label(subject: Subject) -> Iterator[Finding]:
    if subject.name and LABEL_VALUE.fullmatch(subject.name) is None:
        yield Finding(
            field="metadata.name",
            what="the name becomes a label's value and cannot be one",
            expected="at most 63 characters",
            got=f"{len(subject.name)} characters",
        )


def _absent(subject: Subject) -> Iterator[Finding]:
    for field, namespace in _namespaces(subject):
        if subject.world.namespace(namespace) is None:
            yield Finding(field=field, what=f"there is no namespace `{namespace}` yet", hint="the operator creates none")


def _overdrawn(subject: Subject) -> Iterator[Finding]:
    world = subject.world
    declared = [namespace for _, namespace in _namespaces(subject)]
    counted = (("maxGateways", world.gateways), ("maxPluginSets", world.plugin_sets), ("maxRoutes", world.routes))
    for quota, everything in counted:
        cap = quota_of(subject.document, quota)
        counts = Counter(map(namespace_of, everything())) if cap is not None else Counter()
        for namespace in declared:
            if cap is not None and counts[namespace] > cap:
                yield _over(quota, f"namespace `{namespace}` has {counts[namespace]} already", cap)
    cap = replica_cap(subject.document)
    for gateway in world.gateways() if cap is not None else ():
        most = ceiling_of(spec_of(gateway)).maximum
        if cap is not None and most > cap and namespace_of(gateway) in declared:
            got = f"gateway `{namespace_of(gateway)}/{name_of(gateway)}` may come to {most} already"
            yield _over("maxReplicasPerGateway", got, cap)


def _over(quota: str, got: str, cap: int) -> Finding:
    return Finding(field=f"spec.quotas.{quota}", what="there is more than that", expected=f"at most {cap}", got=got)


def _nothing_allowed(subject: Subject) -> Iterator[Finding]:
    if not items(subject.spec.get("allowedPlugins")):
        yield Finding(
            field="spec.allowedPlugins",
            what="the tenant may use no plugin at all",
            hint="list plugins by `name` or `registryPrefix`; `name: '*'` allows every one",
        )


def _open_prefix(subject: Subject) -> Iterator[Finding]:
    for index, entry in enumerate(items(subject.spec.get("allowedPlugins"))):
        prefix: Any = mapping(entry).get("registryPrefix")
        if isinstance(prefix, str) and prefix.strip() and not prefix.endswith("/"):
            yield Finding(
                field=f"spec.allowedPlugins[{index}].registryPrefix",
                what="the prefix does not end in `/`, so it is also the name of an image",
                expected=f"`{prefix[:80]}/`, where what lies below is meant",
            )


_WARNING: Final = Severity.WARNING

RULES: Final = (
    Rule(name="NamespaceTaken", about="Another tenant has the namespace.", find=_taken, family=Family.TENANT),
    Rule(
        name="NamespaceProtected",
        about="The namespace is the operator's, or one of Kubernetes (`kube-…`).",
        find=_protected,
        family=Family.TENANT,
    ),
    Rule(name="TenantNameTooLong", about="The tenant's name cannot be the value of a label.", find=_no_label),
    Rule(name="NamespaceNotFound", about="A namespace does not exist (yet).", find=_absent, severity=_WARNING),
    Rule(
        name="QuotaExceeded",
        about="A namespace already has more than a quota allows, or a gateway more replicas.",
        find=_overdrawn,
        severity=_WARNING,
        reads=("namespaces", "quotas"),
    ),
    Rule(
        name="NothingAllowed",
        about="`allowedPlugins` is empty, so the tenant may use no plugin.",
        find=_nothing_allowed,
        severity=_WARNING,
        reads=("allowedPlugins",),
    ),
    Rule(
        name="PrefixWithoutSlash",
        about="A `registryPrefix` does not end in `/`.",
        find=_open_prefix,
        severity=_WARNING,
    ),
)
