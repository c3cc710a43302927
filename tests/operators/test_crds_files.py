"""The shipped definitions: fresh, structural by the rules of the API conventions, bounded, documented."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import re2
import yaml

from mcpg_operator.crds import KINDS, definition, render
from mcpg_operator.crds.reference import render_reference
from supplychain.api import API_VERSION

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "charts/mcpg-operator/crds"
DEFINITIONS = {one.kind.name: definition(one) for one in KINDS}
RULES = "x-kubernetes-validations"
OPEN = "x-kubernetes-preserve-unknown-fields"
KEYWORDS = {
    "additionalProperties", "default", "description", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems",
    "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "pattern",
    "properties", "required", "type", OPEN, RULES, "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type", "x-kubernetes-map-type",
}  # fmt: skip
"""Of `JSONSchemaProps`, those that a structural schema may have at every place."""


def version(document):
    (only,) = document["spec"]["versions"]
    return only


def root(document):
    return version(document)["schema"]["openAPIV3Schema"]


def nodes(node, path):
    """Every node with its path, from the top down."""
    yield path, node
    for name, below in node.get("properties", {}).items():
        yield from nodes(below, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from nodes(node["additionalProperties"], f"{path}.*")


ALL: list[tuple[str, dict[str, Any]]] = [
    (f"{kind}{path}", node)
    for kind, document in DEFINITIONS.items()
    for path, node in nodes(root(document), "")
    if path not in {"", ".metadata"}
]
NAMES = [(kind, rule) for kind, document in DEFINITIONS.items() for rule in root(document).get(RULES, ())]
SPECS = [(path, node) for path, node in ALL if re.match(r"\w+\.spec\b", path)]


def test_the_files_are_what_the_models_say():
    assert {path.name: path.read_bytes() for path in SHIPPED.iterdir()} == {
        f"{name}.yaml": text for name, text in render().items()
    }, "run `make crds`"


def test_the_reference_is_what_the_models_say():
    assert (ROOT / "docs/resources.md").read_text() == render_reference(), "run `make crds`"


def test_the_reference_names_every_field_of_every_kind():
    text = render_reference()
    for kind, document in DEFINITIONS.items():
        page = text[text.index(f"## {kind}\n") :]
        for name in ("spec", "status"):
            for path, _ in nodes(root(document)["properties"][name], ""):
                field = path.removeprefix(".")
                if field and not field.startswith("conditions[]") and not field.endswith(("[]", ".*")):
                    assert f"| `{field}` |" in page, (kind, name, field)


def test_the_reference_says_when_an_apply_must_be_on_the_server_side():
    assert re.search(r"1,500 it needs `kubectl apply --server-side`", render_reference())


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_the_yaml_is_the_definition(name):
    assert yaml.safe_load(render()[name.lower()]) == DEFINITIONS[name]
    assert b"&id" not in render()[name.lower()]


@pytest.mark.parametrize("one", KINDS, ids=str)
def test_names_scope_and_version(one):
    spec = DEFINITIONS[one.kind.name]["spec"]
    assert f"{spec['group']}/{version(DEFINITIONS[one.kind.name])['name']}" == API_VERSION == one.kind.api_version
    assert DEFINITIONS[one.kind.name]["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
    assert spec["scope"] == ("Namespaced" if one.kind.name in {"MCPGGateway", "MCPGPluginSet", "MCPGRoute"} else "Cluster")
    assert spec["names"]["categories"] == ["mcpg"]
    assert version(DEFINITIONS[one.kind.name])["subresources"] == {"status": {}}


def test_short_names_are_those_of_the_reference():
    found = {kind: document["spec"]["names"]["shortNames"] for kind, document in DEFINITIONS.items()}
    assert found == {
        "MCPGPlugin": ["mcpgp"], "MCPGPluginMirror": ["mcpgm"], "MCPGRevocationList": ["mcpgrl"], "MCPGPluginSet": ["mcpgps"],
        "MCPGGateway": ["mcpgw"], "MCPGRoute": ["mcpgr"], "MCPGCluster": ["mcpgc"], "MCPGTenant": ["mcpgt"],
    }  # fmt: skip


def test_columns_show_what_exists():
    for document in DEFINITIONS.values():
        paths = {path for path, _ in nodes(root(document), "")} | {".metadata.creationTimestamp"}
        for column in version(document)["additionalPrinterColumns"]:
            assert re.sub(r"\[\?.*?\]", "[]", column["jsonPath"]) in paths, column


def test_every_node_is_structural():
    for path, node in ALL:
        assert node.keys() <= KEYWORDS, path
        if "type" not in node:
            assert node.get(OPEN) is not node.get("x-kubernetes-int-or-string"), path
            continue
        assert node["type"] in {"array", "boolean", "integer", "number", "object", "string"}, path
        assert not ("properties" in node and "additionalProperties" in node), path
        assert node.get("additionalProperties") is not False, path
        assert set(node.get("required", ())) <= set(node.get("properties", ())), path
        assert ("items" in node) == (node["type"] == "array"), path
        if node["type"] == "object":
            # What is free by and large may still say what some of its members are.
            assert ("properties" in node or OPEN in node) + ("additionalProperties" in node) == 1, path


def test_every_list_says_how_it_is_merged():
    for path, node in ALL:
        if node.get("type") != "array":
            continue
        assert node["x-kubernetes-list-type"] in {"atomic", "map"}, path
        keys = node.get("x-kubernetes-list-map-keys", [])
        assert bool(keys) == (node["x-kubernetes-list-type"] == "map"), path
        assert set(keys) <= set(node["items"].get("required", ())), path


def test_defaults_fit_their_own_schema_and_stand_in_specs_only():
    defaults = [(path, node) for path, node in ALL if "default" in node]
    assert len(defaults) >= 5
    for path, node in defaults:
        assert ".spec." in path
        jsonschema.validate(node["default"], {key: value for key, value in node.items() if key != "default"})


def test_every_part_of_a_spec_is_bounded():
    """Or the API server could not tell what a rule may cost, and would refuse the definition; no rule looks into a free-form part."""
    free = {path for path, node in SPECS if OPEN in node}
    for path, node in SPECS:
        if any(path.startswith(f"{one}.") for one in free):
            continue
        match node.get("type"):
            case "string":
                assert "maxLength" in node or "enum" in node, path
            case "array":
                assert "maxItems" in node, path
            case "object" if "additionalProperties" in node:
                assert "maxProperties" in node, path


def test_every_node_is_described_for_kubectl_explain():
    assert [path for path, node in ALL if not node.get("description") and not path.endswith(("[]", ".*"))] == []


def test_every_regular_expression_compiles_as_re2():
    found = 0
    for path, node in [*ALL, *((kind, {RULES: [rule]}) for kind, rule in NAMES)]:
        patterns = [node["pattern"]] if "pattern" in node else []
        for rule in node.get(RULES, ()):
            patterns += re.findall(r"\.matches\(r'([^']*)'\)", rule["rule"])
            assert rule["rule"].count(".matches(") == len(re.findall(r"\.matches\(r'[^']*'\)", rule["rule"])), path
        for pattern in patterns:
            re2.compile(pattern)
        found += len(patterns)
    assert found > 20


def test_every_rule_says_what_is_wrong():
    rules = [*((path, rule) for path, node in ALL for rule in node.get(RULES, ())), *NAMES]
    assert len(rules) > 20
    for path, rule in rules:
        assert rule.keys() == {"rule", "message"}, path
        assert rule["message"].strip(), path
        assert "\n" not in rule["message"], path
        assert not rule["message"].endswith("."), path


def test_no_definition_is_so_large_that_it_cannot_be_applied_by_clients():
    assert max(len(json.dumps(document)) for document in DEFINITIONS.values()) < 64 * 1024
