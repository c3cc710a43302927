"""YAML that can be read in only one way."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.strict_yaml import MAX_DEPTH, StrictYamlError, loads, loads_all

LIMIT = 100_000


def test_plain_scalars_resolve_by_the_core_schema() -> None:
    text = b"[a, '1', \"true\", yes, no, 2026-01-01, 1_000, 1, -2, 0o17, 0x1F, 0b11, 1.5, 1e3, .5, true, FALSE, null, ~, NULL, 1.2.3, -, ]"
    assert loads(text.replace(b"-, ]", b"'-']"), limit=LIMIT) == [
        "a", "1", "true", "yes", "no", "2026-01-01", "1_000", 1, -2, 15, 31, 3, 1.5, 1000.0, 0.5, True, False, None, None, None,
        "1.2.3", "-",
    ]  # fmt: skip


def test_an_absent_value_is_null() -> None:
    assert loads(b"a:\nb: 1\n", limit=LIMIT) == {"a": None, "b": 1}


def test_block_scalars_are_text() -> None:
    assert loads(b"a: |\n  12\nb: >-\n  x\n  y\n", limit=LIMIT) == {"a": "12\n", "b": "x y"}


def test_markers_version_and_a_byte_order_mark_are_allowed() -> None:
    assert loads(b"\xef\xbb\xbf%YAML 1.2\n---\na: [{}, []]\n...\n", limit=LIMIT) == {"a": [{}, []]}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"# only a comment\n", "empty", id="comment"),
        pytest.param(b"a: 1\n---\nb: 2\n", "a further document", id="two-documents"),
        pytest.param(b"a: 1\na: 2\n", "the key `a` twice at line 2 column 1", id="duplicate-key"),
        pytest.param(b'a: 1\n"\\x61": 2\n', "twice", id="duplicate-key-escaped"),
        pytest.param(b"x: {a: {b: 1, b: 2}}\n", "twice", id="duplicate-key-deep"),
        pytest.param(b"a: &x 1\n", "an anchor at line 1 column 4", id="anchor"),
        pytest.param(b"a: &x [1]\n", "an anchor", id="anchor-on-a-list"),
        pytest.param(b"a: *x\n", "an alias", id="alias"),
        pytest.param(b"<<: {a: 1}\n", "a merge key", id="merge-key"),
        pytest.param(b"a: !!str 1\n", "a tag", id="tag"),
        pytest.param(b"a: ! 1\n", "a tag", id="non-specific-tag"),
        pytest.param(b"a: !!python/object/apply:os.system [id]\n", "a tag", id="python-tag"),
        pytest.param(b"!!map {a: 1}\n", "a tag", id="tag-on-a-mapping"),
        pytest.param(b"%TAG ! tag:example.org,2000:\n---\na: 1\n", "a tag directive", id="tag-directive"),
        pytest.param(b"1: a\n", "a key that is no string", id="number-as-key"),
        pytest.param(b"true: a\n", "a key that is no string", id="boolean-as-key"),
        pytest.param(b"? [a]\n: b\n", "a key that is no string", id="list-as-key"),
        pytest.param(b": b\n", "expected key", id="no-key"),
        pytest.param(b"a: .inf\n", "not finite", id="infinity"),
        pytest.param(b"a: .NaN\n", "not finite", id="nan"),
        pytest.param(b"a: " + b"9" * 65 + b"\n", "a number of 65 characters", id="long-number"),
        pytest.param(b"a: [1\n", "line 2", id="unclosed"),
        pytest.param(b"a: 'b\n", "line", id="unclosed-quote"),
        pytest.param(b"\tx: 1\n", "tab|token", id="tab"),
        pytest.param(b"a: \x01\n", "control characters|does not allow", id="control-character"),
        pytest.param(b"a: \xff\n", "not UTF-8 at byte 3", id="latin-1"),
        pytest.param("a: 1\n".encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(b'a: "\\uD800"\n', "line 1", id="surrogate"),
        pytest.param(b"[" * 100 + b"]" * 100, "nested deeper than 64", id="deep"),
        pytest.param(b"{a: " * 100 + b"}" * 100, "nested deeper than 64", id="deep-mappings"),
        pytest.param(b"- " * 40_000 + b"x", "nested deeper|line", id="bottomless"),
    ],
)
def test_a_document_that_readers_could_take_differently_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(StrictYamlError, match=what):
        loads(data, limit=LIMIT)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"a: \x01\n", "does not allow|not allowed", id="refused-by-the-constructor"),
        pytest.param(b"a: [1\n", "line 2", id="refused-by-the-parser"),
        pytest.param(b"a: 1\na: 2\n", "twice", id="refused-by-us"),
    ],
)
def test_the_parser_without_c_is_as_strict(data: bytes, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert loads(b"a: {b: [1, x]}\n", limit=LIMIT) == {"a": {"b": [1, "x"]}}
    with pytest.raises(StrictYamlError, match=what):
        loads(data, limit=LIMIT)


def test_a_key_that_stands_twice_is_shown_escaped() -> None:
    with pytest.raises(StrictYamlError) as caught:
        loads(b'"\\e[31m": 1\n"\\e[31m": 2\n', limit=LIMIT)
    assert "`\\x1b[31m`" in str(caught.value)


def test_a_document_over_its_limit_is_refused() -> None:
    assert loads(b"a: 1", limit=4) == {"a": 1}
    with pytest.raises(StrictYamlError, match="longer than 3 bytes"):
        loads(b"a: 1", limit=3)


def test_the_greatest_depth_is_read() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, limit=LIMIT)
    with pytest.raises(StrictYamlError, match="nested deeper"):
        loads(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), limit=LIMIT)


def test_several_documents_are_read_up_to_their_number() -> None:
    assert loads_all(b"a: 1\n---\n- b\n---\nc\n", limit=LIMIT, documents=3) == ({"a": 1}, ["b"], "c")
    assert loads_all(b"", limit=LIMIT, documents=3) == ()
    with pytest.raises(StrictYamlError, match="more than 2 documents"):
        loads_all(b"a: 1\n---\n- b\n---\nc\n", limit=LIMIT, documents=2)


def test_importing_the_module_does_not_load_the_parser() -> None:
    script = "import sys, supplychain.strict_yaml, supplychain.descriptor; sys.exit('yaml' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-?[]{}&*!|>'\"#%@,\n \t1.~<", max_size=40))
def test_garbage_gives_our_error_or_a_value(text: str) -> None:
    try:
        loads(text.encode(), limit=LIMIT)
    except StrictYamlError as exc:
        assert str(exc)  # noqa: PT017
