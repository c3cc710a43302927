"""Foreign values have one spelling; everything else is refused with a clause that names the place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from supplychain.errors import BundleInvalidError, CertificateError
from supplychain.wire import Fields, MalformedError, decode_base64, parse_json, parse_time, read_der, translating


def test_json_is_read_strictly() -> None:
    assert parse_json(b'{"a":[1]}') == {"a": [1]}
    with pytest.raises(MalformedError, match="no strict JSON"):
        parse_json(b'{"a":1,"a":2}')


@pytest.mark.parametrize("text", ["", "QQ==", "AAAA", "++//"])
def test_canonical_base64_is_decoded(text: str) -> None:
    assert decode_base64(text) is not None


def test_the_url_safe_alphabet_counts_only_where_asked_for() -> None:
    assert decode_base64("-_8=", url_safe=True) == b"\xfb\xff"
    with pytest.raises(MalformedError):
        decode_base64("-_8=")
    with pytest.raises(MalformedError):
        decode_base64("+/8=", url_safe=True)


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ==QQ==", "Q Q==", "QQ==\n", "\u00e9", "!!!!"])
def test_base64_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        decode_base64(text)


def test_times_are_read_to_the_microsecond() -> None:
    assert parse_time("2025-06-02T12:00:00Z") == datetime(2025, 6, 2, 12, tzinfo=UTC)
    assert parse_time("2025-06-02T12:00:00.123456789Z").microsecond == 123456
    assert parse_time("2025-06-02T12:00:00.5Z").microsecond == 500000


@pytest.mark.parametrize("text", ["", "2025-06-02", "2025-06-02T12:00:00", "2025-06-02T12:00:00+00:00", "2025-13-02T12:00:00Z"])
def test_times_in_another_form_are_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="no UTC time"):
        parse_time(text)


def test_der_elements_are_read_one_after_the_other() -> None:
    data = b"\x02\x01\x05" + b"\x04\x81\x80" + bytes(128)
    tag, content, end = read_der(data)
    assert (tag, content) == (2, b"\x05")
    tag, content, end = read_der(data, end)
    assert (tag, len(content), end) == (4, 128, len(data))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x02", id="no length"),
        pytest.param(b"\x1f\x01x", id="multi-byte tag"),
        pytest.param(b"\x30\x80\x00\x00", id="indefinite"),
        pytest.param(b"\x04\x81\x01x", id="long form for a short length"),
        pytest.param(b"\x04\x82\x00\x80" + bytes(128), id="leading zero"),
        pytest.param(b"\x04\x02x", id="cut short"),
        pytest.param(b"\x04\x84\xff\xff\xff\xff", id="huge"),
    ],
)
def test_der_in_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_der(data)


def test_the_edge_translates_everything_but_our_own_errors() -> None:
    with pytest.raises(BundleInvalidError, match="what: got why, in here"), translating(BundleInvalidError, "what", where="here"):
        raise MalformedError("why")
    for foreign in (ValueError("a stack\nof another language"), TypeError("x"), RecursionError(), AttributeError("x")):
        with pytest.raises(BundleInvalidError) as caught, translating(BundleInvalidError, "what"):
            raise foreign
        assert str(caught.value) == "what"
        assert caught.value.__cause__ is foreign
    with pytest.raises(CertificateError, match="own"), translating(BundleInvalidError, "what"):
        raise CertificateError("own")


def test_fields_are_taken_once_and_leftovers_are_refused() -> None:
    fields = Fields({"a": "x", "b": {"c": 1}, "d": None, "e": ["y"], "f": [{}]}, "it")
    assert "a" in fields
    assert fields.text("a") == "x"
    assert "a" not in fields
    assert fields.text("a", "default") == "default"
    assert fields.fields("b").integer("c") == 1
    assert fields.optional("b") is None
    assert fields.items("e", limit=1) == ["y"]
    with pytest.raises(MalformedError, match="unknown field `f`"):
        fields.done()
    assert [item.where for item in fields.objects("f", limit=1)] == ["it.f[0]"]
    fields.done()
    assert Fields({"left": 1}, "it").rest() == {"left": 1}


def test_octets_are_decoded_and_never_empty() -> None:
    assert Fields({"a": "QQ=="}, "it").octets("a") == b"A"
    with pytest.raises(MalformedError, match="is empty"):
        Fields({"a": ""}, "it").octets("a")


@pytest.mark.parametrize("value", [[], "x", 1, None])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(MalformedError, match="`it` is no object"):
        Fields(value, "it")


def test_an_indefinite_length_is_refused_even_where_as_many_bytes_follow() -> None:
    with pytest.raises(MalformedError, match="not minimal"):
        read_der(b"\x30\x80" + bytes(0x80))


@pytest.mark.parametrize("length", [0x100, 0x1FF, 0xFFFF])
def test_a_der_length_of_two_bytes_is_read(length: int) -> None:
    assert read_der(b"\x04\x82" + length.to_bytes(2) + bytes(length)) == (4, bytes(length), 4 + length)
