"""The last rendering of a gateway, so that one from which nothing changed is not made again.

It is kept under a hash of everything that goes into it, and packed: many gateways would otherwise hold many times what they say.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from mcpg_operator.render.gateway.inputs import digest_of
from mcpg_operator.render.gateway.rendering import render_gateway

if TYPE_CHECKING:
    from mcpg_operator.render.gateway.inputs import GatewayInputs, RenderedGateway

__all__ = ["LastRendering", "fingerprint"]

_LIST: Final = "list.json"
_LEFT_OUT: Final = {_LIST: None}
_LEVEL: Final = 1
"""Of compression: quick, and a seventh is left."""


class LastRendering:
    """Of one gateway; one thread at a time may ask."""

    __slots__ = ("_packed", "_print", "_rendered")

    def __init__(self) -> None:
        self._print = b""
        self._packed = b""
        self._rendered: RenderedGateway | None = None

    def render(self, inputs: GatewayInputs) -> RenderedGateway:
        """Render a gateway, or give what the same inputs came to the last time; raises as `render_gateway`."""
        made = fingerprint(inputs)
        if self._rendered is not None and made == self._print:
            config, children = json.loads(zlib.decompress(self._packed))
            for one in children:
                if one.get("data") == _LEFT_OUT and inputs.revocations is not None:
                    one["data"] = {_LIST: inputs.revocations.decode()}
            return replace(self._rendered, config=config.encode(), children=tuple(children))
        rendered = render_gateway(inputs)
        # The list is the same for many gateways and can be a megabyte: it is taken from the inputs again.
        children = [{**one, "data": _LEFT_OUT} if _LIST in one.get("data", ()) else one for one in rendered.children]
        self._packed = zlib.compress(json.dumps([rendered.config.decode(), children]).encode("ascii"), _LEVEL)
        self._rendered, self._print = replace(rendered, config=b"", children=()), made
        return rendered


def fingerprint(inputs: GatewayInputs) -> bytes:
    """Hash everything that a rendering is made from, field by field: what differs for JSON has another one.

    Raises:
        TypeError: something is neither JSON nor made of what `_written` knows.
    """
    return hashlib.sha256(json.dumps(inputs, default=_written, separators=(",", ":")).encode("ascii")).digest()


def _written(value: object) -> Any:
    if is_dataclass(value):
        return [type(value).__name__, *(getattr(value, one.name) for one in fields(value))]
    if isinstance(value, BaseModel):
        return [type(value).__name__, vars(value), value.model_extra, sorted(value.model_fields_set)]
    if isinstance(value, bytes):
        return ["bytes", digest_of(value)]
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"a rendering cannot depend on {type(value).__name__}")
