"""What a Deployment is said to load: read from the arguments of its pods, whatever somebody wrote into it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpg_operator.controllers.gateway.running import LEAVING, Loaded, leaving_of, loaded_by, notes, unserviceable
from mcpg_operator.resources import DEPLOYMENT, Resource

ORDER = {"pluginId": "dev.acme.x", "digest": "sha256:aa", "pluginClass": "tool_gate"}


def deployment(*args: Any, annotations: dict[str, str] | None = None, **spec: Any) -> Resource:
    template = {"spec": {"initContainers": [{"name": "materialise", "args": list(args)}]}}
    metadata = {"name": "shop-gateway", "namespace": "team-a", "generation": 2, "annotations": annotations or {}}
    return Resource(
        DEPLOYMENT, {"metadata": metadata, "spec": {"template": template, **spec}, "status": {"observedGeneration": 1}}
    )


def test_the_arguments_tell_id_digest_and_class() -> None:
    order = json.dumps(ORDER)
    assert loaded_by(deployment("materialise", "--order", order)) == {"dev.acme.x": Loaded(digest="aa", plugin_class="tool_gate")}
    assert loaded_by(deployment()) == {}
    assert loaded_by(Resource(DEPLOYMENT, {"metadata": {"name": "shop-gateway"}, "spec": None})) == {}


def test_a_text_that_was_written_for_the_kubelet_is_read_as_it_was_meant() -> None:
    order = json.dumps({**ORDER, "pluginId": "dev.acme.$(x)"}).replace("$", "$$")
    assert set(loaded_by(deployment("--order", order))) == {"dev.acme.$(x)"}


@pytest.mark.parametrize("order", ["{", "[]", "{}", '{"pluginId": 7, "digest": "a"}', '{"pluginId": "x"}', "[" * 100_000])
def test_an_argument_that_cannot_be_read_is_a_plugin_that_nobody_knows(order: str) -> None:
    assert set(loaded_by(deployment("--order", order))) == {""}


@pytest.mark.parametrize("text", ["{", "[]", "7", "[" * 100_000])
def test_an_annotation_that_cannot_be_read_tells_of_no_older_plugin(text: str) -> None:
    assert leaving_of(deployment(annotations={LEAVING: text})) == {}


def test_what_older_pods_have_is_written_down_until_the_roll_out_is_over() -> None:
    live = deployment("--order", json.dumps(ORDER), annotations={LEAVING: '{"bb": "dev.acme.y"}'}, replicas=0)
    assert json.loads(notes(live, {"dev.acme.z": "cc"})[LEAVING]) == {"aa": "dev.acme.x", "bb": "dev.acme.y"}
    live = Resource(DEPLOYMENT, {**live.body, "status": {"observedGeneration": 2}})
    assert LEAVING not in notes(live, {"dev.acme.x": "aa"})
    assert LEAVING not in notes(None, {"dev.acme.x": "aa"})


def test_older_pods_count_as_long_as_they_may_go_on() -> None:
    notes_of = {LEAVING: '{"bb": "dev.acme.y"}'}
    rolling = deployment(annotations=notes_of, strategy={"type": "RollingUpdate"})
    assert unserviceable(rolling, (), withdrawn={"dev.acme.y"}) == ["dev.acme.y"]
    assert unserviceable(deployment(annotations=notes_of, strategy={"type": "Recreate"}), (), withdrawn={"dev.acme.y"}) == []
