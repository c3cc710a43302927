"""Asking Rekor v1 for log entries about a DSSE envelope (sigstore/rekor, openapi.yaml).

Two ways, the second where the first finds nothing:

* By content: the entries of kind `intoto` 0.0.1 and `dsse` 0.0.1 that the log would have made of exactly this envelope. It needs
  no search index, but the certificate, which generators write beside the signature as `cert`.
* By the search index, an extra that not every log offers: by the hash of the payload, then by that of the artifact. Anybody can
  put entries there, so it may name many that are about something else.

What is sent are hashes, the signature and the certificate, never the payload. Nothing in an answer is trusted or even looked
into: entries are handed on one by one to whoever verifies them. A log is asked by https, on loopback or where its host is
declared insecure by http too, and redirects are followed nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from supplychain.dsse import parse_envelope
from supplychain.errors import ArtifactTooLargeError, TransparencyLogUnavailableError, UnavailableError
from supplychain.limits import Limits
from supplychain.mirror.answers import PassingError, back_off, failure, place
from supplychain.mirror.auth import Channel
from supplychain.mirror.connections import Connections, HttpRequest
from supplychain.mirror.hosts import is_loopback
from supplychain.ports import FoundEntry
from supplychain.wire import MalformedError, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from types import TracebackType

    from supplychain.files import StrPath
    from supplychain.mirror.answers import Answer

__all__ = ["RekorLookup"]

_BY_INDEX: Final = "/api/v1/index/retrieve"
_ENTRIES: Final = "/api/v1/log/entries/retrieve"
_MAX_ENTRIES: Final = 10
"""Of one answer; Rekor itself takes no more in one request."""
_TOTAL_SECONDS: Final = 60.0
"""For all logs together that are asked about one envelope."""
_ENTRY_ID = re.compile(r"[0-9a-fA-F]{64}|[0-9a-fA-F]{80}")


class RekorLookup:
    """The `supplychain.ports.LogLookup` over the network; threads may share it.

    Args:
        limits: time-outs, retries, and the size of an answer (`document`).
        insecure: hosts (`host[:port]`, as the trust root names them) that need no verified TLS.
        ca_file: further certificate authorities, PEM.
        transport: replaces the network, for tests; so do `sleep`, `clock` (monotonic, seconds) and `jitter` (0 to 1).

    Raises:
        UnreadableFileError: the CA file cannot be used.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        insecure: Collection[str] = (),
        ca_file: StrPath | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._limits = limits or Limits()
        self._connections = Connections(limits=self._limits, ca_file=ca_file, transport=transport)
        self._insecure = frozenset(host.lower() for host in insecure)
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter

    def __call__(self, envelope: bytes, *, logs: Sequence[str], artifact: str) -> Iterator[FoundEntry]:
        """Find entries; see `LogLookup`."""
        wanted = _Wanted.of(envelope, artifact=artifact)
        deadline = self._clock() + min(self._limits.total_seconds, _TOTAL_SECONDS)
        failed: TransparencyLogUnavailableError | None = None
        for log in logs:
            try:
                yield from self._ask(log, wanted, deadline=deadline)
            except TransparencyLogUnavailableError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(self, log: str, wanted: _Wanted, *, deadline: float) -> Iterator[FoundEntry]:
        url, channel = self._address(log)

        def post(path: str, document: object) -> Any:
            target = url.copy_with(raw_path=url.raw_path.rstrip(b"/") + path.encode())
            return self._post(target, document, channel=channel, deadline=deadline)

        found = _entries(post(_ENTRIES, {"entries": wanted.proposals}), url=url) if wanted.proposals else []
        if found:  # exactly this envelope: the index could only add entries about others
            yield from found
            return
        ids: list[str] = []
        for digest in wanted.digests:
            ids = ids or _entry_ids(post(_BY_INDEX, {"hash": f"sha256:{digest}"}), url=url)
        if ids:
            yield from _entries(post(_ENTRIES, {"entryUUIDs": ids[:_MAX_ENTRIES]}), url=url)
        if len(ids) > _MAX_ENTRIES:
            raise TransparencyLogUnavailableError(
                "the search index names more entries than are looked at",
                expected=f"at most {_MAX_ENTRIES}",
                got=str(len(ids)),
                where=place(url),
                hint="give the entry by `--rekor-entry FILE`",
            )

    def _address(self, log: str) -> tuple[httpx.URL, Channel]:
        """Say where a log is asked, and how."""
        try:
            url = httpx.URL(log if "//" in log else f"https://{log}")
            host = url.netloc.decode("ascii")
        except (httpx.InvalidURL, ValueError) as exc:
            raise TransparencyLogUnavailableError("the trust root names a log by no usable URL", got=f"`{log[:200]}`") from exc
        if not url.host or url.userinfo or url.query or url.fragment:
            raise TransparencyLogUnavailableError("the trust root names a log by no usable URL", got=place(url))
        if url.scheme == "https":
            return url, Channel.UNVERIFIED if host in self._insecure else Channel.VERIFIED
        if url.scheme == "http" and (is_loopback(host) or host in self._insecure):
            return url, Channel.PLAIN
        raise TransparencyLogUnavailableError(
            "the trust root names a log that cannot be asked safely",
            expected="https",
            got=place(url),
            hint=f"allow plain HTTP with `--insecure-registry {host}`, or give the entry by `--rekor-entry FILE`",
        )

    def _post(self, url: httpx.URL, document: object, *, channel: Channel, deadline: float) -> Any:
        """Send a request, again where that may help, and read the answer as JSON."""

        def remaining() -> float:
            left = deadline - self._clock()
            if left <= 0:
                raise TransparencyLogUnavailableError("the time for asking transparency logs is over", where=place(url))
            return left

        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        request = HttpRequest(url=url, headers=headers, body=json.dumps(document).encode())
        attempt = 0
        while True:
            try:
                return parse_json(self._send(request, channel=channel, remaining=remaining))
            except PassingError as passing:
                delay = back_off(passing.error, attempt=attempt, jitter=self._jitter())
                if attempt >= self._limits.retries or delay >= remaining():
                    raise _unavailable(passing.error) from passing
            except (UnavailableError, ArtifactTooLargeError) as error:
                raise _unavailable(error) from error
            except MalformedError as exc:
                raise _unreadable(str(exc), url=url) from exc
            self._sleep(delay)
            attempt += 1

    def _send(self, request: HttpRequest, *, channel: Channel, remaining: Callable[[], float]) -> bytes:
        with self._connections.send(request, channel=channel, remaining=remaining) as answer:
            if answer.status != httpx.codes.OK:
                raise _refusal(answer)
            return answer.read(self._limits.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a log is asked about one envelope."""

    proposals: tuple[dict[str, Any], ...]
    """Entries as the log would have made them; none where the envelope does not name its certificate."""
    digests: tuple[str, ...]
    """SHA-256 in hex to search the index for, the narrowest first."""

    @classmethod
    def of(cls, data: bytes, *, artifact: str) -> _Wanted:
        envelope = parse_envelope(data)
        payload = hashlib.sha256(envelope.payload).hexdigest()
        signatures = parse_json(data)["signatures"]
        signer = _canonical_pem(signatures[0].get("cert")) if len(signatures) == 1 else b""
        proposals = _proposals(data, payload=payload, signature=signatures[0]["sig"], signer=signer) if signer else ()
        return cls(proposals=proposals, digests=(payload, artifact))


def _proposals(data: bytes, *, payload: str, signature: str, signer: bytes) -> tuple[dict[str, Any], ...]:
    """Build both kinds in the form in which the log keeps them, which it accepts as a question and which has no payload."""
    pem = base64.b64encode(signer).decode()
    whole = {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}
    content = {"algorithm": "sha256", "value": payload}
    intoto = {"content": {"hash": whole, "payloadHash": content}, "publicKey": pem}
    signed = [{"signature": signature, "verifier": pem}]
    dsse = {"envelopeHash": whole, "payloadHash": content, "signatures": signed}
    return (
        {"kind": "intoto", "apiVersion": "0.0.1", "spec": intoto},
        {"kind": "dsse", "apiVersion": "0.0.1", "spec": dsse},
    )


def _canonical_pem(text: object) -> bytes:
    """Spell certificates as the log does; empty where there is none that can be read."""
    if isinstance(text, str):
        with suppress(Exception):  # the hint of a stranger: whatever is wrong with it, the index is left
            return b"".join(one.public_bytes(Encoding.PEM) for one in x509.load_pem_x509_certificates(text.encode()))
    return b""


def _entries(answer: Any, *, url: httpx.URL) -> list[FoundEntry]:
    """Take the answer apart, one document an entry."""
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise _unreadable("no list of entries", url=url)
    found = [(name, entry) for item in answer for name, entry in item.items()]
    if len(found) > _MAX_ENTRIES:
        raise _unreadable(f"{len(found)} entries, more than were asked for", url=url)
    return [FoundEntry(document=json.dumps({name: entry}).encode(), log=url.host) for name, entry in found]


def _entry_ids(answer: Any, *, url: httpx.URL) -> list[str]:
    ids = [] if answer is None else answer
    if not isinstance(ids, list) or not all(isinstance(one, str) and _ENTRY_ID.fullmatch(one) for one in ids):
        raise _unreadable("no list of entry ids", url=url)
    return ids


def _refusal(answer: Answer) -> Exception:
    """Say what an answer other than 200 means; a `PassingError` where a later try may help."""
    by_registry = failure(answer)
    error = TransparencyLogUnavailableError(
        "the transparency log answers with an error", got=f"status {answer.status}", where=answer.where
    )
    if not isinstance(by_registry, PassingError):
        return error
    error.retry_after = by_registry.error.retry_after
    return PassingError(error)


def _unavailable(error: UnavailableError | ArtifactTooLargeError) -> TransparencyLogUnavailableError:
    if isinstance(error, TransparencyLogUnavailableError):
        return error
    got = ": ".join(filter(None, (error.what, error.got)))
    return TransparencyLogUnavailableError("the transparency log could not be asked", got=got, where=error.where)


def _unreadable(why: str, *, url: httpx.URL) -> TransparencyLogUnavailableError:
    return TransparencyLogUnavailableError("the transparency log's answer is not usable", got=why, where=place(url))
