"""Talking to registries: which scheme, retries, redirects, and answers to challenges.

One `RegistryClient` serves many targets and threads; one `Conversation` is one target's talk about one repository, with one total
time. There is no `/v2/` ping: the first request is the one that is wanted, and a challenge is answered when it comes.

* Scheme: https with verification. A registry declared insecure is asked by https without verification, and by http only where no
  TLS connection comes about. A registry on loopback is asked by http; with a CA file by verified https first. A certificate that
  does not verify never leads to http.
* Redirects: at most five, https to https, or http to either; Authorization goes to nobody but the registry itself.
* Retries: what may pass is tried again with back-off and jitter, or after the time the registry asks for, if that is bearable.
* Hosts to avoid, the upstream of a mirror, get no packet: not by redirect and not as a token realm.
* Who gets credentials: see `auth`.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, TypeVar

import httpx

from supplychain.errors import RegistryAuthError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror.answers import Answer, PassingError, back_off, failure, parse_url, place
from supplychain.mirror.auth import Channel
from supplychain.mirror.authorize import Authorizer, Peer
from supplychain.mirror.budget import Budget, shared
from supplychain.mirror.connections import Connections, HttpRequest
from supplychain.mirror.credentials import ANONYMOUS, Credentials
from supplychain.mirror.hosts import api_host, bare_address, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from types import TracebackType

    from supplychain.errors import UnavailableError
    from supplychain.files import StrPath

__all__ = ["Conversation", "RegistryClient", "routes"]

T = TypeVar("T")

_REDIRECTS: Final = 5
_REDIRECT_CODES: Final = frozenset({301, 302, 303, 307, 308})
_LONGEST_WAIT: Final = 60.0
"""Seconds. A `Retry-After` above this is passed on to the caller instead of being waited for."""
_TOKEN_BYTES: Final = 64 * 1024
_NO_TOKEN: Final = frozenset({400, 404})
_RANGE_CODES: Final = frozenset({206, 416})
_STRIDE: Final = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What all conversations of a client share."""

    limits: Limits
    connections: Connections
    authorizer: Authorizer
    insecure: frozenset[str]
    has_ca_file: bool
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    jitter: Callable[[], float]
    channels: dict[str, Channel] = field(default_factory=dict)
    """How each registry was reached; written whole, so threads need no lock."""


def routes(registry: str, *, insecure: bool, has_ca_file: bool) -> tuple[Channel, ...]:
    """Say how a registry may be asked, best first; the next one only where the one before brings no connection about."""
    if insecure:
        return (Channel.UNVERIFIED, Channel.PLAIN)
    if is_loopback(registry):
        return (Channel.VERIFIED, Channel.PLAIN) if has_ca_file else (Channel.PLAIN,)
    return (Channel.VERIFIED,)


class RegistryClient:
    """HTTP access to any number of registries; threads may share it.

    Args:
        credentials: who we are; asked only when a registry demands it.
        limits: time-outs and retries.
        insecure: registries (`host[:port]`, exactly as references name them) that need no verified TLS.
        ca_file: further certificate authorities, PEM.
        plain_credentials: send credentials over plain http to insecure registries that are not on loopback.
        budget: how often each host may be asked; the process's own for these limits, unless given.
        transport: replaces the network, for tests; so do `sleep`, `clock` (monotonic, seconds) and `jitter` (0 to 1).

    Raises:
        UnreadableFileError: the CA file cannot be used.
    """

    def __init__(
        self,
        *,
        credentials: Credentials = ANONYMOUS,
        limits: Limits | None = None,
        insecure: Collection[str] = (),
        ca_file: StrPath | None = None,
        plain_credentials: bool = False,
        budget: Budget | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        limits = limits or Limits()
        self._shared = _Shared(
            limits=limits,
            connections=Connections(limits=limits, ca_file=ca_file, transport=transport, budget=budget or shared(limits)),
            authorizer=Authorizer(credentials, clock=clock, plain_credentials=plain_credentials),
            insecure=frozenset(host.lower() for host in insecure),
            has_ca_file=ca_file is not None,
            sleep=sleep,
            clock=clock,
            jitter=jitter,
        )

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, those for tokens included."""
        return self._shared.connections.requests

    @property
    def anonymous(self) -> frozenset[str]:
        """Registries that asked who we are and for which there was no credential; worth a warning."""
        return self._shared.authorizer.anonymous

    def conversation(self, registry: str, repository: str, *, avoid: Collection[str] = (), method: str = "GET") -> Conversation:
        """Begin to talk about one repository; `avoid` names hosts that must get no packet, `HEAD` asks for headers alone."""
        return Conversation(self._shared, registry=registry, repository=repository, avoid=avoid, method=method)

    def close(self) -> None:
        """Close all connections."""
        self._shared.connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Conversation:
    """One target's requests to one repository; its total time starts with the first of them."""

    def __init__(self, shared: _Shared, *, registry: str, repository: str, avoid: Collection[str], method: str) -> None:
        self._shared = shared
        self.registry, self.repository = registry, repository
        self._method = method
        self._avoid = frozenset(bare_address(host) for host in avoid)
        self._deadline: float | None = None
        self._held = 0.0

    def get(
        self, target: str, *, consume: Callable[[Answer], T], accept: str = "*/*", missing: Callable[[], range] | None = None
    ) -> T:
        """Fetch `target` (path and query, from `/v2/` on) and hand the answer to `consume`, anew for each try.

        `missing` says which bytes are still to come: if not all, only they are asked for, and `consume` gets a 200, 206 or 416.
        A try that came a MiB further than any before was none that failed, so that a long download may break off often.

        Raises:
            NotFoundError: the registry does not have it, or does not offer such requests.
            RegistryAuthError: the registry refuses access.
            RegistryUnavailableError: no usable answer after all tries; `retry_after` as the registry said.
            InvalidCredentialsError: the credentials for this registry are unusable.
            and whatever `consume` raises.
        """
        attempt = furthest = 0
        while True:
            part = range(0) if missing is None else missing()  # told with its end: not every registry knows a range without
            furthest = max(furthest, part.start)
            headers = {"Accept": accept} | ({"Range": f"bytes={part.start}-{part.stop - 1}"} if part.start else {})
            try:
                return self._attempt(target, consume=consume, headers=headers)
            except PassingError as passing:
                if missing is not None and missing().start >= furthest + _STRIDE:
                    attempt = 0
                if (delay := self._delay(passing.error, attempt=attempt)) is None:
                    raise passing.error from passing
            self._shared.sleep(delay)
            attempt += 1

    def _delay(self, error: UnavailableError, *, attempt: int) -> float | None:
        """Seconds to wait before the next try; None when there is none."""
        delay = back_off(error, attempt=attempt, jitter=self._shared.jitter())
        if attempt >= self._shared.limits.retries or delay > _LONGEST_WAIT or delay >= self._remaining():
            return None
        return delay

    def _attempt(self, target: str, *, consume: Callable[[Answer], T], headers: Mapping[str, str]) -> T:
        channels = self._routes()
        for channel in channels[:-1]:
            try:
                return self._exchange(target, channel=channel, consume=consume, headers=headers)
            except PassingError as passing:
                if passing.connected:
                    raise
        return self._exchange(target, channel=channels[-1], consume=consume, headers=headers)

    def _routes(self) -> tuple[Channel, ...]:
        shared = self._shared
        if self.registry in shared.channels:
            return (shared.channels[self.registry],)
        return routes(self.registry, insecure=self.registry in shared.insecure, has_ca_file=shared.has_ca_file)

    def _exchange(self, target: str, *, channel: Channel, consume: Callable[[Answer], T], headers: Mapping[str, str]) -> T:
        """Ask once, and once more with an answer to a challenge; an authorization that aged meanwhile is so renewed."""
        url = parse_url(f"{'http' if channel is Channel.PLAIN else 'https'}://{api_host(self.registry)}{target}")
        peer = Peer(registry=self.registry, repository=self.repository, channel=channel)
        authorization = self._shared.authorizer.known(peer)
        ranged = "Range" in headers
        with self._follow(url, channel=channel, headers=headers, authorization=authorization) as (answer, direct):
            self._shared.channels[self.registry] = channel
            if answer.status != httpx.codes.UNAUTHORIZED or not direct:
                return _deliver(answer, consume=consume, ranged=ranged)
            challenges = answer.headers.get_list("www-authenticate")
        self._shared.connections.wait(url, remaining=self._remaining, waited=self._extend)  # not with a token that grows old
        authorization = self._shared.authorizer.answer(challenges, peer=peer, ask=self._ask_realm)
        with self._follow(url, channel=channel, headers=headers, authorization=authorization, held=url) as (answer, _):
            return _deliver(answer, consume=consume, ranged=ranged)

    @contextmanager
    def _follow(
        self, url: httpx.URL, *, channel: Channel, headers: Mapping[str, str], authorization: str | None, held: object = None
    ) -> Iterator[tuple[Answer, bool]]:
        """Follow redirects to an answer; the second value says whether the registry itself gave it."""
        origin = url
        for _ in range(_REDIRECTS + 1):
            direct = _origin(url) == _origin(origin)
            own = {"Authorization": authorization} if authorization is not None and direct else {}
            request = HttpRequest(url=url, headers={**headers, **own}, method=self._method, waited_for=url is held)
            with self._send(request, channel=channel) as answer:
                if answer.status not in _REDIRECT_CODES:
                    yield answer, direct
                    return
            url, channel = self._redirected(url, location=answer.headers.get("location", ""))
        raise RegistryUnavailableError("too many redirects", expected=f"at most {_REDIRECTS}", where=place(origin))

    def _redirected(self, url: httpx.URL, *, location: str) -> tuple[httpx.URL, Channel]:
        target = parse_url(location, base=url)
        if not location or target.userinfo or target.scheme not in {"https", url.scheme}:
            got = place(target) if location else "nothing"
            raise RegistryUnavailableError(
                "a redirect leads where it must not", expected="an https URL", got=got, where=place(url)
            )
        return target, self._channel(target)

    def _channel(self, url: httpx.URL) -> Channel:
        if url.scheme == "http":
            return Channel.PLAIN
        return Channel.UNVERIFIED if url.netloc.decode("ascii") in self._shared.insecure else Channel.VERIFIED

    def _ask_realm(self, request: HttpRequest) -> bytes:
        with self._send(request, channel=self._channel(request.url)) as answer:
            if answer.status in _REDIRECT_CODES or answer.status in _NO_TOKEN:
                raise RegistryAuthError("the token realm gives no token", got=f"status {answer.status}", where=answer.where)
            return _deliver(answer, consume=lambda good: good.read(_TOKEN_BYTES), ranged=False)

    def _send(self, request: HttpRequest, *, channel: Channel) -> Answer:
        address = bare_address(request.url.netloc.decode("ascii"))
        if address in self._avoid:
            raise RegistryUnavailableError(
                "the upstream of a mirror must not be asked", got=f"`{address}`", where=f"registry `{self.registry}`"
            )
        return self._shared.connections.send(request, channel=channel, remaining=self._remaining, waited=self._extend)

    def _extend(self, seconds: float) -> None:
        """Waiting for one's own budget is no fault of the registry."""
        self._held += seconds

    def _remaining(self) -> float:
        """Seconds that this conversation still has.

        Raises:
            RegistryUnavailableError: none.
        """
        total = self._shared.limits.total_seconds
        if self._deadline is None:
            self._deadline = self._shared.clock() + total
        left = self._deadline + self._held - self._shared.clock()
        if left <= 0:
            where = f"registry `{self.registry}`"
            raise RegistryUnavailableError("the time is over", expected=f"an end within {total:g} seconds", where=where)
        return left


def _deliver(answer: Answer, *, consume: Callable[[Answer], T], ranged: bool) -> T:
    if answer.status == httpx.codes.OK or (ranged and answer.status in _RANGE_CODES):
        return consume(answer)
    raise failure(answer)


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc
