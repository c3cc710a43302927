"""Ours is right about everything that the real cosign makes and that is made of it; where cosign is not, it is known why."""

from collections import Counter
from pathlib import Path

import pytest

from tests.judges.live.cases import CASES
from tests.judges.live.signing import FORMS
from tests.judges.live.table import render

PAGE = Path(__file__).parents[3] / "docs/cosign-comparison.md"


def _row(rows, case):
    return next(row for row in rows if row.case is case)


def test_every_case_has_a_name_of_its_own():
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_enough_ways_to_tamper_are_tried():
    assert sum(bool(case.changes) and not case.right for case in CASES) >= 40


def test_every_form_that_cosign_writes_is_judged_where_it_wrote_it():
    judged = [FORMS[case.start] for case in CASES if case.in_place and case.start]
    assert {(form.log, form.legacy, form.attest is not None) for form in judged} == {
        (log, legacy, attest)
        for log in ("rekor1", "rekor2", "none")
        for legacy in (False, True)
        for attest in (False, True)
        if not (legacy and log == "rekor2")  # cosign cannot
    } | {("rekor1+tsa", True, False)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_answer_is_the_right_one(case, live_rows):
    answer = _row(live_rows, case).ours
    # A gap that is written down stays one until it is mended; then its note goes.
    assert answer.accepted == (case.right if case.ours is None else not case.right), answer


def test_where_cosign_differs_the_reason_is_written_down_and_nowhere_else(live_rows):
    differing = {row.case.name for row in live_rows if row.cosign.accepted != row.case.right}
    assert differing == {case.name for case in CASES if case.cosign is not None}


def test_the_page_is_current(live_rows):
    assert PAGE.read_text() == render(live_rows), "python -m tests.judges.live > docs/cosign-comparison.md"
