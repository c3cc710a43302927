"""A gate in front of a registry: counts what passes, and can be shut, opened again at the same port, or held in mid-download."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from tests.support.processes import lasting_port

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Gate"]

_CHUNK: Final = 64 * 1024


class Gate:
    """Forwards TCP from a loopback port of its own to `target`; without a target it takes connections and says nothing."""

    def __init__(self, target: str | None) -> None:
        self._target = target
        self._port = lasting_port()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._flow = threading.Event()
        self._flow.set()
        self._held_after: int | None = None
        self.connections = 0
        """Ever made."""
        self.requests = 0
        """Pieces that a client sent: at least one for each request."""
        self.held = threading.Event()
        """Set when `hold` takes effect."""

    @classmethod
    @contextmanager
    def opened(cls, target: str | None) -> Iterator[Gate]:
        """Open a gate, and shut it for good afterwards."""
        gate = cls(target)
        gate.open()
        try:
            yield gate
        finally:
            gate.release()
            gate.shut()
            for thread in gate._threads:
                thread.join(10)

    @property
    def host(self) -> str:
        """What clients are to name."""
        return f"127.0.0.1:{self._port}"

    def open(self) -> None:
        """Take connections."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._listener = listener
        self._start(lambda: self._accept(listener))

    def shut(self) -> None:
        """Refuse connections, and break those there are."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            broken = tuple(self._open)
        for one in broken:
            _break(one)

    def hold(self, *, after: int = 0) -> None:
        """Let `after` more bytes of answers pass over each connection, then nothing until `release`."""
        self.held.clear()
        self._held_after = after
        self._flow.clear()

    def release(self) -> None:
        """Let everything pass again."""
        self._held_after = None
        self._flow.set()

    def _start(self, work: object) -> None:
        thread = threading.Thread(target=work, daemon=True)  # type: ignore[arg-type]
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._track(client)
            if self._target is None:
                continue
            host, _, port = self._target.rpartition(":")
            try:
                server = socket.create_connection((host, int(port)), timeout=10)
            except OSError:
                self._drop(client)
                continue
            server.settimeout(None)
            self._track(server)
            self._start(lambda client=client, server=server: self._forward(client, server, asking=True))
            self._start(lambda client=client, server=server: self._forward(server, client, asking=False))

    def _forward(self, source: socket.socket, target: socket.socket, *, asking: bool) -> None:
        passed = 0
        try:
            while data := source.recv(_CHUNK):
                if asking:
                    self.requests += 1
                else:
                    passed += len(data)
                    self._wait(passed)
                target.sendall(data)
        except OSError:
            pass
        finally:
            self._drop(source)
            self._drop(target)

    def _wait(self, passed: int) -> None:
        if self._held_after is not None and passed > self._held_after:
            self.held.set()
            self._flow.wait()

    def _track(self, one: socket.socket) -> None:
        with self._lock:
            self._open.add(one)

    def _drop(self, one: socket.socket) -> None:
        with self._lock:
            self._open.discard(one)
        _break(one)


def _break(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
