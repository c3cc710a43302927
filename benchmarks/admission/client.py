"""Sends reviews over lasting TLS connections, at a rate or as fast as they are answered; as little of it as possible."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["at_rate", "flat_out"]

_CONNECTIONS = 8


class _Connection:
    """One request after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, path: str, body: bytes) -> float:
        """Send one review; gives how long it took."""
        if self._streams is None:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, ssl=context)
        reader, writer = self._streams
        started = time.perf_counter()
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answer[:20]:
            raise RuntimeError(answer[:100])
        lengths = [line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0].partition(b":")[2]))
        return time.perf_counter() - started

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def at_rate(port: int, reviews: Sequence[tuple[str, bytes]], *, rate: float, seconds: float) -> list[float]:
    """Send so many a second, evenly, whether the ones before were answered or not; gives how long each took."""
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    connections = [_Connection(port) for _ in range(_CONNECTIONS)]
    for one in connections:
        free.put_nowait(one)
    taken: list[float] = []

    async def send(number: int, due: float) -> None:
        connection = await free.get()
        waited = time.perf_counter() - due
        taken.append(waited + await connection.send(*reviews[number % len(reviews)]))
        free.put_nowait(connection)

    begun = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(send(number, due)))
    await asyncio.gather(*tasks)
    for one in connections:
        one.close()
    return taken


async def flat_out(port: int, reviews: Sequence[tuple[str, bytes]], *, count: int) -> float:
    """Send so many over all connections; gives how many were answered a second."""
    begun = time.perf_counter()

    async def work(first: int) -> None:
        connection = _Connection(port)
        for number in range(first, count, _CONNECTIONS):
            await connection.send(*reviews[number % len(reviews)])
        connection.close()

    await asyncio.gather(*(work(first) for first in range(_CONNECTIONS)))
    return count / (time.perf_counter() - begun)
