"""Changed inputs: of bytes, of text, of JSON values, and of DER and ZIP records inside.

Everything follows from one `random.Random`: equal seeds give equal inputs. JSON is changed as a tree, and a string in it that is
base64 is decoded, changed by what it holds (DER, PEM, JSON, plain bytes) and encoded again, so that changes reach the inside of
certificates, statements and log entries instead of dying in the outermost parser.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from tests.fuzz import der

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["Mutator"]

_NUMBERS = (
    -(2**63),
    -1,
    0,
    1,
    2,
    7,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    2**64,
    10**30,
)
_ODD: tuple[Any, ...] = (None, True, False, "", "0", "\x00", "\ud800", "é", "\u202e", [], {}, [[]], {"": None}, 0.5, -0.0, 1e308)
_BYTES = (
    b"",
    b"\x00",
    b"\xff",
    b"\x80",
    b"\n",
    b"\r\n",
    b" ",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\xef\xbb\xbf",
    b"\xc3\x28",
)
_LONGEST = 1 << 20


class Mutator:
    """Makes one changed input after the other from `random`; `tokens` are words that matter to the reader."""

    def __init__(self, random: Random, *, tokens: Sequence[str] = ()) -> None:
        self._random = random
        self._tokens = tuple(tokens)

    def rounds(self) -> int:
        """How many changes one input gets: mostly one or two, sometimes many."""
        return min(1 + int(self._random.expovariate(0.7)), 12)

    # --- bytes ----------------------------------------------------------------------------------------------------------------

    def octets(self, data: bytes) -> bytes:  # noqa: PLR0911 — one way of changing each
        """Change bytes without knowing what they are."""
        random = self._random
        at = random.randrange(len(data) + 1)
        size = min(len(data) - at, 1 << random.randrange(7))
        match random.randrange(9):
            case 0 if data:
                at %= len(data)
                return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
            case 1 if data:
                at %= len(data)
                return data[:at] + random.randbytes(1) + data[at + 1 :]
            case 2:
                return data[:at] + data[at + size :]
            case 3:
                return data[:at] + random.choice(_BYTES) * random.choice((1, 1, 1, 2, 64)) + data[at:]
            case 4:
                return data[: at + size] + data[at : at + size] * random.choice((1, 1, 2, 50)) + data[at + size :]
            case 5:
                number = random.choice(_NUMBERS) % 2**64
                width = random.choice((1, 2, 4, 8))
                return (
                    data[:at] + (number % 2 ** (8 * width)).to_bytes(width, random.choice(("little", "big"))) + data[at + width :]
                )
            case 6 if self._tokens:
                token = random.choice(self._tokens).encode("utf-8", "surrogatepass")
                return data[:at] + token + data[at + random.choice((0, len(token), size)) :]
            case 7:
                other = random.randrange(len(data) + 1)
                return data[:at] + data[other : other + size] + data[at + size :]
            case _:
                return data[:at] if random.random() < 0.3 else data[:at] + random.randbytes(random.randrange(1, 9)) + data[at:]

    def lines(self, data: bytes) -> bytes:
        """Change text line by line: what a slip of an editor does to YAML or PEM."""
        random = self._random
        lines = data.split(b"\n")
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(7):
            case 0:
                lines[at], lines[other] = lines[other], lines[at]
            case 1:
                lines.insert(at, lines[other])
            case 2:
                del lines[at]
            case 3:
                lines[at] = b" " * random.randrange(1, 5) + lines[at]
            case 4:
                lines[at] = lines[at].lstrip()
            case 5 if self._tokens:
                lines[at] += random.choice(self._tokens).encode("utf-8", "surrogatepass")
            case _:
                lines[at] = self.octets(lines[at])
        return b"\n".join(lines)[:_LONGEST]

    # --- JSON -----------------------------------------------------------------------------------------------------------------

    def json(self, value: Any, *, donors: Sequence[Any] = ()) -> Any:
        """Change one place of a JSON value in place and return it; `donors` are values whose parts may be put in."""
        random = self._random
        places = _places(value)
        if not places:
            return self._leaf(value)
        holder, key = random.choice(places)
        match random.randrange(12):
            case 0:
                del holder[key]
            case 1:
                holder[key] = self._odd()
            case 2 if isinstance(holder, dict):
                holder[random.choice((*self._tokens, "unknown", "", key.upper()))] = _copy(holder[key])
            case 2 | 3 if isinstance(holder, list):
                holder[key:key] = [
                    _copy(holder[key]) for _ in range(random.choice((1, 1, 1, 2, 100)) if len(places) < 2000 else 1)
                ]
            case 4:
                other, place = random.choice(places)
                holder[key] = _copy(other[place])
            case 5:
                holder[key] = _nested(holder[key], random)
            case 6 if donors:
                donor = random.choice(_places(random.choice(donors)) or [({"": None}, "")])
                holder[key] = _copy(donor[0][donor[1]])
            case _:
                holder[key] = self._leaf(holder[key]) if not isinstance(holder[key], dict | list) else self._odd()
        return value

    def render(self, value: Any) -> bytes:
        """Write JSON, now and then in a spelling that readers could take differently."""
        random = self._random
        try:
            text = json.dumps(value, ensure_ascii=random.random() < 0.9, indent=random.choice((None, None, None, 1)))
        except RecursionError:
            text = "[" * 2000
        match random.randrange(40):
            case 0:
                text = text.replace('"', '"\\u0022', 1)
            case 1:  # some name twice
                at = text.find("{", random.randrange(len(text) + 1))
                end = text.find(":", at)
                text = f"{text[: at + 1]}{text[at + 1 : end]}:1,{text[at + 1 :]}" if 0 <= at < end else text
            case 2:
                text = random.choice(("NaN", "Infinity", "-0", "1e400", "0x1", "01", "1.0", "9" * 5000))
            case 3:
                return text.encode("utf-8", "surrogatepass").replace(b": ", b":\n\t")
            case 4:
                return text.encode(random.choice(("utf-16", "utf-8-sig", "utf-32")), "surrogatepass")
        return text.encode("utf-8", "surrogatepass")

    def _odd(self) -> Any:
        return _copy(self._random.choice(_ODD))  # a copy, because what is in the tree may be changed again

    def _leaf(self, leaf: Any) -> Any:  # noqa: PLR0911 — one for each kind
        random = self._random
        if isinstance(leaf, bool) or leaf is None:
            return self._odd()
        if isinstance(leaf, int | float):
            return random.choice((leaf + 1, -leaf, random.choice(_NUMBERS), str(leaf)))
        if not isinstance(leaf, str):
            return leaf
        if leaf.lstrip("-").isdecimal() and random.random() < 0.8:
            number = random.choice((int(leaf[:20]) + random.choice((-1, 1)), random.choice(_NUMBERS)))
            return random.choice((str(number), number, f"0{leaf}", f"+{leaf}", f"{leaf} "))
        inner = _decoded(leaf)
        if inner is not None and random.random() < 0.85:
            return base64.b64encode(self.inner(inner)).decode()
        if random.random() < 0.1:
            return random.choice((*self._tokens, *map(str, _NUMBERS), leaf * 2, leaf[:-1], leaf.upper()))
        return self.octets(leaf.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def inner(self, data: bytes) -> bytes:
        """Change what was found in base64 by what it is."""
        random = self._random
        if data[:1] == b"\x30" and random.random() < 0.7:
            return der.changed(data, self.octets, random)
        if data[:1] in (b"{", b"[") and random.random() < 0.8:
            try:
                return json.dumps(self.json(json.loads(data)), separators=(",", ":")).encode("utf-8", "surrogatepass")
            except (ValueError, RecursionError):
                return self.octets(data)
        if data.startswith(b"-----BEGIN"):
            return self.pem(data) if random.random() < 0.7 else self.lines(data)
        if random.random() < 0.3 and (deeper := _decoded(data.decode("latin-1"))) is not None:
            return base64.b64encode(self.inner(deeper))
        return self.octets(data)

    def pem(self, data: bytes) -> bytes:
        """Change the DER inside the first PEM block."""
        begin, _, rest = data.partition(b"-----\n")
        body, dashes, end = rest.partition(b"\n-----END")
        inner = _decoded(b"".join(body.split()).decode("latin-1"))
        if inner is None or not dashes:
            return self.octets(data)
        return begin + b"-----\n" + base64.encodebytes(self.inner(inner)).rstrip(b"\n") + dashes + end

    # --- ZIP ------------------------------------------------------------------------------------------------------------------

    def zip(self, data: bytes) -> bytes:
        """Overwrite one field of one record of an archive, with a number that matters or one from elsewhere in it."""
        random = self._random
        starts = [at for at in range(len(data) - 3) if data[at : at + 2] == b"PK" and data[at + 2] < 9]
        if not starts:
            return self.octets(data)
        at = random.choice(starts) + random.randrange(4, 46)
        width = random.choice((1, 2, 4))
        other = random.choice(starts) + random.randrange(4, 46)
        number = random.choice((*_NUMBERS, len(data), len(data) - 22, int.from_bytes(data[other : other + width], "little")))
        if random.random() < 0.5:
            number = int.from_bytes(data[at : at + width], "little") + random.choice((-1, 1, 2, 8, 16))
        return data[:at] + (number % 2 ** (8 * width)).to_bytes(width, "little") + data[at + width :]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree as its holder and key; a list, because a tree may be deeper than recursion goes."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        holder = left.pop()
        if isinstance(holder, dict | list):
            for key, child in holder.items() if isinstance(holder, dict) else enumerate(holder):
                found.append((holder, key))
                left.append(child)
    return found


def _copy(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value)) if isinstance(value, dict | list) else value
    except RecursionError:
        return None


def _nested(value: Any, random: Random) -> Any:
    for _ in range(random.choice((1, 1, 1, 30, 70, 400))):
        value = random.choice(([value], {"a": value}))
    return value


def _decoded(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) > 8 else None
