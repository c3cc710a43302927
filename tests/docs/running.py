"""One page from its stage to what was printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.docs.page import read
from tests.docs.shell import differences, play
from tests.docs.stage import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.docs.shell import Printed
    from tests.support.cluster import RunningCluster

__all__ = ["PAGES", "needs_cluster", "run"]

PAGES: Final = {page.stem: page for page in sorted((Path(__file__).resolve().parents[2] / "docs" / "tasks").glob("*.md"))}
_SUPPLYCHAIN: Final = Path(sys.executable).with_name("supplychain")


def needs_cluster(name: str) -> bool:
    """Whether the page shows cluster commands."""
    return "$ kubectl " in PAGES[name].read_text(encoding="utf-8")


def run(name: str, directory: Path, cluster: Callable[[], RunningCluster]) -> tuple[tuple[Printed, ...], list[str]]:
    """Do what the page says in a fresh folder; returns what was printed, and how that differs from what the page shows."""
    steps = read(PAGES[name])
    folder, aside = directory / "reader", directory / "aside"
    folder.mkdir()
    aside.mkdir()
    stage = Stage(folder=folder, aside=aside, supplychain=_SUPPLYCHAIN, cluster=cluster() if needs_cluster(name) else None)
    with stage.stack:
        STAGES[name](stage)
        printed = play(steps, folder=folder, aside=aside, hosts=stage.hosts, environment=stage.environment)
    return printed, differences(steps, printed)
