"""What one plugin must show before it is trusted, and the request that carries it to the verifier.

A policy is a value: it says nothing about where the evidence lies. Each layer owns its own part; this module only puts them
together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supplychain.artifact import Material, Platform

if TYPE_CHECKING:
    from supplychain.cosign import CosignPolicy
    from supplychain.ed25519 import PublicKey
    from supplychain.slsa import SlsaPolicy

__all__ = ["TrustPolicy", "VerificationRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """Ed25519 is mandatory; `cosign` and `slsa` are asked only where they are set. None elsewhere means "any"."""

    keys: tuple[PublicKey, ...]
    plugin_id: str | None = None
    version: str | None = None
    plugin_class: str | None = None
    cosign: CosignPolicy | None = None
    slsa: SlsaPolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequest:
    """One question: does the plugin at `target` satisfy `policy` on `platform`?"""

    target: str
    """As the user wrote it; names the report."""
    policy: TrustPolicy
    platform: Platform = field(default_factory=Platform)
    provenance: tuple[Material, ...] | None = None
    """From a file or ConfigMap. None: look at what is attached to the manifest, and nowhere else."""
    warnings: tuple[str, ...] = ()
    """What was noticed while the request was put together; shown in the report."""
