"""One review by itself: read, and answered in words that are bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpg_operator.admission.review import MalformedReviewError, parse, verdict
from mcpg_operator.resources import PLUGIN
from supplychain.rules.check import Ruling
from supplychain.rules.problem import Problem, Severity
from tests.operators.admission.reviews import UID, example, review


def altered(request: Any = None, **members: Any) -> bytes:
    found = json.loads(review(example()))
    found["request"].update(request or {})
    return json.dumps({**found, **members}).encode()


@pytest.mark.parametrize(
    ("body", "uid", "member"),
    [
        (altered({"uid": 7}), "", "request.uid"),
        (altered({"uid": ""}), "", "request.uid"),
        (altered(kind="Review"), UID, "apiVersion"),
        (altered(apiVersion="admission.k8s.io/v1beta1"), UID, "apiVersion"),
        (altered({"kind": "MCPGPlugin"}), UID, "request.kind"),
        (altered({"kind": None}), UID, "request.kind"),
        (altered({"operation": "UPDATE", "object": None}), UID, "request.object"),
        (altered({"operation": "CREATE", "object": None}), UID, "request.object"),
    ],
)
def test_each_member_has_to_be_right_by_itself(body: bytes, uid: str, member: str) -> None:
    with pytest.raises(MalformedReviewError, match=rf"^{member}") as caught:
        parse(body, PLUGIN)
    assert caught.value.uid == uid


@pytest.mark.parametrize(("given", "read"), [("", None), (7, None), (None, None), ("team-a", "team-a")])
def test_a_namespace_is_a_text_or_none(given: Any, read: str | None) -> None:
    assert parse(altered({"namespace": given}), PLUGIN).namespace == read


def problems(count: int, severity: Severity) -> tuple[Problem, ...]:
    return tuple(Problem(rule="R", field=f"spec.f{number}", what="it is wrong", severity=severity) for number in range(count))


@pytest.mark.parametrize(("count", "last"), [(15, "spec.f14: it is wrong"), (16, "and 1 more"), (40, "and 25 more")])
def test_warnings_are_so_many_and_told_with_a_denial_too(count: int, last: str) -> None:
    warnings = problems(count, Severity.WARNING)
    for denials in ((), problems(1, Severity.ERROR)):
        found = verdict(Ruling(denials=denials, warnings=warnings))
        assert (found.allowed, found.warnings[-1], len(found.warnings)) == (not denials, last, min(count, 16))


@pytest.mark.parametrize(("count", "last"), [(200, "spec.f199: it is wrong"), (203, "and 3 more")])
def test_denials_are_so_many(count: int, last: str) -> None:
    found = verdict(Ruling(denials=problems(count, Severity.ERROR)))
    assert found.message.splitlines()[-1] == last
    assert (found.allowed, found.code) == (False, 422)
