"""Links between pages lead somewhere, headings included, and every page is found from the list of pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.running import PAGES

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE: Final = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Targets of the links of a page that lead to files of this repository."""
    text = _CODE.sub("`code`", page.read_text(encoding="utf-8"))
    return [found["target"] for found in _LINK.finditer(text) if "://" not in found["target"]]


def headings(page: Path) -> set[str]:
    """Headings as GitHub names them in addresses."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in links(page):
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (heading and heading not in headings(target)):
            lost.append(link)
    assert lost == []


def test_every_task_is_listed_in_the_documentation_and_in_the_readme() -> None:
    for listing, folder in ((ROOT / "docs" / "README.md", "tasks"), (ROOT / "README.md", "docs/tasks")):
        listed = {link for link in links(listing) if link.startswith(f"{folder}/")}
        assert listed == {f"{folder}/{name}.md" for name in PAGES}
