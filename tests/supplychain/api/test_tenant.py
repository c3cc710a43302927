"""`MCPGTenant`: rules of the document by itself."""

import pytest

from supplychain.api import TenantSpec, problems_of
from supplychain.api.common import parse_spec


def told(*namespaces, **spec):
    return [(one.path, one.what) for one in problems_of({"spec": {"namespaces": list(namespaces or ("a",))} | spec}, TenantSpec)]


def test_a_tenant_may_use_nothing_unless_it_is_allowed():
    spec = parse_spec(TenantSpec, {"namespaces": ["a"]}, where="here")
    assert (spec.namespaces, spec.allowed_plugins, spec.quotas, spec.identity_attribute) == (("a",), (), None, None)


def test_a_tenant_has_namespaces_and_none_twice():
    assert told(namespaces=[]) == [("spec.namespaces", "the list is empty")]
    assert told("a", "b", "a") == [("spec.namespaces", "a namespace is named twice")]


@pytest.mark.parametrize(
    ("name", "fits"), [("kube-system", False), ("kube-", False), ("kube-x", False), ("kube", True), ("a-kube-b", True)]
)
def test_a_namespace_of_the_cluster_belongs_to_nobody(name, fits):
    assert (told(name) == []) is fits


def test_an_entry_allows_something():
    assert told(allowedPlugins=[{"name": "*"}, {"registryPrefix": "ghcr.io/a"}]) == []
    assert told(allowedPlugins=[{}]) == [("spec.allowedPlugins[0]", "an entry that allows nothing")]


@pytest.mark.parametrize("field", ["name", "registryPrefix"])
def test_a_blank_entry_is_refused_even_beside_another_one(field):
    assert told(allowedPlugins=[{"name": "a", "registryPrefix": "b"} | {field: " "}]) == [
        (f"spec.allowedPlugins[0].{field}", "the field is blank")
    ]


def test_a_quota_that_is_left_out_limits_nothing_and_zero_does():
    quotas = parse_spec(TenantSpec, {"namespaces": ["a"], "quotas": {"maxRoutes": 0}}, where="here").quotas
    assert quotas is not None
    assert (quotas.max_gateways, quotas.max_plugin_sets, quotas.max_routes, quotas.max_replicas_per_gateway) == (
        None,
        None,
        0,
        None,
    )


@pytest.mark.parametrize("field", ["key", "value"])
@pytest.mark.parametrize(
    ("text", "what"), [(" ", "the field is blank"), ("a\nb", "a control character"), ("a" * 257, "the text is too long")]
)
def test_an_attribute_becomes_part_of_a_policy(field, text, what):
    assert told(identityAttribute={"key": "k", "value": "v"} | {field: text}) == [(f"spec.identityAttribute.{field}", what)]
