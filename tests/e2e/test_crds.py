"""The shipped definitions before a real API server, which has nothing but them to judge by: no webhook, no operator."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import httpx
import pytest
import yaml

from mcpg_operator.crds import KINDS, definition
from mcpg_operator.resources import CRD, PLUGIN
from tests.operators.samples import STATUSES
from tests.support.cluster import ApiError

FOLDER = Path(__file__).resolve().parents[2] / "testdata/admission"
CASES = sorted(path.parent for path in FOLDER.glob("*/object.yaml"))
API = "/apis/mcpg.dev/v1alpha2"
PLURALS = {one.kind.name: one.kind.plural for one in KINDS}
NAMESPACED = {one.kind.name for one in KINDS if one.kind.namespaced}
PAIRS = list(zip(KINDS, STATUSES, strict=True))
SMALLEST = {
    kind.name: yaml.safe_load((FOLDER / f"{kind.name.removeprefix('MCPG').lower()}_smallest_accepted/object.yaml").read_text())
    for kind in (one.kind for one in KINDS)
}


def path(document, name=""):
    space = "/namespaces/default" if document["kind"] in NAMESPACED else ""
    return f"{API}{space}/{PLURALS[document['kind']]}" + (f"/{name}" if name else "")


def create(cluster, document, **params):
    """None where the object would be created, else the error; nothing is stored."""
    try:
        cluster.api.request("POST", path(document), body=document, dryRun="All", fieldValidation="Strict", **params)
    except ApiError as error:
        return error
    return None


def apply(cluster, document):
    """The same for server-side apply."""
    name = document["metadata"]["name"]
    try:
        cluster.api.request(
            "PATCH", path(document, name), body=document, kind="application/apply-patch+yaml", fieldManager="a-person", force="true",
            dryRun="All",
        )  # fmt: skip
    except ApiError as error:
        return error
    return None


@pytest.fixture
def stored(cluster):
    """Store objects under a name of the test's own, and take them away afterwards."""
    places = set()

    def store(document, name, **spec):
        document = copy.deepcopy(document) | ({"spec": spec} if spec else {})
        document["metadata"]["name"] = name
        places.add(path(document, name))
        return cluster.api.apply(document)[0]

    yield store
    for place in places:
        cluster.api.request("DELETE", place)


@pytest.mark.parametrize("one", KINDS, ids=lambda one: one.kind.name)
def test_the_definition_is_established_and_structural(cluster, one):
    document = cluster.api.get(CRD, f"{one.kind.plural}.{one.kind.group}")
    conditions = {condition["type"]: condition["status"] for condition in document["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert document["status"]["storedVersions"] == ["v1alpha2"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_api_server_judges_the_object_as_expected(cluster, case):
    document = yaml.safe_load((case / "object.yaml").read_text())
    expected = json.loads((case / "expected.json").read_text())["schema"]
    for ask, wanted in ((create, expected), (apply, expected.get("apply", expected))):
        error = ask(cluster, document)
        assert (error is None) == (wanted["verdict"] == "Accepted"), str(error)
        if error is not None and (ask is create or "apply" in expected):
            assert wanted["message"] in error.message


@pytest.mark.parametrize("kind", sorted(SMALLEST))
def test_kubectl_refuses_an_unknown_field(cluster, kind):
    document = copy.deepcopy(SMALLEST[kind])
    document["spec"]["misspelt"] = 1
    shown = cluster.kubectl("create", "--dry-run=server", "-f", "-", input=json.dumps(document), check=False)
    assert 'unknown field "spec.misspelt"' in shown


@pytest.mark.parametrize("one", KINDS, ids=lambda one: one.kind.name)
def test_kubectl_explains_the_kind_by_its_short_name(cluster, one):
    shown = cluster.kubectl("explain", f"{one.short_name}.spec")
    assert one.spec.__doc__ in shown
    every = cluster.kubectl("explain", "--recursive", one.short_name)
    assert all(f"  {field.alias}\t" in every for model in (one.spec, one.status) for field in model.model_fields.values())
    assert "<empty>" not in shown


def test_kubectl_explains_what_is_required_and_what_can_be_chosen(cluster):
    shown = cluster.kubectl("explain", "mcpgp.spec")
    assert "pluginId\t<string> -required-" in shown
    assert "audit_sink" in cluster.kubectl("explain", "mcpgp.spec.pluginClass")


@pytest.mark.parametrize(("one", "status"), PAIRS, ids=lambda it: getattr(it, "short_name", ""))
def test_a_status_is_stored_as_it_was_written_and_leaves_the_spec_alone(cluster, stored, one, status):
    name = f"status-{one.short_name}"
    before = stored(SMALLEST[one.kind.name], name)
    document = {"apiVersion": one.kind.api_version, "kind": one.kind.name, "metadata": {"name": name}, "status": status.render()}
    place = f"{path(document, name)}/status"
    after = cluster.api.request(
        "PATCH", place, body=document, kind="application/apply-patch+yaml", fieldManager="mcpg-operator/test", force="true"
    )
    assert after["status"] == status.render()
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert type(status).model_validate(after["status"]) == status


def test_a_status_that_says_more_than_the_schema_is_refused(cluster, stored):
    stored(SMALLEST["MCPGPlugin"], "wrong-status")
    body = {
        "apiVersion": PLUGIN.api_version,
        "kind": PLUGIN.name,
        "metadata": {"name": "wrong-status"},
        "status": {"trusted": True},
    }
    with pytest.raises(ApiError, match="field not declared in schema") as caught:
        cluster.api.request(
            "PATCH",
            f"{API}/mcpgplugins/wrong-status/status",
            body=body,
            kind="application/apply-patch+yaml",
            fieldManager="a",
            force="true",
        )
    assert caught.value.status == httpx.codes.INTERNAL_SERVER_ERROR


HEADS = {
    "mcpgp": ["NAME", "PLUGIN", "VERSION", "CLASS", "VERIFIED", "REVOKED", "READY", "FRESH", "REASON", "AGE"],
    "mcpgm": ["NAME", "UPSTREAM", "REACHABLE", "PROXIED", "READY", "REASON", "AGE"],
    "mcpgrl": ["NAME", "ENTRIES", "MATERIALISED", "READY", "FRESH", "REASON", "AGE"],
    "mcpgps": ["NAME", "PLUGINS", "TOTAL", "READY", "REASON", "AGE"],
    "mcpgw": ["NAME", "IMAGE", "REPLICAS", "PLUGINS", "READY", "AVAILABLE", "REASON", "AGE"],
    "mcpgr": ["NAME", "GATEWAY", "TOOLS", "BOUND", "READY", "REASON", "AGE"],
    "mcpgc": ["NAME", "BACKEND", "GATEWAYS", "READY", "REASON", "AGE"],
    "mcpgt": ["NAME", "NAMESPACES", "GATEWAYS", "READY", "REASON", "AGE"],
}
ROWS = {
    "mcpgp": ["dev.acme.audit", "1.2.3", "audit_sink", "<none>", "false", "True", "Unknown", "Reconciled"],
    "mcpgm": ["ghcr.io", "true", "3", "True", "Reconciled"],
    "mcpgrl": ["2", "1", "True", "Unknown", "Reconciled"],
    "mcpgps": ["1", "2", "True", "Reconciled"],
    "mcpgw": ["1", "True", "True", "Reconciled"],
    "mcpgr": ["shop", "2", "True", "True", "Reconciled"],
    "mcpgc": ["single_node", "4", "True", "Reconciled"],
    "mcpgt": ['["north","south"]', "5", "True", "Reconciled"],
}


@pytest.mark.parametrize(("one", "status"), PAIRS, ids=lambda it: getattr(it, "short_name", ""))
def test_kubectl_prints_the_columns_filled_from_spec_and_status(cluster, stored, one, status):
    name = f"columns-{one.short_name}"
    stored(SMALLEST[one.kind.name], name)
    cluster.kubectl(
        "patch", one.short_name, name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status.render()})
    )
    head, row = (line.split() for line in cluster.kubectl("get", one.short_name, name, "-o", "wide").splitlines())
    assert head == HEADS[one.short_name]
    assert row[1:-1] == [cell for cell in ROWS[one.short_name] if cell != "<none>"]
    narrow = cluster.kubectl("get", one.short_name, name).splitlines()[0].split()
    assert narrow == [cell for cell in HEADS[one.short_name] if cell not in {"FRESH", "REASON", "TOTAL"}]


def test_kubectl_lists_all_kinds_by_their_category(cluster, stored):
    for one in KINDS:
        stored(SMALLEST[one.kind.name], "in-category")
    shown = cluster.kubectl("get", "mcpg", "-o", "name")
    assert {f"{one.kind.name.lower()}.mcpg.dev/in-category" for one in KINDS} <= set(shown.split())


def revocations(count):
    return [
        {"artifactSha256": f"{number:064x}", "reason": "the signing key leaked on a runner", "revokedAt": "2026-01-31T08:00:00Z"}
        for number in range(count)
    ]


def test_a_list_of_5000_entries_is_applied_on_the_server_side_and_one_more_is_refused(cluster, stored):
    found = stored(SMALLEST["MCPGRevocationList"], "large", version=1, revocations=revocations(5000))
    assert len(found["spec"]["revocations"]) == 5000
    assert len(json.dumps(found["metadata"])) < 2048, "the list is atomic, so nobody keeps books on its items"
    with pytest.raises(ApiError, match="must have at most 5000 items") as caught:
        stored(SMALLEST["MCPGRevocationList"], "large", version=1, revocations=revocations(5001))
    assert caught.value.status == httpx.codes.UNPROCESSABLE_ENTITY


def test_a_large_list_needs_an_apply_on_the_server_side(cluster, tmp_path):
    document = copy.deepcopy(SMALLEST["MCPGRevocationList"]) | {"spec": {"revocations": revocations(1600)}}
    document["metadata"]["name"] = "applied"
    file = tmp_path / "list.json"
    file.write_text(json.dumps(document))
    assert "may not be more than 262144 bytes" in cluster.kubectl("apply", "-f", file, check=False)
    assert "serverside-applied" in cluster.kubectl("apply", "--server-side", "-f", file)
    cluster.kubectl("delete", "-f", file)


def test_a_configuration_of_a_megabyte_is_stored_as_it_was_written(cluster, stored):
    config = {
        "metadata": {"name": "x"},
        "mcpg.dev/config-hash": "0" * 64,
        "plugins": [None, {"id": "dev.acme.a"}],
        "cluster": {"kind": 1},
        "": {"deep": [[[[[[{"a": 1e3}]]]]]]},
        "big": ["é" * 1000] * 500,
    }
    found = stored(SMALLEST["MCPGGateway"], "large", config=config)
    assert found["spec"]["config"] == config
    assert 1_000_000 < len(json.dumps(config, ensure_ascii=False).encode()) < 1_200_000


def test_an_object_from_before_a_rule_can_still_be_changed_elsewhere(cluster, stored):
    """What an older definition let in must not be stuck: a rule looks at what changes."""
    (only,) = [one for one in KINDS if one.kind == PLUGIN]
    older = cluster.api.get(CRD, f"{PLUGIN.plural}.{PLUGIN.group}")
    schema = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["version"]["x-kubernetes-validations"]
    spec = SMALLEST[PLUGIN.name]["spec"] | {"version": "latest"}
    document = SMALLEST[PLUGIN.name] | {"spec": spec}
    try:
        cluster.api.replace(older)
        cluster.wait_until(lambda: create(cluster, document) is None, what="the older rules")
        stored(document, "older", **spec)
    finally:
        cluster.api.apply(definition(only))
    cluster.wait_until(lambda: create(cluster, document) is not None, what="the rules as shipped")
    cluster.api.merge(PLUGIN, "older", {"metadata": {"labels": {"touched": "yes"}}, "spec": {"pluginId": "dev.acme.renamed"}})
    with pytest.raises(ApiError, match="no semantic version"):
        cluster.api.merge(PLUGIN, "older", {"spec": {"version": "newest"}})
