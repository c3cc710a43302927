"""A process in network, mount and user namespaces of its own: loopback is all the network it has, and its names are its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ADDRESS", "apart", "end_with_starter", "hide", "name_hosts", "reaches", "routes", "supported"]

ADDRESS: Final = "203.0.113.80"
"""Where `ghcr.io` is in the namespace that plays the internet (RFC 5737: an address that nobody has)."""
_UNSHARE: Final = ("unshare", "--map-root-user", "--net", "--mount", "--")


def supported() -> bool:
    """Whether this machine lets us make namespaces."""
    try:
        return (
            subprocess.run([*_UNSHARE, "ip", "link", "set", "lo", "up"], capture_output=True, timeout=30, check=False).returncode
            == 0
        )
    except FileNotFoundError:
        return False


def apart(module: str, *words: object) -> list[str]:
    """Build the command that runs a module of ours in namespaces of its own."""
    return [*_UNSHARE, sys.executable, "-m", module, *map(str, words)]


def name_hosts(folder: Path, hosts: Mapping[str, str], *, addresses: Sequence[str] = ()) -> None:
    """Bring loopback up, with these addresses besides, and let host names mean these addresses and nothing else. For a process `apart`."""
    _run("ip", "link", "set", "lo", "up")
    for address in addresses:
        _run("ip", "address", "add", f"{address}/32", "dev", "lo")
    file = folder / "hosts"
    file.write_text("".join(f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **hosts}.items()))
    _run("mount", "--bind", file, "/etc/hosts")


def end_with_starter() -> None:
    """Let this process end as by Ctrl-C when whoever started it is gone, or asks it to: so that nothing it started stays behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def watch() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, daemon=True).start()


def hide(folder: Path) -> None:
    """Put an empty file system over a folder. For a process `apart`."""
    _run("mount", "--types", "tmpfs", "none", folder)


def routes() -> str:
    """Say which routes there are beyond loopback; empty where there is none."""
    lines = [Path("/proc/net/route").read_text().splitlines()[1:], Path("/proc/net/ipv6_route").read_text().splitlines()]
    return "\n".join(line for both in lines for line in both if line.split()[-1] != "lo" and not line.startswith("lo"))


def reaches(address: str, port: int) -> str:
    """Try to connect; gives how it ended, `connected` or what the system says."""
    try:
        with socket.create_connection((address, port), timeout=5):
            return "connected"
    except OSError as error:
        return error.strerror or str(error)


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, timeout=30)
