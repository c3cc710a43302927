"""`MCPGCluster`: rules of the document by itself."""

import pytest

from supplychain.api import ClusterSpec, problems_of
from supplychain.api.cluster import CredentialRef
from supplychain.api.common import parse_spec

BACKENDS = ["consul", "etcd", "nats", "redis"]


def told(**spec):
    return [(one.path, one.what) for one in problems_of({"spec": spec}, ClusterSpec)]


def test_a_coordinator_is_within_the_process_unless_it_is_named():
    spec = parse_spec(ClusterSpec, {}, where="here")
    assert (spec.backend, spec.config, spec.plugin_ref, spec.credential_refs) == ("single_node", {}, None, ())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_needs_a_configuration(backend):
    assert told(backend=backend) == told(backend=backend, config={}) == [("spec", "the backend needs a configuration")]
    assert told(backend=backend, config={"any": None}, pluginRef={"name": "a"}) == []


def test_a_coordinator_within_the_process_takes_nothing():
    assert told(backend="single_node", config={}) == []
    assert told(config={"a": 1}) == [("spec", "the backend `single_node` takes no configuration")]
    assert told(pluginRef={"name": "a"}) == [("spec", "`pluginRef` with a backend that is no plugin")]


@pytest.mark.parametrize("kind", ["redis", 1, None])
def test_the_configuration_does_not_name_the_backend(kind):
    assert told(backend="redis", config={"url": "x", "kind": kind}) == [
        ("spec.config", "`kind` is no key of the configuration: `backend` decides")
    ]


def test_no_address_is_shown_when_a_configuration_is_refused():
    (only,) = problems_of({"spec": {"config": {"url": "redis://:hunter2@x"}}}, ClusterSpec)
    assert "hunter2" not in f"{only.what}{only.expected}{only.got}{only.hint}"


@pytest.mark.parametrize("name", [".", ".."])
def test_a_credential_becomes_a_file(name):
    refs = [{"name": name, "secretName": "a"}]
    assert told(credentialRefs=refs) == [("spec.credentialRefs[0].name", "no name of a file")]
    assert told(credentialRefs=[{"name": f"{name}a", "secretName": "a"}]) == []


def test_two_credentials_have_different_names():
    ref = {"name": "a", "secretName": "a"}
    assert told(credentialRefs=[ref, ref | {"secretName": "b"}]) == [
        ("spec.credentialRefs", "two credentials have the same name")
    ]
    assert told(credentialRefs=[ref, ref | {"name": "A"}]) == []


def test_a_credential_is_under_its_own_name_unless_a_key_is_named():
    def key(**fields):
        return parse_spec(CredentialRef, {"name": "a", "secretName": "b"} | fields, where="here").data_key

    assert (key(), key(key="c")) == ("a", "c")
