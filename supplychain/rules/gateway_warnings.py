"""What an `MCPGGateway` may say and probably does not mean."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from supplychain.rules.coordinator import ceiling_of
from supplychain.rules.problem import Severity
from supplychain.rules.reading import annotation, at, items, mapping
from supplychain.rules.rule import Finding, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DIALECT", "DIALECTS", "UNCLAIMED", "WARNINGS"]

DIALECT: Final = "mcpg.dev/config-dialect"
"""The annotation of a gateway that chooses how its configuration is written."""
DIALECTS: Final = ("seed", "flat")
UNCLAIMED: Final = "mcpg.dev/unclaimed-tools"
"""The annotation of a gateway that says what becomes of tools that no route claims: `allow` or `deny`."""

_PORT: Final = 8787
_BIND: Final = "gateway.server.bind_address"


def _no_provider(subject: Subject) -> Iterator[Finding]:
    if subject.spec.get("workloadIdentity") == {}:
        yield Finding(
            field="spec.workloadIdentity", what="no provider is given", expected="one of `aws`, `gcp`, `azure` and `spiffe`"
        )


def _plugins_twice(subject: Subject) -> Iterator[Finding]:
    if subject.spec.get("pluginSetRef") is not None and at(subject.spec, "config.plugins"):
        yield Finding(field="spec.config.plugins", what="the plugin set replaces this list", hint="leave out one of the two")


def _cluster_twice(subject: Subject) -> Iterator[Finding]:
    if subject.spec.get("clusterRef") is not None and at(subject.spec, "config.cluster"):
        yield Finding(field="spec.config.cluster", what="`clusterRef` replaces this section", hint="leave out one of the two")


def _unclaimed(subject: Subject) -> Iterator[Finding]:
    if items(subject.spec.get("acceptedRouteNamespaces")) and annotation(subject.document, UNCLAIMED) != "deny":
        yield Finding(
            field="spec.acceptedRouteNamespaces",
            what="tools that no route claims are open to every caller whom the gateway admits",
            expected=f"the annotation `{UNCLAIMED}: deny` on a gateway that is shared",
        )


def _listener(subject: Subject) -> tuple[str, int] | None:
    """Host and port of `bind_address`; None where it is absent or no address."""
    address = at(subject.spec, f"config.{_BIND}")
    if not isinstance(address, str):
        return None
    host, colon, port = address.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isascii() and port.isdigit() else None


def _loopback(subject: Subject) -> Iterator[Finding]:
    listener = _listener(subject)
    if listener is not None and _is_loopback(listener[0]):
        yield Finding(
            field=f"spec.config.{_BIND}",
            what="the gateway listens to nobody outside its own container, so its pods never become ready",
            expected="`0.0.0.0` and a port, or nothing",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _other_port(subject: Subject) -> Iterator[Finding]:
    listener, port = _listener(subject), at(subject.spec, "service.port")
    port = _PORT if port is None else port
    if listener is not None and listener[1] != port:
        yield Finding(
            field="spec.service.port" if at(subject.spec, "service.port") is not None else f"spec.config.{_BIND}",
            what=f"the Service has port {port} and the gateway listens on {listener[1]}; clients use the former",
        )


def _blocked_drain(subject: Subject) -> Iterator[Finding]:
    budget = mapping(subject.spec.get("podDisruptionBudget"))
    if budget.get("enabled") is not True:
        return
    replicas = ceiling_of(subject.spec).minimum
    least, most = budget.get("minAvailable"), budget.get("maxUnavailable")
    if least is not None and _count(least, of=replicas) >= replicas:
        yield _blocking("minAvailable", f"`{least}` of {replicas}")
    elif most is not None and _count(most, of=replicas) == 0:
        yield _blocking("maxUnavailable", f"`{most}` of {replicas}")


def _count(value: Any, *, of: int) -> int:
    """A number or a percentage as a number of pods; both bounds of a budget are rounded up."""
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    return -(-int(text.removesuffix("%")) * of // 100)


def _blocking(key: str, got: str) -> Finding:
    return Finding(field=f"spec.podDisruptionBudget.{key}", what="no pod may ever be missing, so no node can be drained", got=got)


def _no_set(subject: Subject) -> Iterator[Finding]:
    name = at(subject.spec, "pluginSetRef.name")
    if isinstance(name, str) and subject.world.plugin_set(subject.namespace, name) is None:
        yield Finding(
            field="spec.pluginSetRef.name", what=f"there is no MCPGPluginSet `{name}` in namespace `{subject.namespace}` yet"
        )


def _no_list(subject: Subject) -> Iterator[Finding]:
    name = at(subject.spec, "revocationListRef.name")
    if isinstance(name, str) and subject.world.revocation_list(name) is None:
        yield Finding(field="spec.revocationListRef.name", what=f"there is no MCPGRevocationList `{name}` yet")


def _no_cluster(subject: Subject) -> Iterator[Finding]:
    name = at(subject.spec, "clusterRef.name")
    if isinstance(name, str) and subject.world.cluster(name) is None:
        yield Finding(field="spec.clusterRef.name", what=f"there is no MCPGCluster `{name}` yet")


def _dialect(subject: Subject) -> Iterator[Finding]:
    dialect, plugins = annotation(subject.document, DIALECT), at(subject.spec, "config.plugins")
    if dialect is None:
        return
    if dialect not in DIALECTS:
        expected = " or ".join(f"`{one}`" for one in DIALECTS)
        yield Finding(field=f"metadata.annotations.{DIALECT}", what="unknown dialect", expected=expected, got=f"`{dialect[:80]}`")
    elif plugins is not None and isinstance(plugins, list) != (dialect == "flat"):
        yield Finding(
            field="spec.config.plugins",
            what=f"the annotation asks for the dialect `{dialect}`",
            expected="a list" if dialect == "flat" else "a mapping with `entries`",
            got="another form",
        )


_warning: Final = partial(Rule, severity=Severity.WARNING)

WARNINGS: Final = (
    _warning(
        name="NoIdentityProvider",
        about="`workloadIdentity` is there and names no provider.",
        find=_no_provider,
        reads=("workloadIdentity",),
    ),
    _warning(
        name="InlinePluginsReplaced",
        about="`pluginSetRef` and `config.plugins` are both given; the set replaces the list.",
        find=_plugins_twice,
        reads=("pluginSetRef", "config"),
    ),
    _warning(
        name="InlineClusterReplaced",
        about="`clusterRef` and `config.cluster` are both given; the reference wins.",
        find=_cluster_twice,
        reads=("clusterRef", "config"),
    ),
    _warning(
        name="UnclaimedToolsOpen",
        about="Routes of other namespaces are accepted, and tools that no route claims stay open to every caller.",
        find=_unclaimed,
        reads=("acceptedRouteNamespaces",),
    ),
    _warning(name="LoopbackListener", about="`bind_address` is a loopback address.", find=_loopback, reads=("config",)),
    _warning(
        name="PortsDiffer",
        about="The Service's port is not the one that the gateway listens on.",
        find=_other_port,
        reads=("config", "service"),
    ),
    _warning(
        name="DrainsBlocked",
        about="The disruption budget lets no pod go missing.",
        find=_blocked_drain,
        reads=("podDisruptionBudget", "replicas", "autoscaling"),
    ),
    _warning(name="PluginSetNotFound", about="The plugin set does not exist (yet).", find=_no_set, reads=("pluginSetRef",)),
    _warning(
        name="RevocationListNotFound",
        about="The revocation list does not exist (yet).",
        find=_no_list,
        reads=("revocationListRef",),
    ),
    _warning(name="ClusterNotFound", about="The MCPGCluster does not exist (yet).", find=_no_cluster, reads=("clusterRef",)),
    _warning(
        name="DialectContradicted",
        about="The annotation's dialect is unknown, or not that of `config.plugins`.",
        find=_dialect,
        reads=("config",),
    ),
)
"""The rules; none of them keeps an object out."""
