"""Definitions that check nothing, as an older installation may serve them: whatever lies there gets a condition.

Where the shipped definitions come later, a server reads a null as absent, and takes no status for a spec of wrong types; then an
event says it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST
from tests.e2e.world import World
from tests.support.cluster import RunningCluster, definitions, rights
from tests.support.cluster.objects import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcpg_operator.resources import Kind
    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.registries import RunningRegistries

TENANT = "old-team"
ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}
NULLS = {
    PLUGIN: {"pluginId": None, "version": "1.2.3", "oci": {"image": None}, "trust": None},
    PLUGIN_SET: {"entries": [None, {"id": None, "pluginRef": {"name": None}}], "capabilityGrants": None},
    PLUGIN_MIRROR: {"endpoint": None, "upstream": {"registry": None}},
    REVOCATION_LIST: {"version": 1, "revocations": [None, {"artifactSha256": None}]},
}
WRONG = {
    PLUGIN: {"pluginId": 7, "version": ["1.2.3"], "oci": "x", "trust": []},
    PLUGIN_SET: {"entries": {"a": 1}, "capabilityGrants": 7},
    PLUGIN_MIRROR: {"endpoint": "x", "upstream": 7},
    REVOCATION_LIST: {"version": "1", "revocations": {"a": 7}},
}
REASONS = {
    PLUGIN: "VerificationFailed",
    PLUGIN_SET: "InvalidSpec",
    PLUGIN_MIRROR: "InvalidSpec",
    REVOCATION_LIST: "RevocationListInvalid",
}
SPECS: dict[str, Mapping[Kind, Any]] = {"nulls": NULLS, "wrong": WRONG, "null": dict.fromkeys(NULLS)}


def opened(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The same definition without a schema."""
    found = copy.deepcopy(dict(definition))
    for version in found["spec"]["versions"]:
        properties = {"spec": {**ANYTHING, "nullable": True}, "status": {"type": "object", **ANYTHING}}
        version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    return found


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory, registries: RunningRegistries) -> Iterator[World]:
    """A cluster of its own: the definitions of the other one are those that are shipped."""
    loose = [opened(one) for one in definitions()]
    with RunningCluster.running(tmp_path_factory.mktemp("old"), definitions=loose) as cluster:
        cluster.api.apply(rights())
        world = World(cluster, registries)
        try:
            yield world
        finally:
            world.close()


@pytest.fixture(scope="module")
def operator(old: World) -> Iterator[OperatorProcess]:
    old.namespace(TENANT)
    for name, specs in SPECS.items():
        for kind, spec in specs.items():
            put(old, kind, name, spec)
    with old.operator() as process:
        yield process
        defects = process.defects()
    assert not defects, defects[:3]


def put(world: World, kind: Kind, name: str, spec: Any) -> None:
    metadata = {"name": name, **({"namespace": TENANT} if kind.namespaced else {})}
    world.api.create({"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": spec})


def found(world: World, kind: Kind, name: str) -> dict[str, Any]:
    return dict(world.api.get(kind, name, namespace=TENANT if kind.namespaced else None) or {})


def refused(world: World, kind: Kind, name: str) -> None:
    """Wait until the object has the condition that it should have."""
    world.until(
        lambda: said(found(world, kind, name))[:2] == ("False", REASONS[kind]),
        what=lambda: f"a condition of {kind} `{name}`, which is {found(world, kind, name)}",
    )


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("kind", REASONS, ids=str)
def test_whatever_an_old_definition_let_in_gets_a_condition(old: World, operator: OperatorProcess, kind: Kind, name: str) -> None:
    refused(old, kind, name)
    assert operator.program.running


def test_under_the_shipped_definitions_nulls_get_a_condition_and_wrong_types_an_event(
    old: World, operator: OperatorProcess
) -> None:
    operator.stop()
    for name, specs in SPECS.items():
        put(old, PLUGIN, f"late-{name}", specs[PLUGIN])
    old.api.apply(definitions())
    operator.start()
    operator.wait_until_ready()
    for name in ("late-null", "late-nulls"):
        refused(old, PLUGIN, name)
    old.until(lambda: ("Warning", "StatusRejected") in old.events("late-wrong"), what="an event in place of the condition")
    assert "status" not in found(old, PLUGIN, "late-wrong")
    old.add("sound")
