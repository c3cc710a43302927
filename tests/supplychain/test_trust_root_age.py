"""How old a root is, and what of it is in force, at every border."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from supplychain.trust_root import TrustRoot, parse_trust_root
from supplychain.trust_root_age import age_in_days, idle_parts, period
from tests.support.virtual_sigstore import VirtualSigstore

SIGSTORE = VirtualSigstore()
AT = datetime(2025, 6, 2, 12, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def root(**windows: Any) -> TrustRoot:
    return parse_trust_root(SIGSTORE.trusted_root(**windows), name="given")


@pytest.mark.parametrize(
    ("as_of", "days"), [(date(2025, 6, 2), 0), (date(2025, 6, 1), 1), (date(2024, 6, 2), 365), (date(2025, 6, 3), 0)]
)
def test_age_counts_days_and_is_never_negative(as_of: date, days: int) -> None:
    assert age_in_days(as_of, at=AT) == days


def test_the_period_is_that_of_the_parts_in_force() -> None:
    assert period(root(), at=AT) == (START, None)
    later, end = AT - SECOND, AT + timedelta(days=9)
    shown = root(ct_window=(later, None), tsa_window=(START, end), rekor_window=(START, end + SECOND))
    assert period(shown, at=AT) == (later, end)
    # What has ended or is still to come is not in force.
    assert period(root(ct_window=(AT + SECOND, AT + 2 * SECOND), tsa_window=(START, AT - SECOND)), at=AT) == (START, None)
    assert period(root(), at=START - SECOND) == (None, None)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("fulcio_window", "certificate authorities"),
        ("rekor_window", "transparency logs"),
        ("ct_window", "certificate transparency logs"),
        ("tsa_window", "timestamp authorities"),
    ],
)
def test_a_kind_of_parts_of_which_none_is_in_force_is_named(part: str, kind: str) -> None:
    assert idle_parts(root(**{part: (START, AT)}), at=AT) == ()
    assert idle_parts(root(**{part: (START, AT - SECOND)}), at=AT) == (
        f"none of its {kind} is in force; the last one ended on 2025-06-02",
    )
    assert idle_parts(root(**{part: (AT + SECOND, None)}), at=AT) == (f"none of its {kind} is in force yet",)


def test_parts_that_a_root_does_not_have_are_no_idle_ones() -> None:
    bare = root(edit=lambda value: value.update(tlogs=[], ctlogs=[], timestampAuthorities=[]))
    assert idle_parts(bare, at=AT) == ()


def test_one_of_a_kind_in_force_is_enough() -> None:
    def older(value: dict[str, Any]) -> None:
        value["tlogs"][0]["publicKey"]["validFor"]["end"] = "2025-01-01T00:00:00Z"

    assert idle_parts(root(edit=older), at=AT) == ()


def test_the_last_end_of_several_is_named_and_one_that_is_still_to_come_is_not() -> None:
    def ends(*years: int) -> Any:
        def edit(value: dict[str, Any]) -> None:
            for log, year in zip(value["tlogs"], years, strict=True):
                start = min(year, 2026) - (1 if year < 2026 else 0)
                log["publicKey"]["validFor"] = {"start": f"{start}-01-01T00:00:00Z", "end": f"{year}-01-01T00:00:00Z"}

        return edit

    for years in ((2024, 2023), (2023, 2024), (2030, 2024), (2024, 2030)):
        [told] = idle_parts(parse_trust_root(SIGSTORE.trusted_root(edit=ends(*years)), name="given"), at=AT)
        assert told.endswith("transparency logs is in force; the last one ended on 2024-01-01")
