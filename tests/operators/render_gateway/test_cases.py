"""Every gateway in `testdata/render`: what it is rendered to, that a gateway starts with it, and that a cluster could take it."""

from __future__ import annotations

import dataclasses
import random

import pytest
import yaml

from mcpg_operator.render.gateway import render_gateway
from mcpg_operator.render.gateway.dialect import dialect_of
from mcpg_operator.resources import Key, kind_of
from tests.support.fake_admission import check
from tests.support.gateway_reader import boot
from tests.support.object_rules import problems
from tests.support.rendering import inputs_of, lay_out
from tests.support.testdata.render import RENDER_CASES, RENDER_FOLDER, read_case, rendered

RENDERED = [one for one in RENDER_CASES if not one.refused]
BOOTABLE = [one for one in RENDERED if one.bootable]


def named(case):
    return case.name


def test_there_are_enough_cases_and_each_has_its_folder():
    assert len(RENDER_CASES) >= 60
    assert {path.name for path in RENDER_FOLDER.glob("*/")} == {one.name for one in RENDER_CASES}


@pytest.mark.parametrize("case", RENDER_CASES, ids=named)
def test_the_inputs_of_the_file_are_rendered_to_the_byte(case):
    folder = RENDER_FOLDER / case.name
    found = rendered(read_case(folder))
    assert found == (folder / "expected.yaml").read_bytes()
    assert found.startswith(b"error:") is case.refused


@pytest.mark.parametrize("case", RENDERED, ids=named)
def test_the_order_of_what_has_none_does_not_matter(case):
    inputs = inputs_of(case.document)
    routes = list(inputs.routes)
    random.Random(case.name).shuffle(routes)
    shuffled = dataclasses.replace(inputs, routes=tuple(routes))
    assert render_gateway(shuffled) == render_gateway(inputs)


@pytest.mark.parametrize("case", RENDERED, ids=named)
def test_a_cluster_could_take_every_child(case):
    found = render_gateway(inputs_of(case.document))
    keys = []
    for child in found.children:
        key = Key(kind_of(child), child["metadata"]["name"], child["metadata"]["namespace"])
        check(key, child)
        assert problems(child) == []
        keys.append(key)
    assert len(set(keys)) == len(keys)
    assert set(keys).isdisjoint(found.absent)


@pytest.mark.parametrize("case", BOOTABLE, ids=named)
def test_a_gateway_starts_with_the_configuration_and_finds_every_file(case, tmp_path):
    inputs = inputs_of(case.document)
    found = render_gateway(inputs)
    lay_out(inputs, tmp_path)
    (pod,) = [one["spec"]["template"]["spec"] for one in found.children if one["kind"] == "Deployment"]
    secrets = [one for one in found.children if one["kind"] == "Secret"]
    environment = {one["name"]: value(one, secrets) for one in pod["containers"][0]["env"]} | {"BIND": "0.0.0.0:1"}
    dialect = dialect_of(inputs.annotations, inputs.spec.config, default=inputs.defaults.dialect)
    gateway = boot(found.config, dialect=dialect, root=tmp_path, environment=environment)
    wanted = [one.id for one in inputs.plugins.entries] if inputs.plugins is not None else []
    assert list(gateway.plugins)[: len(wanted)] == wanted


def value(variable, secrets):
    """What the kubelet would set a variable to."""
    source = variable.get("valueFrom", {}).get("secretKeyRef")
    if source is None:
        return variable.get("value", "").replace("$$", "$")
    (secret,) = [one for one in secrets if one["metadata"]["name"] == source["name"]]
    return secret["data"][source["key"]]


@pytest.mark.parametrize("case", RENDERED, ids=named)
def test_the_configuration_of_the_file_is_the_one_that_was_hashed(case):
    documents = list(yaml.safe_load_all((RENDER_FOLDER / case.name / "expected.yaml").read_bytes()))
    summary, children = documents[0]["summary"], documents[1:]
    (text,) = [one["data"]["config.yaml"] for one in children if "config.yaml" in one.get("data", {})]
    assert text.encode() == render_gateway(inputs_of(case.document)).config
    template = next(one for one in children if one["kind"] == "Deployment")["spec"]["template"]
    annotations = template["metadata"]["annotations"]
    assert annotations["mcpg.dev/config-hash"] == summary["configHash"]
    assert annotations.get("mcpg.dev/plugin-set-hash") == summary["pluginSetHash"]
    assert annotations.get("mcpg.dev/revocation-list-hash") == summary["revocationListHash"]
