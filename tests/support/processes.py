"""What starting real programs on loopback needs."""

from __future__ import annotations

import random
import socket
from pathlib import Path

__all__ = ["free_port", "lasting_port"]


def free_port() -> int:
    """A port on loopback that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lasting_port() -> int:
    """A free port that no connection of another program takes by chance: for a server that comes back at the same port."""
    first_taken = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(first_taken // 2, first_taken)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
