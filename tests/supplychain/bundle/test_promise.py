"""A promise whose time is no time."""

import base64

import pytest

from supplychain.bundle import parse_bundle
from supplychain.bundle.promise import verify_promise
from supplychain.errors import LogEntryError
from tests.supplychain.bundle.support import SIGSTORE, edited, entry, root, statement

RAW = statement(log="rekor1")
LOG = next(log for log in root().logs if not log.is_v2)


def promised(seconds: int) -> bytes:
    [honest] = parse_bundle(RAW).entries
    promise = SIGSTORE.rekor1.promise(body=honest.body, integrated_time=seconds, log_index=honest.index)

    def edit(value: dict[str, object]) -> None:
        entry(value)["integratedTime"] = str(seconds)
        entry(value)["inclusionPromise"] = {"signedEntryTimestamp": base64.b64encode(promise).decode()}

    return edited(RAW, edit)


def test_any_second_can_be_promised() -> None:
    [one] = parse_bundle(promised(1)).entries
    assert one.promise is not None
    assert verify_promise(one.promise, entry=one, log=LOG).year == 1970


@pytest.mark.parametrize("seconds", [2**40, 2**63 - 1])
def test_a_second_beyond_the_calendar_is_refused(seconds: int) -> None:
    [one] = parse_bundle(promised(seconds)).entries
    with pytest.raises(LogEntryError, match="no time"):
        verify_promise(one.promise or b"", entry=one, log=LOG)
