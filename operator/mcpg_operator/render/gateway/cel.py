"""Predicates of the gateway's policy language, CEL, from texts that nobody trusts.

A text becomes one string literal whatever is in it. An expression that an author wrote is put into parentheses before ours is
added, which confines it only if its own are balanced: `true) || (true` would let everybody in.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FALSE", "TRUE", "either", "equals", "every", "literal", "one_of", "whole"]

TRUE: Final = "true"
FALSE: Final = "false"

_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\u0024"}
# `$` because the gateway replaces `${env.NAME}` in any text of its configuration before the policy is compiled.
_WIDE: Final = 0xFFFF
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED: Final = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    }
)
_TOKEN: Final = re.compile(
    r"""
      (?:[rR][bB]?|[bB][rR]?)?(?P<quote>\"{3}|'{3}|"|')   # the beginning of a string or of bytes
    | (?P<comment>//[^\n]*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | [A-Za-z_][A-Za-z0-9_]*
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


@cache
def _string(quote: str, *, raw: bool) -> re.Pattern[str]:
    """What follows a quotation mark up to the one that ends the string."""
    inner = r"[^\n\r]" if len(quote) == 1 else r"[\s\S]"
    escape, stop = ("", quote) if raw else (r"\\[\s\S]|", rf"{quote}|\\")
    return re.compile(rf"(?:{escape}(?!{stop}){inner})*{quote}")


def literal(text: str) -> str:
    """Write a text as one string literal.

    Raises:
        InvalidManifestError: it is no Unicode.
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if "\ud800" <= character <= "\udfff":
        raise InvalidManifestError("a text that a policy compares is no Unicode", got=f"U+{ord(character):04X}")
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= _WIDE else f"\\U{ord(character):08x}"


def equals(variable: str, key: str, value: str) -> str:
    """Compare an attribute of the caller's identity; `variable` is what the identity is called."""
    plain = _IDENTIFIER.fullmatch(key) is not None and key not in _RESERVED
    member = f".{key}" if plain else f"[{literal(key)}]"
    return f"{variable}.attributes{member} == {literal(value)}"


def one_of(name: str, texts: Iterable[str]) -> str:
    """Compare a variable with several texts."""
    return f"{name} in [{', '.join(literal(one) for one in sorted(texts))}]"


def either(predicates: Iterable[str]) -> str:
    """Join predicates of which one is enough; equal ones count once, and `true` is enough by itself."""
    different = sorted(set(predicates))
    if TRUE in different:
        return TRUE
    return different[0] if len(different) == 1 else " || ".join(f"({one})" for one in different)


def every(predicates: Iterable[str]) -> str:
    """Join predicates that all have to hold, in this order; equal ones count once, and `true` says nothing."""
    different = [one for one in dict.fromkeys(predicates) if one != TRUE]
    if len(different) < 2:  # noqa: PLR2004 — one needs no joining
        return different[0] if different else TRUE
    return " && ".join(f"({one})" for one in different)


def whole(expression: str) -> str | None:
    """Give an expression of somebody else as it can be put into parentheses; None where it would get out of them.

    All its brackets are paired and its strings end; a comment gets a line end, or it would swallow the parenthesis. It need not
    be right: what does not compile stops the gateway, which is safe.
    """
    position, commented = 0, False
    opened: list[str] = []
    while (found := _TOKEN.match(expression, position)) is not None:
        position = found.end()
        commented = commented or found["comment"] is not None
        if found["quote"] is not None:
            end = _string(found["quote"], raw="r" in found[0].lower()).match(expression, position)
            if end is None:
                return None
            position = end.end()
        elif found["open"] is not None:
            opened.append(found["open"])
        elif found["close"] is not None and (not opened or opened.pop() != _PAIRS[found["close"]]):
            return None
    return None if opened or not expression.strip() else f"{expression}\n" if commented else expression
