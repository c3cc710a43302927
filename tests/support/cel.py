"""A little of CEL, enough to run the policies that gateways get: an own reader, so that tests do not believe what wrote them.

Strings with every escape of the language definition, `||`, `&&`, `==`, `!=`, `in`, members, indexes, lists, comments. A missing
member is an error, as in the gateway, and so denies. What is not known here is a syntax error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["CelError", "evaluate", "tokens"]

_SPACE = re.compile(r"(?:[ \t\r\n\f]+|//[^\n]*)+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+")
_SIGN = re.compile(r"\|\||&&|==|!=|[()\[\].,]")
_ESCAPES = {
    **dict(zip("abfnrtv\\\"'`?", "\a\b\f\n\r\t\v\\\"'`?", strict=True)),
}
_CODES = {"x": 2, "X": 2, "u": 4, "U": 8}
_KEYWORDS = {"true": True, "false": False, "null": None}


class CelError(Exception):
    """It does not compile, or fails when it runs."""


def tokens(text: str, *, dollar: bool) -> list[tuple[str, Any]]:
    """Split an expression; `dollar`: whether a name may begin with `$`, as in one of the two dialects."""
    found: list[tuple[str, Any]] = []
    position = 0
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
        elif text[position] == '"':
            value, position = _string(text, position + 1)
            found.append(("string", value))
        elif dollar and text[position] == "$" and (name := _NAME.match(text, position + 1)):
            found.append(("name", f"${name[0]}"))
            position = name.end()
        elif name := _NAME.match(text, position):
            found.append(("name", name[0]))
            position = name.end()
        elif number := _NUMBER.match(text, position):
            found.append(("number", int(number[0])))
            position = number.end()
        elif text.startswith("'", position):
            end = text.index("'", position + 1)
            found.append(("string", text[position + 1 : end]))
            position = end + 1
        elif sign := _SIGN.match(text, position):
            found.append(("sign", sign[0]))
            position = sign.end()
        else:
            raise CelError(f"unexpected {text[position]!r} at {position} of {text!r}")
    return found


def _string(text: str, position: int) -> tuple[str, int]:
    value: list[str] = []
    while True:
        if position >= len(text) or text[position] in "\r\n":
            raise CelError(f"a string does not end in {text!r}")
        character = text[position]
        position += 1
        if character == '"':
            return "".join(value), position
        if character == "\\":
            character = text[position : position + 1]
            position += 1
            if character in _CODES:
                digits = text[position : position + _CODES[character]]
                position += len(digits)
                character = chr(int(digits, 16))
            elif character in _ESCAPES:
                character = _ESCAPES[character]
            else:
                raise CelError(f"unknown escape in {text!r}")
        value.append(character)


def evaluate(text: str, variables: Mapping[str, Any], *, dollar: bool = False) -> Any:
    """Run an expression.

    Raises:
        CelError: it does not compile, or a member is missing.
    """
    reader = _Reader(tokens(text, dollar=dollar))
    tree = reader.disjunction()
    if reader.left:
        raise CelError(f"something follows the expression in {text!r}")
    return _run(tree, variables)


class _Reader:
    def __init__(self, found: list[tuple[str, Any]]) -> None:
        self.left = found

    def take(self, *signs: str) -> str | None:
        if self.left and self.left[0][0] in {"sign", "name"} and self.left[0][1] in signs:
            return str(self.left.pop(0)[1])
        return None

    def expect(self, sign: str) -> None:
        if self.take(sign) is None:
            raise CelError(f"`{sign}` is missing before {self.left[:3]}")

    def disjunction(self) -> Any:
        tree = self.conjunction()
        while self.take("||"):
            tree = ("or", tree, self.conjunction())
        return tree

    def conjunction(self) -> Any:
        tree = self.relation()
        while self.take("&&"):
            tree = ("and", tree, self.relation())
        return tree

    def relation(self) -> Any:
        tree = self.member()
        while sign := self.take("==", "!=", "in"):
            tree = (sign, tree, self.member())
        return tree

    def member(self) -> Any:
        tree = self.primary()
        while sign := self.take(".", "["):
            if sign == ".":
                kind, name = self.left.pop(0) if self.left else ("end", "")
                if kind != "name" or name.startswith("$") or name in {*_KEYWORDS, "in"}:
                    raise CelError(f"no member: {name!r}")
                tree = ("at", tree, ("value", name))
            else:
                tree = ("at", tree, self.disjunction())
                self.expect("]")
        return tree

    def primary(self) -> Any:
        if self.take("("):
            tree = self.disjunction()
            self.expect(")")
            return tree
        if self.take("["):
            items: list[Any] = []
            while not self.take("]"):
                if items:
                    self.expect(",")
                items.append(self.disjunction())
            return ("list", *items)
        kind, value = self.left.pop(0) if self.left else ("end", None)
        if kind in {"string", "number"}:
            return ("value", value)
        if kind == "name":
            return ("value", _KEYWORDS[value]) if value in _KEYWORDS else ("name", value)
        raise CelError(f"no expression at {value!r}")


def _run(tree: Any, variables: Mapping[str, Any]) -> Any:
    operator, *parts = tree
    match operator:
        case "value":
            return parts[0]
        case "name":
            if parts[0] not in variables:
                raise CelError(f"unknown name {parts[0]}")
            return variables[parts[0]]
        case "list":
            return [_run(one, variables) for one in parts]
        case "or" | "and":
            return _logic(operator, parts, variables)
        case "at":
            where, key = (_run(one, variables) for one in parts)
            if not isinstance(where, Mapping) or key not in where:
                raise CelError(f"no such key {key!r}")
            return where[key]
    left, right = (_run(one, variables) for one in parts)
    return left in right if operator == "in" else (left == right) is (operator == "==")


def _logic(operator: str, parts: list[Any], variables: Mapping[str, Any]) -> bool:
    """As CEL has it: an error of one side does not matter where the other side decides."""
    decisive, failed = operator == "or", None
    for one in parts:
        try:
            value = _run(one, variables)
        except CelError as error:
            failed = error
            continue
        if not isinstance(value, bool):
            raise CelError(f"{value!r} is no truth value")
        if value is decisive:
            return decisive
    if failed is not None:
        raise failed
    return not decisive
