"""Each row of the table: the right answer, in bounded time, with nothing left behind; and the sun shines again afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.weather.faults import hanging
from tests.weather.conftest import HURRIED, PATIENT
from tests.weather.table import PLACES, ROWS, Row

if TYPE_CHECKING:
    from tests.weather.conftest import World

_BUSY = 20.0
"""Seconds that a busy machine may add to any limit."""
CASES = [pytest.param(row, command, id=f"{row.name}: {command}") for row in ROWS for command in row.commands]


@pytest.mark.parametrize(("row", "command"), CASES)
def test_the_weather_decides_nothing(world: World, row: Row, command: str) -> None:
    world.weather(row.fault, password=row.password)
    said = world.run(command, row.limits)
    code, reason = row.expected
    assert said.code == code, said.out + said.err
    assert reason in said.out + said.err
    assert said.seconds < row.limits["total-seconds"] + _BUSY
    assert world.told_others() == []
    assert world.leftovers() == []
    saved = [path.name for path in world.saved.rglob("*")]
    assert ("plugin.so" in saved) == (code == 0 and command == "verify and save"), saved
    assert saved == [] or code == 0
    assert bool(world.arrived()) == (code == 0 and command == "sync")
    assert bool(list((world.folder / "out").iterdir())) == (code == 0 and command == "create a bundle")
    if row.also is not None:
        row.also(world)
    if code:
        world.weather(None)
        again = world.run(command, PATIENT)
        assert again.code == 0, again.out + again.err


def test_no_two_rows_have_one_name() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_bad_weather_over_one_registry_is_no_matter_for_the_others(world: World) -> None:
    good = world.published.tagged.replace(world.proxy.host, world.store.host)
    verify = world.commands["verify a tag"]
    world.commands["verify two"] = ["verify", verify[1], good, "--jobs", "2", *verify[2:]]
    world.weather(lambda _: hanging(PLACES["before the first byte"]))
    said = world.run("verify two", {**HURRIED, "first-byte-seconds": 2, "total-seconds": 10, "retries": 0})
    assert said.code == 3
    assert f"UNAVAILABLE  {world.published.tagged}" in said.out
    assert f"TRUSTED      {good}" in said.out or f"TRUSTED  {good}" in said.out
    assert world.leftovers() == []
