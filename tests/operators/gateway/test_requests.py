"""What a pass over a gateway asks the API server for: as little as tells whether something happened."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcpg_operator.resources import CONFIG_MAP, PLUGIN_SET, SECRET
from tests.operators.gateway.world import GatewayWorld

if TYPE_CHECKING:
    import pytest

    from mcpg_operator.resources import Key

SHOP = ("audit", "meter")


def served() -> tuple[GatewayWorld, Key]:
    world = GatewayWorld()
    key = world.with_set(*SHOP, plugin_class="backend")
    world.serve(key)
    return world, key


def asked(world: GatewayWorld, key: Key) -> dict[str, int]:
    """What one pass reads, by kind; it writes nothing."""
    reads, writes = len(world.cluster.reads), len(world.cluster.writes)
    world.gateways.reconcile(key)
    assert world.cluster.writes[writes:] == []
    return dict(Counter(kind.name for _, kind, _ in world.cluster.reads[reads:]))


def test_an_idle_pass_reads_the_document_and_both_config_maps() -> None:
    world, key = served()
    world.later(seconds=600)
    asked(world, key)  # also looks whether there is monitoring
    assert asked(world, key) == {SECRET.name: 1, CONFIG_MAP.name: 2}


def test_a_pass_that_a_roll_out_wakes_renders_nothing_and_reads_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    world, key = served()
    world.later(seconds=600)
    asked(world, key)
    monkeypatch.setattr("mcpg_operator.render.gateway.memo.render_gateway", _unexpected)
    world.roll_out(key, available=0)
    reads = len(world.cluster.reads)
    world.gateways.reconcile(key)
    assert Counter(kind.name for _, kind, _ in world.cluster.reads[reads:]) == {SECRET.name: 1, CONFIG_MAP.name: 2}
    assert world.says(key) == ("False", "Progressing")


def test_gateways_of_one_set_and_one_list_share_what_is_read_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    world, key = served()
    monkeypatch.setattr("mcpg_operator.controllers.gateway.lists._seen", _unexpected)
    for number in range(3):
        other = world.gateway(f"shop-{number}", pluginSetRef={"name": "main"})
        world.settle_gateway(other)
        assert world.loaded(other) == world.loaded(key)


def test_a_changed_list_is_not_taken_for_the_one_before() -> None:
    world, key = served()
    world.revoke(world.artifact("audit"))
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.meter"]
    world.revoke()
    world.settle(next(one.key for one in world.cluster.objects(PLUGIN_SET)))
    world.settle_gateway(key)
    assert world.loaded(key) == ["dev.example.audit", "dev.example.meter"]


def _unexpected(*_: object, **__: object) -> None:
    raise AssertionError("it is known already")
