"""`MCPGPlugin`: one plugin build, where it is and what has to be proven before it may be used.

Rules of the kind's field table. Not here: whether Secrets, ConfigMaps and the mirror exist, whether the tag carries the version
(`version_conflict` says so without refusing, because a verifier refuses it as a finding and an admission check as bad input).
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field

from supplychain.api.common import Model, ObjectName, Text, checked, refuse
from supplychain.descriptor import CLASSES, tag_version
from supplychain.identity_pattern import IdentityPattern
from supplychain.reference import OciReference

__all__ = ["PLUGIN_CLASSES", "CosignIdentity", "OciArtifact", "PluginSpec", "SigningKeyRef", "SlsaProvenance", "Trust"]

PLUGIN_CLASSES: Final = CLASSES | {"binding", "cluster_backend"}
"""The protocol's classes, and the older names `cluster_backend` and `binding` of `cluster` and `backend`."""

_SEMVER = re.compile(
    r"v?(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)


def _plugin_id(text: str) -> None:
    if "." not in text or not text.strip():
        refuse("no plugin id", expected="reverse DNS such as `dev.example.audit`", got=f"`{text[:80]}`")


def _version(text: str) -> None:
    if _SEMVER.fullmatch(text) is None:
        refuse("no semantic version", expected="`MAJOR.MINOR.PATCH`", got=f"`{text[:80]}`")


def _plugin_class(text: str) -> None:
    if text not in PLUGIN_CLASSES:
        refuse("unknown plugin class", expected=", ".join(f"`{one}`" for one in sorted(PLUGIN_CLASSES)), got=f"`{text[:80]}`")


class OciArtifact(Model):
    """Where the package is."""

    image: Annotated[str, checked(OciReference.parse)] = Field(
        description="Full OCI reference: a tag for development, a digest for production."
    )
    pull_secret_ref: ObjectName | None = Field(None, description="Secret with registry credentials, in the operator's namespace.")
    mirror_ref: ObjectName | None = Field(None, description="MCPGPluginMirror to pull through; upstream is never contacted then.")

    @property
    def reference(self) -> OciReference:
        """The parsed `image`."""
        return OciReference.parse(self.image)


class SigningKeyRef(Model):
    """The Secret that holds the publisher's Ed25519 public keys."""

    secret_name: Text = Field(description="Secret in the operator's namespace.")
    key: Text = Field("release.pub", description="Data key within the Secret.")


class CosignIdentity(Model):
    """Who must have signed the manifest."""

    certificate_identity_regexp: Annotated[str, checked(IdentityPattern.parse)] = Field(
        description="RE2 pattern for the whole certificate subject, anchored at both ends."
    )
    oidc_issuer: Text = Field(description="Exact issuer of the signer's identity.")


class SlsaProvenance(Model):
    """From what the library must have been built."""

    config_map_name: Text = Field(description="ConfigMap with the key `provenance.intoto.jsonl`, in the operator's namespace.")
    source_uri: Text = Field(description="Source repository, such as `github.com/acme/audit`.")
    source_tag: Text = Field(description="Source tag the build must come from.")


class Trust(Model):
    """What has to be proven; the signing key is mandatory."""

    signing_key_ref: SigningKeyRef
    cosign_identity: CosignIdentity | None = None
    slsa_provenance: SlsaProvenance | None = None


class PluginSpec(Model):
    """The `spec` of an `MCPGPlugin`."""

    plugin_id: Annotated[str, checked(_plugin_id)] = Field(description="Must equal the descriptor's `id`.")
    version: Annotated[str, checked(_version)] = Field(description="Must equal the semantic version in the image's tag.")
    plugin_class: Annotated[str, checked(_plugin_class)] = Field(description="Checked again against the descriptor.")
    oci: OciArtifact
    trust: Trust

    @property
    def version_conflict(self) -> str | None:
        """The version that the image's tag carries, where it differs from `version`."""
        tag = self.oci.reference.tag
        tagged = tag_version(tag) if tag is not None else None
        return tagged if tagged is not None and tagged.removeprefix("v") != self.version.removeprefix("v") else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but weak."""
        found = []
        if self.oci.reference.digest is None and self.trust.cosign_identity is None:
            found.append(
                "`oci.image` names a tag and `trust.cosignIdentity` is absent: whoever can write the tag can offer an older "
                "release or another plugin of the same key; name a digest"
            )
        if self.trust.cosign_identity is not None:
            found.extend(IdentityPattern.parse(self.trust.cosign_identity.certificate_identity_regexp).warnings)
            if not self.trust.cosign_identity.oidc_issuer.startswith("https://"):
                found.append("`trust.cosignIdentity.oidcIssuer` is no `https://` address; issuers are compared letter by letter")
        return tuple(found)
