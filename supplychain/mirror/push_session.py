"""The HTTP session that oras pushes through: time-outs, challenges, and who gets credentials.

Everything is asked of the registry's own origin with its authorization; an upload location on another host gets the bytes and
nothing else. No redirect is followed. Schemes and authorization are those of `transport` and `authorize`; only the scope is
wider.
"""

from __future__ import annotations

import re
import ssl
import time
import warnings
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

import httpx
import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import InsecureRequestWarning

from supplychain.errors import (
    NotFoundError,
    RegistryAuthError,
    RegistryUnavailableError,
    SupplyChainError,
)
from supplychain.mirror.answers import place
from supplychain.mirror.auth import Channel
from supplychain.mirror.authorize import Authorizer, Peer
from supplychain.mirror.budget import shared
from supplychain.mirror.hosts import api_host, bare_address, is_loopback
from supplychain.mirror.push_adapter import PushAdapter, ca_context, in_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from supplychain.files import StrPath
    from supplychain.limits import Limits
    from supplychain.mirror.connections import HttpRequest
    from supplychain.mirror.credentials import Credentials

__all__ = ["PushSession", "read_answer", "refusal"]

_LARGEST_ANSWER: Final = 64 * 1024
_CODE: Final = re.compile(rb'"code"\s*:\s*"([A-Z][A-Z_]{0,63})"')


class PushSession:
    """One push to one repository; close it after use.

    Args:
        registry: as the reference names it.
        repository: for the scope of tokens.
        credentials: asked only when the registry demands them.
        insecure: the registry needs no verified TLS, and may be without TLS.
        ca_file: further certificate authorities, PEM.
        plain_credentials: send credentials over plain http to a registry that is not on loopback.
        limits: time-outs.

    Raises:
        UnreadableFileError: the CA file cannot be used.
        RegistryUnavailableError: the registry cannot be reached.
    """

    def __init__(
        self,
        registry: str,
        repository: str,
        *,
        credentials: Credentials,
        insecure: bool,
        ca_file: StrPath | None,
        plain_credentials: bool,
        limits: Limits,
    ) -> None:
        self._registry = registry
        self._scope = f"repository:{repository}:pull,push"
        self._budget = shared(limits)
        self._timeout = (limits.connect_seconds, limits.first_byte_seconds)
        self._authorizer = Authorizer(credentials, clock=time.monotonic, plain_credentials=plain_credentials)
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc, which would add credentials of its own
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        context = None if ca_file is None else ca_context(ca_file)
        adapter = PushAdapter(None if insecure else context, seconds=limits.total_seconds)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)
        try:
            self._reach(_routes(registry, insecure=insecure, has_ca_file=ca_file is not None), repository=repository)
        except SupplyChainError:
            self.close()
            raise

    @property
    def plain(self) -> bool:
        """Whether the registry is talked to without TLS."""
        return self._peer.channel is Channel.PLAIN

    @property
    def origin(self) -> str:
        """Scheme and host of every URL of the registry."""
        return f"{'http' if self.plain else 'https'}://{api_host(self._registry)}"

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def request(
        self, method: str, url: str, *, data: Iterable[bytes] | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Ask, and ask once more with an answer to a challenge; `data` may be iterated twice then.

        Raises:
            RegistryUnavailableError: no answer.
            RegistryAuthError: there is no answer to the challenge.
            InvalidCredentialsError: the credentials for this registry are unusable.
        """
        own = _origin(url) == _origin(self.origin)
        if not own and not self.plain and urlsplit(url).scheme != "https":
            raise RegistryUnavailableError("an upload location leads out of TLS", where=_place(url))
        given = dict(headers or {})
        self._wait(url)
        known = self._authorizer.known(self._peer) if own else None
        response = self._exchange(method, url, data=data, headers=given | ({"Authorization": known} if known else {}))
        if response.status_code != requests.codes.unauthorized or not own:
            return response
        challenges = response.raw.headers.getlist("WWW-Authenticate")
        response.close()
        self._wait(url)  # not with a token that grows old
        answer = self._authorizer.answer(challenges, peer=self._peer, ask=self._ask_realm)
        return self._exchange(method, url, data=data, headers=given | {"Authorization": answer})

    def _reach(self, routes: Sequence[Channel], *, repository: str) -> None:
        """Find out how the registry is reached: by the first route on which anything answers."""
        route, *others = routes
        self._peer = Peer(registry=self._registry, repository=repository, channel=route)
        try:
            self._send("GET", f"{self.origin}/v2/").close()
        except RegistryUnavailableError as exc:
            if not others or isinstance(exc.__cause__, requests.Timeout) or _certificate_problem(exc) is not None:
                raise
        else:
            return
        self._reach(others, repository=repository)

    def _send(
        self,
        method: str,
        url: str,
        *,
        data: Iterable[bytes] | bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        self._wait(url)
        return self._exchange(method, url, data=data, headers=headers)

    def _wait(self, url: str) -> None:
        """Wait until the budget of the URL's host has room for one more request."""
        self._budget.request(bare_address(urlsplit(url).netloc))

    def _exchange(
        self,
        method: str,
        url: str,
        *,
        data: Iterable[bytes] | bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        host = urlsplit(url).netloc
        body = data if data is None or isinstance(data, Mapping) else self._budget.sending(data, host=bare_address(host))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InsecureRequestWarning)  # the user said so
                return self._session.request(
                    method,
                    url,
                    data=body,
                    headers={"User-Agent": "mcpg-supplychain", "Accept-Encoding": "identity", **(headers or {})},
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                    verify=self._peer.channel is not Channel.UNVERIFIED or _origin(url) != _origin(self.origin),
                    proxies={} if is_loopback(host) else get_environ_proxies(url),
                )
        except Exception as exc:  # the library's edge: requests, urllib3, ssl and idna have errors of their own
            raise _unavailable(exc, where=_place(url)) from exc

    def _ask_realm(self, request: HttpRequest) -> bytes:
        """Ask for a token that may push, too."""
        if request.form is None:
            url = str(request.url.copy_set_param("scope", self._scope))
            response = self._send("GET", url, headers=request.headers)
        else:
            response = self._send("POST", str(request.url), data={**request.form, "scope": self._scope}, headers=request.headers)
        with response:
            if not response.ok or response.is_redirect:
                raise RegistryAuthError(
                    "the token realm gives no token", got=f"status {response.status_code}", where=_place(str(request.url))
                )
            return read_answer(response, bound=_LARGEST_ANSWER)


def read_answer(response: requests.Response, *, bound: int) -> bytes:
    """Read a body of at most `bound` bytes; of a longer one, `bound` + 1 bytes come.

    Raises:
        RegistryUnavailableError: it broke off.
    """
    data = bytearray()
    try:
        with in_time(response):
            for piece in response.iter_content(min(bound + 1, _LARGEST_ANSWER)):
                data += piece
                if len(data) > bound:
                    break
    except Exception as exc:  # the library's edge
        raise _unavailable(exc, where=_place(response.url)) from exc
    return bytes(data[: bound + 1])


def refusal(response: requests.Response) -> SupplyChainError:
    """Say what an answer other than the wanted one means."""
    where = _place(response.url)
    codes = sorted({code.decode() for code in _CODE.findall(read_answer(response, bound=_LARGEST_ANSWER))})[:3]
    got = f"status {response.status_code}" + "".join(f" `{code}`" for code in codes)
    match response.status_code:
        case 401 | 403:
            return RegistryAuthError("the registry refuses the push", got=got, where=where)
        case 404:
            return NotFoundError("the registry does not take pushes to this repository", got=got, where=where)
    error = RegistryUnavailableError("the registry refuses the push", got=got, where=where)
    wait = response.headers.get("Retry-After", "")
    error.retry_after = float(wait[:9]) if wait.isascii() and wait.isdecimal() else None
    return error


def _unavailable(exc: Exception, *, where: str) -> RegistryUnavailableError:
    untrusted = _certificate_problem(exc)
    if untrusted is not None:
        hint = "give the registry's CA with `--ca-file FILE`"
        return RegistryUnavailableError(
            "the registry's certificate is not trusted", got=untrusted.verify_message, where=where, hint=hint
        )
    if isinstance(exc, requests.Timeout):
        return RegistryUnavailableError("no answer within the time-out", where=where)
    if isinstance(exc, requests.ConnectionError):
        return RegistryUnavailableError("the connection failed", where=where)
    return RegistryUnavailableError("the request cannot be made", got=type(exc).__name__, where=where)


def _certificate_problem(exc: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while exc is not None and not isinstance(exc, ssl.SSLCertVerificationError):
        exc = exc.__cause__ or exc.__context__
    return exc


def _routes(registry: str, *, insecure: bool, has_ca_file: bool) -> tuple[Channel, ...]:
    if insecure:
        return (Channel.UNVERIFIED, Channel.PLAIN)
    if is_loopback(registry):
        return (Channel.VERIFIED, Channel.PLAIN) if has_ca_file else (Channel.PLAIN,)
    return (Channel.VERIFIED,)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError as exc:
        raise RegistryUnavailableError("the registry names an unusable upload location") from exc


def _place(url: str) -> str:
    try:
        return place(httpx.URL(url))
    except (httpx.InvalidURL, ValueError):
        return "a URL that cannot be read"
