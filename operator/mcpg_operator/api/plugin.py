"""The status of an `MCPGPlugin`."""

from __future__ import annotations

from pydantic import Field

from mcpg_operator.api.common import Hex, ManifestDigest, Status, Time

__all__ = ["PluginStatus"]


class PluginStatus(Status):
    """What was proven about the plugin. A verdict that is absent was not asked for, or never reached."""

    resolved_digest: Hex | None = Field(default=None, description="SHA-256 of the verified artifact's bytes.")
    manifest_digest: ManifestDigest | None = Field(
        default=None, description="Digest of the manifest that the artifact came with."
    )
    version: str | None = Field(default=None, description="Version that was verified last.")
    signature_valid: bool | None = Field(default=None, description="Whether the detached Ed25519 signature verified.")
    cosign_verified: bool | None = Field(default=None, description="Whether the manifest's keyless signature verified.")
    slsa_verified: bool | None = Field(default=None, description="Whether the provenance verified.")
    revoked_by_sha: bool | None = Field(
        default=None, description="Whether a revocation list names the artifact; while true, no set contains the plugin."
    )
    artefact_secret_name: str | None = Field(
        default=None, description="Secret in the operator's namespace with the verified bytes, or with the index of their shards."
    )
    evidence_secret_name: str | None = Field(
        default=None, description="Secret in the operator's namespace with the evidence, to be judged again without a registry."
    )
    pulled_at: Time | None = Field(default=None, description="When the artifact was last pulled.")
    verified_at: Time | None = Field(default=None, description="When the evidence was last judged good.")
