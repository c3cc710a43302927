"""HTML put together from elements: the one place where text is escaped.

A plain `str` is always text. Only `Html`, which `element` and `join` make, is taken as markup.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from supplychain.output.style import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Content", "Html", "element", "foreign", "join", "prose"]

_EMPTY: Final = frozenset({"br", "link", "meta"})
_FORBIDDEN: Final = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")


class Html(str):
    """Markup that this package wrote."""

    __slots__ = ()


Content: TypeAlias = "str | Html | None"
"""What an element may hold: text to be escaped, markup, or nothing."""


def element(tag: str, *contents: Content, **attributes: str | bool | None) -> Html:
    """Write one element; in names of attributes `_` stands for `-`, one at the end is dropped; False and None leave one out."""
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None and value is not False)
    if tag in _EMPTY:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(contents)}</{tag}>")


def join(contents: Iterable[Content]) -> Html:
    """Put contents side by side."""
    return Html("".join(one if isinstance(one, Html) else _text(one) for one in contents if one is not None))


def foreign(text: str) -> Html:
    """Show a value as it is, set apart from the words around it."""
    return element("code", text)


def prose(text: str) -> Html:
    """Show a message, with its literals in backticks set apart."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a stranger's backtick: nobody can tell which one opens
        return join([text])
    return join(foreign(part) if number % 2 else part for number, part in enumerate(parts))


def _attribute(name: str, value: str | bool) -> str:  # noqa: FBT001 — the value of an attribute
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{_text(str(value))}"'


@lru_cache(maxsize=1024)  # most of a long report are the same few words and classes
def _text(text: str) -> str:
    shown = _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", clean(text))
    return html.escape(shown, quote=True).encode("ascii", "xmlcharrefreplace").decode()
