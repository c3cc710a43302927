"""Specs, names and objects of every shape: a condition with a stable reason, nothing stored, nothing raised."""

import pytest

from mcpg_operator.ledger import Standing
from mcpg_operator.resources import CONFIG_MAP, EVENT, PLUGIN, PLUGIN_MIRROR, SECRET, Key
from supplychain.errors import ApplyRejectedError
from tests.operators.plugin.world import HOST, KEYLESS, PACKAGE, REPOSITORY, operator, secret, spec
from tests.operators.world import NAMESPACE, body


def put(op, whole, name="echo"):
    op.world.cluster.put(PLUGIN, {"metadata": {"name": name}, **({} if whole is ... else {"spec": whole})})
    return op.settle()


@pytest.mark.parametrize(
    "whole",
    [
        ...,
        [],
        "text",
        7,
        {},
        {"oci": []},
        {"oci": {"image": 7}},
        {"oci": {"mirrorRef": "text"}},
        {"oci": {"mirrorRef": {"name": ["x"]}}},
        {"trust": []},
        {"trust": {"signingKeyRef": "x"}},
        {"trust": {"signingKeyRef": {"secretName": {"a": "b"}}}},
        spec(version=123),
        spec(version="one"),
        spec(pluginId=""),
        spec(pluginId=["a"]),
        spec(pluginClass="nonsense"),
        spec(oci={"image": "no-slash"}),
        spec(oci={"image": f"{HOST}/{REPOSITORY}"}),
        spec(oci={"image": f"{HOST}/{REPOSITORY}:1.2.3", "pullSecretRef": {"name": "../../etc"}}),
        spec(oci={"image": "x" * 5000}),
        spec(unknown={"a": 1}),
        spec(trust={"cosignIdentity": {"certificateIdentityRegexp": ".*", "oidcIssuer": "x"}}),
        spec(trust={"slsaProvenance": {"configMapName": "x", "sourceUri": "", "sourceTag": ""}}),
    ],
)
def test_a_spec_of_any_shape_is_refused_with_a_reason(whole):
    op = operator()
    op.publish()
    put(op, whole)
    assert op.errors == []
    assert op.ready() == ("False", "VerificationFailed")
    assert op.conditions()["Verified"][0] == "False"
    assert op.conditions()["Verified"][1][0].isupper()
    assert op.secrets() == []
    assert op.registry.requests == []
    assert len(op.message("Ready")) <= 1024


@pytest.mark.parametrize("whole", [None, spec(version=7), spec(oci=None)])
def test_where_no_status_can_be_written_nothing_is_stored_and_an_event_tells_why(whole):
    """A server with our schema takes no status for a spec that an older schema let in with wrong types."""
    op = operator()
    op.publish()
    op.world.cluster.fail_with(ApplyRejectedError("the API server refused an object", got="spec.version"), on="apply_status")
    put(op, whole)
    put(op, whole)
    assert {type(one) for one in op.errors} == {ApplyRejectedError}
    assert op.secrets() == []
    assert op.entry().standing is Standing.REFUSED
    assert op.world.events() == [("Warning", "StatusRejected")]
    (event,) = op.world.cluster.objects(EVENT)
    assert event.body["note"].startswith("VerificationFailed: ")


def test_a_name_that_no_object_can_have_never_gets_into_a_request():
    op = operator()
    put(op, spec(trust={"signingKeyRef": {"secretName": "../../../api/v1/nodes"}}))
    assert [one for one in op.world.cluster.reads if ".." in one[2]] == []
    assert op.ready() == ("False", "VerificationFailed")


@pytest.mark.parametrize("name", ["a" * 253, "x" * 100 + ".y", "echo.v1"])
def test_the_longest_and_strangest_names_get_valid_secrets(name):
    op = operator()
    op.publish()
    op.apply(name).settle()
    assert op.ready(name) == ("True", "Reconciled")
    assert all(len(one.name) <= 253 for one in op.secrets())
    again = op.restart()
    assert again.ready(name) == ("True", "Reconciled")
    again.delete(name).settle()
    assert again.secrets() == []


def test_two_long_names_that_differ_at_the_end_do_not_share_secrets():
    op = operator()
    op.publish()
    op.apply("a" * 252 + "b").apply("a" * 252 + "c").settle()
    assert (len(op.secrets("plugin")), len(op.secrets("plugin-evidence"))) == (2, 2)


def test_a_version_with_build_metadata_is_stored_with_valid_labels():
    op = operator()
    op.publish(PACKAGE, "any")
    op.apply(version="1.2.3+build.5", oci={"image": f"{HOST}/{REPOSITORY}:any"}).settle()
    assert op.ready() == ("True", "Reconciled")
    (stored,) = op.secrets("plugin")
    assert stored.annotations["mcpg.dev/version"] == "1.2.3+build.5"


def test_two_objects_for_one_plugin_id_stand_beside_each_other():
    op = operator()
    op.publish()
    op.apply("one").apply("two").settle()
    assert {op.ready("one"), op.ready("two")} == {("True", "Reconciled")}


@pytest.mark.parametrize("data", [{"release.pub": 7}, {"release.pub": "%%%"}, [], "x", None])
def test_a_key_secret_of_any_shape_is_refused(data):
    op = operator()
    op.publish()
    op.world.cluster.put(SECRET, {"metadata": {"name": "release-key", "namespace": NAMESPACE}, "data": data})
    op.apply().settle()
    assert op.ready() == ("False", "VerificationFailed")
    assert op.errors == []


@pytest.mark.parametrize("data", [{}, {"provenance.intoto.jsonl": 7}, [], {"provenance.intoto.jsonl": ""}])
def test_a_provenance_configmap_of_any_shape_is_refused(data):
    op = operator()
    op.publish()
    op.world.cluster.put(CONFIG_MAP, {"metadata": {"name": "echo-provenance", "namespace": NAMESPACE}, "data": data})
    op.apply(trust=KEYLESS).settle()
    assert op.ready() == ("False", "VerificationFailed")
    assert op.secrets() == []


@pytest.mark.parametrize("whole", [None, [], {}, {"endpoint": {"service": {"port": "x"}}}, {"upstream": 7}])
def test_a_mirror_of_any_shape_is_never_a_reason_to_go_upstream(whole):
    op = operator()
    op.publish()
    op.world.cluster.put(PLUGIN_MIRROR, body("inner", whole))
    op.apply(oci={"mirrorRef": {"name": "inner"}}).settle()
    assert op.ready()[0] == "False"
    assert op.registry.requests == []
    assert op.errors == []


def test_a_secret_elsewhere_is_not_ours_to_read():
    op = operator()
    op.publish()
    op.world.cluster.remove(Key(SECRET, "release-key", NAMESPACE))
    elsewhere = secret("release-key", {"release.pub": b"x"})
    elsewhere["metadata"]["namespace"] = "tenant"
    op.world.cluster.put(SECRET, elsewhere)
    op.apply().settle()
    assert op.conditions()["Verified"] == ("False", "SigningKeyMissing")


def test_text_of_strangers_is_escaped_in_messages():
    op = operator()
    op.publish()
    put(op, spec(pluginId="dev.example.\u001b[31mred\u202e\ud800"))
    message = op.message("Ready")
    assert message.isprintable()
    assert message.isascii() or "\u202e" not in message
