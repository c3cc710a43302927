"""Colours, marks, and text that cannot drive a terminal.

Certificates, manifests and file names are written by strangers: every control character, and every character that reorders text,
is shown as an escape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from supplychain.report import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLAIN", "ColorChoice", "Style", "choose", "clean"]

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")

_GREEN, _RED, _YELLOW, _DIM, _BOLD = "32", "31", "33", "2", "1"
_OUTCOMES: Final[Mapping[Outcome, tuple[str, str, str]]] = {
    Outcome.PASSED: ("✓", "ok", _GREEN),
    Outcome.REFUSED: ("✗", "x", _RED),
    Outcome.UNAVAILABLE: ("?", "?", _YELLOW),
    Outcome.NOT_CONFIGURED: ("–", "-", _DIM),
    Outcome.NOT_REACHED: ("·", ".", _DIM),
}
_VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.TRUSTED: _GREEN,
    Verdict.REFUSED: _RED,
    Verdict.INVALID: _YELLOW,
    Verdict.UNAVAILABLE: _YELLOW,
}


class ColorChoice(StrEnum):
    """What `--color` can say."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def clean(text: str) -> str:
    """Make text of strangers harmless to show."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one stream is written."""

    color: bool
    unicode: bool

    def mark(self, outcome: Outcome) -> str:
        """One sign for an outcome, padded so that columns line up."""
        sign, plain, color = _OUTCOMES[outcome]
        return self._paint(sign if self.unicode else plain.ljust(2), f"{_BOLD};{color}")

    def verdict(self, text: str, verdict: Verdict) -> str:
        """Paint `text` in the colour of a verdict."""
        return self._paint(text, f"{_BOLD};{_VERDICTS[verdict]}")

    def dim(self, text: str) -> str:
        """Step back."""
        return self._paint(text, _DIM)

    def warning(self, text: str) -> str:
        """Stand out a little."""
        return self._paint(text, _YELLOW)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text


PLAIN: Final = Style(color=False, unicode=True)


def choose(choice: ColorChoice, *, terminal: bool, encoding: str | None, environment: Mapping[str, str]) -> Style:
    """Decide for one stream; `NO_COLOR` (no-color.org) and a dumb terminal count only where nothing was asked for."""
    automatic = terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    color = choice is ColorChoice.ALWAYS or (choice is ColorChoice.AUTO and automatic)
    return Style(color=color, unicode=(encoding or "").lower().replace("_", "-") in {"utf-8", "utf8"})
