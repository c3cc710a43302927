"""What is kept about a verified plugin besides its bytes, as a value and as the data of a Secret.

The record holds what a registry would have to be asked for again: digests, descriptor, signature, and the evidence as it was
found. It is judged like anything that was pulled; being kept proves nothing. The form is strict JSON, version 1, in a zstd frame.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from mcpg_operator.ledger import Stored
from supplychain.artifact import EvidenceForm, EvidenceSet, Material, Platform
from supplychain.delivery.zstd import compress, decompress
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.errors import SupplyChainError
from supplychain.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Asked", "EvidenceUnreadableError", "KeptPlugin", "decode", "encode"]

_RECORD: Final = "evidence.json.zst"
_SIZE: Final = "size"
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a record before compression: twice what is ever looked at, in base64."""
_LARGEST_PACKED: Final = 1_000_000
"""Bytes in the Secret."""
_VERSION: Final = 1


class EvidenceUnreadableError(ValueError):
    """The data of a Secret is no record that this program wrote; the text says why, in one clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the bytes were asked for."""

    image: str
    """As the spec writes it."""
    mirror: str | None
    """Name of the MCPGPluginMirror."""
    location: str | None
    """Registry and repository in which it was read; None where that cannot be told now."""
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlugin:
    """One verified plugin, to be judged again without asking anybody."""

    plugin: str
    """Name of the MCPGPlugin."""
    uid: str
    asked: Asked
    version: str
    """`spec.version` when it was accepted; nothing older is accepted afterwards."""
    source: str
    """Where it came from, for people."""
    manifest_digest: ManifestDigest
    index_digest: ManifestDigest | None
    layer_digest: LayerDigest | None
    platform: Platform | None
    """As the index named it."""
    pulled_at: datetime
    confirmed_at: datetime
    """When a registry last said that the reference still names this; written now and then, not each time."""
    descriptor: bytes = field(repr=False)
    signature: bytes | None = field(repr=False)
    artifact_name: str
    artifact_hash: ArtifactHash
    stored: Stored
    evidence: EvidenceSet | None = field(repr=False)
    """None: nobody asked for it when the plugin was pulled."""

    @property
    def top(self) -> ManifestDigest:
        """What the reference named: the index where there is one."""
        return self.index_digest or self.manifest_digest


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


class _StoredRecord(_Model):
    secret: str
    digests: dict[str, str]
    size: int


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
    version: Literal[1]
    plugin: str
    uid: str
    asked: _AskedRecord
    plugin_version: str
    source: str
    manifest_digest: str
    index_digest: str | None
    layer_digest: str | None
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
    """
    data = _pack(kept)
    evidence = kept.evidence
    if evidence is None or len(data[_RECORD]) <= _LARGEST_PACKED:
        return data
    materials = sorted(evidence.materials, key=lambda one: one.where not in needed)
    while materials and len(data[_RECORD]) > _LARGEST_PACKED:
        del materials[len(materials) // 2 if len(materials) > 1 else 0 :]
        data = _pack(replace(kept, evidence=replace(evidence, materials=tuple(materials), truncated=True, complete=False)))
    return data


def decode(data: Mapping[str, bytes]) -> KeptPlugin:
    """Read the data of the Secret.

    Raises:
        EvidenceUnreadableError: it is not what `encode` writes.
    """
    try:
        text = b"".join(decompress([data[_RECORD]], size=_size(data)))
        loads(text, limit=_LARGEST)  # no key twice
        return _value(_Record.model_validate_json(text))
    except EvidenceUnreadableError:
        raise
    except (KeyError, ValidationError) as exc:
        raise EvidenceUnreadableError("the record lacks fields, or has others") from exc
    except (SupplyChainError, StrictJsonError, binascii.Error, ValueError) as exc:
        raise EvidenceUnreadableError(str(exc)) from exc


def _size(data: Mapping[str, bytes]) -> int:
    text = data[_SIZE].decode("ascii")
    if set(data) != {_RECORD, _SIZE} or not text.isdecimal() or len(text) > len(str(_LARGEST)) or not 0 < int(text) <= _LARGEST:
        raise EvidenceUnreadableError("unusable keys or size")
    return int(text)


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
        index_digest=None if kept.index_digest is None else kept.index_digest.hex,
        layer_digest=None if kept.layer_digest is None else kept.layer_digest.hex,
        platform=None if kept.platform is None else _platform_record(kept.platform),
        pulled_at=kept.pulled_at,
        confirmed_at=kept.confirmed_at,
        descriptor=_text(kept.descriptor),
        signature=None if kept.signature is None else _text(kept.signature),
        artifact_name="plugin.wasm" if kept.artifact_name == "plugin.wasm" else "plugin.so",
        artifact_hash=kept.artifact_hash.hex,
        stored=_StoredRecord(secret=kept.stored.secret, digests=dict(kept.stored.digests), size=kept.stored.size),
        evidence=None if kept.evidence is None else _evidence_record(kept.evidence),
    )
    return record.model_dump(mode="json", by_alias=True)


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
        index_digest=None if record.index_digest is None else ManifestDigest(record.index_digest),
        layer_digest=None if record.layer_digest is None else LayerDigest(record.layer_digest),
        platform=None if found is None else Platform(os=found.os, architecture=found.architecture, libc=found.libc),
        pulled_at=_moment(record.pulled_at),
        confirmed_at=_moment(record.confirmed_at),
        descriptor=_bytes(record.descriptor),
        signature=None if record.signature is None else _bytes(record.signature),
        artifact_name=record.artifact_name,
        artifact_hash=ArtifactHash(record.artifact_hash),
        stored=Stored(secret=record.stored.secret, digests=record.stored.digests, size=record.stored.size),
        evidence=None if record.evidence is None else _evidence(record.evidence),
    )


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
