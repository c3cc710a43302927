"""Changes to evidence: a path to a value, and what becomes of it.

A path is written with dots, numbers are positions: `bundles.0.content.dsseEnvelope.signatures.0.sig`. Where a text on the way
holds JSON, plain or in base64, the path goes on inside it, and it is written back the same way.
"""

from __future__ import annotations

import base64
import binascii
import json
import textwrap
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.judges.live.objects import Attached
    from tests.judges.live.signing import Scene

__all__ = ["DROP", "Change", "apply", "flip", "like", "resized", "set_to"]

DROP = object()
"""Takes the value out."""
Change: TypeAlias = "Callable[[Any, Scene], Any]"


def set_to(new: Any) -> Change:
    """Another value; `DROP` for none."""
    return lambda old, scene: new


def flip(value: Any, scene: Scene) -> Any:
    """One bit near the end of bytes in base64 or PEM, or one more for a number, or another last letter of a text."""
    if isinstance(value, int):
        return value + 1
    if value.isdecimal():
        return str(int(value) + 1)
    if value.startswith("-----BEGIN"):
        first, *body, last = value.strip().split("\n")
        return "\n".join([first, *textwrap.wrap(_flip_base64("".join(body)), 64), last, ""])
    try:
        return _flip_base64(value)
    except binascii.Error:
        return value[:-1] + ("x" if value[-1] != "x" else "y")


def _flip_base64(text: str) -> str:
    data = bytearray(base64.b64decode(text, validate=True))
    data[-3] ^= 1
    return base64.b64encode(data).decode()


def like(form: str, path: str | None = None) -> Change:
    """What stands at the same place, or at `path`, in another form."""
    return lambda old, scene: _Same(form, path)


def resized(value: str, scene: Scene) -> str:
    """A checkpoint that claims a tree with one leaf more."""
    origin, size, *rest = value.split("\n")
    return "\n".join([origin, str(int(size) + 1), *rest])


class _Same:
    def __init__(self, form: str, path: str | None) -> None:
        self.form = form
        self.path = path


def apply(attached: Attached, path: str, change: Change, *, scene: Scene) -> None:
    """Change the value at `path` in place. It must be there, and must become another one."""

    def changed(value: Any) -> Any:
        new = change(value, scene)
        if isinstance(new, _Same):
            new = look_up(scene.attached[new.form].tree, (new.path or path).split("."))
        if new == value:
            raise AssertionError(f"nothing changed at `{path}`")
        return new

    _descend(attached.tree, path.split("."), changed)


def look_up(value: Any, steps: list[str]) -> Any:
    """The value at a path."""
    for step in steps:
        inside = value if not isinstance(value, str) else _unpacked(value)[0]
        value = inside[int(step)] if isinstance(inside, list) else inside[step]
    return value


def _descend(value: Any, steps: list[str], changed: Callable[[Any], Any]) -> Any:
    """Change what lies below `value`, which is a container or a text that holds one, and return it."""
    if isinstance(value, str):
        inside, pack = _unpacked(value)
        return pack(_descend(inside, steps, changed))
    step: Any = int(steps[0]) if isinstance(value, list) else steps[0]
    present = value[step] if isinstance(value, list) else value.get(step)
    new = _descend(present, steps[1:], changed) if len(steps) > 1 else changed(present)
    if new is DROP:
        del value[step]
    else:
        value[step] = new
    return value


def _unpacked(text: str) -> tuple[Any, Callable[[Any], str]]:
    if text.startswith(("{", "[")):
        return json.loads(text), lambda inside: json.dumps(inside, separators=(",", ":"))
    return json.loads(base64.b64decode(text)), lambda inside: base64.b64encode(
        json.dumps(inside, separators=(",", ":")).encode()
    ).decode()
