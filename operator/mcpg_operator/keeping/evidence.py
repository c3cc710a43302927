"""What is kept about a verified plugin besides its bytes, as a value and as the data of a Secret.

The record holds what a registry would have to be asked for again: index and manifest as they were read, digests, descriptor,
signature, the evidence as it was found, and where library and package lie. It is judged like anything that was pulled; being kept
proves nothing. The form is strict JSON, version 2, in a zstd frame.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from mcpg_operator.keeping.kept import Asked, KeptPlugin
from mcpg_operator.ledger import Stored
from supplychain.artifact import EvidenceForm, EvidenceSet, Material, Platform
from supplychain.delivery.zstd import compress, decompress
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.errors import ArtifactTooLargeError, SupplyChainError
from supplychain.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EvidenceUnreadableError", "decode", "encode"]

_RECORD: Final = "evidence.json.zst"
_SIZE: Final = "size"
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a record before compression: twice what is ever looked at of evidence, in base64."""
_LARGEST_PACKED: Final = 1_000_000
"""Bytes in the Secret."""
_VERSION: Final = 2


class EvidenceUnreadableError(ValueError):
    """The data of a Secret is no record that this program wrote; the text says why, in one clause."""


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)


class _AskedRecord(_Model):
    image: str
    mirror: str | None
    location: str | None
    platform: str


class _PlatformRecord(_Model):
    os: str
    architecture: str
    libc: str | None


_Shard = Annotated[str, Field(pattern="^mcpg-shard-[0-9a-f]{32}$")]
"""Whoever may edit evidence could name any other Secret."""


class _StoredRecord(_Model):
    secret: str
    digests: dict[str, str]
    size: int
    package: list[tuple[_Shard, str]]


class _MaterialRecord(_Model):
    form: EvidenceForm
    data: str
    where: str
    annotations: dict[str, str]
    log_entries: list[str]


class _EvidenceRecord(_Model):
    materials: list[_MaterialRecord]
    skipped: list[tuple[str, str]]
    truncated: bool
    complete: bool


class _Record(_Model):
    version: Literal[2]
    plugin: str
    uid: str
    asked: _AskedRecord
    plugin_version: str
    source: str
    manifest_digest: str
    manifest: str
    index_digest: str | None
    index: str | None
    layer_digest: str
    platform: _PlatformRecord | None
    pulled_at: datetime
    confirmed_at: datetime
    descriptor: str
    signature: str | None
    artifact_name: Literal["plugin.so", "plugin.wasm"]
    artifact_hash: str
    stored: _StoredRecord
    evidence: _EvidenceRecord | None


def encode(kept: KeptPlugin, *, needed: frozenset[str] = frozenset()) -> dict[str, bytes]:
    """Write the data of the Secret.

    A Secret cannot hold all that a registry may serve. Where it is too much, materials are left out from the end, those whose
    `where` is in `needed` last of all.

    Raises:
        ArtifactTooLargeError: it is too much even without any; the message has both sizes.
    """
    data = _pack(kept)
    evidence = kept.evidence
    materials = [] if evidence is None else sorted(evidence.materials, key=lambda one: one.where not in needed)
    while evidence is not None and materials and not _fits(data):
        del materials[len(materials) // 2 if len(materials) > 1 else 0 :]
        data = _pack(replace(kept, evidence=replace(evidence, materials=tuple(materials), truncated=True, complete=False)))
    if not _fits(data):
        got = f"{len(data[_RECORD])} bytes, of {int(data[_SIZE])}"
        expected = f"at most {_LARGEST_PACKED} bytes, of {_LARGEST}"
        raise ArtifactTooLargeError("the evidence is too large for one Secret, compressed", expected=expected, got=got)
    return data


def decode(data: Mapping[str, bytes]) -> KeptPlugin:
    """Read the data of the Secret.

    Raises:
        EvidenceUnreadableError: it is not what `encode` writes.
    """
    try:
        text = b"".join(decompress([data[_RECORD]], size=_size(data)))
        _expect_version(loads(text, limit=_LARGEST))  # no key twice
        return _value(_Record.model_validate_json(text))
    except EvidenceUnreadableError:
        raise
    except (KeyError, ValidationError) as exc:
        raise EvidenceUnreadableError("the record lacks fields, or has others") from exc
    except (SupplyChainError, StrictJsonError, binascii.Error, ValueError) as exc:
        raise EvidenceUnreadableError(str(exc)) from exc


def _expect_version(document: Any) -> None:
    """Tell a record of another program by what it is: another version may have other fields."""
    if isinstance(document, dict) and document.get("version") != _VERSION:
        raise EvidenceUnreadableError(f"the record has another version than {_VERSION}")


def _size(data: Mapping[str, bytes]) -> int:
    text = data[_SIZE].decode("ascii")
    if set(data) != {_RECORD, _SIZE} or not text.isdecimal() or len(text) > len(str(_LARGEST)) or not 0 < int(text) <= _LARGEST:
        raise EvidenceUnreadableError("unusable keys or size")
    return int(text)


def _fits(data: Mapping[str, bytes]) -> bool:
    return len(data[_RECORD]) <= _LARGEST_PACKED and int(data[_SIZE]) <= _LARGEST


def _pack(kept: KeptPlugin) -> dict[str, bytes]:
    text = json.dumps(_record(kept), sort_keys=True, separators=(",", ":")).encode()
    return {_RECORD: b"".join(compress(text)), _SIZE: str(len(text)).encode()}


def _record(kept: KeptPlugin) -> dict[str, Any]:
    record = _Record(
        version=_VERSION,
        plugin=kept.plugin,
        uid=kept.uid,
        asked=_AskedRecord(
            image=kept.asked.image, mirror=kept.asked.mirror, location=kept.asked.location, platform=kept.asked.platform
        ),
        plugin_version=kept.version,
        source=kept.source,
        manifest_digest=kept.manifest_digest.hex,
        manifest=_text(kept.manifest),
        index_digest=None if kept.index_digest is None else kept.index_digest.hex,
        index=None if kept.index is None else _text(kept.index),
        layer_digest=kept.layer_digest.hex,
        platform=None if kept.platform is None else _platform_record(kept.platform),
        pulled_at=kept.pulled_at,
        confirmed_at=kept.confirmed_at,
        descriptor=_text(kept.descriptor),
        signature=None if kept.signature is None else _text(kept.signature),
        artifact_name="plugin.wasm" if kept.artifact_name == "plugin.wasm" else "plugin.so",
        artifact_hash=kept.artifact_hash.hex,
        stored=_stored_record(kept.stored),
        evidence=None if kept.evidence is None else _evidence_record(kept.evidence),
    )
    return record.model_dump(mode="json", by_alias=True)


def _stored_record(stored: Stored) -> _StoredRecord:
    return _StoredRecord(secret=stored.secret, digests=dict(stored.digests), size=stored.size, package=list(stored.package))


def _platform_record(platform: Platform) -> _PlatformRecord:
    return _PlatformRecord(os=platform.os, architecture=platform.architecture, libc=platform.libc)


def _evidence_record(evidence: EvidenceSet) -> _EvidenceRecord:
    return _EvidenceRecord(
        materials=[
            _MaterialRecord(
                form=one.form,
                data=_text(one.data),
                where=one.where,
                annotations=dict(one.annotations),
                log_entries=[_text(entry) for entry in one.log_entries],
            )
            for one in evidence.materials
        ],
        skipped=list(evidence.skipped),
        truncated=evidence.truncated,
        complete=evidence.complete,
    )


def _value(record: _Record) -> KeptPlugin:
    found = record.platform
    return KeptPlugin(
        plugin=record.plugin,
        uid=record.uid,
        asked=Asked(**record.asked.model_dump()),
        version=record.plugin_version,
        source=record.source,
        manifest_digest=ManifestDigest(record.manifest_digest),
        manifest=_bytes(record.manifest),
        index_digest=None if record.index_digest is None else ManifestDigest(record.index_digest),
        index=None if record.index is None else _bytes(record.index),
        layer_digest=LayerDigest(record.layer_digest),
        platform=None if found is None else Platform(os=found.os, architecture=found.architecture, libc=found.libc),
        pulled_at=_moment(record.pulled_at),
        confirmed_at=_moment(record.confirmed_at),
        descriptor=_bytes(record.descriptor),
        signature=None if record.signature is None else _bytes(record.signature),
        artifact_name=record.artifact_name,
        artifact_hash=ArtifactHash(record.artifact_hash),
        stored=_stored(record.stored),
        evidence=None if record.evidence is None else _evidence(record.evidence),
    )


def _stored(record: _StoredRecord) -> Stored:
    return Stored(secret=record.secret, digests=record.digests, size=record.size, package=tuple(record.package))


def _evidence(record: _EvidenceRecord) -> EvidenceSet:
    return EvidenceSet(
        materials=tuple(
            Material(
                form=one.form,
                data=_bytes(one.data),
                where=one.where,
                annotations=one.annotations,
                log_entries=tuple(map(_bytes, one.log_entries)),
            )
            for one in record.materials
        ),
        skipped=tuple(record.skipped),
        truncated=record.truncated,
        complete=record.complete,
    )


def _moment(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise EvidenceUnreadableError("a time without a zone")
    try:
        return at.astimezone(UTC)
    except OverflowError as exc:
        raise EvidenceUnreadableError("a time out of range") from exc


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
