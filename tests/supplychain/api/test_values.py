"""Values of pods and of what stands around them."""

import re
from decimal import Decimal

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from supplychain.api.common import Model
from supplychain.api.lists import COMPARABLE, different, distinct, filled, listed
from supplychain.api.problems import problems_of
from supplychain.api.refusal import FieldError
from supplychain.api.shape import VALIDATIONS
from supplychain.api.values import (
    Annotations,
    Count,
    IntOrPercent,
    Labels,
    Natural,
    Port,
    Positive,
    Quantities,
    Quantity,
    WebPath,
    amount,
)


class Sample(Model):
    quantity: Quantity = "1"
    share: IntOrPercent | None = None
    labels: Labels = Field(default_factory=dict)
    annotations: Annotations = Field(default_factory=dict)
    resources: Quantities = Field(default_factory=dict)
    port: Port = 1
    positive: Positive = 1
    natural: Natural = 1
    count: Count = 1
    path: WebPath = "/"


def problems(**spec):
    return [(one.path, one.what) for one in problems_of({"spec": spec}, Sample)]


def rules(field):
    node = Sample.model_json_schema()["properties"][field]
    node = node["anyOf"][0] | node if "anyOf" in node and len(node["anyOf"]) == 2 and VALIDATIONS in node["anyOf"][0] else node
    return [rule["rule"] for rule in node[VALIDATIONS]]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (2, "2"), ("2", "2"), ("+2", "2"), (".5", "0.5"), ("2.", "2"), ("500m", "0.5"), ("1u", "0.000001"), ("1n", "1e-9"), ("1k", "1000"),
        ("1M", "1e6"), ("1G", "1e9"), ("1T", "1e12"), ("1P", "1e15"), ("1E", "1e18"), ("1e3", "1000"), ("1E3", "1000"), ("1E-3", "0.001"),
        ("1Ki", "1024"), ("1Mi", "1048576"), ("1.5Gi", "1610612736"), ("1Ti", "1099511627776"), ("1Ei", "1152921504606846976"),
    ],
)  # fmt: skip
def test_a_quantity_is_read_as_kubernetes_reads_it(quantity, expected):
    assert problems(quantity=quantity) == []
    assert amount(quantity) == Decimal(expected)


@pytest.mark.parametrize(
    "quantity",
    ["", " ", "1 ", "-1", -1, ".", "1.2.3", "1mi", "1ki", "1K", "1GB", "e3", "1e", "1e333", "1\n", "٣", "0" * 65, 10**18],
)
def test_what_is_no_quantity_is_refused(quantity):
    assert problems(quantity=quantity) == [("spec.quantity", "no quantity")]


@pytest.mark.parametrize("value", [True, 1.0, [1], {"a": 1}, None])
def test_a_value_of_another_type_is_told_once_and_not_for_each_type(value):
    (only,) = problems_of({"spec": {"quantity": value}}, Sample)
    assert (only.path, only.what, only.expected) == ("spec.quantity", "the field has another type", "a whole number or text")


@pytest.mark.parametrize("value", [0, 1, 999_999_999, "0%", "7%", "50%", "100%"])
def test_a_number_of_pods_is_a_number_or_a_percentage(value):
    assert problems(share=value) == []


@pytest.mark.parametrize("value", [-1, 10**9, "1", "101%", "-1%", "%", "1.5%", "50% ", "50%\n", ""])
def test_what_is_neither_a_number_nor_a_percentage_is_refused(value):
    assert problems(share=value) == [("spec.share", "neither a number nor a percentage")]


@pytest.mark.parametrize("key", ["a", "A.b_c-9", "a" * 63, "example.com/a", "a" * 253 + "/" + "b" * 63])
def test_a_label_key_is_a_name_after_a_domain_if_need_be(key):
    assert problems(labels={key: "v"}, annotations={key: "v"}, resources={key: 1}) == []


@pytest.mark.parametrize(
    "key", ["", "-a", "a-", "a b", "a" * 64, "/a", "a/", "a/b/c", "example..com/a", "a" * 254 + "/b", "é", "a\n"]
)
def test_what_is_no_label_key_is_refused_everywhere(key):
    assert problems(labels={key: "v"}) == [("spec.labels", "no label key")]
    assert problems(annotations={key: "v"}) == [("spec.annotations", "no annotation key")]
    assert problems(resources={key: 1}) == [("spec.resources", "no resource name")]


def test_only_annotations_may_have_a_domain_in_upper_case():
    assert problems(annotations={"Example.com/a": "v"}) == []
    assert problems(labels={"Example.com/a": "v"}) == [("spec.labels", "no label key")]


@pytest.mark.parametrize(
    ("value", "fits"),
    [("", True), ("a", True), ("a" * 63, True), ("A_b.c-d", True), ("-", False), ("a b", False), ("a\n", False)],
)
def test_a_label_value_is_a_short_word_or_nothing(value, fits):
    assert problems(labels={"k": value}) == ([] if fits else [("spec.labels.k", "no label value")])


def test_annotations_have_a_bound_together_in_bytes():
    assert problems(annotations={str(number): "a" * 65_535 for number in range(4)}) == []
    assert problems(annotations={str(number): "a" * 65_536 for number in range(4)}) == [
        ("spec.annotations", "the annotations are too long")
    ]
    assert problems(annotations={str(number): "é" * 40_000 for number in range(4)}) == [
        ("spec.annotations", "the annotations are too long")
    ]


def test_half_a_character_is_refused():
    (only,) = problems_of({"spec": {"annotations": {"a": "\ud800"}}}, Sample)
    assert (only.path, only.what, only.expected) == (
        "spec.annotations.a",
        "the field has another type",
        "text of whole characters",
    )


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [("port", 1, 65535), ("positive", 1, 2**31 - 1), ("natural", 0, 2**31 - 1), ("count", 0, 2**53 - 1)],
)
def test_a_number_has_its_bounds(field, least, most):
    assert problems(**{field: least}) == problems(**{field: most}) == []
    assert problems(**{field: least - 1}) == [(f"spec.{field}", "the number is too small")]
    assert problems(**{field: most + 1}) == [(f"spec.{field}", "the number is too large")]


@pytest.mark.parametrize(
    ("path", "fits"),
    [("/", True), ("/a/b?c=%20", True), ("a", False), ("/a b", False), ("/a\n", False), ("/é", False), ("", False)],
)
def test_a_path_begins_with_a_slash_and_has_no_spaces(path, fits):
    assert problems(path=path) == ([] if fits else [("spec.path", "no path")])


PARTS = st.sampled_from(
    ["a", "A", "9", "0", ".", "-", "_", "/", " ", "\n", "é", "example.com", "m", "Ki", "e", "%", "1", "100", "+"]
)
KEYS = {
    (field, what): re.findall(r"key\.matches\(r'([^']*)'\)", " ".join(rules(field)))[0]
    for field, what in (("labels", "no label key"), ("annotations", "no annotation key"))
}
NUMBERS = {field: re.findall(r"matches\(r'([^']*)'\)", rules(field)[0]) for field in ("quantity", "share")}
"""What a whole number and what a text must fit, by field."""


@given(st.lists(PARTS, max_size=8).map("".join))
def test_a_key_fits_for_the_cluster_where_it_fits_here(text):
    for (field, what), shape in KEYS.items():
        assert (re2.search(shape, text) is not None) == ((f"spec.{field}", what) not in problems(**{field: {text: ""}}))


@given(st.lists(PARTS, max_size=8).map("".join))
def test_a_number_or_text_fits_for_the_cluster_where_it_fits_here(text):
    for field, (_, shape) in NUMBERS.items():
        assert (re2.search(shape, text) is not None) == (problems(**{field: text}) == [])


@given(st.integers(min_value=-(10**20), max_value=10**20))
def test_a_whole_number_fits_for_the_cluster_where_it_fits_here(number):
    for field, (shape, _) in NUMBERS.items():
        assert (re2.search(shape, str(number)) is not None) == (problems(**{field: number}) == [])


def test_a_list_that_must_not_be_empty_is_refused_when_it_is():
    class Filled(Model):
        items: tuple[str, ...] = ("a",)

    assert problems_of({"spec": {}}, Filled) == ()
    assert filled.func((1,)) == (1,)  # type: ignore[call-arg]


def test_two_items_with_the_same_key_are_told_by_their_indexes():
    check, rule = different(str.strip, cel="one.trim()", what="two are the same")
    assert check.func(("a", "b")) == ("a", "b")  # type: ignore[call-arg]
    with pytest.raises(FieldError, match="two are the same") as caught:
        check.func(("a", "b", " a"))  # type: ignore[call-arg]
    assert caught.value.error.got == "`a` at 0 and 2"
    assert rule.message == "two are the same"


def test_a_list_that_costs_a_cluster_too_much_is_left_to_the_model():
    assert distinct("one") == (
        f"[self.map(one, one)].all(keys, keys.map(key, key.size()).sum() * keys.size() > {COMPARABLE} || "
        "keys.all(key, keys.indexOf(key) == keys.lastIndexOf(key)))"
    )


def test_a_bounded_list_says_so_to_the_cluster():
    assert listed(3).json_schema_extra == {"x-kubernetes-list-type": "atomic"}
    assert listed(3, least=1).json_schema_extra == {"minItems": 1, "x-kubernetes-list-type": "atomic"}
