"""The page around a report: its head, its style, and the one script, each allowed by its hash alone."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from supplychain.output.html.markup import Html, element, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplychain.output.account import Repeat
    from supplychain.output.html.markup import Content

__all__ = ["commands", "page"]


def page(*, title: str, contents: Sequence[Content]) -> str:
    """Write the document; it ends with a newline and is ASCII."""
    style, script = (Html(_part(name)) for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", style),
    )
    skip = element("a", "Skip to the report", class_="skip", href="#report")
    said = element("p", id="said", role="status", aria_live="polite")
    body = element("body", skip, element("main", *contents, id="report", tabindex="-1"), said, element("script", script))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def commands(repeats: Sequence[Repeat], *, prefix: str) -> Html:
    """List commands to copy; the buttons show themselves only where a script runs."""
    rows = []
    for number, one in enumerate(repeats, start=1):
        name = f"{prefix}-command-{number}"
        button = element(
            "button", "Copy", type="button", hidden=True, data_copies=name, aria_label=f"Copy the command: {one.shows}"
        )
        rows += [element("dt", one.shows), element("dd", element("pre", element("code", one.command, id=name)), button)]
    return element("dl", *rows, class_="commands") if rows else join([])


def _part(name: str) -> str:
    return files("supplychain.output.html").joinpath(name).read_text("ascii")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode()
