"""Whether a registry answers at all, and if not, why: the endpoint `/v2/` (distribution-spec, "Determining support").

Reachable is a registry that answers 200, or 401 with a challenge of registries. With credentials the challenge is answered, too,
so that refused credentials are told apart from a registry that is away. Whether it has a certain artifact is not asked.

The rules of `transport` hold: which scheme, which hosts get no packet, and who gets credentials. Other than there, a redirect is
followed on the same host name only: who is led away from a mirror does not reach the mirror. Nothing is tried twice.
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import httpx

from supplychain.errors import ArtifactTooLargeError, RegistryAuthError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror import auth
from supplychain.mirror.answers import Answer, PassingError, place
from supplychain.mirror.auth import Channel
from supplychain.mirror.authorize import Authorizer, Peer
from supplychain.mirror.connections import Connections, HttpRequest
from supplychain.mirror.credentials import ANONYMOUS
from supplychain.mirror.hosts import api_host, bare_address, split_host
from supplychain.mirror.transport import routes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from supplychain.files import StrPath
    from supplychain.mirror.budget import Budget
    from supplychain.mirror.credentials import Credentials

__all__ = ["Finding", "Probe", "Target", "probe"]

_REDIRECTS: Final = 3
_REDIRECT_CODES: Final = frozenset({301, 302, 303, 307, 308})
_TOKEN_BYTES: Final = 64 * 1024


class Finding(StrEnum):
    """What asking for `/v2/` came to."""

    REACHABLE = "Reachable"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    """It answers, but not to these credentials."""
    CREDENTIALS_UNPROVEN = "CredentialsUnproven"
    """It answers, but whoever issues its tokens does not."""
    CONNECTION_REFUSED = "ConnectionRefused"
    NAME_UNKNOWN = "NameUnknown"
    """The host's name does not resolve."""
    TLS_FAILED = "TlsFailed"
    TIMED_OUT = "TimedOut"
    LEADS_ELSEWHERE = "LeadsElsewhere"
    """A redirect, or the issuer of its tokens, is on a host that must not be asked."""
    NO_REGISTRY = "NoRegistry"
    """Something answers, but not as a registry does."""
    CONNECTION_FAILED = "ConnectionFailed"
    """No connection, for another reason."""


_ANSWERED: Final = frozenset({Finding.REACHABLE, Finding.CREDENTIALS_REFUSED, Finding.CREDENTIALS_UNPROVEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The finding, and a sentence about it that is the same as long as the cause is."""

    finding: Finding
    message: str

    @property
    def reachable(self) -> bool:
        """Whether `/v2/` was answered with 200 or 401, as a registry does; credentials may be refused all the same."""
        return self.finding in _ANSWERED


class _End(Exception):  # noqa: N818 — no error but the way out of a conversation
    def __init__(self, finding: Finding, message: str) -> None:
        super().__init__(message)
        self.probe = Probe(finding=finding, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which registry to ask, and how."""

    registry: str
    """`host[:port]` as references name it."""
    repository: str
    """A repository in it, to which a token is asked for, where it wants one."""
    credentials: Credentials | None = None
    """Who we are; None: nobody, and then a challenge is answer enough."""
    insecure: bool = False
    """Needs no verified TLS, or none at all."""
    ca_file: StrPath | None = None
    """Further certificate authorities, PEM."""
    avoid: Collection[str] = ()
    """Hosts that must get no packet."""
    plain_credentials: bool = False
    """Send credentials over plain http to an insecure registry that is not on loopback."""
    seconds: float = 5.0
    """For all of it, the time apart for which the budget held it back."""
    budget: Budget | None = None
    """How often each host may be asked; None: as often as it takes."""


def probe(target: Target, *, transport: httpx.BaseTransport | None = None, clock: Callable[[], float] = time.monotonic) -> Probe:
    """Ask a registry for `/v2/`; `transport` and `clock` (monotonic, seconds) replace the real ones in tests.

    Raises:
        InvalidCredentialsError: the credentials for this registry are unusable.
        UnreadableFileError: the CA file cannot be used.
    """
    seconds = target.seconds
    limits = Limits(connect_seconds=seconds, first_byte_seconds=seconds, idle_seconds=seconds, total_seconds=seconds)
    connections = Connections(limits=limits, ca_file=target.ca_file, transport=transport, budget=target.budget)
    authorizer = Authorizer(target.credentials or ANONYMOUS, clock=clock, plain_credentials=target.plain_credentials)
    asking = _Asking(target=target, authorizer=authorizer, connections=connections, clock=clock, end=clock() + seconds)
    try:
        return asking.ask(routes(target.registry, insecure=target.insecure, has_ca_file=target.ca_file is not None))
    except _End as end:
        return end.probe
    finally:
        connections.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """One probe."""

    target: Target
    authorizer: Authorizer
    connections: Connections
    clock: Callable[[], float]
    end: float
    held: list[float] = field(default_factory=list)
    """Seconds for which the budget held requests back."""

    def ask(self, channels: tuple[Channel, ...]) -> Probe:
        """Ask over the first channel that brings a connection about."""
        try:
            for channel in channels[:-1]:
                try:
                    return self._exchange(channel)
                except PassingError as passing:
                    if passing.connected:
                        raise
            return self._exchange(channels[-1])
        except (PassingError, RegistryUnavailableError) as failed:
            error = failed.error if isinstance(failed, PassingError) else failed
            return Probe(finding=_cause(failed), message=str(error))

    def _exchange(self, channel: Channel) -> Probe:
        """Ask, and ask again with an answer to the challenge where there are credentials."""
        status, challenges, direct = self._get(channel, authorization=None)
        if status == httpx.codes.UNAUTHORIZED and auth.parse_challenges(challenges) is not None:
            if self.target.credentials is None:
                return self._reachable()
            if not direct:
                message = (
                    f"registry `{self.target.registry}` asks for credentials only behind a redirect, where they are not sent"
                )
                raise _End(Finding.CREDENTIALS_UNPROVEN, message)
            # Before a token is asked for, which may live for less than the budget makes wait.
            self.connections.wait(self._origin(channel), remaining=self._remaining, waited=self.held.append)
            status, _, _ = self._get(channel, authorization=self._authorization(challenges, channel=channel))
            if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
                message = f"registry `{self.target.registry}` refuses the credentials: got status {status}"
                raise _End(Finding.CREDENTIALS_REFUSED, message)
        if status != httpx.codes.OK:
            message = (
                f"no registry at `{self.target.registry}`: expected status 200 or a challenge from `/v2/`, got status {status}"
            )
            raise _End(Finding.NO_REGISTRY, message)
        return self._reachable()

    def _authorization(self, challenges: list[str], *, channel: Channel) -> str:
        """Answer a challenge as a pull would.

        Raises:
            _End: the credentials do not help.
            InvalidCredentialsError: they are unusable.
        """
        if self.target.credentials is None or self.target.credentials.find(self.target.registry, self.target.repository) is None:
            raise _End(Finding.CREDENTIALS_REFUSED, f"no credentials for registry `{self.target.registry}`, which asks for some")
        peer = Peer(registry=self.target.registry, repository=self.target.repository, channel=channel)
        try:
            return self.authorizer.answer(challenges, peer=peer, ask=self._ask_realm)
        except (RegistryAuthError, ArtifactTooLargeError) as exc:
            raise _End(Finding.CREDENTIALS_REFUSED, str(exc)) from exc
        except (PassingError, RegistryUnavailableError) as exc:
            error = exc.error if isinstance(exc, PassingError) else exc
            raise _End(Finding.CREDENTIALS_UNPROVEN, str(error)) from exc

    def _ask_realm(self, request: HttpRequest) -> bytes:
        channel = self._channel(request.url)
        with self._send(request, channel=channel) as answer:
            if answer.status == httpx.codes.OK:
                return answer.read(_TOKEN_BYTES)
            if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status == httpx.codes.TOO_MANY_REQUESTS:
                raise RegistryUnavailableError("no token", got=f"status {answer.status}", where=answer.where)
            raise RegistryAuthError("the token realm gives no token", got=f"status {answer.status}", where=answer.where)

    def _get(self, channel: Channel, *, authorization: str | None) -> tuple[int, list[str], bool]:
        """Give status and challenges, and whether the registry itself answered and not where a redirect leads."""
        origin = url = self._origin(channel)
        for _ in range(_REDIRECTS + 1):
            direct = url.netloc == origin.netloc and url.scheme == origin.scheme
            headers = {"Authorization": authorization} if authorization is not None and direct else {}
            request = HttpRequest(url=url, headers=headers, waited_for=authorization is not None and url is origin)
            with self._send(request, channel=channel) as answer:
                if answer.status not in _REDIRECT_CODES:
                    return answer.status, answer.headers.get_list("www-authenticate"), direct
                location = answer.headers.get("location", "")
            url = self._redirected(url, location=location)
            channel = self._channel(url)
        raise _End(Finding.NO_REGISTRY, f"more than {_REDIRECTS} redirects from {place(origin)}")

    def _origin(self, channel: Channel) -> httpx.URL:
        scheme = "http" if channel is Channel.PLAIN else "https"
        try:
            return httpx.URL(f"{scheme}://{api_host(self.target.registry)}/v2/")
        except httpx.InvalidURL as exc:
            raise _End(Finding.NAME_UNKNOWN, f"`{self.target.registry[:200]}` is no host") from exc

    def _redirected(self, url: httpx.URL, *, location: str) -> httpx.URL:
        target = url.join(location)  # what is no URL was refused when the answer came
        stays = self._same_host(target.netloc.decode("ascii"))
        if not location or target.userinfo or target.scheme not in {"https", url.scheme} or not stays:
            raise _End(Finding.LEADS_ELSEWHERE, f"{place(url)} redirects to {place(target) if location else 'nothing'}")
        return target

    def _same_host(self, host: str) -> bool:
        return split_host(host.lower())[0] == split_host(api_host(self.target.registry).lower())[0]

    def _channel(self, url: httpx.URL) -> Channel:
        if url.scheme == "http":
            return Channel.PLAIN
        return (
            Channel.UNVERIFIED
            if self.target.insecure and url.netloc.decode("ascii") == self.target.registry
            else Channel.VERIFIED
        )

    def _send(self, request: HttpRequest, *, channel: Channel) -> Answer:
        address = request.url.netloc.decode("ascii")
        if bare_address(address) in {bare_address(host) for host in self.target.avoid}:
            message = (
                f"registry `{self.target.registry}` leads to `{address}`, the upstream of the mirror, which must not be asked"
            )
            raise _End(Finding.LEADS_ELSEWHERE, message)
        return self.connections.send(request, channel=channel, remaining=self._remaining, waited=self.held.append)

    def _remaining(self) -> float:
        left = self.end + sum(self.held) - self.clock()
        if left <= 0:
            raise _End(
                Finding.TIMED_OUT, f"no answer from registry `{self.target.registry}` within {self.target.seconds:g} seconds"
            )
        return left

    def _reachable(self) -> Probe:
        return Probe(finding=Finding.REACHABLE, message=f"registry `{self.target.registry}` answers")


def _cause(failed: BaseException | None) -> Finding:
    """Find out what lies under a failed connection; the libraries in between keep the chain of causes."""
    while failed is not None:
        match failed:
            case httpx.TimeoutException():
                return Finding.TIMED_OUT
            case socket.gaierror():
                return Finding.NAME_UNKNOWN
            case ssl.SSLError():
                return Finding.TLS_FAILED
            case ConnectionRefusedError():
                return Finding.CONNECTION_REFUSED
        failed = failed.__cause__ or failed.__context__
    return Finding.CONNECTION_FAILED
