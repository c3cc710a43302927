"""The page of a call that judged plugins: the verdict, a table of several targets, then each with its chain and its layers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from supplychain.output.account import Repeat, count
from supplychain.output.html.chain import chain, told
from supplychain.output.html.facts import facts, known
from supplychain.output.html.markup import Html, element, foreign, join, prose
from supplychain.output.html.page import commands, page
from supplychain.output.html.problems import candidates, problem
from supplychain.output.html.words import OUTCOMES, TITLES, VERDICTS, sign
from supplychain.output.json_report import utc
from supplychain.report import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.output.account import Account
    from supplychain.output.html.markup import Content
    from supplychain.report import LayerResult, Problem

__all__ = ["render"]


def render(account: Account) -> str:
    """Write the page."""
    several = len(account.judgements) != 1
    what = count(len(account.judgements), "target") if several else account.judgements[0].target
    contents = [
        _head(account),
        _table(account) if several else None,
        *(_target(account, number) for number in range(len(account.judgements))),
        *_rest(account),
    ]
    return page(title=f"{account.word}: {what}", contents=contents)


def _head(account: Account) -> Html:
    look = VERDICTS[account.verdict]
    counts = Counter(one.word for one in account.judgements)
    words = ", ".join(f"{number} {word.lower()}" for word, number in sorted(counts.items()))
    said = f"{count(len(account.judgements), 'target')}: {words or 'nothing was judged'}"
    at = sorted({utc(one.at) for one in account.judgements})
    when = join([". Judged at ", element("time", at[-1], datetime=at[-1])]) if at else None
    return element(
        "header",
        element("h1", sign(look), account.word if account.verdict.value == "Trusted" else look.word, class_="word"),
        element("p", said, when, f". Exit code {account.exit_code}.", class_="soft"),
        _but(account),
        class_=f"head {look.tone}",
    )


def _but(account: Account) -> Html | None:
    """Say that something went wrong beside the verdicts, where nobody can miss it."""
    if not account.failures:
        return None
    link = element("a", "not everything could be done", href="#failures")
    return element("p", element("strong", "! But ", link, "."), class_="why")


def _table(account: Account) -> Html:
    rows = []
    for number, one in enumerate(account.judgements, start=1):
        look = VERDICTS[one.verdict]
        link = element("a", one.target, href=f"#target-{number}")
        reason = one.cause.reason if one.cause is not None else "–"
        rows.append(
            element(
                "tr", element("td", sign(look), one.word, class_=f"word {look.tone}"), element("td", link), element("td", reason)
            )
        )
    titles = (element("th", name, scope="col") for name in ("Verdict", "Target", "Reason"))
    return element("table", element("thead", element("tr", *titles)), element("tbody", *rows))


def _target(account: Account, number: int) -> Html:
    judgement = account.judgements[number]
    prefix = f"target-{number + 1}"
    look = VERDICTS[judgement.verdict]
    repeats = account.repeats[number] if number < len(account.repeats) else ()
    scope = (
        None if judgement.scope.value == "plugin" else element("p", "One layer was run alone; this is no verdict on a plugin.")
    )
    contents: list[Content] = [
        element("h2", sign(look), element("span", judgement.word, class_=f"word {look.tone}"), ": ", foreign(judgement.target)),
        scope,
        _why(judgement.cause),
        chain(judgement, prefix=prefix),
    ]
    if judgement.error is not None or any(map(told, judgement.layers)):
        contents.append(element("h3", "What was found"))
    if judgement.error is not None:
        look, wrong = OUTCOMES[judgement.stopped], judgement.verdict is Verdict.INVALID
        title = element(
            "h4",
            sign(look),
            f"The {judgement.step}: ",
            element("span", "wrong" if wrong else look.word, class_=f"word {look.tone}"),
        )
        contents.append(element("section", title, problem(judgement.error), class_=f"layer {look.tone}"))
    contents += [_layer(result, prefix=prefix) for result in judgement.layers if told(result)]
    if known(judgement.inputs):
        contents += [element("h3", "What the verdict rests on besides the artifact"), facts(judgement.inputs)]
    if repeats:
        contents += [element("h3", "Repeat it"), commands(repeats, prefix=prefix)]
    return element("article", *contents, id=prefix)


def _why(cause: Problem | None) -> Html | None:
    return None if cause is None else element("p", element("strong", cause.reason), ": ", prose(cause.message), class_="why")


def _layer(result: LayerResult, *, prefix: str) -> Html:
    look = OUTCOMES[result.outcome]
    title = element(
        "h4", sign(look), f"{TITLES[result.layer]} (", element("code", result.layer.value), "): ",
        element("span", look.word, class_=f"word {look.tone}"),
    )  # fmt: skip
    contents: list[Content] = [title]
    if result.problem is not None:
        contents.append(problem(result.problem))
    if result.warnings:
        contents.append(element("ul", *(element("li", "Warning: ", prose(text)) for text in result.warnings), class_="warnings"))
    if result.candidates:
        inner = candidates(result.candidates)
        title = element("summary", f"Evidence that was looked at: {len(result.candidates)}")
        contents.append(element("details", title, inner, open=result.outcome is not Outcome.PASSED))
    if known(result.facts):
        contents.append(facts(result.facts))
    return element("section", *contents, class_=f"layer {look.tone}", id=f"{prefix}-{result.layer.value}")


def _rest(account: Account) -> Iterator[Content]:
    if account.failures:
        wrong = (element("section", problem(one), class_="layer bad") for one in account.failures)
        yield element("article", element("h2", "What could not be done"), *wrong, id="failures")
    if known(account.extra):
        yield element("article", element("h2", "About this call"), facts(account.extra))
    if account.notes:
        yield element("article", element("h2", "Notes"), element("ul", *(element("li", prose(note)) for note in account.notes)))
    if account.call is not None:
        whole = commands([Repeat(shows="the whole call", command=account.call)], prefix="call")
        yield element("article", element("h2", "Everything again"), whole)
    yield element(
        "footer", element("p", f"Written by supplychain {account.version}. Nothing was loaded to show this page.", class_="soft")
    )
