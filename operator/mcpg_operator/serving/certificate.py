"""The certificate that a server presents, taken anew from its source whenever that has another one.

A new pair is tried on a context of its own first, and then put in the place of the old one as a whole: no handshake sees half of
a change, a connection that is open goes on, and a pair that cannot be used changes nothing.
"""

from __future__ import annotations

import logging
import ssl
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509

from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Certificate", "Pair", "from_directory"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate with whatever chain it needs, and its private key, both in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


class Certificate:
    """What one or more servers present; `refresh` is called by one thread, everything else by any."""

    def __init__(
        self, source: Callable[[], Pair | None], *, where: str, expiry: Callable[[float], None] = lambda _: None
    ) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            source: the pair as it is at this moment, None where there is none
            where: names the source in messages
            expiry: is told when the loaded certificate ends, in seconds since 1970
        """
        self._source = source
        self._where = where
        self._expiry = expiry
        self._seen: Pair | None = None
        self._current: ssl.SSLContext | None = None
        self.context = _context()
        """What a server is given; it hands each handshake to the pair that was loaded last."""
        self.context.sni_callback = self._hand_over

    @property
    def loaded(self) -> bool:
        """Whether there is a pair to present."""
        return self._current is not None

    def load(self) -> None:
        """Load the pair that a server must not start without.

        Raises:
            InvalidPolicyError: there is none, or it cannot be used.
        """
        pair = self._source()
        if pair is None:
            raise InvalidPolicyError("there is no certificate", expected="`tls.crt` and `tls.key`", where=self._where)
        try:
            self._take(pair)
        except ValueError as exc:
            raise InvalidPolicyError("the certificate cannot be used", got=str(exc)[:200], where=self._where) from exc

    def refresh(self) -> None:
        """Take a changed pair into use, for new connections; one that cannot be used is logged once, and the old one stays."""
        pair = self._source()
        if pair is None or pair == self._seen:
            return
        try:
            self._take(pair)
        except ValueError as exc:
            _LOG.warning("the changed certificate cannot be used, the last one stays: %.200s", exc, extra={"where": self._where})
        else:
            _LOG.info("the certificate is in use", extra={"where": self._where})

    def _take(self, pair: Pair) -> None:
        self._seen = pair
        context = _context()
        _load(context, pair)
        ends = x509.load_pem_x509_certificate(pair.certificate).not_valid_after_utc
        if not self.loaded:
            # The outer context needs a pair of its own, or OpenSSL offers no cipher before it asks.
            _load(self.context, pair)
        self._current = context
        self._expiry(ends.timestamp())

    def _hand_over(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current or self.context


def from_directory(directory: Path) -> Callable[[], Pair | None]:
    """Read `tls.crt` and `tls.key` of a directory, as a mounted Secret has them; None where one of them is missing."""

    def read() -> Pair | None:
        try:
            return Pair(certificate=(directory / "tls.crt").read_bytes(), key=(directory / "tls.key").read_bytes())
        except OSError:
            return None

    return read


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _load(context: ssl.SSLContext, pair: Pair) -> None:
    """Load from memory, as far as OpenSSL's interface in Python can: a file that only this user reads, for a moment.

    Raises:
        ValueError: the pair cannot be used.
    """
    with tempfile.NamedTemporaryFile(prefix="tls-") as file:
        file.write(pair.certificate.rstrip() + b"\n" + pair.key)
        file.flush()
        try:
            context.load_cert_chain(file.name, password=_no_password)
        except OSError as exc:
            raise ValueError(str(exc)) from exc


def _no_password() -> str:
    raise ValueError("the key is encrypted")
