"""Proven times, and the windows that must hold every one of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from supplychain.errors import (
    CertificateError,
    LogEntryError,
    SupplyChainError,
    TrustedTimeError,
)
from tests.supplychain.bundle.support import (
    AT,
    OTHER,
    SECOND,
    SIGSTORE,
    START,
    accept,
    edited,
    entry,
    material,
    refuse,
    root_with,
    statement,
)


def test_a_bundle_without_any_proven_time_is_refused() -> None:
    refuse(statement(tsa=None), TrustedTimeError, "nothing proves when")
    refuse(statement(log="rekor1", promise=False), TrustedTimeError, "nothing proves when")


def test_a_timestamp_over_something_else_is_refused_even_beside_a_promise() -> None:
    raw = statement(log="rekor1", tsa=SIGSTORE.tsa, timestamped=b"another")
    refuse(raw, TrustedTimeError, "over another signature, or by no authority")


def test_a_timestamp_by_another_authority_is_refused_even_beside_a_promise() -> None:
    refuse(statement(log="rekor1", tsa=OTHER.tsa), TrustedTimeError, "by no authority of the trust root")


def test_windows_are_closed_at_both_ends() -> None:
    for log in ("rekor1", "rekor2"):
        for part in ("fulcio_window", "ct_window", "rekor_window", "tsa_window"):
            for window in ((AT, AT), (START, AT), (AT, None)):
                accept(statement(log=log), trusted=root_with(**{part: window}))


@pytest.mark.parametrize(
    ("part", "error", "text"),
    [
        ("fulcio_window", CertificateError, "outside the authority's time"),
        ("ct_window", CertificateError, "outside the CT log's time"),
        ("rekor_window", LogEntryError, "outside the log's time"),
        ("tsa_window", TrustedTimeError, "outside its authority's time"),
    ],
)
@pytest.mark.parametrize("window", [(AT + SECOND, None), (START, AT - SECOND)], ids=["too early", "too late"])
def test_a_time_outside_a_window_is_refused(part: str, error: Any, text: str, window: Any) -> None:
    refuse(statement(), error, text, trusted=root_with(**{part: window}))
    if part != "tsa_window":
        refuse(statement(log="rekor1"), error, text, trusted=root_with(**{part: window}))


@pytest.mark.parametrize("part", ["fulcio_window", "ct_window", "rekor_window"])
def test_every_proven_time_counts_and_not_only_the_first(part: str) -> None:
    raw = statement(log="rekor1", tsa=SIGSTORE.tsa, timestamp_at=AT + 5 * SECOND)
    accept(raw, trusted=root_with(**{part: (START, AT + 5 * SECOND)}))
    with pytest.raises(SupplyChainError, match="time in the trust root"):
        accept(raw, trusted=root_with(**{part: (START, AT + 4 * SECOND)}))


def test_a_ct_timestamp_outside_the_window_is_refused_though_the_signature_lies_inside() -> None:
    raw = statement(sct_at=AT - 2 * SECOND)
    refuse(raw, CertificateError, "outside the CT log's time", trusted=root_with(ct_window=(AT - SECOND, None)))


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_the_signing_certificate_must_be_valid_at_the_proven_time(log: Any) -> None:
    accept(statement(log=log, not_before=AT, not_after=AT))
    for window in ({"not_before": AT + SECOND}, {"not_before": AT - 2 * SECOND, "not_after": AT - SECOND}):
        refuse(statement(log=log, **window), CertificateError, "the signing certificate was not valid")


def test_the_signing_certificate_must_be_valid_at_every_proven_time() -> None:
    raw = statement(log="rekor1", tsa=SIGSTORE.tsa, timestamp_at=AT + timedelta(hours=1))
    refuse(raw, CertificateError, "the signing certificate was not valid")


def test_the_window_of_every_log_counts_and_not_only_the_firsts() -> None:
    # Both logs take the same signature: it is made without randomness.
    first, second = statement(log="rekor1", tsa=SIGSTORE.tsa), statement(log="rekor2")
    raw = edited(first, lambda value: material(value)["tlogEntries"].append(entry(json.loads(second))))

    def ended(value: dict[str, Any]) -> None:
        value["tlogs"][1]["publicKey"]["validFor"] = {"start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"}

    assert len(accept(raw).log) == 2
    refuse(raw, LogEntryError, "outside the log's time", trusted=root_with(ended))


def test_without_an_entry_a_log_that_was_not_in_force_then_is_not_missed() -> None:
    raw = statement(log="none")
    for window in ((START, AT - SECOND), (AT + SECOND, None)):
        assert accept(raw, trusted=root_with(rekor_window=window)).log == ()
    refuse(raw, LogEntryError, "no transparency log entry", trusted=root_with(rekor_window=(START, AT)))


def test_where_the_root_names_no_log_it_is_the_time_that_is_missed() -> None:
    trusted = root_with(edit=lambda value: value.update(tlogs=[]))
    refuse(statement(log="none", tsa=None), TrustedTimeError, "nothing proves when", trusted=trusted)
