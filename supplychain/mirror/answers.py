"""One HTTP answer of a registry, read under bounds, and what its failures mean in our errors.

Nothing that an error says holds a query string, a header, or the text of an answer: of a registry's error document only the error
codes are shown (distribution-spec, "Error codes").
"""

from __future__ import annotations

import contextlib
import json
import re
import ssl
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Self

import httpx

from supplychain.errors import ArtifactTooLargeError, NotFoundError, RegistryAuthError, RegistryUnavailableError, UnavailableError
from supplychain.mirror.dialing import within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

__all__ = ["Answer", "PassingError", "back_off", "failure", "parse_url", "place", "translate"]

_SHORT: Final = 8 * 1024
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 8.0
_CODE = re.compile(r"[A-Z][A-Z_]{0,63}")
_MAY_PASS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_THERE: Final = frozenset({404, 405, 410, 501})
"""Gone, or a kind of request that this registry does not offer."""


class PassingError(Exception):
    """A failure that a later try may cure; `error` is what it comes to when there is no later try."""

    def __init__(self, error: UnavailableError, *, connected: bool = True) -> None:
        super().__init__(str(error))
        self.error = error
        self.connected = connected
        """Whether there was a connection at all."""


def place(url: httpx.URL) -> str:
    """Name a URL in an error: without user, query and fragment, and not at any length."""
    return f"`{url.scheme}://{url.netloc.decode('ascii', 'replace')[:200]}{url.path[:300]}`"


def parse_url(text: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """Read a URL, relative to `base` where there is one.

    Raises:
        RegistryUnavailableError: it is none, or its host cannot be asked.
    """
    try:
        url = httpx.URL(text) if base is None else base.join(text)
        url.netloc.decode("ascii")
    except (httpx.InvalidURL, ValueError) as exc:
        where = None if base is None else place(base)
        raise RegistryUnavailableError("no usable URL", got=f"`{text.partition('?')[0][:200]}`", where=where) from exc
    return url


class Answer:
    """Status, headers and the body that is yet to be read.

    `remaining` says how many seconds the conversation still has; `arrived` is told the bytes that came and may take its time.
    """

    def __init__(
        self,
        response: httpx.Response,
        *,
        idle: float,
        remaining: Callable[[], float],
        arrived: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._response = response
        self._remaining = remaining
        self._arrived = arrived
        self.status = response.status_code
        self.headers = response.headers
        self.where = place(response.request.url)
        # From here on the wait is for the next bytes, no longer for the first ones; the body reads this when it starts.
        response.request.extensions["timeout"]["read"] = min(idle, max(remaining(), 0.001))

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; the caller counts the bytes.

        Raises:
            PassingError: the body broke off or came too slowly.
            RegistryUnavailableError: it came in a coding that nobody asked for.
        """
        coding = self.headers.get("content-encoding", "identity")
        if coding.lower() != "identity":
            raise RegistryUnavailableError("the answer is compressed although nobody asked for it", where=self.where)
        received = 0
        pieces = self._response.iter_raw()
        while (chunk := self._next(pieces)) is not None:
            received += len(chunk)
            yield chunk
            self._arrived(len(chunk))
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and received < int(declared):
            raise PassingError(
                RegistryUnavailableError(
                    "the answer broke off", expected=f"{declared} bytes", got=f"{received} bytes", where=self.where
                )
            )

    def _next(self, pieces: Iterator[bytes]) -> bytes | None:
        with within(self._remaining()):
            try:
                return next(pieces, None)
            except httpx.HTTPError as exc:
                raise translate(exc, where=self.where) from exc

    def close(self) -> None:
        """Give the connection back, or drop it where the body was not read."""
        if self._response.request.method == "HEAD" and not self._response.is_stream_consumed:
            with contextlib.suppress(httpx.HTTPError):
                self._response.read()  # there is none, but only then is it known to be over
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, bound: int) -> bytes:
        """Read the whole body of at most `bound` bytes.

        Raises:
            ArtifactTooLargeError: it is longer.
        """
        data = bytearray()
        declared = self.headers.get("content-length", "")
        too_long = declared.isdecimal() and int(declared) > bound
        for chunk in () if too_long else self.chunks():
            data += chunk
            if too_long := len(data) > bound:
                break
        if too_long:
            raise ArtifactTooLargeError(
                "the answer is too large", expected=f"at most {bound} bytes", got="more", where=self.where
            )
        return bytes(data)


def failure(answer: Answer) -> Exception:
    """Say what an answer other than 2xx means: a `PassingError` or one of our errors."""
    got = f"status {answer.status}{_codes(answer)}"
    if answer.status in {401, 403}:
        return RegistryAuthError("the registry refuses access", got=got, where=answer.where)
    if answer.status in _NOT_THERE:
        return NotFoundError("the registry does not have it", got=got, where=answer.where)
    in_clear = answer.status == httpx.codes.BAD_REQUEST and answer.where.startswith("`http://")
    hint = "if this port speaks TLS, give the registry's CA with `--ca-file FILE`" if in_clear else None
    error = RegistryUnavailableError("the registry answers with an error", got=got, where=answer.where, hint=hint)
    error.retry_after = _retry_after(answer.headers)
    return PassingError(error) if answer.status in _MAY_PASS else error


def translate(exc: Exception, *, where: str) -> Exception:
    """Turn anything that the HTTP library raises into a `PassingError` or one of our errors."""
    untrusted = _certificate_problem(exc)
    if untrusted is not None:
        hint = "give the server's CA with `--ca-file FILE`"
        got = untrusted.verify_message
        return RegistryUnavailableError("the server's certificate is not trusted", got=got, where=where, hint=hint)
    if isinstance(exc, httpx.TimeoutException):
        kind = "no connection" if isinstance(exc, httpx.ConnectTimeout) else "no answer"
        return PassingError(RegistryUnavailableError(f"{kind} within the time-out", where=where))
    if isinstance(exc, httpx.ConnectError):
        got = f"`{str(exc)[:120]}`"
        return PassingError(RegistryUnavailableError("no connection", got=got, where=where), connected=False)
    if isinstance(exc, httpx.TransportError) and not isinstance(exc, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return PassingError(RegistryUnavailableError("the connection failed", got=type(exc).__name__, where=where))
    return RegistryUnavailableError("the request cannot be made", got=type(exc).__name__, where=where)


def back_off(error: UnavailableError, *, attempt: int, jitter: float) -> float:
    """Seconds to wait after the try number `attempt`, from 0 on: what the other side asked for, else more from try to try."""
    if error.retry_after is not None:
        return error.retry_after
    return float(min(_FIRST_DELAY * 2**attempt, _LONGEST_DELAY) * (0.5 + jitter / 2))


def _certificate_problem(exc: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while exc is not None and not isinstance(exc, ssl.SSLCertVerificationError):
        exc = exc.__cause__ or exc.__context__
    return exc


def _codes(answer: Answer) -> str:
    try:
        errors = json.loads(answer.read(_SHORT))["errors"]
        codes = [entry["code"] for entry in errors[:3]]
        found = [f"`{code}`" for code in codes if _CODE.fullmatch(code)]
    except (ValueError, LookupError, TypeError, RecursionError, PassingError, UnavailableError, ArtifactTooLargeError):
        return ""  # the status says enough
    return f" ({', '.join(found)})" if found else ""


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, or a date, which is compared with the answer's own date (RFC 9110, section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
        return max(wait.total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):  # TypeError: one date with a zone, one without
        return None
