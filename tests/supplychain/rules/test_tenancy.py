"""Who owns a namespace, and what an allowlist lets in."""

from __future__ import annotations

import pytest

from supplychain.rules.tenancy import Identity, admits, admits_image, allows, identity_of, owner_of, owners, quota_of, replica_cap
from tests.support.testdata.admission.rules.case import plugin, tenant


def test_of_several_tenants_the_oldest_owns_a_namespace_and_then_the_smaller_name():
    young = tenant("a", created="2026-02-01T00:00:00Z")
    old = tenant("b", created="2026-01-01T00:00:00Z")
    twin = tenant("c", created="2026-01-01T00:00:00Z")
    fresh = tenant("0")
    assert owner_of("team-a", [young, twin, old, fresh]) is old
    assert owner_of("team-a", [fresh, young]) is young
    assert owner_of("team-b", [young]) is None
    assert owner_of("team-a", []) is None


def test_all_owners_at_once_are_the_same():
    tenants = [
        tenant("a", namespaces=["x", "y"], created="2026-02-01T00:00:00Z"),
        tenant("b", namespaces=["y", "z"], created="2026-01-01T00:00:00Z"),
    ]
    assert owners(tenants) == {name: owner_of(name, tenants) for name in "xyz"}


@pytest.mark.parametrize("spec", [None, "x", {"namespaces": "team-a"}, {"namespaces": [7, None]}])
def test_a_tenant_of_any_shape_owns_nothing_by_mistake(spec):
    assert owner_of("team-a", [{"metadata": {"creationTimestamp": 7}, "spec": spec}]) is None


PREFIXES = [
    ("ghcr.io/acme/", "ghcr.io/acme/x:1", True),
    ("ghcr.io/acme", "ghcr.io/acme/x:1", True),
    ("ghcr.io/acme", "ghcr.io/acme:1", True),
    ("ghcr.io/acme", f"ghcr.io/acme@sha256:{'a' * 64}", True),
    ("ghcr.io/acme/x:1", "ghcr.io/acme/x:1", True),
    ("ghcr.io/acme", "ghcr.io/acme-evil/x:1", False),
    ("ghcr.io/acme/", "ghcr.io/acme:1", False),
    ("ghcr.io/acme/x:1", "ghcr.io/acme/x:10", False),
    ("ghcr.io", "ghcr.io/acme/x:1", True),
    ("ghcr.io", "ghcr.io:5000/acme/x:1", False),
    ("ghcr.io", "ghcr.io.evil.example/acme/x:1", False),
    ("GHCR.IO/acme/", "ghcr.io/acme/x:1", True),
    ("ghcr.io/acme/", "GHCR.io/acme/x:1", True),
    ("ghcr.io/Acme/", "ghcr.io/acme/x:1", False),
    ("ghcr.io/acme/", "ghcr.io/acme/../evil/x:1", False),
    ("ghcr.io/acme/", "ghcr.io/acme/x", False),
    ("ghcr.io/acme/", "", False),
]


@pytest.mark.parametrize(("prefix", "image", "verdict"), PREFIXES)
def test_a_prefix_ends_at_a_boundary(prefix, image, verdict):
    assert admits_image(prefix, image) is verdict


def test_blank_entries_and_blank_names_match_nothing():
    blank = tenant(allowedPlugins=[{"name": " "}, {"registryPrefix": " "}, {}, "x", {"name": ""}])
    assert not admits(blank, names=(" ", ""), image="ghcr.io/acme/x:1")
    assert not allows(blank, {"metadata": {"name": " "}, "spec": {"pluginId": "", "oci": {"image": " "}}})


def test_a_plugin_is_allowed_by_what_it_is():
    assert allows(tenant(allowedPlugins=[{"name": "dev.acme.audit"}]), plugin("x"))
    assert allows(tenant(allowedPlugins=[{"name": "x"}]), plugin("x"))
    assert allows(tenant(allowedPlugins=[{"name": "*"}]), {})
    assert not allows(tenant(allowedPlugins=[{"name": "dev.acme"}]), plugin("x"))
    assert not allows(tenant(allowedPlugins=None), plugin("x"))


def test_an_identity_has_a_key():
    asks = tenant(identityAttribute={"key": "tenant", "value": "north"})
    assert identity_of(asks) == Identity(key="tenant", value="north")
    assert identity_of(tenant(identityAttribute={"key": " ", "value": "x"})) is None
    assert identity_of(tenant()) is None
    assert identity_of(None) is None


def test_quotas_are_whole_numbers_or_absent():
    assert replica_cap(tenant(quotas={"maxReplicasPerGateway": 0})) == 0
    assert quota_of(tenant(quotas={"maxRoutes": True}), "maxRoutes") is None
    assert quota_of(None, "maxRoutes") is None
