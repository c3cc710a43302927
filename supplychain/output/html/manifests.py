"""The page of `supplychain lint`: every problem with its place, a table for each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.output.account import Repeat, count
from supplychain.output.html.markup import Html, element, foreign, prose
from supplychain.output.html.page import commands, page
from supplychain.output.html.problems import comparison
from supplychain.output.html.words import Look, sign
from supplychain.output.json_report import utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplychain.output.account import Flaw, LintAccount
    from supplychain.output.html.markup import Content

__all__ = ["render_lint"]

_GOOD = Look("good", "✓", "Nothing is wrong")
_BAD = Look("bad", "✗", "Something is wrong")
_OPEN = Look("open", "!", "Wrong request")
_ERROR = Look("bad", "✗", "error")
_WARNING = Look("open", "!", "warning")


def render_lint(account: LintAccount) -> str:
    """Write the page."""
    look = {0: _GOOD, 1: _BAD}.get(account.exit_code, _OPEN)
    errors = sum(flaw.failing for flaw in account.flaws)
    warnings = len(account.flaws) - errors
    said = f"{count(len(account.objects), 'object')}: {count(errors, 'error')}, {count(warnings, 'warning')}. Judged at "
    at = utc(account.at)
    head = element(
        "header",
        element("h1", sign(look), look.word, class_="word"),
        element("p", said, element("time", at, datetime=at), f". Exit code {account.exit_code}.", class_="soft"),
        class_=f"head {look.tone}",
    )
    files = account.by_file()
    contents: list[Content] = [head, *(_file(file, len(objects), flaws) for file, (objects, flaws) in files.items())]
    if account.notes:
        contents.append(element("article", element("h2", "Notes"), *(element("p", prose(note)) for note in account.notes)))
    if account.call is not None:
        whole = commands([Repeat(shows="the whole call", command=account.call)], prefix="call")
        contents.append(element("article", element("h2", "Everything again"), whole))
    contents.append(element("footer", element("p", f"Written by supplychain {account.version}.", class_="soft")))
    return page(title=f"{look.word}: {count(len(files), 'file')}", contents=contents)


def _file(file: str, objects: int, flaws: Sequence[Flaw]) -> Html:
    title = element("h2", foreign(file))
    if not flaws:
        fine = element(
            "p", sign(_GOOD), element("span", "Nothing is wrong", class_="word good"), f" with {count(objects, 'object')}."
        )
        return element("article", title, fine)
    names = ("Line", "Problem", "Object and field", "What is wrong", "Rule")
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in names)))
    rows = element("tbody", *map(_row, sorted(flaws, key=lambda flaw: flaw.line)))
    return element("article", title, element("table", head, rows))


def _row(flaw: Flaw) -> Html:
    look = _ERROR if flaw.failing else _WARNING
    compared = comparison(flaw.expected, flaw.got)
    return element(
        "tr",
        element("td", str(flaw.line)),
        element("td", sign(look), look.word, class_=f"word {look.tone}"),
        element("td", foreign(flaw.object.title), element("br"), foreign(flaw.field)),
        element("td", prose(flaw.message), element("dl", *compared) if compared else None),
        element("td", foreign(flaw.rule)),
    )
