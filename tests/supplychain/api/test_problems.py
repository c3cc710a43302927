"""All problems of a document at once."""

import pytest
from pydantic import Field

from supplychain.api import GatewaySpec, PluginSpec, TenantSpec, problems_of
from supplychain.api.common import Model, ObjectName, Text, parse_spec
from supplychain.errors import InputError, InvalidIdentityPatternError, InvalidManifestError


class Sample(Model):
    some_text: Text
    count: int = Field(0, ge=1, le=9)
    parts: list[ObjectName] = Field(default_factory=list)
    labels: dict[str, int] = Field(default_factory=dict)
    share: float = 1.0


def told(**spec):
    return [(one.path, one.what, one.expected, one.got) for one in problems_of({"spec": {"someText": "x"} | spec}, Sample)]


def test_a_document_without_a_problem_has_none():
    assert told() == []


def test_every_wrong_field_is_told_with_its_path():
    assert told(someText=" ", count=0, parts=[{"name": "a"}, {"nam": "b"}], misspelt=1) == [
        ("spec.someText", "the field is blank", None, None),
        ("spec.count", "the number is too small", "at least 1", "`0`"),
        ("spec.parts[1].name", "a required field is missing", None, None),
        ("spec.parts[1].nam", "unknown field", None, None),
        ("spec.misspelt", "unknown field", None, None),
    ]


def test_a_number_that_is_too_large_is_told_with_its_bound():
    assert told(count=10) == [("spec.count", "the number is too large", "at most 9", "`10`")]


@pytest.mark.parametrize("spec", [None, ...])
def test_a_document_without_a_spec_has_that_problem_alone(spec):
    document = {} if spec is ... else {"spec": spec}
    assert [(one.path, one.what) for one in problems_of(document, Sample)] == [("spec", "the document has no `spec`")]


@pytest.mark.parametrize("spec", [[], "text", 7, True])
def test_a_spec_of_another_type_is_told_at_the_spec_itself(spec):
    (only,) = problems_of({"spec": spec}, Sample)
    assert (only.path, only.what, only.expected) == ("spec", "the field has another type", "a mapping")


def test_the_key_of_a_map_is_part_of_the_path_and_cannot_break_the_line():
    assert [path for path, *_ in told(labels={"a.b/c": "x", "a\nb": "y", "k" * 300: "z"})] == [
        "spec.labels.a.b/c", "spec.labels.a\\nb", f"spec.labels.{'k' * 80}…",
    ]  # fmt: skip


def test_a_key_that_is_no_text_is_told_as_what_it_is():
    assert [(path, what) for path, what, *_ in told(labels={7: 1})] == [("spec.labels[7]", "the field has another type")]


def test_an_unknown_word_is_told_with_those_that_are_known():
    (only,) = problems_of({"spec": {"service": {"type": "ExternalName"}}}, GatewaySpec)
    assert (only.path, only.what, only.got) == ("spec.service.type", "unknown word", "`'ExternalName'`")
    assert only.expected == "`ClusterIP`, `LoadBalancer` or `NodePort`"


def test_what_pydantic_has_no_word_for_here_is_told_in_its_own():
    assert told(share="much") == [("spec.share", "Input should be a valid number", None, "`'much'`")]


def test_a_problem_keeps_reason_and_hint_of_what_refused_the_value():
    (only,) = problems_of({"spec": {"misspelt": 1, "namespaces": ["a"]}}, TenantSpec)
    assert (only.reason, only.hint) == ("InvalidManifest", "check its spelling; unknown fields are never ignored")
    trust = {
        "signingKeyRef": {"secretName": "a"},
        "cosignIdentity": {"certificateIdentityRegexp": "^a|b$", "oidcIssuer": "https://issuer.example"},
    }
    spec = {
        "pluginId": "dev.a",
        "version": "1.2.3",
        "pluginClass": "audit_sink",
        "oci": {"image": "ghcr.io/a:1.2.3"},
        "trust": trust,
    }
    (only,) = problems_of({"spec": spec}, PluginSpec)
    assert only.path == "spec.trust.cosignIdentity.certificateIdentityRegexp"
    assert (type(only.error), only.reason) == (InvalidIdentityPatternError, InvalidIdentityPatternError.reason)
    assert only.error.where is None


def test_reading_a_spec_raises_what_is_told_of_it():
    spec = {"someText": "x", "count": 0}
    (only,) = problems_of({"spec": spec}, Sample)
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(Sample, spec, where="here")
    assert isinstance(caught.value, InputError)
    assert (caught.value.where, caught.value.what) == (f"here, field `{only.path}`", only.what)


def test_a_text_in_place_of_a_section_is_not_shown():
    (only,) = problems_of({"spec": {"config": "password: hunter2"}}, GatewaySpec)
    assert (only.path, only.got) == ("spec.config", "a text")
