"""The budget as a user meets it: flags, a wait that costs no time-out, and a word about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from supplychain.mirror import budget as module
from supplychain.mirror.budget import Budget
from tests.weather.conftest import PATIENT

if TYPE_CHECKING:
    from tests.weather.conftest import World


@pytest.mark.parametrize("command", ["verify a tag", "inspect", "sync", "create a bundle"])
def test_a_command_waits_for_its_budget_and_says_so(world: World, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    sent: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(module, "_SHARED", {(3, None): Budget(requests_per_minute=3, clock=lambda: now[0], sleep=sleep)})
    world.weather(lambda _: lambda _asked, _own: sent.append(now[0]))
    said = world.run(command, PATIENT, "--registry-requests-per-minute", "3", "--verbose")
    assert said.code == 0, said.out + said.err
    assert max(sum(at <= other < at + 60 for other in sent) for at in sent) <= 3
    assert now[0] > 0
    assert f"for the budget of registry `{world.proxy.host}`" in said.err


def test_bytes_have_a_budget_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    size = 1 << 20
    monkeypatch.setattr(module, "_SHARED", {(None, size): Budget(bytes_per_minute=size, clock=lambda: now[0], sleep=sleep)})
    world.weather(None)
    said = world.run("verify and save", PATIENT, "--registry-bytes-per-minute", "1MiB")
    assert said.code == 0, said.out + said.err
    assert now[0] >= 60.0 * ((len(world.release.package()) - 1) // size - 1)  # the last piece of a minute may be one too many
