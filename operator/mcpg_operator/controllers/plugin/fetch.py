"""What a download does: ask what the reference names, and where that is news, pull and judge it, all on its own thread."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.keeping import RecordingSource
from supplychain.errors import InputError, SupplyChainError, UnavailableError, VerificationError

if TYPE_CHECKING:
    from datetime import datetime

    from mcpg_operator.controllers.plugin.clients import Clients
    from mcpg_operator.controllers.plugin.lanes import Ticket
    from mcpg_operator.keeping import Asked
    from supplychain.digest import ManifestDigest
    from supplychain.manifests import ManifestRequest
    from supplychain.verifier import PluginVerifier, Verification

__all__ = ["Arrival", "Errand"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a download brought, with the question that it answers."""

    uid: str
    asked: Asked
    terms: str
    attempt: str
    at: datetime
    seconds: float
    named: ManifestDigest | None = None
    """What the reference names, where that is known already and nothing was pulled."""
    error: SupplyChainError | None = None
    """Why nobody could say what the reference names."""
    verification: Verification | None = None
    """What was pulled and how it was judged; None where nothing was. To be closed."""
    record: RecordingSource | None = None

    def close(self) -> None:
        """Give the disk space back."""
        if self.verification is not None:
            self.verification.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One download that is to be made."""

    uid: str
    asked: Asked
    terms: str
    attempt: str
    request: ManifestRequest
    known: frozenset[ManifestDigest]
    """What needs no pull, if the reference names it. Empty: pull in any case."""
    at: datetime
    clients: Clients
    verifier: PluginVerifier

    def __call__(self, ticket: Ticket[Arrival]) -> Arrival:
        """Go."""
        started = time.monotonic()
        verification: Verification | None = None
        error: SupplyChainError | None = None
        record: RecordingSource | None = None
        named: ManifestDigest | None = None
        complete = False
        try:
            with self.clients.source(self.request, progress=ticket.progress) as source:
                named = source.resolve() if self.known else None
                if named not in self.known:
                    named, record = None, RecordingSource(source)
                    verification = self.verifier.verify(record, request=self.request.request, at=self.at)
                    self._complete(record, verification)
            complete = True
        except Exception as exc:  # noqa: BLE001 — a defect, too, has to wait its time before it is tried again
            error = exc if isinstance(exc, InputError | VerificationError | UnavailableError) else _defect(exc, ticket.name)
        finally:
            if verification is not None and not complete:
                verification.close()
        return Arrival(
            uid=self.uid,
            asked=self.asked,
            terms=self.terms,
            attempt=self.attempt,
            at=self.at,
            seconds=time.monotonic() - started,
            named=named,
            error=error,
            verification=verification if complete else None,
            record=record if complete else None,
        )

    def _complete(self, record: RecordingSource, verification: Verification) -> None:
        """Collect the evidence that today's policy did not ask for, so that tomorrow's can be judged without a registry."""
        pulled = record.pulled
        if (
            verification.report.trusted
            and record.evidence_set is None
            and pulled is not None
            and pulled.manifest_digest is not None
        ):
            with suppress(SupplyChainError):
                record.evidence(pulled.manifest_digest, thorough=True)


def _defect(error: Exception, name: str) -> UnavailableError:
    """Tell an error that nobody foresaw like a registry that cannot be asked; the log has all of it."""
    _LOG.error("a download failed unexpectedly", extra={"object": name}, exc_info=error)
    return UnavailableError("the download failed unexpectedly", got=f"`{type(error).__name__}`")
