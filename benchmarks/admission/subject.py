"""The admission server in a process of its own, beside an empty handler, with what a benchmark wants to know of it."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.admission.reviews import objects
from mcpg_operator.admission.metrics import AdmissionMetrics
from mcpg_operator.admission.service import Admission
from mcpg_operator.resources import kind_of
from mcpg_operator.runtime.allocator import share_one_heap
from mcpg_operator.serving import Certificate, Server, from_directory
from mcpg_operator.settings import Settings
from mcpg_operator.telemetry import Metrics
from tests.operators.admission.reviews import filled
from tests.support.fake_cluster import FakeCluster
from tests.support.private_ca import PrivateCa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from starlette.requests import Request

__all__ = ["Subject"]

_HASHED = 128 * 2**20
_PIECE = 2**20


class Subject:
    """The process, as seen by the one that measures."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.port, self.empty = pipe.recv()

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Subject]:
        """Start it, and end it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        try:
            yield cls(ours)
        finally:
            ours.send("end")
            process.join(10)

    def reset(self) -> None:
        """Forget the times so far."""
        self._ask("reset")

    def seconds(self) -> list[float]:
        """How long each review took since `reset`."""
        return list(self._ask("seconds"))

    def memory(self) -> int:
        """Resident bytes."""
        return int(self._ask("memory"))

    def processor(self) -> float:
        """Seconds of processor that the process has had."""
        return float(self._ask("processor"))

    @contextmanager
    def hashing(self) -> Iterator[None]:
        """Have 128 MiB hashed over and over in a thread of the process."""
        self._ask("hash")
        yield
        self._ask("calm")

    def _ask(self, word: str) -> Any:
        self._pipe.send(word)
        return self._pipe.recv()


def _serve(pipe: Connection) -> None:
    share_one_heap()
    times: list[float] = []
    counted = AdmissionMetrics.reviewed

    def reviewed(self: AdmissionMetrics, kind: str, operation: str, result: str, seconds: float) -> None:
        times.append(seconds)
        counted(self, kind, operation, result, seconds)

    AdmissionMetrics.reviewed = reviewed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        for source, name in zip(PrivateCa(directory / "ca").server("127.0.0.1"), ("tls.crt", "tls.key"), strict=True):
            (directory / name).write_bytes(source.read_bytes())
        certificate = Certificate(from_directory(directory), where="a benchmark")
        settings = Settings(webhook_bind=("127.0.0.1", 0))
        cluster, store = FakeCluster(), filled()
        for one in objects():
            store.put(cluster.put(kind_of(one), one))
        admission = Admission(settings, store, cluster, Metrics(), certificate=certificate)
        admission.tend()
        empty = Server(_empty(), ("127.0.0.1", 0), certificate=certificate)
        empty.start()
        pipe.send((admission.port, empty.port))
        _answer(pipe, times)
        admission.stop()
        empty.stop()


def _answer(pipe: Connection, times: list[float]) -> None:
    calm = threading.Event()
    while (word := pipe.recv()) != "end":
        if word == "reset":
            times.clear()
            pipe.send(None)
        elif word == "seconds":
            pipe.send(times)
        elif word == "processor":
            pipe.send(time.process_time())
        elif word == "memory":
            times.clear()
            pipe.send(_resident())
        elif word == "hash":
            calm.clear()
            threading.Thread(target=_hash, args=(calm,), daemon=True).start()
            pipe.send(None)
        else:
            calm.set()
            pipe.send(None)


def _empty() -> Starlette:
    async def answer(request: Request) -> Response:
        await request.body()
        return Response(b"{}", headers={"Content-Type": "application/json"})

    return Starlette(routes=[Route("/empty", answer, methods=["POST"])])


def _hash(calm: threading.Event) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(os.urandom(_PIECE) * (_HASHED // _PIECE))
        while not calm.is_set():
            file.seek(0)
            digest = hashlib.sha256()
            while piece := file.read(_PIECE):
                digest.update(piece)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
