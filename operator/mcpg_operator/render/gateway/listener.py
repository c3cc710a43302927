"""Where a gateway listens, as its configuration says: what ports, probes, Service, network policy and monitoring follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.tree import at
from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_BIND", "Listener", "listener_of"]

DEFAULT_BIND: Final = "0.0.0.0:8787"
PROMETHEUS_PLUGIN: Final = "dev.mcpg.observability.prometheus"
_PORT: Final = 8787
_LARGEST_PORT: Final = 65535
_BIND: Final = re.compile(r"(?P<host>[^:\s]*|\[[0-9A-Fa-f:.%a-z]*\]):(?P<port>[0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """The sockets of a gateway."""

    bind: str
    port: int
    port_known: bool
    """Whether `bind` tells the port; otherwise it is the usual one."""
    tls: bool
    client_certificates: bool
    """Whether every client needs a certificate, which a kubelet has none of."""
    health_path: str
    metrics: bool
    """Whether metrics are served at all."""
    metrics_path: str
    metrics_port: int | None
    """None: with everything else."""
    admin_port: int | None
    """None: none that is reachable from outside the pod."""


def listener_of(config: Mapping[str, Any]) -> Listener:
    """Read a configuration.

    Raises:
        InvalidManifestError: the address to listen at is no text.
    """
    server = at(config, "gateway", "server")
    bind = at(server, "bind_address")
    if bind is not None and not isinstance(bind, str):
        where = "field `spec.config.gateway.server.bind_address`"
        raise InvalidManifestError("no address to listen at", expected=f"text such as `{DEFAULT_BIND}`", where=where)
    bind = DEFAULT_BIND if bind is None else bind
    port = _port(bind)
    tls = at(server, "tls")
    sink = _sink(config)
    metrics_port = _port(at(sink, "config", "bind"))
    return Listener(
        bind=bind,
        port=port or _PORT,
        port_known=port is not None,
        tls=tls is not None,
        client_certificates=at(tls, "client_cert_required") == "mandatory",
        health_path=_path(at(server, "health_path"), "/health"),
        metrics=sink is not None and at(config, "observability", "metrics", "enabled") is not False,
        metrics_path=_path(at(sink, "config", "path"), "/metrics"),
        metrics_port=metrics_port if metrics_port != (port or _PORT) else None,
        admin_port=_admin_port(at(config, "gateway", "admin")),
    )


def _sink(config: Mapping[str, Any]) -> Any:
    """The first sink for Prometheus; it is the one that decides."""
    sinks = at(config, "observability", "metrics", "sinks")
    wanted = ("prometheus", PROMETHEUS_PLUGIN)
    return next((one for one in sinks if at(one, "kind") in wanted), None) if isinstance(sinks, list) else None


def _admin_port(admin: Any) -> int | None:
    bind = at(admin, "bind_address")
    if at(admin, "enabled") is not True or not isinstance(bind, str) or _loopback(bind):
        return None
    return _port(bind)


def _port(bind: Any) -> int | None:
    found = _BIND.fullmatch(bind) if isinstance(bind, str) else None
    return int(found["port"]) if found is not None and 0 < int(found["port"]) <= _LARGEST_PORT else None


def _loopback(bind: str) -> bool:
    host = bind.rpartition(":")[0].strip("[]").lower()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _path(value: Any, default: str) -> str:
    return value if isinstance(value, str) and value.startswith("/") else default
