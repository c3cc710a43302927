"""Faults by name, to be put together: which requests, how often, what happens to them."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.support.registries import PASSWORD, USER
from tests.support.weather.wire import End, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.weather.proxy import Asked, Fault

__all__ = [
    "Tokens",
    "broken",
    "changed",
    "closed",
    "demanding",
    "endless",
    "hanging",
    "on",
    "one_by_one",
    "redirecting",
    "slow",
    "status",
    "times",
]

_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def on(part: str, fault: Fault, *, method: str | None = None) -> Fault:
    """Only requests whose path holds `part`, or that use a method."""

    def found(asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        return fault(asked, own) if part in asked.path and method in {None, asked.method} else None

    return found


def times(number: int, fault: Fault) -> Fault:
    """Only the first requests that get here."""
    given = count(1)

    def first(asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        return None if next(given) > number else fault(asked, own)

    return first


def demanding(fault: Fault | None) -> Fault:
    """A registry that wants `USER` and `PASSWORD` before anything else."""

    def asking(asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        if asked.headers.get("authorization") != _BASIC:
            return Reply(status=401, headers=(("WWW-Authenticate", 'Basic realm="weather"'),), body=b"{}")
        return None if fault is None else fault(asked, own)

    return asking


def status(number: int, *headers: tuple[str, str], code: str = "TOOMANYREQUESTS") -> Fault:
    """An error answer as registries write it."""
    body = json.dumps({"errors": [{"code": code, "message": "bad weather"}]}).encode()
    return lambda _asked, _own: Reply(status=number, headers=(("Content-Type", "application/json"), *headers), body=body)


def changed(**fields: Any) -> Fault:
    """The registry's own answer with some fields replaced; a function gets the answer and returns the value."""

    def change(_: Asked, own: Callable[[], Reply]) -> Reply:
        reply = own()
        return replace(reply, **{name: value(reply) if callable(value) else value for name, value in fields.items()})

    return change


def broken(cut: Callable[[int, int], int], *, end: End = End.RESET) -> Fault:
    """The registry's own answer, of which only so many bytes arrive."""

    def lose(_: Asked, own: Callable[[], Reply]) -> Reply:
        return replace(own(), cut=cut, end=end)

    return lose


def hanging(cut: Callable[[int, int], int]) -> Fault:
    """The registry's own answer, which stops and leaves the connection open."""
    return broken(cut, end=End.HANG)


def closed(cut: Callable[[int, int], int]) -> Fault:
    """The registry's own answer without a length, which ends too early as if that were its end."""

    def lose(_: Asked, own: Callable[[], Reply]) -> Reply:
        return replace(own(), length=None, cut=cut, end=End.CLOSE)

    return lose


def slow(*, piece: int, pause: float) -> Fault:
    """The registry's own answer, a few bytes at a time."""

    def trickle(_: Asked, own: Callable[[], Reply]) -> Reply:
        return replace(own(), piece=piece, pause=pause)

    return trickle


def redirecting(location: str) -> Fault:
    """Somewhere else; `{path}` stands for the path that was asked for."""

    def lead(asked: Asked, _: Callable[[], Reply]) -> Reply:
        return Reply(status=307, headers=(("Location", location.replace("{path}", asked.path)),))

    return lead


def one_by_one(*faults: Fault | None) -> Fault:
    """A fault for each request in turn, None being the registry's own answer; the last one stays."""
    given = count()

    def turn(asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        fault = faults[min(next(given), len(faults) - 1)]
        return own() if fault is None else fault(asked, own)

    return turn


def endless(*, junk: bool) -> Fault:
    """A list of referrers that always has one more page; of strangers alone, or of what the registry has, again and again."""
    given = count(1)

    def page(asked: Asked, own: Callable[[], Reply]) -> Reply:
        reply, number = own(), next(given)
        if junk:
            entries = [_nothing(f"{number}.{one}") for one in range(8)]
            document = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
            reply = replace(reply, body=json.dumps(document).encode())
        path = asked.path.partition("?")[0]
        return replace(reply, headers=reply.with_header("Link", f'<{path}?page={number}>; rel="next"'))

    return page


_INDEX = "application/vnd.oci.image.index.v1+json"


def _nothing(name: str) -> dict[str, Any]:
    """The descriptor of a bundle that nobody has."""
    return {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "digest": f"sha256:{hashlib.sha256(name.encode()).hexdigest()}",
        "size": 600,
    }


class Tokens:
    """Tokens for `USER` and `PASSWORD` from a realm of the registry's own, each good for `uses` requests."""

    def __init__(self, url: str, *, uses: int, realm: Fault | None = None) -> None:
        self._url = url
        self._uses = uses
        self._realm = realm
        self._left: dict[str, int] = {}

    def __call__(self, asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        """Answer as such a registry; a fault."""
        sent = asked.headers.get("authorization", "")
        if asked.path.startswith("/token"):
            return self._give(asked, own, sent)
        if self._left.get(sent, 0) > 0:
            self._left[sent] -= 1
            return None
        return Reply(
            status=401, headers=(("WWW-Authenticate", f'Bearer realm="{self._url}/token",service="weather"'),), body=b"{}"
        )

    def _give(self, asked: Asked, own: Callable[[], Reply], sent: str) -> Reply:
        bad = None if self._realm is None else self._realm(asked, own)
        if bad is not None:
            return bad
        if sent != _BASIC:
            return Reply(status=401, body=b"{}")
        token = f"TEST-token-{len(self._left)}"
        self._left[f"Bearer {token}"] = self._uses
        return Reply(headers=(("Content-Type", "application/json"),), body=json.dumps({"token": token}).encode())
