"""What the pods of a Deployment load, read from what makes them load it; pure.

The arguments of the init container decide which libraries there are, so they are asked and no annotation. Pods of an older
revision may still be there while a roll-out is under way: what only they load is written down until the roll-out is over.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.controllers.gateway.report import rolled_out
from supplychain.rules.reading import at, items

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from mcpg_operator.resources import Resource
    from supplychain.revocation import RevocationList

__all__ = ["LEAVING", "PLUGINS", "Loaded", "leaving_of", "loaded_by", "notes", "pods_wanted", "unserviceable", "without_pods"]

PLUGINS: Final = "mcpg.dev/plugin-digests"
"""Annotation of the Deployment: artifact hash by plugin id, of what its newest pods load. For people; it decides nothing."""
LEAVING: Final = "mcpg.dev/plugin-digests-leaving"
"""Annotation of the Deployment: plugin id by artifact hash, of what only older pods load, as long as there may be any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One plugin of the newest pods."""

    digest: str
    plugin_class: str = ""


def loaded_by(deployment: Resource) -> dict[str, Loaded]:
    """Give the plugins of the newest pods by id; what cannot be read is a plugin that nobody knows: nothing seems safe."""
    found: dict[str, Loaded] = {}
    for container in items(at(deployment.spec, "template.spec.initContainers")):
        arguments = [one for one in items(at(container, "args")) if isinstance(one, str)]
        for word, order in itertools.pairwise(arguments):
            if word == "--order":
                found.update(_read(order))
    return found


def leaving_of(deployment: Resource) -> dict[str, str]:
    """Give what only older pods load: plugin id by artifact hash."""
    try:
        found: Any = json.loads(deployment.annotations.get(LEAVING) or "{}")
    except (ValueError, RecursionError):
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def notes(live: Resource | None, digests: Mapping[str, str]) -> dict[str, str]:
    """Write the annotations of a Deployment whose newest pods will load this: artifact hash by plugin id."""
    leaving = {} if live is None or rolled_out(live) else leaving_of(live)
    leaving |= {} if live is None else {one.digest: name for name, one in loaded_by(live).items()}
    left = {digest: name for digest, name in leaving.items() if digest not in digests.values()}
    return {PLUGINS: _text(digests), **({LEAVING: _text(left)} if left else {})}


def unserviceable(live: Resource, lists: Iterable[RevocationList], *, withdrawn: Collection[str] = ()) -> list[str]:
    """Name the plugins that pods load, or could go on with, and that a list revokes or that are withdrawn."""
    counted = tuple(lists)
    found = [(name, one.digest) for name, one in loaded_by(live).items()]
    if at(live.spec, "strategy.type") != "Recreate" and not rolled_out(live):
        found += [(name, digest) for digest, name in leaving_of(live).items()]
    return sorted({name for name, digest in found if name in withdrawn or any(digest in one.entries for one in counted)})


def pods_wanted(live: Resource) -> bool:
    """Whether a Deployment wants any pod."""
    return bool(at(live.spec, "replicas") != 0)


def without_pods(body: dict[str, Any]) -> None:
    """Have the body of a Deployment want none."""
    body["spec"]["replicas"] = 0


def _read(order: str) -> dict[str, Loaded]:
    try:
        found: Any = json.loads(order.replace("$$", "$"))
    except (ValueError, RecursionError):
        found = None
    name, digest = at(found, "pluginId"), at(found, "digest")
    if not isinstance(name, str) or not isinstance(digest, str):
        return {"": Loaded(digest=hashlib.sha256(order.encode("utf-8", "replace")).hexdigest())}
    return {name: Loaded(digest=digest.removeprefix("sha256:"), plugin_class=str(at(found, "pluginClass") or ""))}


def _text(pairs: Mapping[str, str]) -> str:
    return json.dumps(pairs, sort_keys=True, separators=(",", ":"))
