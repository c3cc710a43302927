"""Timestamps: the exact moment, one authority at a time, and only tokens over this signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from supplychain.bundle.timestamp import _exact_time, verify_timestamp
from supplychain.errors import SupplyChainError, TrustedTimeError
from supplychain.wire import MalformedError
from tests.supplychain.bundle.support import OTHER, SIGSTORE, root, root_with
from tests.support.sigstore import der
from tests.support.sigstore.certificates import (
    TIME_STAMPING,
    Template,
    basic_constraints,
    extended_key_usage,
    key_usage,
    name_of,
)
from tests.support.sigstore.keys import Seed, spki
from tests.support.sigstore.timestamps import TimestampAuthority
from tests.support.sigstore.transparency import b64

AT = SIGSTORE.at
HALF = timedelta(milliseconds=500)
SECOND = timedelta(seconds=1)
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2044, 1, 1, tzinfo=UTC)


class Written(datetime):
    """A time that an authority writes in its own way."""

    text: str

    def strftime(self, _format: str) -> str:
        return self.text


def written(text: str) -> Written:
    at = Written(2025, 6, 2, 12, tzinfo=UTC)
    at.text = text
    return at


def verify(token: bytes, **changes: Any) -> datetime:
    trusted = root_with(**changes) if changes else root()
    return verify_timestamp(token, signature=b"signature", root=trusted).at


def test_a_token_proves_its_time_with_and_without_its_certificate() -> None:
    for embed in (True, False):
        proven = verify_timestamp(SIGSTORE.tsa.timestamp(b"signature", at=AT, embed=embed), signature=b"signature", root=root())
        assert (proven.at, proven.source) == (AT, "timestamp-authority https://tsa.sigstore.example/api/v1/timestamp")


def test_a_fraction_of_a_second_counts() -> None:
    token = SIGSTORE.tsa.timestamp(b"signature", at=written("20250602120000.5Z"))
    assert verify(token) == AT + HALF
    assert verify(token, tsa_window=(AT, AT + SECOND)) == AT + HALF
    with pytest.raises(TrustedTimeError, match="outside its authority's time"):
        verify(token, tsa_window=(START, AT))


def test_digits_below_a_microsecond_are_dropped() -> None:
    token = SIGSTORE.tsa.timestamp(b"signature", at=written("20250602120000.1234567Z"))
    assert verify(token) == AT + timedelta(microseconds=123456)


@pytest.mark.parametrize("text", ["20250602120000+0200", "202506021200Z", "20250602120000.50Z", "20251302120000Z", "x"])
def test_a_time_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(TrustedTimeError):
        verify(SIGSTORE.tsa.timestamp(b"signature", at=written(text)))


def test_the_time_must_be_the_one_that_the_library_read() -> None:
    token = SIGSTORE.tsa.timestamp(b"signature", at=AT)
    assert _exact_time(token, AT) == AT
    with pytest.raises(MalformedError, match="genTime"):
        _exact_time(token, AT + SECOND)
    with pytest.raises(MalformedError, match="genTime"):
        _exact_time(SIGSTORE.tsa.timestamp(b"signature", at=written("20250602120000.50Z")), AT)


def test_a_token_over_another_signature_is_refused() -> None:
    with pytest.raises(TrustedTimeError, match="over another signature"):
        verify(SIGSTORE.tsa.timestamp(b"another", at=AT))


def test_a_token_by_another_authority_is_refused() -> None:
    with pytest.raises(TrustedTimeError, match="by no authority of the trust root"):
        verify(OTHER.tsa.timestamp(b"signature", at=AT))


def test_each_authority_is_asked_with_its_own_window() -> None:
    def two(value: dict[str, Any]) -> None:
        [own] = value["timestampAuthorities"]
        closed = {**own, "uri": "https://closed", "validFor": {"start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"}}
        value["timestampAuthorities"] = [closed, own]

    assert verify(SIGSTORE.tsa.timestamp(b"signature", at=AT), edit=two) == AT


def test_an_authority_of_which_only_the_root_is_named_needs_the_certificate_in_the_token() -> None:
    def only_root(value: dict[str, Any]) -> None:
        value["timestampAuthorities"][0]["certChain"]["certificates"].pop(0)

    assert verify(SIGSTORE.tsa.timestamp(b"signature", at=AT), edit=only_root) == AT
    with pytest.raises(TrustedTimeError):
        verify(SIGSTORE.tsa.timestamp(b"signature", at=AT, embed=False), edit=only_root)


def special(**changes: Any) -> tuple[TimestampAuthority, dict[str, Any]]:
    tsa = TimestampAuthority.of(
        Seed(b"special"),
        not_before=changes.pop("since", START),
        not_after=changes.pop("until", END),
        **changes,
    )

    def trust(value: dict[str, Any]) -> None:
        chain = [{"rawBytes": b64(certificate)} for certificate in tsa.chain]
        value["timestampAuthorities"][0]["certChain"]["certificates"] = chain

    return tsa, {"edit": trust}


@pytest.mark.parametrize("text", ["20250602120001Z", "20250602120001.5Z", "20250602120002Z", "20231231235959.9Z"])
def test_no_token_reaches_beyond_the_validity_of_the_authoritys_certificates(text: str) -> None:
    tsa, changes = special(until=AT + SECOND)
    for inside in (AT, written("20250602120000.999Z"), START):
        token = tsa.timestamp(b"signature", at=inside)
        verify_timestamp(token, signature=b"signature", root=root_with(**changes))
    with pytest.raises(TrustedTimeError):
        verify(tsa.timestamp(b"signature", at=written(text)), **changes)


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param((key_usage(digital_signature=True),), id="no purpose"),
        pytest.param((key_usage(digital_signature=True), extended_key_usage(TIME_STAMPING)), id="purpose not critical"),
    ],
)
def test_an_authority_that_is_not_for_time_stamping_is_refused(extensions: Any) -> None:
    tsa, changes = special(extensions=extensions)
    with pytest.raises(TrustedTimeError):
        verify(tsa.timestamp(b"signature", at=AT), **changes)


@pytest.mark.parametrize("token", [b"", b"x", der.sequence(), der.sequence(der.sequence(der.integer(2)))])
def test_what_is_no_token_is_refused(token: bytes) -> None:
    with pytest.raises(SupplyChainError) as caught:
        verify(token)
    assert type(caught.value) is TrustedTimeError


def test_an_authority_that_did_not_sign_does_not_stand_in_the_way_of_the_next_one() -> None:
    def two(value: dict[str, Any]) -> None:
        [own] = value["timestampAuthorities"]
        chain = {"certificates": [{"rawBytes": b64(certificate)} for certificate in OTHER.tsa.chain]}
        value["timestampAuthorities"] = [{**own, "certChain": chain}, own]

    assert verify(SIGSTORE.tsa.timestamp(b"signature", at=AT), edit=two) == AT


def test_an_authority_may_stand_below_an_intermediate() -> None:
    honest = TimestampAuthority.of(Seed(b"special"), not_before=START, not_after=END)
    middle = honest.issuer.intermediate(
        "test-tsa-intermediate",
        key=Seed(b"special").p384("tsa intermediate"),
        not_before=START,
        not_after=END,
        extensions=(
            key_usage(sign_certificates=True),
            extended_key_usage(TIME_STAMPING, critical=True),
            basic_constraints(ca=True, path_length=0),
        ),
    )
    template = Template(
        public_key=spki(honest.key),
        not_before=START,
        not_after=END,
        extensions=(key_usage(digital_signature=True), extended_key_usage(TIME_STAMPING, critical=True)),
        serial=honest.serial,
        subject=name_of("test-tsa"),
    )
    tsa = replace(honest, certificate=middle.issue(template), issuer=middle)

    def trust(value: dict[str, Any]) -> None:
        chain = [{"rawBytes": b64(certificate)} for certificate in tsa.chain]
        value["timestampAuthorities"][0]["certChain"]["certificates"] = chain

    assert verify(tsa.timestamp(b"signature", at=AT), edit=trust) == AT


def test_whatever_the_library_raises_is_a_refusal_of_the_timestamp(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, **_options: Any) -> None: ...

        def build(self) -> Broken:
            return self

        def verify_message(self, *_arguments: Any) -> bool:
            raise RuntimeError("of the library")

    monkeypatch.setattr("rfc3161_client.VerifierBuilder", Broken)
    with pytest.raises(TrustedTimeError, match="cannot be verified"):
        verify(SIGSTORE.tsa.timestamp(b"signature", at=AT))
