"""A headless browser for pages that people look at: Chromium, driven by the DevTools protocol through a pipe, with no port open.

Everything is bounded: each answer by time and size, and the browser ends with the `with` that started it, by its own process group.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from tests.support.components import component

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Browser", "Page", "browser"]

_SECONDS: Final = 60.0
_BYTES: Final = 64 * 1024 * 1024
_FLAGS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_EVENTS: Final = frozenset(
    {"Log.entryAdded", "Network.requestWillBeSent", "Page.loadEventFired", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
)


class Browser:
    """The protocol: requests and answers, and the events that tests ask about."""

    def __init__(self, *, read: int, write: int) -> None:
        self._read = read
        self._write = write
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, *, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        data = json.dumps(message | ({"sessionId": session} if session is not None else {})).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        deadline = time.monotonic() + _SECONDS
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def wait(self, event: str) -> None:
        """Wait until an event has come since the last `forget`."""
        deadline = time.monotonic() + _SECONDS
        while not any(one["method"] == event for one in self.events):
            self._next(deadline)

    def forget(self) -> None:
        """Start anew with the events."""
        self.events.clear()

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            piece = os.read(self._read, 1024 * 1024)
            assert piece, "the browser is gone"
            self._buffer += piece
            assert len(self._buffer) <= _BYTES, "the browser says too much"
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if message.get("method") in _EVENTS:
            self.events.append(message)
        return message

    def page(self, path: Path, *, scripts: bool = True, width: int = 1280) -> Page:
        """Open a file in a tab of its own, and wait until it is loaded."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable", session=session)
        page = Page(self, session=session)
        page.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        page.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.forget()
        page.ask("Page.navigate", url=path.as_uri())
        self.wait("Page.loadEventFired")
        return page


class Page:
    """One tab."""

    def __init__(self, browser: Browser, *, session: str) -> None:
        self._browser = browser
        self._session = session

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of this tab."""
        return self._browser.ask(method, session=self._session, **params)

    def run(self, expression: str) -> Any:
        """Evaluate JavaScript, promises included, and return its value."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release one key."""
        shared = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **shared, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **shared)

    def look(self, *, scheme: str = "light", media: str = "screen") -> None:
        """Choose between light and dark, screen and paper."""
        self.ask("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def requests(self) -> list[str]:
        """Everything that was asked for, the page itself included."""
        return [one["params"]["request"]["url"] for one in self._browser.events if one["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[dict[str, Any]]:
        """Everything in the console, refusals of the content security policy included."""
        said = {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
        return [one for one in self._browser.events if one["method"] in said]


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are beyond the descriptors that the browser is given."""
    low = os.pipe()
    read, write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return read, write


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile, and end it."""
    chromium = component("chromium")
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]  # root has no sandbox to offer
    (to_read, to_write), (from_read, from_write) = _pipe(), _pipe()
    # The protocol is spoken on descriptors 3 and 4; bash, because other shells redirect single digits only.
    start = f'exec 3<&{to_read} 4>&{from_write} {to_read}<&- {from_write}>&-; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", start, "bash", str(chromium), *flags, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(to_read, from_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_read)
    os.close(from_write)
    try:
        one = Browser(read=from_read, write=to_write)
        one.ask("Browser.getVersion")
        yield one
    finally:
        os.close(to_write)
        os.close(from_read)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=_SECONDS)
