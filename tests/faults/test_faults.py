"""Every row: the bad half is refused by the check that it names, and its good twin is accepted by both verifiers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.faults import builds, certificates, contents, images, logs, older, roots

if TYPE_CHECKING:
    from tests.faults.table import Fault

ROWS: tuple[Fault, ...] = (
    *certificates.ROWS,
    *logs.ROWS,
    *contents.ROWS,
    *older.ROWS,
    *roots.ROWS,
    *images.ROWS,
    *builds.ROWS,
)
BY_NAME = pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])


@BY_NAME
def test_the_fault_is_refused_for_what_it_is(row: Fault) -> None:
    with pytest.raises(row.error) as caught:
        row.bad.judge(second=False)
    assert type(caught.value) is row.error
    assert re.search(row.text, str(caught.value))


@BY_NAME
def test_its_good_twin_is_accepted(row: Fault) -> None:
    proven = row.good.judge(second=True)
    if hasattr(proven, "judged_by"):
        assert len(proven.judged_by) == (1 if row.alone else 2), proven.notes
        assert row.alone in " ".join(proven.notes)


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.text for row in ROWS)
