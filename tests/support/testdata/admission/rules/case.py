"""One object among others, and what the rules must say about it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PLUGIN", "RuleCase", "denied", "document", "fine", "gateway", "namespace", "plugin", "route", "tenant", "warned"]

NAMESPACED: Final = frozenset({"MCPGGateway", "MCPGPluginSet", "MCPGRoute"})
_DIGEST: Final = f"sha256:{'ab' * 32}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCase:
    """`problems` are all that the rules say, in their order, as `Rule field` or `Rule field (warning)`."""

    about: str
    """The rule that the case is there for, whether it speaks or is silent."""
    title: str
    why: str
    object: Mapping[str, Any]
    problems: tuple[str, ...]
    code: int = 200
    """Status of the answer: 200 where the object is admitted."""
    old: Mapping[str, Any] | None = None
    world: tuple[Mapping[str, Any], ...] = ()
    strictness: Mapping[str, Any] = field(default_factory=dict)
    descriptors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Which capabilities a pulled plugin requires, by the name of the MCPGPlugin."""

    @property
    def name(self) -> str:
        """The name of the folder, which ends as admission decides."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.title.lower()).split()
        verdict = "denied" if self.code != 200 else "warned" if self.problems else "admitted"
        return "_".join([str(self.object["kind"]).removeprefix("MCPG").lower(), *words, verdict])


def document(kind: str, name: str, spec: Any, *, namespace: str = "team-a", **metadata: Any) -> dict[str, Any]:
    """Write an object."""
    placed = {"namespace": namespace} if kind in NAMESPACED else {}
    return {
        "apiVersion": "v1" if kind == "Namespace" else "mcpg.dev/v1alpha2",
        "kind": kind,
        "metadata": {"name": name, **placed, **metadata},
        **({} if spec is None else {"spec": copy.deepcopy(spec)}),
    }


def denied(code: int, rule: str, where: str, title: str, obj: Any, *others: str, why: str, **more: Any) -> RuleCase:
    """The rule refuses the object; `others` are what else is said of it."""
    return RuleCase(about=rule, title=title, why=why, object=obj, problems=(f"{rule} {where}", *others), code=code, **more)


def warned(rule: str, where: str, title: str, obj: Any, *others: str, why: str, **more: Any) -> RuleCase:
    """The rule warns of the object."""
    problems = (f"{rule} {where} (warning)", *others)
    return RuleCase(about=rule, title=title, why=why, object=obj, problems=problems, **more)


def fine(rule: str, title: str, obj: Any, *others: str, why: str, **more: Any) -> RuleCase:
    """The rule is silent, though it nearly speaks."""
    return RuleCase(about=rule, title=title, why=why, object=obj, problems=others, **more)


PLUGIN: Final[dict[str, Any]] = {
    "pluginId": "dev.acme.audit",
    "version": "1.2.3",
    "pluginClass": "audit_sink",
    "oci": {"image": f"ghcr.io/acme/plugins/audit@{_DIGEST}"},
    "trust": {"signingKeyRef": {"secretName": "acme-keys"}},
}


def plugin(name: str = "audit", *, status: Any = None, image: str | None = None, **spec: Any) -> dict[str, Any]:
    """An MCPGPlugin to refer to."""
    found = document("MCPGPlugin", name, PLUGIN | spec)
    if image is not None:
        found["spec"]["oci"] = {"image": image}
    return found if status is None else {**found, "status": status}


def tenant(name: str = "north", *, namespaces: Sequence[str] = ("team-a",), created: str = "", **spec: Any) -> dict[str, Any]:
    """An MCPGTenant that owns namespaces and allows everything, unless `spec` says otherwise."""
    metadata = {"creationTimestamp": created} if created else {}
    return document("MCPGTenant", name, {"namespaces": list(namespaces), "allowedPlugins": [{"name": "*"}]} | spec, **metadata)


def gateway(name: str = "shop", *, namespace: str = "team-a", annotations: Any = None, **spec: Any) -> dict[str, Any]:
    """An MCPGGateway that serves two tools, unless `spec` says otherwise."""
    tools = {"mcp": {"capabilities": {"tools": [{"name": "stock.read"}, {"name": "stock.write"}]}}}
    metadata = {"annotations": annotations} if annotations else {}
    return document("MCPGGateway", name, {"config": tools} | spec, namespace=namespace, **metadata)


def route(name: str = "stock", *, namespace: str = "team-a", **spec: Any) -> dict[str, Any]:
    """An MCPGRoute of one tool for one tenant, unless `spec` says otherwise."""
    base = {
        "gatewayRef": {"name": "shop"},
        "match": {"tools": [{"id": "stock.read"}]},
        "attributes": {"tenant": "north"},
    }
    return document(
        "MCPGRoute", name, {key: value for key, value in (base | spec).items() if value is not None}, namespace=namespace
    )


def namespace(name: str = "team-a") -> dict[str, Any]:
    """A Namespace."""
    return document("Namespace", name, None)
