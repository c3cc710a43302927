"""The HTTP connections of one client: made when first needed, one pool for each way of trusting the other side.

* Certificates are verified against the roots that httpx uses (`SSL_CERT_FILE` and `SSL_CERT_DIR` count) and the CA file.
* Proxies of the environment are used, as users expect of `HTTPS_PROXY` and `NO_PROXY`, but never for a host on loopback.
* Cookies are neither kept nor sent, and no `.netrc` is read.
* Every wait is bounded (`dialing`), and a host gets no more than its budget allows (`budget`).
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx

from supplychain.errors import UnreadableFileError
from supplychain.files import read_bounded
from supplychain.mirror.answers import Answer, place, translate
from supplychain.mirror.auth import Channel
from supplychain.mirror.budget import Budget
from supplychain.mirror.dialing import bound, within
from supplychain.mirror.hosts import bare_address, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supplychain.files import StrPath
    from supplychain.limits import Limits

__all__ = ["Connections", "HttpRequest"]

_LARGEST_CA_FILE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A GET, or a POST where there is a form or a body; or what `method` says."""

    url: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str | None = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    waited_for: bool = False
    """Whether the host's budget was waited for already, by `wait`."""


class Connections:
    """Sends single requests and counts them; threads may share it. Without a `budget` hosts are asked as often as it takes.

    Raises:
        UnreadableFileError: the CA file cannot be read or holds no certificate.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        ca_file: StrPath | None,
        transport: httpx.BaseTransport | None,
        budget: Budget | None = None,
    ) -> None:
        self._limits = limits
        self._budget = budget or Budget()
        self._transport = transport
        self._clients: dict[tuple[Channel, bool], httpx.Client] = {}
        self._lock = threading.Lock()
        self._context = None if ca_file is None else _context(ca_file)
        self.requests = 0

    def send(
        self,
        request: HttpRequest,
        *,
        channel: Channel,
        remaining: Callable[[], float],
        waited: Callable[[float], None] = lambda _: None,
    ) -> Answer:
        """Send one request without following anything; the caller closes the answer.

        `waited` is told the seconds for which the budget held the request or its answer back.

        Raises:
            PassingError: no answer, but a later try may have one.
            RegistryUnavailableError: no answer, and none to be expected; or the conversation's time is over.
        """
        host = bare_address(request.url.netloc.decode("ascii"))
        if not request.waited_for:
            self.wait(request.url, remaining=remaining, waited=waited)
        left = remaining()
        try:
            client = self._client(channel, on_loopback=is_loopback(request.url.netloc.decode("ascii")))
            message = client.build_request(
                request.method or ("GET" if request.form is None and request.body is None else "POST"),
                request.url,
                headers=request.headers,
                content=request.body,
                data=request.form,
                timeout=self._timeout(left),
            )
            with within(left):
                response = client.send(message, stream=True, follow_redirects=False)
        except Exception as exc:  # the library's edge: httpx, httpcore, h11, ssl and idna have errors of their own
            raise translate(exc, where=place(request.url)) from exc
        return Answer(
            response,
            idle=self._limits.idle_seconds,
            remaining=remaining,
            arrived=lambda size: waited(self._budget.carried(host, size)),
        )

    def wait(self, url: httpx.URL, *, remaining: Callable[[], float], waited: Callable[[float], None]) -> None:
        """Wait until the budget of the URL's host lets one more request go; raises what `remaining` raises."""
        remaining()
        waited(self._budget.request(bare_address(url.netloc.decode("ascii"))))

    def _timeout(self, left: float) -> httpx.Timeout:
        wait = min(self._limits.first_byte_seconds, left)
        return httpx.Timeout(connect=min(self._limits.connect_seconds, left), read=wait, write=wait, pool=left)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _client(self, channel: Channel, *, on_loopback: bool) -> httpx.Client:
        with self._lock:
            self.requests += 1
            client = self._clients.get((channel, on_loopback))
            if client is None:
                verify: ssl.SSLContext | bool = channel is Channel.VERIFIED
                if channel is Channel.VERIFIED and self._context is not None:
                    verify = self._context
                client = httpx.Client(
                    verify=verify,
                    transport=self._transport,
                    trust_env=not on_loopback,
                    # an empty allowlist: no cookie is taken from anybody
                    cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
                    headers={"User-Agent": "mcpg-supplychain", "Accept-Encoding": "identity"},
                )
                bound(client)
                self._clients[channel, on_loopback] = client
            return client


def _context(ca_file: StrPath) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    data = read_bounded(ca_file, limit=_LARGEST_CA_FILE)
    try:
        context.load_verify_locations(cadata=data.decode("ascii"))
    except (ssl.SSLError, ValueError) as exc:
        raise UnreadableFileError("no certificates in PEM", where=f"`{ca_file}`", hint="give the CA as PEM") from exc
    return context
