"""The operator keeps its clients: what one pull met must not spoil the next one, and all share one budget."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.controllers.plugin.clients import Clients
from mcpg_operator.settings import Settings
from supplychain.artifact import Platform
from supplychain.errors import DigestMismatchError, RegistryAuthError, RegistryUnavailableError, SupplyChainError
from supplychain.limits import Limits
from supplychain.mirror import budget as module
from supplychain.mirror.budget import Budget, shared
from supplychain.mirror.probe import Target, probe
from supplychain.reference import OciReference
from tests.support.registries import docker_config
from tests.support.weather.faults import broken, changed, closed, hanging, on, redirecting, slow, status, times
from tests.support.weather.wire import End

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.weather.proxy import Fault
    from tests.weather.conftest import World

HURRIED = Limits(connect_seconds=2, first_byte_seconds=0.5, idle_seconds=0.5, total_seconds=3, retries=1)
PATIENT = Limits()


def half(head: int, body: int) -> int:
    return head + body // 2


@pytest.fixture
def clients(world: World) -> Iterator[Clients]:
    made = Clients(Settings(), limits=HURRIED)
    yield made
    made.close()


def pull(world: World, clients: Clients) -> int:
    """Pull as the controller of plugins does; gives the size of the package."""
    location = OciReference.parse(world.published.tagged)
    secret = SimpleNamespace(data=docker_config(world.proxy.host), where="Secret `pull`")
    request: Any = SimpleNamespace(location=location, upstream=location, insecure=False, pull_secret=secret)
    with clients.source(request) as source:
        pulled = source.pull(platform=Platform())
        with pulled.package as spool:
            assert pulled.manifest_digest is not None
            assert source.evidence(pulled.manifest_digest).materials
            return spool.size


FAULTS: dict[str, tuple[Fault, type[SupplyChainError]]] = {
    "busy": (status(429), RegistryUnavailableError),
    "down": (status(503), RegistryUnavailableError),
    "away": (broken(lambda _head, _body: 0), RegistryUnavailableError),
    "cut off in the package": (on("/blobs/", broken(half)), RegistryUnavailableError),
    "silent": (hanging(lambda _head, _body: 0), RegistryUnavailableError),
    "silent in the package": (on("/blobs/", hanging(half)), RegistryUnavailableError),
    "slow": (slow(piece=1, pause=0.1), RegistryUnavailableError),
    "ending early": (on("/blobs/", closed(half)), RegistryUnavailableError),
    "other bytes": (on("/blobs/", changed(body=lambda reply: reply.body[:-1] + b"!")), DigestMismatchError),
    "leading in circles": (redirecting("{path}"), RegistryUnavailableError),
    "closed to us": (status(403, code="DENIED"), RegistryAuthError),
}


@pytest.mark.parametrize(("fault", "error"), FAULTS.values(), ids=list(FAULTS))
def test_a_pull_that_met_bad_weather_leaves_nothing_and_the_same_client_pulls_again(
    world: World, clients: Clients, fault: Fault, error: type[SupplyChainError]
) -> None:
    world.weather(lambda _: fault)
    with pytest.raises(error):
        pull(world, clients)
    assert world.told_others() == []
    assert world.leftovers() == []
    world.weather(None)
    assert pull(world, clients) == len(world.release.package())


def test_a_package_that_breaks_off_goes_on_in_the_operator_too(world: World, clients: Clients) -> None:
    world.weather(lambda _: on(world.package, times(1, broken(half, end=End.CLOSE))))
    assert pull(world, clients) == len(world.release.package())
    assert len([text for text in world.proxy.sent("Range") if text.startswith("bytes=")]) == 1


def test_pulls_and_probes_of_all_controllers_share_one_budget(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    settings = Settings(registry_requests_per_minute=4)
    one = Budget(requests_per_minute=4, clock=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(module, "_SHARED", {(4, None): one})
    world.weather(None)
    first, second = Clients(settings, limits=settings.limits), Clients(settings, limits=settings.limits)
    try:
        for clients in (first, second):
            assert pull(world, clients) == len(world.release.package())
        target = Target(registry=world.proxy.host, repository="weather", budget=shared(settings.limits), seconds=30)
        assert probe(target).reachable
    finally:
        first.close()
        second.close()
    asked = len(world.proxy.asked)
    assert now[0] == 60.0 * ((asked - 1) // 4)
    assert one.waited == now[0] > 0
