"""The configuration as text: one meaning for every reader, the same bytes for the same value."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpg_operator.render.gateway.serialise import UNPRINTABLE, config_hash, render_yaml
from mcpg_operator.render.gateway.tree import MAX_DEPTH, copied, rewritten, section
from supplychain import strict_yaml
from supplychain.errors import InvalidManifestError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "on",
        "1e3",
        "0o17",
        "~",
        "",
        "null",
        "- a",
        "a: b",
        "#",
        "&a",
        "*a",
        "!!str",
        "<<",
        "\ufeff",
        "\x85",
        "\u2028",
        "\x00",
        "😀",
        "é",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_every_reader_takes_the_text_for_the_value(value):
    text = render_yaml(value)
    if b'"<<"' not in text:  # which the strict reader refuses as a key, even in quotes
        assert strict_yaml.loads(text, limit=10**6) == value
    assert yaml.safe_load(text) == value
    assert yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) == value
    assert json.dumps(yaml.safe_load(text), sort_keys=True) == json.dumps(value, sort_keys=True)
    assert UNPRINTABLE.search(text.decode()) is None


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=5), st.randoms())
def test_the_order_of_the_keys_means_nothing(value, chance):
    pairs = list(value.items())
    chance.shuffle(pairs)
    assert render_yaml(dict(pairs)) == render_yaml(value)


def test_it_looks_as_people_write_it():
    value = {
        "b": [1, {"y": [], "x": {}}, ["z"]],
        "a": {"on": True, "text": 'q"\\\n\t', "none": None, "big": 1e300, "tiny": 1.5e-9},
    }
    assert render_yaml(value).decode() == (
        '"a":\n  "big": 1.0e+300\n  "none": null\n  "on": true\n  "text": "q\\"\\\\\\n\\t"\n  "tiny": 1.5e-09\n'
        '"b":\n  - 1\n  - "x": {}\n    "y": []\n  - - "z"\n'
    )


@pytest.mark.parametrize("value", ["x", 1, [1], {"a": 1}, {"a": [{"b": 1}]}, {}])
def test_keys_of_any_length_are_read_again(value):
    document = {"k" * 997: value, "k" * 998: value, "k" * 5000: value}
    assert yaml.safe_load(render_yaml([document])) == [document]
    assert b"? " in render_yaml(document)


def test_nothing_that_is_the_same_object_becomes_an_anchor():
    shared = {"a": [1]}
    assert b"&" not in render_yaml({"one": shared, "two": [shared, shared]})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_what_no_reader_takes_is_refused(value):
    with pytest.raises(InvalidManifestError, match=r"holds no number|is no Unicode"):
        render_yaml([value])


def test_the_hash_is_that_of_the_bytes():
    assert config_hash(b"a: 1\n") == hashlib.sha256(b"a: 1\n").hexdigest()


# -- trees -------------------------------------------------------------------------------------------------------------


def nested(depth):
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def test_a_copy_shares_nothing_with_the_original_and_has_a_bound():
    value = {"a": [{"b": (1, 2)}]}
    made = copied(value, where="here")
    assert made == {"a": [{"b": [1, 2]}]}
    made["a"][0]["b"].append(3)
    assert value == {"a": [{"b": (1, 2)}]}
    assert copied(nested(MAX_DEPTH), where="here") == nested(MAX_DEPTH)
    with pytest.raises(InvalidManifestError, match="at most 64 levels, in here"):
        copied(nested(MAX_DEPTH + 1), where="here")
    with pytest.raises(InvalidManifestError, match="no plain value: got set"):
        copied({"a": {1}}, where="here")


def test_a_section_is_made_or_found_and_never_replaced():
    config = {"a": {"b": None, "c": 1}}
    section(config, "a", "b")["x"] = 1
    assert config == {"a": {"b": {"x": 1}, "c": 1}}
    with pytest.raises(InvalidManifestError, match=r"in field `spec.config.a.c`"):
        section(config, "a", "c", "d")


def test_texts_are_rewritten_and_keys_stay():
    assert rewritten({"a": ["a", 1, {"a": "a"}]}, str.upper) == {"a": ["A", 1, {"a": "A"}]}
