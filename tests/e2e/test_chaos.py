"""The kill test in short: `make chaos` kills ten times as often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.chaos import Chaos

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
