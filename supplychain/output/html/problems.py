"""Why something did not pass: what was expected and found, where, the next step, and what would pass."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from supplychain.output.html.markup import Html, element, foreign, join, prose
from supplychain.output.html.words import OUTCOMES, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplychain.errors import Remedy
    from supplychain.output.html.markup import Content
    from supplychain.report import Candidate, Problem

__all__ = ["candidates", "comparison", "problem"]


def problem(one: Problem, *, advice: bool = True) -> Html:
    """Explain a problem; without `advice`, leave out what to do about it."""
    rows: list[Content] = [*comparison(one.expected, one.got)]
    if one.where:
        rows += [element("dt", "where"), element("dd", prose(one.where))]
    if one.hint and advice:
        rows += [element("dt", "what to do"), element("dd", prose(one.hint))]
    head = element("p", element("strong", one.reason), ": ", prose(one.message))
    return join([head, element("dl", *rows) if rows else None, _remedies(one.remedies if advice else ())])


def comparison(expected: str | None, got: str | None) -> Sequence[Html]:
    """Set what was wanted beside what was found, with what differs underlined where both are one literal."""
    left, right = prose(expected or ""), prose(got or "")
    if expected and got and _literal(expected) and _literal(got):
        left, right = _difference(expected[1:-1], got[1:-1])
    rows: list[Html] = []
    for name, text, shown in (("expected", expected, left), ("got", got, right)):
        if text:
            rows += [element("dt", name), element("dd", shown)]
    return rows


def candidates(found: Sequence[Candidate]) -> Html:
    """List every piece of evidence that was looked at, and why it did not count."""
    rows = []
    for one in found:
        look = OUTCOMES[one.outcome]
        said = None if one.problem is None else problem(one.problem, advice=False)
        rows.append(
            element("li", sign(look), element("span", look.word, class_=f"word {look.tone}"), ": ", foreign(one.where), said)
        )
    return element("ul", *rows, class_="candidates")


def _remedies(remedies: Sequence[Remedy]) -> Html | None:
    if not remedies:
        return None
    rows = []
    for one in remedies:
        weakens = element("strong", "weakens the policy: ") if one.weakens else None
        kept = None if one.weakens else ": weakens nothing"
        manifest = None if one.manifest is None else join([element("br"), "in a manifest: ", foreign(one.manifest)])
        rows.append(element("li", _change(one), element("br"), weakens, prose(one.effect), kept, manifest))
    return join(
        [
            element("p", "Each of these would make this check pass; later checks may still refuse:"),
            element("ul", *rows, class_="remedies"),
        ]
    )


def _change(remedy: Remedy) -> Html:
    """Flags as they are copied, anything else in words."""
    return foreign(remedy.change) if remedy.change.startswith("--") else prose(remedy.change)


def _literal(text: str) -> bool:
    return len(text) > 2 and text[0] == text[-1] == "`" and "`" not in text[1:-1]  # noqa: PLR2004 — two backticks and something


def _difference(left: str, right: str) -> tuple[Html, Html]:
    start = _alike(left, right)
    end = _alike(left[start:][::-1], right[start:][::-1])
    if start + end == 0:  # nothing in common: marking all of it would say nothing
        return foreign(left), foreign(right)
    return _marked(left, start, end), _marked(right, start, end)


def _alike(left: str, right: str) -> int:
    """How many characters two texts have in common at their start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _marked(text: str, start: int, end: int) -> Html:
    stop = len(text) - end
    middle = element("mark", text[start:stop]) if text[start:stop] else None
    return element("code", text[:start], middle, text[stop:])
