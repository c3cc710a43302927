"""Names and labels are valid for whatever users write, and different texts stay different."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpg_operator.names import digest_label, label_value, manager, object_name, short_hash

LABEL = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?", re.ASCII)
SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?){0,3}", fullmatch=True)


@given(st.text(max_size=300))
def test_any_text_becomes_a_valid_label_value(text):
    value = label_value(text)
    assert len(value) <= 63
    assert LABEL.fullmatch(value)


@pytest.mark.parametrize("text", ["", "1.2.3", "dev.acme.audit", "a" * 63])
def test_a_valid_label_value_stays_as_it_is(text):
    assert label_value(text) == text


@pytest.mark.parametrize("pair", [("1.2.3+a", "1.2.3-a"), ("a" * 64, "a" * 65), ("é", "è"), ("-a", "a-"), ("1.0.0+x", "1.0.0+y")])
def test_texts_that_had_to_be_changed_stay_apart(pair):
    assert label_value(pair[0]) != label_value(pair[1])


def test_a_text_without_a_usable_character_becomes_its_hash():
    assert label_value("+++") == short_hash("+++")


def test_half_a_digest_fits_a_label():
    assert digest_label("ab" * 32) == "ab" * 16


@given(NAMES, st.sampled_from(["", "0123456789abcdef0123456789abcdef"]))
def test_any_object_name_gives_a_valid_object_name(text, suffix):
    name = object_name("mcpg-plugin", text, suffix=suffix)
    assert len(name) <= 253
    assert SUBDOMAIN.fullmatch(name)
    assert name.endswith(suffix)


@given(st.text(max_size=300))
def test_even_what_is_no_object_name_gives_one(text):
    assert SUBDOMAIN.fullmatch(object_name("mcpg", text))


@pytest.mark.parametrize("suffix", ["", "0123456789abcdef0123456789abcdef"])
@pytest.mark.parametrize("text", ["a" * 253, "x" * 100 + "." + "y" * 152, "Acme", "+"])
def test_no_text_is_called_what_another_is_called_after_it_was_cut(text, suffix):
    taken = object_name("mcpg-plugin", text, suffix=suffix)
    chosen = taken.removeprefix("mcpg-plugin-").removesuffix(f"-{suffix}" if suffix else "")
    assert object_name("mcpg-plugin", chosen, suffix=suffix) != taken


def test_the_longest_names_stay_apart():
    one, other = "a" * 252 + "b", "a" * 252 + "c"
    first, second = object_name("mcpg-plugin", one, suffix="x"), object_name("mcpg-plugin", other, suffix="x")
    assert len(first) == 253 - 0
    assert first != second


def test_an_ordinary_name_stays_readable():
    assert object_name("mcpg-plugin", "audit.v1", suffix="cafe") == "mcpg-plugin-audit.v1-cafe"


def test_every_controller_has_a_field_manager_of_its_own():
    assert manager("plugin-set") == "mcpg-operator/plugin-set-controller"
