"""Applies all children of a gateway in their order, so that what is refused leaves the last rendering whole.

What protects the pods comes before them, and what they mount comes right before them. A Deployment that is refused must not leave
older pods with a configuration that was written for newer ones: theirs is put back, and next time the Deployment is tried first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.gateway.dependencies import Refused
from mcpg_operator.controllers.gateway.running import notes
from mcpg_operator.names import manager
from mcpg_operator.render.gateway.memo import LastRendering
from mcpg_operator.render.gateway.names import names_of
from mcpg_operator.render.plugin_set import SEAL
from mcpg_operator.resources import CONFIG_MAP, DEPLOYMENT, SECRET, Key, kind_of
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcpg_operator.controllers.gateway.children import Children
    from mcpg_operator.controllers.gateway.observe import Tools
    from mcpg_operator.render.gateway.inputs import GatewayInputs, RenderedGateway
    from mcpg_operator.resources import Resource

__all__ = ["Applying", "Memory"]

_SCALE: Final = manager("gateway-scale")
_MOUNTED: Final = frozenset({CONFIG_MAP, SECRET})


@dataclass(slots=True, kw_only=True)
class Memory:
    """What is remembered of one gateway between passes; nothing in it is needed to be right, but for quiet."""

    uid: str
    scaled: str = ""
    """Uid of the Deployment whose replicas were handed over to the autoscaler."""
    interrupted: int = 0
    """Passes in a row that the API server ended."""
    refused: bool = False
    """Whether the Deployment was refused last time."""
    failing: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    rendering: LastRendering = field(default_factory=LastRendering)


class Applying:
    """Made for one pass; every method raises ClusterUnavailableError and ConflictError: try again."""

    def __init__(self, tools: Tools, children: Children, memory: Memory) -> None:
        self._tools = tools
        self._children = children
        self._memory = memory

    def apply(self, live: Resource | None, inputs: GatewayInputs, rendered: RenderedGateway) -> Refused | None:
        """Apply all up to the first that fails, and take away what is switched off."""
        for manifest in _ordered(rendered.children, first=self._memory.refused):
            refused = self._apply(live, inputs, manifest)
            if kind_of(manifest) == DEPLOYMENT:
                self._memory.refused = refused is not None and live is not None
            if refused is not None:
                if self._memory.refused:
                    self._children.put_back(Key(CONFIG_MAP, names_of(inputs.name).config, inputs.namespace))
                return refused
        return next((refused for key in rendered.absent if (refused := self._children.remove(key)) is not None), None)

    def _apply(self, live: Resource | None, inputs: GatewayInputs, manifest: dict[str, Any]) -> Refused | None:
        try:
            if kind_of(manifest) == DEPLOYMENT:
                self._hand_over(live, manifest)
                return self._children.apply(_annotated(manifest, notes(live, _digests(inputs))))
            if manifest["metadata"]["name"] == names_of(inputs.name).revocations and inputs.revocations is not None:
                seal = self._tools.lists.seal(inputs.name, inputs.namespace, inputs.revocations)
                return self._children.apply(_annotated(manifest, {SEAL: seal}))
        except (ApplyForbiddenError, ApplyRejectedError) as exc:
            return Refused(reason="ApplyFailed", message=str(exc))
        return self._children.apply(manifest)

    def _hand_over(self, live: Resource | None, manifest: dict[str, Any]) -> None:
        """Keep the number of pods when the autoscaler takes over.

        Server-side apply takes a field away when its only owner leaves it out, and the number would fall back to one. So a second
        owner gets it first; a number of none, which switches autoscalers off, becomes one.
        """
        if live is None or "replicas" in manifest["spec"]:
            self._memory.scaled = ""
            return
        spec = live.spec if isinstance(live.spec, dict) else {}
        replicas = spec.get("replicas")
        if self._memory.scaled == live.uid and replicas != 0:
            return
        metadata = {"name": live.name, "namespace": live.namespace}
        self._tools.services.cluster.apply(
            {
                "apiVersion": DEPLOYMENT.api_version,
                "kind": DEPLOYMENT.name,
                "metadata": metadata,
                "spec": {"replicas": replicas if type(replicas) is int and replicas > 0 else 1},
            },
            manager=_SCALE,
        )
        self._memory.scaled = live.uid


def _digests(inputs: GatewayInputs) -> dict[str, str]:
    """Artifact hash by plugin id, of all that the pods are going to load."""
    entries = () if inputs.plugins is None else inputs.plugins.entries
    extra = None if inputs.cluster is None else inputs.cluster.plugin
    return {one.id: one.digest for one in (*entries, *(() if extra is None else (extra,)))}


def _ordered(children: Iterable[dict[str, Any]], *, first: bool) -> list[dict[str, Any]]:
    """Put what is mounted right before the Deployment, or right after it where the Deployment comes `first`."""
    listed = list(children)
    pods = next(index for index, one in enumerate(listed) if kind_of(one) == DEPLOYMENT)
    before, deployment, after = listed[:pods], listed[pods], listed[pods + 1 :]
    mounted = [one for one in before if kind_of(one) in _MOUNTED]
    others = [one for one in before if kind_of(one) not in _MOUNTED]
    return [*others, deployment, *mounted, *after] if first else [*others, *mounted, deployment, *after]


def _annotated(manifest: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **annotations}}}
