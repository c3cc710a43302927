"""How outcomes and verdicts look and read: a sign and a word each, so that nothing hangs on colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from supplychain.output.html.markup import Html, element
from supplychain.report import Layer, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OUTCOMES", "TITLES", "VERDICTS", "Look", "sign"]


class Look(NamedTuple):
    """The class of the style sheet, the sign, and the word."""

    tone: str
    sign: str
    word: str


OUTCOMES: Final[Mapping[Outcome, Look]] = {
    Outcome.PASSED: Look("good", "✓", "passed"),
    Outcome.REFUSED: Look("bad", "✗", "refused"),
    Outcome.UNAVAILABLE: Look("open", "?", "could not be evaluated"),
    Outcome.NOT_CONFIGURED: Look("idle", "–", "not asked for"),
    Outcome.NOT_REACHED: Look("idle", "·", "not reached"),
}
VERDICTS: Final[Mapping[Verdict, Look]] = {
    Verdict.TRUSTED: Look("good", "✓", "Trusted"),
    Verdict.REFUSED: Look("bad", "✗", "Refused"),
    Verdict.INVALID: Look("open", "!", "Wrong request"),
    Verdict.UNAVAILABLE: Look("open", "?", "Could not be evaluated"),
}
TITLES: Final[Mapping[Layer, str]] = {
    Layer.PULL: "The bytes",
    Layer.DESCRIPTOR: "The plugin",
    Layer.ED25519: "The publisher's signature",
    Layer.REVOCATION: "Revocation lists",
    Layer.COSIGN: "The image's signature",
    Layer.SLSA: "The provenance",
}


def sign(look: Look) -> Html:
    """Draw the sign; screen readers get the word that stands beside it."""
    return element("span", look.sign, class_="sign", aria_hidden="true")
