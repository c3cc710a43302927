"""Operators that are killed: the kill test in short (`make chaos` kills ten times as often), and a leader that is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpg_operator.resources import LEASE
from tests.e2e.chaos import Chaos
from tests.support.cluster import NAMESPACE as HOME

if TYPE_CHECKING:
    from tests.e2e.world import World

KILLS = 20


def test_an_operator_that_is_killed_at_any_moment_leaves_nothing_wrong_and_loses_nothing(world: World) -> None:
    operator = world.make_operator(flags=("--no-leader-election",))
    try:
        chaos = Chaos(world, seed=20)
        said = list(chaos.run(operator, kills=KILLS))
    finally:
        operator.program.kill()
    assert len(said) == KILLS
    assert chaos.steps >= KILLS
    assert operator.defects() == []


def test_a_second_replica_takes_over_when_the_leader_is_killed(world: World) -> None:
    quick = ("--lease-duration-secs=6", "--lease-renew-secs=4")
    with world.operator(name="leader", flags=quick) as leader, world.operator(name="follower", flags=quick) as follower:
        assert holder(world) == "leader"
        assert not follower.answers("/reconcilez")
        world.add("by-the-leader")
        leader.kill()
        world.until(lambda: holder(world) == "follower", what="the Lease to change hands")
        world.add("by-the-follower")
        assert world.is_ready("by-the-leader")
        leader.start()
        leader.wait_until_ready()
        assert holder(world) == "follower"
        assert follower.stop() == 0
        world.until(lambda: holder(world) == "leader", what="the Lease to come back")
        world.add("by-the-leader-again")
        assert leader.defects() + follower.defects() == []


def holder(world: World) -> str:
    lease = world.api.get(LEASE, "mcpg-operator", namespace=HOME) or {"spec": {}}
    return str(lease["spec"].get("holderIdentity", ""))
