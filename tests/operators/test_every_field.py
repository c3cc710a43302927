"""Every field of every kind as null, absent, or of another type, as an older schema may have let it in: a condition, never a crash."""

from __future__ import annotations

import copy
import re
import types
import typing
from typing import Any

import pytest

from mcpg_operator.controllers.plugin_mirror import PluginMirrorReconciler
from mcpg_operator.controllers.revocation_list import RevocationListReconciler
from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, REVOCATION_LIST, SECRET, SERVICE, Key, Kind
from mcpg_operator.revocations import LIST
from supplychain.api import Model, PluginMirrorSpec, PluginSetSpec, PluginSpec, RevocationListSpec, parse_spec
from supplychain.errors import InputError
from supplychain.mirror.probe import Finding, Probe
from supplychain.revocation import from_spec
from tests.operators.plugin.world import HOST, KEYLESS, docker_config, operator, secret, spec
from tests.operators.plugin_set.world import TEAM
from tests.operators.plugin_set.world import World as SetWorld
from tests.operators.world import World, body

PLUGIN_SPEC = spec(
    trust={**KEYLESS, "signingKeyRef": {"secretName": "release-key", "key": "release.pub"}},
    oci={"pullSecretRef": {"name": "pull"}, "mirrorRef": {"name": "inner"}},
)
SET_SPEC = {
    "entries": [
        {
            "id": "dev.example.audit",
            "pluginRef": {"name": "audit"},
            "enabled": True,
            "enforce": True,
            "config": {"level": 3},
        }
    ],
    "capabilityGrants": {"dev.example.audit": ["audit_write"]},
}
MIRROR_SPEC = {
    "endpoint": {
        "service": {"namespace": "oci", "name": "harbor", "port": 5000, "pathPrefix": "/mirror/"},
        "insecure": False,
    },
    "upstream": {"registry": "ghcr.io", "namespace": "acme"},
    "auth": {"secretRef": {"secretName": "pull", "key": "config.json"}},
    "resyncInterval": "10m",
}
LIST_SPEC = {
    "version": 1,
    "issuedAt": "2026-01-31T08:00:00Z",
    "revocations": [{"artifactSha256": "a" * 64, "reason": "stolen key", "revokedAt": "2026-01-31T08:00:00Z"}],
}
KINDS: dict[Kind, tuple[Any, Any]] = {
    PLUGIN: (PluginSpec, PLUGIN_SPEC),
    PLUGIN_SET: (PluginSetSpec, SET_SPEC),
    PLUGIN_MIRROR: (PluginMirrorSpec, MIRROR_SPEC),
    REVOCATION_LIST: (RevocationListSpec, LIST_SPEC),
}
ABSENT = object()
VALUES = {"null": None, "absent": ABSENT, "number": 7, "text": "text", "truth": True, "list": [None], "mapping": {"a": None}}


def models(annotation: Any) -> list[type[Model]]:
    """The models somewhere in an annotation."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, Model) else []
    return [found for one in typing.get_args(annotation) for found in models(one)]


def places(model: type[Model], example: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every field; each must stand in the example."""
    found = []
    for name, field in model.model_fields.items():
        here = (*path, field.alias or name)
        value = example[here[-1]]
        found.append(here)
        if isinstance(value, list):
            here, value = (*here, 0), value[0]
            found.append(here)
        for inner in models(field.annotation):
            found += places(inner, value, here)
    return found


def changed(example: Any, path: tuple[Any, ...], value: Any) -> Any:
    whole = copy.deepcopy(example)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    if value is ABSENT:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return whole


CASES = [
    pytest.param(kind, changed(example, path, value), id=f"{kind}-{'.'.join(map(str, path))}-{name}")
    for kind, (model, example) in KINDS.items()
    for path in places(model, example)
    for name, value in VALUES.items()
] + [
    pytest.param(kind, value, id=f"{kind}-spec-{name}")
    for kind in KINDS
    for name, value in {**VALUES, "nothing": {}, "empty list": []}.items()
]


def stored(world: Any, kind: Any, whole: Any) -> Key:
    name, namespace = (LIST if kind == REVOCATION_LIST else "audit"), (TEAM if kind == PLUGIN_SET else None)
    world.cluster.put(kind, {**body(name, namespace=namespace), **({} if whole is ABSENT else {"spec": whole})})
    return Key(kind, name, namespace)


def passes(kind: Any, whole: Any) -> dict[str, Any]:
    """Let the kind's controller make its passes over the object; gives the status."""
    if kind == PLUGIN:
        op = operator()
        op.mirror()
        op.world.cluster.put(SECRET, secret("pull", {".dockerconfigjson": docker_config(HOST)}))
        key = stored(op.world, kind, whole)
        op.settle()
        assert op.errors == []
        return dict(op.world.status(*key))
    if kind == PLUGIN_SET:
        sets = SetWorld()
        sets.plugin("audit", capabilities=("audit_write",))
        key = stored(sets, kind, whole)
        sets.settle(key)
        return sets.status(key)
    world = World()
    world.cluster.put(SERVICE, body("harbor", {}, namespace="oci"))
    key = stored(world, kind, whole)
    services = world.watch().services()
    answer = Probe(finding=Finding.REACHABLE, message="registry answers")
    if kind == PLUGIN_MIRROR:
        PluginMirrorReconciler(services, ask=lambda _: answer).reconcile(key)
    else:
        RevocationListReconciler(services).reconcile(key)
    return dict(world.status(*key))


def wrong(kind: Any, whole: Any) -> bool:
    whole = None if whole is ABSENT else whole
    if kind == REVOCATION_LIST:
        return bool(from_spec(whole, name="x").problems)
    try:
        parse_spec(KINDS[kind][0], whole, where="here")
    except InputError:
        return True
    return False


REASONS = {
    PLUGIN: "VerificationFailed",
    PLUGIN_SET: "InvalidSpec",
    PLUGIN_MIRROR: "InvalidSpec",
    REVOCATION_LIST: "RevocationListInvalid",
}


@pytest.mark.parametrize(("kind", "whole"), CASES)
def test_whatever_a_field_is_the_object_gets_a_condition_with_a_stable_reason(kind, whole):
    status = passes(kind, whole)
    (ready,) = [one for one in status["conditions"] if one["type"] == "Ready"]
    assert ready["message"]
    assert status["observedGeneration"] == 1
    if wrong(kind, whole):
        assert (ready["status"], ready["reason"]) == ("False", REASONS[kind])
    else:
        assert re.fullmatch("([A-Z][a-z]+)+", ready["reason"])


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_example_has_every_field_and_is_sound(kind):
    model, example = KINDS[kind]
    assert not wrong(kind, example)
    assert len(places(model, example)) >= len(model.model_fields)
