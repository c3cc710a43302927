"""Bad weather in front of real registries: a proxy on loopback that breaks answers on their way, byte by byte."""

from tests.support.weather.proxy import Asked, FaultProxy, Reply, proxying
from tests.support.weather.wire import End

__all__ = ["Asked", "End", "FaultProxy", "Reply", "proxying"]
