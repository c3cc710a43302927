"""What stops running when an artifact is revoked: from the plugins that stand for it to the gateways that load them (pure).

Judged from plain objects, as they are written or as a cluster shows them. A plugin is known to stand for the artifact where
somebody read its bytes; its `status.resolvedDigest` is a hint, because a status is no evidence. Everything else is unknown and is
said to be.

A gateway whose set loses a plugin goes on without it, unless the plugin guards access or evidence: then no pod runs, for as long
as the annotation `mcpg.dev/on-revoked: continue` does not say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from supplychain.rules.inline_plugins import image_of, inline_entries
from supplychain.rules.reading import annotation, at, items, name_of, namespace_of, spec_of
from supplychain.rules.schema import CLUSTER_SCOPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from supplychain.digest import ArtifactHash
    from supplychain.rules.reading import Document

__all__ = ["GUARDS", "Effect", "Ground", "HitGateway", "HitPlugin", "HitSet", "Radius", "radius"]

GUARDS: Final = frozenset({"identity_provider", "policy_engine", "tool_gate", "audit_sink"})
"""Classes of plugins without which nothing is served."""
_CONTINUE: Final = "mcpg.dev/on-revoked"
_DEFAULT: Final = "cluster-default"


class Ground(StrEnum):
    """Why a plugin is said to stand for the artifact."""

    READ = "read"
    """Its bytes were read."""
    STATUS = "status"
    """Its status says so: a hint."""


class Effect(StrEnum):
    """What becomes of a gateway."""

    STOPS = "scales to zero"
    CONTINUES = "rolls without it"
    HELD = "stays as it is and follows no change"
    """The plugin is the backend of the MCPGCluster that it names."""
    REFUSES = "refuses to load it"
    """Its own configuration lists the plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HitPlugin:
    """An MCPGPlugin that stands for the artifact."""

    name: str
    plugin_class: str
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class HitSet:
    """An MCPGPluginSet with an enabled entry of such a plugin."""

    namespace: str
    name: str
    plugins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HitGateway:
    """An MCPGGateway that loads such a plugin."""

    namespace: str
    name: str
    effect: Effect
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Radius:
    """Everything that a revocation reaches, as far as the objects tell."""

    plugins: tuple[HitPlugin, ...] = ()
    sets: tuple[HitSet, ...] = ()
    gateways: tuple[HitGateway, ...] = ()
    unknown: tuple[str, ...] = ()
    """Plugins of which nobody knows for which artifact they stand."""
    looked_at: int = 0
    """Plugins among the objects."""

    @property
    def stopped(self) -> tuple[HitGateway, ...]:
        """The gateways that will serve nobody."""
        return tuple(one for one in self.gateways if one.effect is Effect.STOPS)


def radius(
    objects: Iterable[Document], *, artifact: ArtifactHash, read: Mapping[str, ArtifactHash], list_name: str = _DEFAULT
) -> Radius:
    """Find out what the revocation reaches.

    Args:
        objects: of any kind, in any order.
        artifact: what is revoked.
        read: by image reference, the artifacts whose bytes were read.
        list_name: of the list that names it; any but `cluster-default` concerns only gateways that name the list.
    """
    found = _Kinds(objects)
    plugins = tuple(_plugins(found.plugins, artifact=artifact, read=read))
    by_name = {one.name: one for one in plugins}
    sets = tuple(_sets(found.sets, by_name))
    gateways = _gateways(found, by_name=by_name, sets=sets, artifact=artifact, read=read)
    if list_name != _DEFAULT:
        named = {(namespace_of(one), name_of(one)) for one in found.gateways if _name(one, "revocationListRef.name") == list_name}
        gateways = (one for one in gateways if (one.namespace, one.name) in named)
    return Radius(
        plugins=plugins,
        sets=sets,
        gateways=tuple(sorted(gateways, key=lambda one: (one.effect is not Effect.STOPS, one.namespace, one.name))),
        unknown=tuple(name_of(one) for one in found.plugins if not any(_artifacts(one, read=read))),
        looked_at=len(found.plugins),
    )


class _Kinds:
    """The objects by kind. Of two that are the same object, the one with a status counts, else the later one."""

    def __init__(self, objects: Iterable[Document]) -> None:
        found: dict[tuple[str, str, str], Document] = {}
        for one in objects:
            kind = str(one.get("kind"))
            key = (kind, "" if kind in CLUSTER_SCOPED else namespace_of(one), name_of(one))
            if key not in found or "status" in one or "status" not in found[key]:
                found[key] = one
        self.plugins, self.sets, self.clusters, self.gateways = (
            [one for (kind, _, _), one in found.items() if kind == wanted]
            for wanted in ("MCPGPlugin", "MCPGPluginSet", "MCPGCluster", "MCPGGateway")
        )


def _artifacts(plugin: Document, *, read: Mapping[str, ArtifactHash]) -> Iterator[tuple[str, Ground]]:
    """The artifacts that a plugin stands for, as hex, and how that is known.

    What its image leads to now need not be what runs: a tag moves, and an index has other platforms. So the hint counts, too.
    """
    image = _name(plugin, "oci.image")
    if image is not None and image in read:
        yield read[image].hex, Ground.READ
    said = at(plugin, "status.resolvedDigest")
    if isinstance(said, str) and said:
        yield said.lower(), Ground.STATUS


def _plugins(documents: Iterable[Document], *, artifact: ArtifactHash, read: Mapping[str, ArtifactHash]) -> Iterator[HitPlugin]:
    for one in documents:
        found = [ground for digest, ground in _artifacts(one, read=read) if digest == artifact.hex]
        for ground in found[:1]:
            yield HitPlugin(name=name_of(one), plugin_class=_name(one, "pluginClass") or "", ground=ground)


def _sets(documents: Iterable[Document], by_name: Mapping[str, HitPlugin]) -> Iterator[HitSet]:
    for one in documents:
        entries = [entry for entry in items(at(spec_of(one), "entries")) if at(entry, "enabled") is not False]
        names = dict.fromkeys(at(entry, "pluginRef.name") for entry in entries if isinstance(at(entry, "pluginRef.name"), str))
        hit = tuple(name for name in names if name in by_name)
        if hit:
            yield HitSet(namespace=namespace_of(one), name=name_of(one), plugins=hit)


def _gateways(
    found: _Kinds,
    *,
    by_name: Mapping[str, HitPlugin],
    sets: Sequence[HitSet],
    artifact: ArtifactHash,
    read: Mapping[str, ArtifactHash],
) -> Iterator[HitGateway]:
    by_set = {(one.namespace, one.name): one for one in sets}
    images = {image for image, digest in read.items() if digest == artifact}
    images |= {image for one in found.plugins if name_of(one) in by_name and (image := _name(one, "oci.image")) is not None}
    backends = {name_of(one): name for one in found.clusters if (name := _name(one, "pluginRef.name")) in by_name}
    for gateway in found.gateways:
        place: dict[str, Any] = {"namespace": namespace_of(gateway), "name": name_of(gateway)}
        through = by_set.get((place["namespace"], _name(gateway, "pluginSetRef.name") or ""))
        cluster = _name(gateway, "clusterRef.name")
        own = inline_entries(at(spec_of(gateway), "config"))
        field = next((where for where, entry in own if _is(entry, artifact, images)), None)
        if through is not None:
            yield HitGateway(**place, **_through(gateway, through, by_name))
        elif field is not None:
            yield HitGateway(**place, effect=Effect.REFUSES, why=f"`{field}`")
        elif cluster in backends:
            yield HitGateway(**place, effect=Effect.HELD, why=f"plugin `{backends[cluster]}` of MCPGCluster `{cluster}`")


def _through(gateway: Document, through: HitSet, by_name: Mapping[str, HitPlugin]) -> dict[str, Any]:
    guards = [name for name in through.plugins if by_name[name].plugin_class in GUARDS]
    why = f"set `{through.name}`, plugin " + ", ".join(f"`{name}`" for name in guards or through.plugins)
    if not guards:
        return {"effect": Effect.CONTINUES, "why": why}
    if annotation(gateway, _CONTINUE) == "continue":
        return {"effect": Effect.CONTINUES, "why": f"{why}, which guards it; annotation `{_CONTINUE}: continue`"}
    return {"effect": Effect.STOPS, "why": f"{why}, which guards it"}


def _is(entry: Mapping[str, Any], artifact: ArtifactHash, images: set[str]) -> bool:
    """Whether an entry of a gateway's own list is the artifact, by its pin or by its image."""
    pin = at(entry, "signature.sha256")
    pinned = isinstance(pin, str) and pin.lower().removeprefix("sha256:") == artifact.hex
    return pinned or image_of(at(entry, "source.oci")) in images


def _name(document: Document, path: str) -> str | None:
    value = at(spec_of(document), path)
    return value if isinstance(value, str) and value else None
