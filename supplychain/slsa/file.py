"""Provenance files: one DSSE envelope or Sigstore bundle a line, or one of them alone, pretty-printed.

slsa-github-generator calls them `*.intoto.jsonl`, `gh attestation download` writes several lines. A malformed line becomes a
material like any other and is refused by itself: it can neither hide a good line nor go unnoticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplychain.artifact import EvidenceForm, Material
from supplychain.errors import EvidenceLimitError, ProvenanceMissingError
from supplychain.limits import Limits
from supplychain.wire import MalformedError, parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["parse_provenance_file"]

_LIMITS: Final = Limits()
_BUNDLE_KEYS: Final = frozenset({"dsseEnvelope", "mediaType", "messageSignature", "verificationMaterial"})
_ENVELOPE_KEYS: Final = frozenset({"payload", "payloadType"})


def parse_provenance_file(
    data: bytes, *, where: str, log_entries: tuple[bytes, ...] = (), limits: Limits = _LIMITS
) -> tuple[Material, ...]:
    """Take a provenance file apart; nothing in it is judged here. `log_entries` go with every bare envelope.

    Raises:
        ProvenanceMissingError: it is empty.
        EvidenceLimitError: it is longer, or has more lines, than the limits allow to look at.
    """
    if len(data) > limits.document:
        raise EvidenceLimitError("the provenance file is too long", expected=f"at most {limits.document} bytes", where=where)
    lines = [(number, line.strip()) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    if not lines:
        raise ProvenanceMissingError("the provenance file is empty", where=where)
    if len(lines) == 1 or _is_one_document(data, lines):
        return (_material(data.strip(), where, log_entries),)
    if len(lines) > limits.statements:
        raise EvidenceLimitError(
            "the provenance file has too many lines",
            expected=f"at most {limits.statements}",
            got=str(len(lines)),
            where=where,
            hint="give a file with the statements about this artifact alone",
        )
    return tuple(_material(line, f"{where} line {number}", log_entries) for number, line in lines)


def _is_one_document(data: bytes, lines: Sequence[tuple[int, bytes]]) -> bool:
    """Whether several lines are one document: it reads as one, or it starts like one and no line reads as evidence."""
    return _read(data) is not None or (lines[0][1] == b"{" and not any(_keys(line) for _, line in lines))


def _material(data: bytes, where: str, log_entries: tuple[bytes, ...]) -> Material:
    if _keys(data) & _BUNDLE_KEYS:
        return Material(form=EvidenceForm.BUNDLE, data=data, where=where)
    return Material(form=EvidenceForm.ENVELOPE, data=data, where=where, log_entries=log_entries)


def _keys(data: bytes) -> frozenset[str]:
    """Name the keys of a JSON object by which evidence is known."""
    value = _read(data)
    return frozenset(value) & (_BUNDLE_KEYS | _ENVELOPE_KEYS) if isinstance(value, dict) else frozenset()


def _read(data: bytes) -> Any:
    try:
        return parse_json(data)
    except MalformedError:
        return None
