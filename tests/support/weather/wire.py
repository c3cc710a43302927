"""How an answer goes over the wire: whole, in part, slowly, not at all."""

from __future__ import annotations

import select
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

__all__ = ["End", "Reply", "put_on_wire", "reset"]

_LONGEST_HANG = 60.0
"""Seconds after which even a hanging server gives up, so that no test waits for ever."""


class End(Enum):
    """What becomes of the connection after the last byte that is sent."""

    CLOSE = "closed"
    RESET = "reset"
    HANG = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, and what befalls it."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    length: int | None = -1
    """What Content-Length says: the truth (-1), a lie, or nothing at all (None)."""
    cut: Callable[[int, int], int] | None = None
    """From the lengths of head and body: after how many bytes the rest is lost."""
    end: End = End.CLOSE
    piece: int = 0
    """Bytes that are sent at once; 0: all."""
    pause: float = 0.0
    """Seconds between two pieces."""

    def header(self, name: str) -> str | None:
        """Give the first header of a name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> tuple[tuple[str, str], ...]:
        """Give the headers with one of them replaced."""
        return (*((key, old) for key, old in self.headers if key.lower() != name.lower()), (name, value))


def put_on_wire(reply: Reply, connection: socket.socket, *, without_body: bool, over: Event) -> None:
    """Send an answer as its fate will have it; `over` ends every hang."""
    head = _head(reply)
    data = head + (b"" if without_body else reply.body)
    if reply.cut is not None:
        data = data[: reply.cut(len(head), len(data) - len(head))]
    step = reply.piece or max(len(data), 1)
    for start in range(0, len(data), step):
        connection.sendall(data[start : start + step])
        if reply.pause and _gone(connection, seconds=reply.pause, over=over):
            return
    if reply.end is End.RESET:
        reset(connection)
    elif reply.end is End.HANG:
        _gone(connection, seconds=_LONGEST_HANG, over=over)


def reset(connection: socket.socket) -> None:
    """Let the end of the connection be a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    dropped = {"content-length", "transfer-encoding", "connection"}
    lines += [f"{name}: {value}" for name, value in reply.headers if name.lower() not in dropped]
    if reply.length is not None:
        lines.append(f"Content-Length: {len(reply.body) if reply.length < 0 else reply.length}")
    lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _gone(connection: socket.socket, *, seconds: float, over: Event) -> bool:
    """Wait, unless the other side goes away or the test ends; says whether it did."""
    left = seconds
    while left > 0 and not over.is_set():
        slice_ = min(left, 0.05)
        readable, _, _ = select.select([connection], [], [], slice_)
        if readable:  # nobody sends anything after a request: the end, or the beginning of one
            return True
        left -= slice_
    return over.is_set()
