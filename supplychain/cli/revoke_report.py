"""What a revocation reaches, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from supplychain.blast_radius import Effect, Ground
from supplychain.output.change_schemas import REVOKE_ID
from supplychain.output.style import clean
from supplychain.report import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supplychain.blast_radius import Radius
    from supplychain.digest import ArtifactHash
    from supplychain.output.style import Style
    from supplychain.revocation_file.entry import ListFile

__all__ = ["render", "render_json"]

_UNKNOWN_SHOWN: Final = 20
_GROUNDS: Final = {Ground.READ: "its bytes were read", Ground.STATUS: "its status says so, which is a hint"}


def render(radius: Radius, *, artifact: ArtifactHash, read: Mapping[str, ArtifactHash], known: bool, style: Style) -> str:
    """Write everything that is reached; ends with a newline."""
    return "\n".join([*_lines(radius, artifact=artifact, read=read, known=known, style=style), ""])


def _lines(
    radius: Radius, *, artifact: ArtifactHash, read: Mapping[str, ArtifactHash], known: bool, style: Style
) -> Iterator[str]:
    yield f"artifact {artifact}"
    for target, found in read.items():
        same = found == artifact
        yield f"  {'is the artifact' if same else 'is another one':<16} {clean(target)}" + ("" if same else f" ({found})")
    if not known:
        yield "what uses it is not known: give the cluster's objects with -f"
        return
    yield f"plugins: {len(radius.plugins)} of {radius.looked_at}"
    for plugin in radius.plugins:
        yield f"  {clean(plugin.name)}  {clean(plugin.plugin_class)}  ({_GROUNDS[plugin.ground]})"
    if radius.unknown:
        names = ", ".join(clean(name) for name in radius.unknown[:_UNKNOWN_SHOWN])
        more = f" and {len(radius.unknown) - _UNKNOWN_SHOWN} more" if len(radius.unknown) > _UNKNOWN_SHOWN else ""
        yield f"  not known of {len(radius.unknown)}, whose status names no artifact: {names}{more}"
    yield f"sets: {len(radius.sets)}"
    for one in radius.sets:
        yield f"  {clean(one.namespace)}/{clean(one.name)}  loses {', '.join(map(clean, one.plugins))}"
    yield f"gateways: {len(radius.gateways)}, of which {len(radius.stopped)} scale to zero"
    for gateway in radius.gateways:
        stops = gateway.effect is Effect.STOPS
        word = style.verdict(gateway.effect.value.upper(), Verdict.REFUSED) if stops else gateway.effect.value
        yield f"  {clean(gateway.namespace)}/{clean(gateway.name)}  {word}: {clean(gateway.why)}"


def render_json(radius: Radius, *, artifact: ArtifactHash, read: Mapping[str, ArtifactHash], found: ListFile, state: str) -> str:
    """Write one document; `state` is `written`, `already`, `dry-run` or `declined`."""
    entry = found.revocations.entries.get(artifact.hex)
    document: dict[str, Any] = {
        "schema": REVOKE_ID,
        "artifactSha256": artifact.hex,
        "list": {"file": found.file, "name": found.revocations.name, "problems": list(found.revocations.problems)},
        "state": state,
        "already": None if entry is None else {"reason": entry.reason, "revokedAt": entry.revoked_at},
        "read": {target: one.hex for target, one in read.items()},
        "plugins": [{"name": one.name, "class": one.plugin_class, "ground": one.ground.value} for one in radius.plugins],
        "unknown": list(radius.unknown),
        "sets": [{"namespace": one.namespace, "name": one.name, "plugins": list(one.plugins)} for one in radius.sets],
        "gateways": [
            {"namespace": one.namespace, "name": one.name, "effect": one.effect.name.lower(), "why": one.why}
            for one in radius.gateways
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"
