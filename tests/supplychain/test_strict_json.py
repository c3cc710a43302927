"""JSON that can be read in only one way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.strict_json import MAX_DEPTH, StrictJsonError, loads

LIMIT = 1_000_000


def test_every_kind_of_value_is_read() -> None:
    assert loads(b'{"a": [1, -2.5, true, false, null, "\\u00e9\\ud83d\\ude00"]}', limit=LIMIT) == {
        "a": [1, -2.5, True, False, None, "é😀"]
    }


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"", "Expecting value at line 1", id="empty"),
        pytest.param(b"{", "at line 1 column 2", id="cut-off"),
        pytest.param(b"{} {}", "Extra data", id="two-documents"),
        pytest.param(b'{"a": 1, "a": 1}', "same key twice", id="duplicate-key"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', "same key twice", id="duplicate-key-escaped"),
        pytest.param(b'[{"x": {"a": 1, "a": 2}}]', "same key twice", id="duplicate-key-deep"),
        pytest.param(b'"\xff"', "not UTF-8 at byte 1", id="latin-1"),
        pytest.param(b"\xef\xbb\xbf{}", "BOM", id="byte-order-mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(b"NaN", "NaN is no JSON number", id="nan"),
        pytest.param(b"[-Infinity]", "-Infinity is no JSON number", id="infinity"),
        pytest.param(b"1e999", "too large", id="overflow"),
        pytest.param(b"9" * 5000, "too long", id="digits"),
        pytest.param(b'"\\ud800"', "lone surrogate", id="surrogate"),
        pytest.param(b'{"\\uDFFF": 1}', "lone surrogate", id="surrogate-in-a-key"),
        pytest.param(b'"a\nb"', "control character", id="raw-control-character"),
        pytest.param(b"[" * 200 + b"]" * 200, "nested deeper", id="deep"),
        pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, "nested deeper", id="deep-objects"),
        pytest.param(b"[" * 100_000, "nested deeper", id="bottomless"),
    ],
)
def test_a_document_that_readers_could_take_differently_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(StrictJsonError, match=what):
        loads(data, limit=LIMIT)


def test_a_document_over_its_limit_is_refused() -> None:
    assert loads(b"[10]", limit=4) == [10]
    with pytest.raises(StrictJsonError, match="longer than 3 bytes"):
        loads(b"[10]", limit=3)


def test_the_greatest_depth_is_read() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, limit=LIMIT)
    with pytest.raises(StrictJsonError, match="nested deeper"):
        loads(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), limit=LIMIT)


def test_many_shallow_values_are_no_depth() -> None:
    assert len(loads(b"[" + b"[],{}," * 500 + b"1]", limit=LIMIT)) == 1001


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_what_the_standard_library_writes_comes_back(value: object) -> None:
    assert loads(json.dumps(value).encode(), limit=LIMIT) == value


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64))
def test_garbage_gives_our_error_or_a_value(data: bytes) -> None:
    try:
        value = loads(data, limit=LIMIT)
    except StrictJsonError:
        return
    assert json.loads(data) == value
