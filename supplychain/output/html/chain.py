"""The chain of trust drawn: one box for each layer with what it rests on, and an arrow that is cut where the chain breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from supplychain.output.html.facts import known, short
from supplychain.output.html.markup import Html, element, foreign, join
from supplychain.output.html.words import OUTCOMES, TITLES, VERDICTS, Look, sign
from supplychain.report import Layer, Outcome

if TYPE_CHECKING:
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact, LayerResult

__all__ = ["chain", "told"]

_ARROWS: Final = {
    Outcome.REFUSED: ("arrow cut", "M1 12h7M24 12h7M11 7l10 10M21 7l-10 10"),
    Outcome.UNAVAILABLE: ("arrow cut", "M1 12h7M24 12h7M11 7l10 10M21 7l-10 10"),
    Outcome.NOT_REACHED: ("arrow idle", "M2 12h26"),
}


def chain(judgement: Judgement, *, prefix: str) -> Html:
    """Draw the layers of one judgement in their order, and the verdict at the end."""
    links = []
    broken = judgement.error is not None
    for result in judgement.layers:
        links.append(element("li", _box(result, prefix=prefix), _arrow(Outcome.NOT_REACHED if broken else result.outcome)))
        broken = broken or result.problem is not None
    look = VERDICTS[judgement.verdict]
    end = element("span", _state(look._replace(word=judgement.word)), class_=f"link {look.tone}")
    return element("ol", *links, element("li", end, class_="end"), class_="chain", aria_label="Chain of trust")


def told(result: LayerResult) -> bool:
    """Whether there is more to say about a layer than its outcome."""
    return result.problem is not None or bool(result.warnings or result.candidates) or known(result.facts)


def _box(result: LayerResult, *, prefix: str) -> Html:
    look = OUTCOMES[result.outcome]
    more = told(result)
    return element(
        "a" if more else "span",
        element("span", TITLES[result.layer], class_="name"),
        _state(look),
        element("span", *_rests_on(result), class_="rests"),
        class_=f"link {look.tone}",
        href=f"#{prefix}-{result.layer.value}" if more else None,
    )


def _state(look: Look) -> Html:
    return element("span", sign(look), element("span", look.word, class_=f"word {look.tone}"))


def _arrow(outcome: Outcome) -> Html:
    """An arrow to the next step: crossed out where the chain breaks, a dotted line behind that."""
    tone, drawing = _ARROWS.get(outcome, ("arrow", "M2 12h26M20 5l8 7-8 7"))
    path = element("path", d=drawing)
    return element("svg", path, class_=tone, viewBox="0 0 32 24", aria_hidden="true", focusable="false")


def _rests_on(result: LayerResult) -> list[Html]:
    if result.problem is not None:
        return [join([result.problem.reason])]
    facts = result.facts
    root = [("rooted in", one) for one in _names((facts.get("trustRoot"),))]
    told: list[tuple[str, Fact]]
    match result.layer:
        case Layer.PULL:
            told = [("manifest", facts.get("manifestDigest"))]
        case Layer.DESCRIPTOR:
            told = [("", facts.get("id")), ("library", facts.get("artifactHash"))]
        case Layer.ED25519:
            told = [("by key", facts.get("key")), ("", facts.get("keyFingerprint"))]
        case Layer.REVOCATION:
            told = [("not on", one) for one in _names(facts.get("lists"))]
        case Layer.COSIGN:
            told = [("by", facts.get("identity")), *root]
        case _:
            source = [("from", facts.get("sourceUri")), ("at", facts.get("sourceRef"))]
            told = [*source, ("built by", facts.get("builderId")), *root]
    shown = [join([f"{label} ", foreign(short(one))]) for label, one in told if isinstance(one, str)]
    return [piece for one in shown for piece in (element("br"), one)][1:]


def _names(values: Fact) -> list[Fact]:
    found = values if isinstance(values, tuple) else ()
    return [one.get("name") for one in found if isinstance(one, Mapping)]
