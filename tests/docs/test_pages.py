"""Every command of every task page does what the page says: run in order, in one fresh folder per page, by a real shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.page import Command, read
from tests.docs.running import PAGES, run
from tests.docs.stage import STAGES
from tests.support.cluster import RunningCluster, definitions, rights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    """A control plane for the pages that show cluster commands; each of them runs an operator of its own."""
    with RunningCluster.running(tmp_path_factory.mktemp("docs-cluster"), definitions=definitions()) as running:
        running.api.apply(rights())
        yield running


def test_every_page_has_a_stage_and_every_stage_a_page() -> None:
    assert sorted(STAGES) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_the_page_does_what_the_page_says(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    _, found = run(name, tmp_path, lambda: request.getfixturevalue("cluster"))
    assert not found, "\n".join([f"{PAGES[name].name}:", *found])


@pytest.mark.parametrize("name", PAGES)
def test_a_command_that_no_test_runs_says_why(name: str) -> None:
    left_out = [step for step in read(PAGES[name]) if isinstance(step, Command) and step.not_run is not None]
    assert [f"line {one.line}: `{one.text}`" for one in left_out if not one.not_run] == []
