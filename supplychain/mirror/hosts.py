"""Registry hosts as they are compared: names, ports, loopback, and the aliases of Docker Hub. Pure."""

from __future__ import annotations

import ipaddress
from typing import Final

__all__ = ["api_host", "bare_address", "canonical_host", "is_loopback", "split_host"]

_DEFAULT_PORTS: Final = frozenset({"", "80", "443"})
_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


def canonical_host(host: str) -> str:
    """Lower the case and give the three names of Docker Hub one; a port stays."""
    lowered = host.lower()
    return "docker.io" if lowered in _HUB else lowered


def api_host(host: str) -> str:
    """Say which host answers for a registry: Docker Hub's is not the one that references name."""
    return "registry-1.docker.io" if canonical_host(host) == "docker.io" else host


def split_host(host: str) -> tuple[str, str]:
    """Split `name:port` into name and port text; brackets of an IPv6 address go, a missing port is empty."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name, rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port


def bare_address(host: str) -> str:
    """Bring a host to the form in which those that must get no packet are compared: no alias, no final dot, no usual port."""
    name, port = split_host(host)
    name = canonical_host(name.removesuffix("."))
    return name if port in _DEFAULT_PORTS else f"{name}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine by its name alone: `localhost` or a loopback address, with any port."""
    name, _ = split_host(host.lower())
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
