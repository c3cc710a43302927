import pytest
from pydantic import Field

from supplychain.api.common import Model, ObjectName, Text, parse_spec
from supplychain.errors import InvalidManifestError


class Sample(Model):
    some_text: Text
    count: int = 0
    parts: list[ObjectName] = Field(default_factory=list, max_length=2)
    other: ObjectName | None = None


def test_wire_names_are_camel_case_and_python_names_are_not_accepted():
    assert parse_spec(Sample, {"someText": "x"}, where="here").some_text == "x"
    with pytest.raises(InvalidManifestError, match="2 fields are wrong"):
        parse_spec(Sample, {"some_text": "x"}, where="here")


def test_an_unknown_field_is_refused_by_its_path():
    with pytest.raises(InvalidManifestError, match="unknown field") as caught:
        parse_spec(Sample, {"someText": "x", "sometext": "y"}, where="`f`, document 1")
    assert caught.value.where == "`f`, document 1, field `spec.sometext`"


def test_a_missing_field_is_named():
    with pytest.raises(InvalidManifestError, match="required field is missing") as caught:
        parse_spec(Sample, {}, where="here")
    assert caught.value.where == "here, field `spec.someText`"


def test_a_missing_spec_is_named():
    with pytest.raises(InvalidManifestError, match="no `spec`"):
        parse_spec(Sample, None, where="here")


@pytest.mark.parametrize("value", ["3", True, 1.0, None, [1], {"a": 1}])
def test_a_value_of_another_type_is_refused(value):
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"someText": "x", "count": value}, where="here")
    assert caught.value.where == "here, field `spec.count`"


def test_a_long_wrong_value_is_cut():
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"someText": "x", "count": "a" * 500}, where="here")
    assert len(str(caught.value.got)) < 100
    assert str(caught.value.got).endswith("…`")


def test_an_item_of_a_list_is_named_by_its_index():
    with pytest.raises(InvalidManifestError, match="blank") as caught:
        parse_spec(Sample, {"someText": "x", "parts": [{"name": "a"}, {"name": " "}]}, where="here")
    assert caught.value.where == "here, field `spec.parts[1].name`"


def test_several_wrong_fields_come_together():
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"someText": "", "count": "x"}, where="here")
    assert [one.where for one in caught.value.candidates] == ["here, field `spec.someText`", "here, field `spec.count`"]


def test_a_spec_that_is_no_mapping_is_refused():
    with pytest.raises(InvalidManifestError):
        parse_spec(Sample, "text", where="here")


def test_a_spec_cannot_be_changed_after_it_was_checked():
    spec = parse_spec(Sample, {"someText": "x"}, where="here")
    with pytest.raises(ValueError, match="frozen"):
        spec.some_text = "y"


def test_several_wrong_fields_are_all_named():
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"some_text": "x"}, where="here")
    assert caught.value.got == "field `spec.someText`: a required field is missing; field `spec.some_text`: unknown field"
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"someText": "x"} | {f"x{number}": 1 for number in range(9)}, where="here")
    assert str(caught.value.got).endswith("; and 5 more")


@pytest.mark.parametrize(
    ("field", "value", "expected", "got"),
    [
        ("someText", 1.2, "text; quote it where YAML would read a number or a truth value", "`1.2`"),
        ("count", None, "a whole number", "nothing"),
        ("parts", {}, "a list", "a mapping"),
    ],
)
def test_a_wrong_type_is_told_in_words_of_yaml_and_not_of_python(field, value, expected, got):
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"someText": "x", field: value}, where="here")
    assert (caught.value.expected, caught.value.got) == (expected, got)


def test_a_spec_that_is_a_list_is_told_to_be_a_mapping():
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, [], where="here")
    assert (caught.value.expected, caught.value.got) == ("a mapping", "a list")


def test_a_null_is_not_an_absent_field():
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"someText": "x", "other": None}, where="here")
    assert caught.value.where == "here, field `spec.other`"
    assert (caught.value.expected, caught.value.got) == ("a value; leave the field out where there is none", "nothing")


@pytest.mark.parametrize(
    ("changes", "field", "what", "expected", "got"),
    [
        ({"someText": "x" * 1025}, "someText", "the text is too long", "at most 1024 characters", "1025"),
        ({"parts": [{"name": "a"}] * 3}, "parts", "there are too many", "at most 2", "3"),
        ({"parts": [{"name": "a" * 254}]}, "parts[0].name", "the text is too long", "at most 253 characters", "254"),
    ],
)
def test_a_length_beyond_its_bound_is_told_with_both_numbers(changes, field, what, expected, got):
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, {"someText": "x"} | changes, where="here")
    assert (caught.value.what, caught.value.expected, caught.value.got) == (what, expected, got)
    assert caught.value.where == f"here, field `spec.{field}`"


@pytest.mark.parametrize("name", ["A", "a_b", "a/b", "../a", ".a", "a.", "a..b", "a\n", "ä"])
def test_a_name_that_no_object_can_have_is_refused(name):
    with pytest.raises(InvalidManifestError, match="no name that an object can have"):
        parse_spec(ObjectName, {"name": name}, where="here")
