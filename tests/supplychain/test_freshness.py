"""What is how old, at every border: a second before it still counts, at it no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.digest import ArtifactHash
from supplychain.errors import (
    InvalidPolicyError,
    RevocationListInvalidError,
    RevocationListStaleError,
    RevokedError,
    TrustRootUnavailableError,
    UnavailableError,
    VerificationExpiredError,
)
from supplychain.freshness import (
    Budget,
    Dated,
    State,
    Subject,
    age_lists,
    check_root,
    check_verdict,
    dated_list,
    dated_root,
    judge,
    parse_duration,
    say_duration,
)
from supplychain.revocation import RevocationList, RevocationSet, parse_revocation_list
from supplychain.trust_root import TrustRoot, parse_trust_root
from tests.support.virtual_sigstore import VirtualSigstore

AT = datetime(2025, 6, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
ROOT = parse_trust_root(VirtualSigstore().trusted_root(), name="given")
CLEAN, REVOKED = ArtifactHash("a" * 64), ArtifactHash("b" * 64)


def state(as_of: datetime | date | None, limit: timedelta | None, *, subject: Subject = Subject.REVOCATIONS, at: datetime = AT):
    budget = Budget(trust_root=limit, revocations=limit, verification=limit)
    (found,) = judge([Dated(subject=subject, name="x", as_of=as_of)], budget=budget, at=at)
    return found


def aged(as_of: date | None) -> TrustRoot:
    return replace(ROOT, as_of=as_of)


def listing(issued_at: str | None, *, name: str = "list", more: str = "") -> RevocationList:
    issued = "" if issued_at is None else f'"issued_at": "{issued_at}", '
    entry = '{"artifact_sha256": "' + REVOKED.hex + '", "reason": "stolen"}'
    return parse_revocation_list(f'{{"version": 1, {issued}"revocations": [{entry}{more}]}}'.encode(), name=name)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), State.FRESH),
        (8 * DAY, State.FRESH),
        (9 * DAY - SECOND, State.FRESH),
        (9 * DAY, State.STALE),
        (12 * DAY - SECOND, State.STALE),
        (12 * DAY, State.EXPIRED),
        (900 * DAY, State.EXPIRED),
        (-timedelta(minutes=5), State.FRESH),
        (-timedelta(minutes=5) - SECOND, State.UNKNOWN),
    ],
)
@pytest.mark.parametrize("subject", list(Subject))
def test_a_time_counts_until_its_budget_is_spent(age: timedelta, expected: State, subject: Subject) -> None:
    found = state(AT - age, 12 * DAY, subject=subject)
    assert found.state is expected
    assert found.counts is (expected in {State.FRESH, State.STALE})
    assert found.expires_at == (None if expected is State.UNKNOWN else AT - age + 12 * DAY)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2025, 5, 3, tzinfo=UTC), State.FRESH),
        (datetime(2025, 6, 2, 23, 59, 59, tzinfo=UTC), State.STALE),
        (datetime(2025, 6, 3, tzinfo=UTC), State.EXPIRED),
    ],
)
def test_a_day_counts_from_its_end(at: datetime, expected: State) -> None:
    found = state(date(2025, 5, 3), 30 * DAY, subject=Subject.TRUST_ROOT, at=at)
    assert (found.state, found.counts) == (expected, expected is not State.EXPIRED)
    assert found.expires_at == datetime(2025, 6, 3, tzinfo=UTC)


def test_tomorrow_counts_as_today_and_a_later_day_as_no_word_at_all() -> None:
    tomorrow = state(AT.date() + DAY, 30 * DAY, subject=Subject.TRUST_ROOT)
    assert (tomorrow.state, tomorrow.expires_at) == (State.FRESH, datetime(2025, 7, 3, tzinfo=UTC))
    later = state(AT.date() + 2 * DAY, 30 * DAY, subject=Subject.TRUST_ROOT)
    assert (later.state, later.counts, later.expires_at) == (State.UNKNOWN, False, None)
    assert later.got == "as of 2025-06-04, which is still to come"
    assert state(AT.date() + 2 * DAY, None, subject=Subject.TRUST_ROOT).counts


def test_what_was_confirmed_today_counts_today_whatever_the_budget() -> None:
    assert state(AT.date(), timedelta(0)).state is State.FRESH
    assert state(AT.date() - DAY, timedelta(0)).state is State.EXPIRED


def test_without_a_budget_everything_counts_and_only_an_old_root_is_called_stale() -> None:
    for subject in (Subject.REVOCATIONS, Subject.VERIFICATION):
        found = state(AT - 5000 * DAY, None, subject=subject)
        assert (found.state, found.counts, found.expires_at) == (State.FRESH, True, None)
    assert state(date(2025, 3, 4), None, subject=Subject.TRUST_ROOT).state is State.FRESH
    assert state(date(2025, 3, 3), None, subject=Subject.TRUST_ROOT).state is State.STALE
    unknown = state(None, None)
    assert (unknown.state, unknown.counts) == (State.UNKNOWN, True)


def test_what_says_no_age_counts_by_no_budget() -> None:
    found = state(None, 90 * DAY)
    assert (found.state, found.counts, found.expires_at) == (State.UNKNOWN, False, None)
    assert (found.expected, found.got) == ("at most 90d old", "an unknown age")


def test_nothing_overflows() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert state(date.max, parse_duration("100000d"), at=last).expires_at == last
    assert state(last, parse_duration("100000d"), at=last).counts is False


def test_a_budget_knows_its_kinds() -> None:
    budget = Budget(trust_root=DAY, verification=2 * DAY)
    assert [budget.of(one) for one in Subject] == [DAY, None, 2 * DAY]
    assert (budget.limited, Budget().limited, Budget(revocations=DAY).limited) == (True, False, True)


def test_a_report_says_since_when_and_until_when() -> None:
    assert state(AT - DAY, 12 * DAY).as_facts() == {
        "kind": "revocations",
        "name": "x",
        "state": "Fresh",
        "asOf": "2025-06-01T12:00:00Z",
        "expires": "2025-06-13T12:00:00Z",
        "maxAge": "12d",
    }
    facts = state(date(2025, 6, 1), None, subject=Subject.TRUST_ROOT).as_facts()
    assert (facts["asOf"], facts["expires"], facts["maxAge"]) == ("2025-06-01", None, None)
    assert state(None, None).as_facts()["asOf"] is None


def test_words_hold_times_and_never_an_age_that_grows() -> None:
    found = state(AT - DAY, 12 * DAY)
    assert (found.expected, found.got) == ("at most 12d old", "as of 2025-06-01T12:00:00Z, good until 2025-06-13T12:00:00Z")
    assert state(AT + DAY, DAY).got == "as of 2025-06-03T12:00:00Z, which is still to come"
    free = state(AT - DAY, None)
    assert (free.expected, free.got) == ("any age", "as of 2025-06-01T12:00:00Z")


def test_a_root_past_its_budget_is_unavailable() -> None:
    check_root(aged(date(2025, 5, 3)), budget=Budget(trust_root=30 * DAY), at=AT)
    check_root(aged(None), budget=Budget(revocations=DAY), at=AT)
    with pytest.raises(TrustRootUnavailableError) as caught:
        check_root(aged(date(2025, 5, 3)), budget=Budget(trust_root=29 * DAY), at=AT)
    assert caught.value.got == "as of 2025-05-03, good until 2025-06-02T00:00:00Z"
    assert (caught.value.expected, caught.value.where) == ("at most 29d old", "`given`")
    with pytest.raises(TrustRootUnavailableError, match="unknown age"):
        check_root(aged(None), budget=Budget(trust_root=9999 * DAY), at=AT)
    assert dated_root(aged(date(2025, 5, 3))) == Dated(subject=Subject.TRUST_ROOT, name="given", as_of=date(2025, 5, 3))


def test_a_verdict_past_its_budget_is_unavailable() -> None:
    check_verdict("x", as_of=AT - 9 * DAY, budget=Budget(verification=10 * DAY), at=AT)
    check_verdict("x", as_of=AT - 999 * DAY, budget=Budget(trust_root=DAY), at=AT)
    for as_of in (AT - 10 * DAY, AT + DAY):
        with pytest.raises(VerificationExpiredError) as caught:
            check_verdict("x", as_of=as_of, budget=Budget(verification=10 * DAY), at=AT)
        assert (caught.value.expected, caught.value.where) == ("at most 10d old", "`x`")


def test_an_old_list_still_revokes_and_no_longer_clears() -> None:
    lists = RevocationSet((listing("2025-05-01T00:00:00Z"),))
    lists.check(CLEAN)
    old = age_lists(lists, budget=Budget(revocations=30 * DAY), at=AT)
    assert old is not None
    with pytest.raises(RevokedError):
        old.check(REVOKED)
    with pytest.raises(RevocationListStaleError) as caught:
        old.check(CLEAN)
    assert isinstance(caught.value, UnavailableError)
    assert (caught.value.expected, caught.value.where) == ("at most 30d old", "`list`")
    assert caught.value.got == "as of 2025-05-01T00:00:00Z, good until 2025-05-31T00:00:00Z"
    young = age_lists(lists, budget=Budget(revocations=60 * DAY), at=AT)
    assert young == lists
    assert dated_list(lists.lists[0]).as_of == datetime(2025, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("issued_at", [None, "2031-01-01T00:00:00Z", "yesterday"])
def test_a_list_that_says_no_usable_time_clears_nothing_by_a_budget(issued_at: str | None) -> None:
    old = age_lists(RevocationSet((listing(issued_at),)), budget=Budget(revocations=30 * DAY), at=AT)
    assert old is not None
    with pytest.raises(RevocationListStaleError):
        old.check(CLEAN)


def test_one_old_list_among_young_ones_is_enough() -> None:
    both = RevocationSet((listing("2025-06-01T00:00:00Z"), listing("2024-06-01T00:00:00Z", name="old")))
    found = age_lists(both, budget=Budget(revocations=30 * DAY), at=AT)
    assert found is not None
    assert [one.outdated is not None for one in found.lists] == [False, True]
    with pytest.raises(RevocationListStaleError, match="`old`"):
        found.check(CLEAN)


def test_a_list_that_cannot_be_read_is_said_before_one_that_is_old() -> None:
    found = age_lists(
        RevocationSet((listing("2024-06-01T00:00:00Z"), listing("2025-06-01T00:00:00Z", more=', {"reason": "x"}'))),
        budget=Budget(revocations=30 * DAY),
        at=AT,
    )
    assert found is not None
    with pytest.raises(RevocationListInvalidError):
        found.check(CLEAN)


def test_without_lists_or_without_a_budget_for_them_nothing_ages() -> None:
    assert age_lists(None, budget=Budget(revocations=DAY), at=AT) is None
    lists = RevocationSet((listing(None),))
    assert age_lists(lists, budget=Budget(trust_root=DAY, verification=DAY), at=AT) is lists


@pytest.mark.parametrize(
    ("text", "length"),
    [("90d", 90 * DAY), ("12h", DAY / 2), ("30m", DAY / 48), ("45s", 45 * SECOND), ("2w", 14 * DAY), ("0d", timedelta(0))],
)
def test_durations_are_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "d", "90", "-1d", "1.5d", "90 d", "90days", "1d2h", "٣d", "9999999d", "100001d", "90D", "∞"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicyError, match="no duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=100_000 * 86400 - 1))
def test_durations_are_written_as_they_are_read(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    text = say_duration(length)
    if len(text) <= 7:
        assert parse_duration(text) == length
    assert text[:-1].isdigit()


_TIMES = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(_TIMES, _TIMES, st.integers(min_value=0, max_value=99999))
def test_nothing_that_expired_counts_again_later(as_of: datetime, at: datetime, days: int) -> None:
    limit = timedelta(days=days)
    found = state(as_of, limit, at=at)
    if found.state is State.EXPIRED:
        assert found.expires_at is not None
        assert found.expires_at <= at
        assert state(as_of, limit, at=datetime.max.replace(tzinfo=UTC)).state is State.EXPIRED
    if found.counts:
        assert found.expires_at is not None
        assert at < found.expires_at
