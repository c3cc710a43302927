"""CEL of the rules that need no other object.

Every member is looked for before it is read, and asked for its type where that is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.resources import CLUSTER, GATEWAY, PLUGIN, TENANT
from supplychain.descriptor import PLATFORM_SUFFIXES, SEMVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.resources import Kind
    from supplychain.rules.strictness import Strictness

__all__ = ["CHANGED", "EXPRESSIONS", "NOT_DELETING", "Expression"]

NOT_DELETING: Final = {"name": "not-being-deleted", "expression": "!has(object.metadata.deletionTimestamp)"}
CHANGED: Final = {
    "name": "spec-changes",
    "expression": "request.operation != 'UPDATE' || object.metadata.generation != oldObject.metadata.generation",
}
"""`metadata.generation` counts the changes of a spec, and comparing it costs nothing, however large the spec is."""


def _always(_: Strictness) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One rule in CEL: true where the object is as it should be."""

    rule: str
    """Name of the rule in `supplychain.rules`; `Schema` where a model says it."""
    field: str
    text: Callable[[Strictness], str]
    variables: tuple[tuple[str, str], ...] = ()
    """What it computes first: names and expressions."""
    about: str = ""
    """What is wrong, where no rule says it."""
    wanted: Callable[[Strictness], bool] = _always


def _fixed(text: str) -> Callable[[Strictness], str]:
    return lambda _: text


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SUFFIXES: Final = f"[{', '.join(map(_quoted, PLATFORM_SUFFIXES))}].filter(s, variables.tag.endsWith(s))"
_TAG: Final = (
    ("tag", "object.spec.oci.image.split('@')[0].find(':[^/:]*$').replace(':', '')"),
    ("suffixes", _SUFFIXES),
    (
        "bare",
        (
            "size(variables.suffixes) == 0 ? variables.tag : "
            "variables.tag.substring(0, size(variables.tag) - size(variables.suffixes[0]))"
        ),
    ),
    ("tagged", "variables.bare.startsWith('v') ? variables.bare.substring(1) : variables.bare"),
    ("version", "object.spec.version.startsWith('v') ? object.spec.version.substring(1) : object.spec.version"),
)
_SCALED: Final = "has(object.spec.autoscaling) && has(object.spec.autoscaling.enabled) && object.spec.autoscaling.enabled"
_CEILING: Final = (
    ("replicas", "has(object.spec.replicas) ? int(object.spec.replicas) : 1"),
    ("scaled", _SCALED),
    (
        "least",
        (
            "variables.scaled && has(object.spec.autoscaling.minReplicas) && object.spec.autoscaling.minReplicas > 1"
            " ? int(object.spec.autoscaling.minReplicas) : 1"
        ),
    ),
    (
        "most",
        (
            "!variables.scaled ? variables.replicas : has(object.spec.autoscaling.maxReplicas)"
            " ? int(object.spec.autoscaling.maxReplicas) : variables.replicas"
        ),
    ),
)
_CONFIG: Final = ("config", "has(object.spec.config) ? dyn(object.spec.config) : dyn({})")
"""Free-form: of no type that a compiler could check, and therefore looked at with care."""
_COORDINATOR: Final = (
    "variables.most <= 1 && variables.least <= 1 || has(object.spec.clusterRef)"
    " || (has(variables.config.cluster) && type(variables.config.cluster) == map"
    " && has(variables.config.cluster.kind) && type(variables.config.cluster.kind) == string"
    " && variables.config.cluster.kind != 'single_node')"
)
_CONFIGURED: Final = "size(variables.config) > 0"
_SINGLE: Final = "(!has(object.spec.backend) || object.spec.backend == 'single_node')"


def _plain(backend: str, member: str, test: str) -> str:
    path = f"variables.config.{member}"
    return f"(object.spec.backend == '{backend}' && has({path}) && {test.format(path=path)})"


def _begins(prefix: str) -> str:
    return f"type({{path}}) == string && {{path}}.trim().lowerAscii().startsWith('{prefix}')"


_ENDPOINT: Final = (
    "type({path}) == list && {path}.exists(e, type(e) == string && !e.trim().startsWith('${{')"
    " && !e.trim().lowerAscii().startsWith('https://'))"
)
_NATS: Final = "type({path}) == map && has({path}.require_tls) && {path}.require_tls == false"
_PLAINTEXT: Final = (
    "!(has(object.spec.backend)"
    " && !(has(variables.config.allow_insecure_transport) && variables.config.allow_insecure_transport == true) && ("
    + " || ".join(
        (
            _plain("redis", "url", _begins("redis://")),
            _plain("consul", "address", _begins("http://")),
            _plain("etcd", "endpoints", _ENDPOINT),
            _plain("nats", "tls", _NATS),
        )
    )
    + "))"
)

EXPRESSIONS: Final[Mapping[Kind, tuple[Expression, ...]]] = {
    PLUGIN: (
        Expression(
            rule="VersionNotOfTag",
            field="spec.version",
            text=_fixed(
                f"!variables.tagged.matches({_quoted(f'^(?:{SEMVER.pattern})$')}) || variables.tagged == variables.version"
            ),
            variables=_TAG,
        ),
        Expression(
            rule="TagAlone",
            field="spec.oci.image",
            text=_fixed("object.spec.oci.image.contains('@') || has(object.spec.trust.cosignIdentity)"),
            wanted=lambda strictness: strictness.require_digest_or_cosign,
        ),
    ),
    GATEWAY: (
        Expression(rule="CoordinatorMissing", field="spec.replicas", text=_fixed(_COORDINATOR), variables=(*_CEILING, _CONFIG)),
    ),
    CLUSTER: (
        Expression(
            rule="Schema",
            field="spec.config",
            text=_fixed(f"{_SINGLE} ? !({_CONFIGURED}) : {_CONFIGURED}"),
            variables=(_CONFIG,),
            about="the backend needs a configuration, and `single_node` takes none",
        ),
        Expression(
            rule="PlaintextTransport",
            field="spec.config",
            text=_fixed(_PLAINTEXT),
            variables=(_CONFIG,),
            wanted=lambda strictness: strictness.require_coordinator_tls,
        ),
    ),
    TENANT: (
        Expression(
            rule="NamespaceProtected",
            field="spec.namespaces",
            text=lambda strictness: (
                f"object.spec.namespaces.all(n, n != {_quoted(strictness.operator_namespace)} && !n.startsWith('kube-'))"
            ),
        ),
    ),
}
"""By kind, in the order in which they are judged."""
