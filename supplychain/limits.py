"""Every bound on foreign input, in one place, with units."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes are in bytes, times in seconds. The defaults follow the artifact format's own advice."""

    package: int = 256 * _MIB
    """The ZIP as it is pulled."""
    artifact: int = 512 * _MIB
    """`plugin.so` after inflating."""
    delivery: int = 48 * _MIB
    """The library as it is stored for gateways in several pieces: compressed."""
    descriptor: int = 256 * _KIB
    """`plugin.yaml` after inflating."""
    licence: int = _MIB
    """`LICENSE` after inflating."""
    inflate_ratio: int = 200
    """Inflated to compressed size of one member, beyond its first MiB."""
    manifest: int = 4 * _MIB
    """One OCI manifest or index."""
    config: int = 256 * _KIB
    """The OCI config blob."""
    candidates: int = 32
    """Signature and provenance objects that are looked at."""
    evidence: int = 8 * _MIB
    """All those objects together."""
    statements: int = 64
    """Lines of one provenance file."""
    document: int = 8 * _MIB
    """One file of the user's: manifest, revocation list, trust root, provenance."""
    connect_seconds: float = 10.0
    first_byte_seconds: float = 30.0
    idle_seconds: float = 30.0
    total_seconds: float = 300.0
    """One target's whole conversation with a registry."""
    retries: int = 4
    """Further tries after a failure that a later try may cure."""
    requests_per_minute: int | None = None
    """Of all clients of a process together to each host, in any minute; None: as many as it takes."""
    bytes_per_minute: int | None = None
    """Carried from and to each host, likewise."""
