"""Verifies the supply chain of MCPG gateway plugins.

A plugin is a native library in a ZIP, published as an OCI artifact. Before anything may load it, `PluginVerifier.verify` proves,
in this order and each as a gate for the next: the package is the one asked for; the publisher's Ed25519 key signed the library;
no revocation list names it; the trusted identity signed the manifest through Sigstore (cosign keyless); a trusted builder made
it from the trusted source (SLSA provenance). The result is a `VerificationReport`; only a trusted one yields a `VerifiedPlugin`.

Nothing here knows Kubernetes. Network code is in `supplychain.mirror` and `supplychain.tuf_root` alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from supplychain.artifact import Platform
    from supplychain.errors import InputError, SupplyChainError, UnavailableError, VerificationError
    from supplychain.limits import Limits
    from supplychain.policy import TrustPolicy, VerificationRequest
    from supplychain.report import Layer, Outcome, Verdict, VerificationReport
    from supplychain.verifier import PluginVerifier, Verification, VerifiedPlugin

__all__ = [
    "InputError",
    "Layer",
    "Limits",
    "Outcome",
    "Platform",
    "PluginVerifier",
    "SupplyChainError",
    "TrustPolicy",
    "UnavailableError",
    "Verdict",
    "Verification",
    "VerificationError",
    "VerificationReport",
    "VerificationRequest",
    "VerifiedPlugin",
]

_HOMES = {
    "artifact": ("Platform",),
    "errors": ("InputError", "SupplyChainError", "UnavailableError", "VerificationError"),
    "limits": ("Limits",),
    "policy": ("TrustPolicy", "VerificationRequest"),
    "report": ("Layer", "Outcome", "VerificationReport", "Verdict"),
    "verifier": ("PluginVerifier", "Verification", "VerifiedPlugin"),
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `supplychain --help` must not pay for X.509.
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"supplychain.{home}"), name)
    raise AttributeError(f"module `supplychain` has no attribute `{name}`")
