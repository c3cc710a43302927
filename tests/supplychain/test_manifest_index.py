import json

import pytest

from supplychain import manifest_index
from supplychain.errors import InvalidManifestError
from supplychain.manifest_index import read_index

PLUGIN = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGPlugin", "metadata": {"name": "audit"}, "spec": {}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "mcpg"}}
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map"}}


def index(*documents, file="f.yaml"):
    return read_index([(file, "\n---\n".join(json.dumps(one) for one in documents).encode())])


def refusal(*documents):
    with pytest.raises(InvalidManifestError) as caught:
        index(*documents)
    return caught.value


def test_documents_are_found_by_kind_and_name_with_their_place():
    found = index(SECRET, PLUGIN)
    assert [one.name for one in found.of_kind("MCPGPlugin")] == ["audit"]
    assert found.find("Secret", "keys").place == "`f.yaml`, document 1 (Secret `keys`)"
    assert found.find("Secret", "other") is None
    assert found.find("ConfigMap", "keys") is None


def test_one_json_document_is_read():
    assert index(PLUGIN).of_kind("MCPGPlugin")[0].number == 1


def test_json_with_a_duplicate_key_is_refused():
    text = json.dumps(PLUGIN)[:-1] + ', "kind": "Secret"}'
    with pytest.raises(InvalidManifestError) as caught:
        read_index([("f.json", text.encode())])
    assert "twice" in str(caught.value.got)


def test_yaml_in_flow_style_is_read():
    text = b"{apiVersion: v1, kind: Secret, metadata: {name: a}}"
    assert read_index([("f", text)]).find("Secret", "a") is not None


def test_lists_are_expanded():
    items = {"apiVersion": "v1", "kind": "List", "items": [PLUGIN, SECRET]}
    assert len(index(items).documents) == 2


def test_items_of_a_typed_list_may_leave_out_what_the_list_says():
    items = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGPluginList", "items": [{"metadata": {"name": "a"}, "spec": {}}]}
    assert index(items).of_kind("MCPGPlugin")[0].name == "a"


def test_a_revocation_list_is_no_list_of_documents():
    document = {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGRevocationList", "metadata": {"name": "x"}, "spec": {}}
    assert len(index(document).of_kind("MCPGRevocationList")) == 1


def test_kinds_that_are_not_used_are_noted():
    found = index({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}, {"apiVersion": "v1", "kind": "Odd"})
    assert found.documents == ()
    assert found.notes == (
        "`f.yaml`, document 1: Deployment is not used here (`x`)",
        "`f.yaml`, document 2: Odd is not used here",
    )


def test_lists_within_lists_are_expanded():
    inner = {"apiVersion": "v1", "kind": "List", "items": [PLUGIN]}
    assert len(index({"apiVersion": "v1", "kind": "List", "items": [inner]}).of_kind("MCPGPlugin")) == 1


@pytest.mark.parametrize("kind", ["List", "SecretList", "MCPGRevocationListList", "MCPGGatewayList"])
def test_a_list_without_items_is_refused_and_not_left_aside(kind):
    error = refusal({"apiVersion": "v1", "kind": kind, "Items": []})
    assert error.where.endswith("field `items`")


@pytest.mark.parametrize("kind", ["MCPGCluster", "MCPGGateway", "MCPGPluginSet", "MCPGRoute", "MCPGTenant"])
def test_the_other_kinds_of_the_same_version_are_noted(kind):
    found = index({"apiVersion": "mcpg.dev/v1alpha2", "kind": kind, "metadata": {"name": "a"}, "spec": {}})
    assert found.documents == ()
    assert len(found.notes) == 1
    assert refusal({"apiVersion": "mcpg.dev/v1alpha1", "kind": kind}).what == "unknown version of the kind"


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("MCPGRevocationlist", "mcpg.dev/v1alpha2"),
        ("mcpgrevocationlists", "apps/v1"),
        ("MC\u0420GRevocationList", "mcpg.dev/v1alpha2"),
        ("MC\u0420GRevocationList", "mcpg-dev/v1alpha2"),
        ("Secret", "mcpg.dev/v1alpha2"),
        ("RevocationList", " MCPG.dev/v1alpha2"),
    ],
)
def test_a_misspelt_kind_is_refused_because_a_lost_revocation_list_would_fail_open(kind, version):
    assert refusal({"apiVersion": version, "kind": kind, "metadata": {"name": "cluster-default"}}).what == "unknown kind"


@pytest.mark.parametrize("version", ["v1", "mcpgdev/v1alpha2", "mcpg.dev/v1alpha1", "mcpg.dev/v1alpha2 "])
def test_a_misspelt_version_is_refused_because_a_lost_revocation_list_would_fail_open(version):
    error = refusal({"apiVersion": version, "kind": "MCPGRevocationList", "metadata": {"name": "cluster-default"}})
    assert error.what == "unknown version of the kind"


@pytest.mark.parametrize("name", ["cluster\u2011default", "cluster-default ", "Cluster-Default", "-a", "a-", "a" * 254])
def test_a_name_that_no_cluster_takes_is_refused(name):
    error = refusal({"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGRevocationList", "metadata": {"name": name}})
    assert error.where.endswith("field `metadata.name`")


def test_a_secret_of_another_api_is_not_a_secret():
    assert index({**SECRET, "apiVersion": "vault.example/v1"}).documents == ()


@pytest.mark.parametrize(
    ("document", "where"),
    [
        pytest.param([1], "document 1", id="a list"),
        pytest.param({"apiVersion": "v1"}, "document 1", id="no kind"),
        pytest.param({"kind": "Secret"}, "document 1", id="no version"),
        pytest.param({"kind": 5, "apiVersion": "v1"}, "document 1", id="a number as kind"),
        pytest.param({**PLUGIN, "apiVersion": "mcpg.dev/v1alpha1"}, "document 1", id="another version of the kind"),
        pytest.param({**PLUGIN, "metadata": {}}, "field `metadata.name`", id="no name"),
        pytest.param({**PLUGIN, "metadata": None}, "field `metadata.name`", id="no metadata"),
        pytest.param({**PLUGIN, "metadata": {"name": " "}}, "field `metadata.name`", id="blank name"),
        pytest.param({**SECRET, "metadata": {"name": "a", "namespace": 5}}, "field `metadata.namespace`", id="numeric namespace"),
        pytest.param({**PLUGIN, "trust": {}}, "field `trust`", id="a field of the spec beside the spec"),
        pytest.param({"apiVersion": "v1", "kind": "List", "items": {}}, "field `items`", id="items that are no list"),
        pytest.param({"apiVersion": "v1", "kind": "List", "items": [1]}, "field `items[0]`", id="an item that is no object"),
    ],
)
def test_a_document_that_is_no_object_is_refused_by_its_place(document, where):
    assert where in refusal(document).where


def test_the_same_object_twice_is_refused():
    assert refusal(PLUGIN, PLUGIN).what == "the same object twice"


def test_cluster_scoped_kinds_ignore_a_namespace():
    moved = {**PLUGIN, "metadata": {"name": "audit", "namespace": "x"}}
    assert refusal(PLUGIN, moved).what == "the same object twice"


def test_two_secrets_of_one_name_need_a_namespace():
    other = {**SECRET, "metadata": {"name": "keys", "namespace": "other"}}
    found = index(SECRET, other)
    with pytest.raises(InvalidManifestError, match="several documents"):
        found.find("Secret", "keys")
    assert found.find("Secret", "keys", namespace="other").number == 2
    assert found.find("Secret", "keys", namespace="third") is None


def test_too_many_documents_are_refused(monkeypatch):
    monkeypatch.setattr(manifest_index, "_MAX_DOCUMENTS", 1)
    assert "more than 1" in refusal(SECRET, MAP).what


def payload(document, key="k"):
    return index(document).documents[0].payload(key)


def test_a_secret_is_read_from_base64_and_from_text():
    assert payload({**SECRET, "data": {"k": "YWJj"}}) == b"abc"
    assert payload({**SECRET, "data": {"k": "YW\nJj\n"}}) == b"abc"
    assert payload({**SECRET, "stringData": {"k": "abc"}}) == b"abc"
    assert payload({**SECRET, "stringData": {"k": "new"}, "data": {"k": "YWJj"}}) == b"new"
    assert payload({**SECRET, "stringData": {"x": "new"}, "data": {"k": "YWJj"}}) == b"abc"


def test_a_config_map_is_read_from_text_and_from_base64():
    assert payload({**MAP, "data": {"k": "YWJj"}}) == b"YWJj"
    assert payload({**MAP, "binaryData": {"k": "YWJj"}}) == b"abc"


def test_a_missing_key_is_none():
    assert payload(SECRET) is None
    assert payload({**SECRET, "data": None}) is None


@pytest.mark.parametrize("data", ["text", {"k": 5}, {"k": "no base64!"}, {"k": "YWJ"}, {"k": "ä"}])
def test_an_unusable_value_is_refused_without_showing_it(data):
    with pytest.raises(InvalidManifestError) as caught:
        payload({**SECRET, "data": data})
    assert "field `data" in str(caught.value.where)
    assert "base64!" not in str(caught.value)
