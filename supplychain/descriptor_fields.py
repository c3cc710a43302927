"""Typed look-ups in the YAML mapping of `plugin.yaml`; every refusal names the field, what it needs, and what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplychain.errors import DescriptorInvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Fields", "kind_of", "show", "text_of"]

_LONGEST_SHOWN = 80


class Fields:
    """Typed look-ups in the document; every refusal names the field."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def text(
        self, name: str, *, fits: Callable[[str], bool] | None = None, rule: str = "a string", default: str | None = None
    ) -> str:
        """Return a text that fits its rule; an absent one only where there is a default."""
        if name not in self._document:
            if default is not None:
                return default
            raise DescriptorInvalidError(f"field `{name}` is missing", where="`plugin.yaml`")
        return text_of(self._document[name], fits=fits, rule=rule, field=name)

    def items(self, name: str) -> list[Any]:
        """Return a list of anything; an absent one is empty."""
        items = self._document.get(name, [])
        if not isinstance(items, list):
            raise DescriptorInvalidError(
                "unusable field", expected="a list", got=kind_of(items), where=f"`plugin.yaml` field `{name}`"
            )
        return items

    def texts(self, name: str, *, fits: Callable[[str], bool], rule: str) -> tuple[str, ...]:
        """Return a list of different texts that fit one rule."""
        return _unique(
            [text_of(item, fits=fits, rule=rule, field=f"{name}[{index}]") for index, item in enumerate(self.items(name))],
            field=name,
        )


def text_of(value: Any, *, fits: Callable[[str], bool] | None = None, rule: str = "a string", field: str) -> str:
    """Return `value` if it is a text that fits, and name `field` otherwise."""
    where = f"`plugin.yaml` field `{field}`"
    if not isinstance(value, str):
        hint = "write it in quotes" if isinstance(value, bool | int | float) else None
        raise DescriptorInvalidError("unusable field", expected="a string", got=kind_of(value), where=where, hint=hint)
    if fits is not None and not fits(value):
        raise DescriptorInvalidError("unusable field", expected=rule, got=show(value), where=where)
    return value


def _unique(texts: list[str], *, field: str) -> tuple[str, ...]:
    if len(set(texts)) != len(texts):
        raise DescriptorInvalidError("the same item twice", where=f"`plugin.yaml` field `{field}`")
    return tuple(texts)


def kind_of(value: Any) -> str:
    """Name the kind of a YAML value for a message."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a mapping"}
    return names.get(type(value), "nothing")


def show(text: str, *, quotes: str = "`") -> str:
    """Shorten a foreign text and escape what is not printable ASCII, for a message."""
    return f"{quotes}{text[:_LONGEST_SHOWN].encode('unicode_escape').decode('ascii')}{quotes}"
