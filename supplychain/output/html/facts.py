"""Facts as definition lists, however deep they go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from supplychain.output.html.markup import Html, element, foreign, join

if TYPE_CHECKING:
    from supplychain.report import Fact

__all__ = ["facts", "known", "short"]

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_DIGEST: Final = re.compile(r"((?:sha256:)?[0-9a-f]{12})[0-9a-f]{52}", re.ASCII)


def known(values: Mapping[str, Fact]) -> bool:
    """Whether there is anything to show."""
    return any(value not in (None, (), {}) for value in values.values())


def facts(values: Mapping[str, Fact]) -> Html:
    """Show what is known, one row a fact; absent ones are left out."""
    rows = []
    for key, value in values.items():
        if value not in (None, (), {}):
            rows += [element("dt", _WORD.sub(" ", key).lower()), element("dd", _value(value))]
    return element("dl", *rows)


def short(text: str) -> str:
    """Cut every SHA-256 to its first twelve digits."""
    return _DIGEST.sub(r"\1…", text)


def _value(value: Fact) -> Html:
    if isinstance(value, Mapping):
        return facts(value)
    if isinstance(value, tuple):
        return element("ol", *(element("li", _value(one)) for one in value))
    if isinstance(value, bool) or value is None:
        return join([{True: "yes", False: "no", None: "unknown"}[value]])
    if isinstance(value, str) and _TIME.fullmatch(value):
        return element("time", value, datetime=value)
    return foreign(value) if isinstance(value, str) else join([str(value)])
