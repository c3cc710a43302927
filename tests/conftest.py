"""What holds for every test: nothing leaves this machine, and real registries are started once."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.support.registries import RunningRegistries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A busy machine is no defect: no test says how long anything may take.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Fail whatever connects, sends, or asks for an address beyond loopback, even where the code under test catches errors."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded_connect(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        yield


@pytest.fixture(scope="session")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistries]:
    """Real registries, each started when it is first asked for."""
    running = RunningRegistries(tmp_path_factory.mktemp("registries"))
    yield running
    running.close()


def _guarded_connect(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            pytest.fail(f"a test connects to {address}", pytrace=True)
        return connect(self, address)

    return guarded


def _guarded_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *arguments: Any, **named: Any) -> Any:
        if not _is_loopback(host):
            pytest.fail(f"a test looks up {host!r}", pytrace=True)
        return lookup(host, *arguments, **named)

    return guarded


def _is_loopback(host: Any) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "localhost")
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name == "localhost"
