"""Server-side apply in miniature: who owns which field, and what vanishes when an owner leaves a field out.

Lists are atomic but for those that the API merges: conditions by `type`, owner references by `uid`, webhooks by `name`, finalizers as
a set.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Owners", "copied", "merge_apply"]

Step = str | tuple[str, str]
Path = tuple[Step, ...]
Owners = dict[str, set[Path]]
"""Leaf paths by manager."""

_MAPS: dict[Path, str] = {("status", "conditions"): "type", ("metadata", "ownerReferences"): "uid", ("webhooks",): "name"}
_SETS: frozenset[Path] = frozenset({("metadata", "finalizers")})
_MERGED = _MAPS.keys() | _SETS


def copied(value: Any) -> Any:
    """A deep copy that only JSON survives."""
    return json.loads(json.dumps(value))


def merge_apply(live: dict[str, Any], applied: Mapping[str, Any], owners: Owners, manager: str) -> None:
    """Change `live` as a forced apply of `applied` by `manager` does, and enter who owns what."""
    wanted = dict(_leaves(applied, ()))
    gone = owners.get(manager, set()) - wanted.keys()
    others = set().union(*(paths for name, paths in owners.items() if name != manager))
    for path in sorted(gone, key=lambda one: (-len(one), _is_key(one))):
        if path not in others:
            _drop(live, path)
    for path, value in wanted.items():
        if value in ({}, []) and (isinstance(value, dict) or path in _MERGED) and _value(live, path):
            continue  # an empty container asks for nothing, and what others put in stays
        if _value(live, path) != value:
            for name, paths in owners.items():
                if name != manager:
                    paths.discard(path)
        _set(live, path, value)
    owners[manager] = set(wanted)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif path in _MAPS and isinstance(value, list) and value:
        for item in value:
            yield from _leaves(item, (*path, (_MAPS[path], item[_MAPS[path]])))
    elif path in _SETS and isinstance(value, list) and value:
        for item in value:
            yield (*path, ("", item)), item
    elif path:
        yield path, value


def _is_key(path: Path) -> bool:
    """Whether a path names the member by which a list item is found; it has to go last."""
    return len(path) > 1 and isinstance(path[-2], tuple) and path[-1] == path[-2][0]


def _child(container: Any, step: Step) -> Any:
    if isinstance(step, str):
        return container.get(step) if isinstance(container, dict) else None
    key, wanted = step
    found = [one for one in container if (one if not key else one.get(key)) == wanted] if isinstance(container, list) else []
    return found[0] if found else None


def _value(container: Any, path: Path) -> Any:
    for step in path:
        container = _child(container, step)
    return container


def _set(live: Any, path: Path, value: Any) -> None:
    for position, step in enumerate(path[:-1]):
        after = _child(live, step)
        shape: type = list if isinstance(path[position + 1], tuple) else dict
        if not isinstance(after, shape):
            if isinstance(step, str):
                after = live[step] = shape()
            else:
                after = dict([step])
                live.append(after)
        live = after
    last = path[-1]
    if isinstance(last, str):
        live[last] = copied(value)
    elif _child(live, last) is None:
        live.append(copied(value))


def _drop(live: Any, path: Path) -> None:
    trail = [live]
    for step in path[:-1]:
        trail.append(_child(trail[-1], step))
    for container, step in zip(reversed(trail), reversed(path), strict=True):
        if isinstance(container, dict) and isinstance(step, str):
            container.pop(step, None)
        elif isinstance(container, list):
            container[:] = [one for one in container if one not in ({}, step[1])]
        if container:
            return
