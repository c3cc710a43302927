"""`MCPGPlugin`: one plugin build, where it is and what has to be proven before it may be used.

Rules of the kind's field table. Not here: whether Secrets, ConfigMaps and the mirror exist, whether the tag carries the version
(`version_conflict` says so without refusing, because a verifier refuses it as a finding and an admission check as bad input).
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from supplychain.api.common import DataKey, Model, Name, ObjectName, Text
from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import COMPONENTS, DOTTED, HOST, Cel, Shape
from supplychain.descriptor import CLASSES, tag_version
from supplychain.identity_pattern import MAX_LENGTH, IdentityPattern
from supplychain.reference import OciReference

__all__ = [
    "PLUGIN_CLASSES",
    "CosignIdentity",
    "OciArtifact",
    "PluginSpec",
    "SigningKeyRef",
    "SlsaProvenance",
    "Trust",
]

PLUGIN_CLASSES: Final = CLASSES | {"binding", "cluster_backend"}
"""The protocol's classes, and the older names `cluster_backend` and `binding` of `cluster` and `backend`."""

_SEMVER: Final = (
    r"v?(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_TAG: Final = "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
_DIGEST: Final = "sha256:[0-9a-fA-F]{64}"
_UNANCHORED: Final = (
    # One alternative that reaches its bar without an unescaped `$`. Where nested groups, POSIX classes or `\Q` stand before the
    # bar, this does not match: it refuses nothing that the proof would accept.
    r"^(?:[^()\[\]\\|$]|\\[^Q]|\[(?:\^[^\[\]\\]|[^\[\]\\^])[^\[\]\\]*\]|\((?:[^()\[\]\\]|\\[^Q])*\))*\|"
)


def _plugin_class(text: str) -> None:
    if text not in PLUGIN_CLASSES:
        refuse("unknown plugin class", expected=", ".join(f"`{one}`" for one in sorted(PLUGIN_CLASSES)), got=f"`{text[:80]}`")


PluginId = Annotated[
    str,
    Field(max_length=255),
    Shape(regex=DOTTED, what="no plugin id", expected="reverse DNS such as `dev.example.audit`"),
]
Version = Annotated[
    str,
    Field(max_length=128),
    Shape(regex=_SEMVER, what="no semantic version", expected="`MAJOR.MINOR.PATCH`"),
]
PluginClass = Annotated[str, Field(json_schema_extra={"enum": sorted(PLUGIN_CLASSES)}), checked(_plugin_class)]
Image = Annotated[
    str,
    Field(max_length=1024),
    checked(OciReference.parse),
    Cel(rf"self.matches(r'(?:[^/]:{_TAG}|@{_DIGEST})$')", "neither a tag nor a digest: expected `:tag` or `@sha256:…`"),
    Cel(
        rf"self.matches(r'^{HOST}/{COMPONENTS}(?::|@|$)') && self.find('/[^:@]*').size() <= 256",
        "no full OCI reference: expected `host/repository:tag` or `host/repository@sha256:…`, the repository in lower case",
    ),
    Cel(
        rf"self.matches(r'^[^/]*/[^:@]*(?::{_TAG})?(?:@{_DIGEST})?$')",
        "unusable tag or digest: expected 64 hex characters after `@sha256:`",
    ),
]
"""The rules together say what `OciReference.parse` says, in as many messages."""
Pattern = Annotated[
    str,
    Field(max_length=MAX_LENGTH),
    checked(IdentityPattern.parse),
    Cel(
        r"self.startsWith('^') && self.endsWith('$') && !self.matches(r'(?:^|[^\\])(?:\\\\)*\\\$$')",
        "the pattern is not anchored: expected `^` at its start and `$` at its end",
    ),
    Cel(rf"!self.matches(r'{_UNANCHORED}')", "an alternative of the pattern is not anchored: expected `$` before `|`"),
]
"""The cluster sees the anchors only; the proof that the pattern is safe is for `IdentityPattern`."""


class OciArtifact(Model):
    """Where the package is."""

    image: Image = Field(description="Full OCI reference: a tag for development, a digest for production.")
    pull_secret_ref: ObjectName | None = Field(None, description="Secret with registry credentials, in the operator's namespace.")
    mirror_ref: ObjectName | None = Field(None, description="MCPGPluginMirror to pull through; upstream is never contacted then.")

    @property
    def reference(self) -> OciReference:
        """The parsed `image`."""
        return OciReference.parse(self.image)


class SigningKeyRef(Model):
    """The Secret that holds the publisher's Ed25519 public keys."""

    secret_name: Name = Field(description="Secret in the operator's namespace.")
    key: DataKey = Field("release.pub", description="Data key within the Secret.")


class CosignIdentity(Model):
    """Who must have signed the manifest."""

    certificate_identity_regexp: Pattern = Field(
        description="RE2 pattern for the whole certificate subject, anchored at both ends."
    )
    oidc_issuer: Text = Field(description="Exact issuer of the signer's identity.")


class SlsaProvenance(Model):
    """From what the library must have been built."""

    config_map_name: Name = Field(description="ConfigMap with the key `provenance.intoto.jsonl`, in the operator's namespace.")
    source_uri: Text = Field(description="Source repository, such as `github.com/acme/audit`.")
    source_tag: Text = Field(description="Source tag the build must come from.")


class Trust(Model):
    """What has to be proven; the signing key is mandatory."""

    signing_key_ref: SigningKeyRef = Field(description="Secret with the publisher's Ed25519 public keys; any one may verify.")
    cosign_identity: CosignIdentity | None = Field(None, description="Who must have signed the manifest; absent: nobody has to.")
    slsa_provenance: SlsaProvenance | None = Field(
        None, description="From what the library must have been built; absent: nothing is asked."
    )


class PluginSpec(Model):
    """The `spec` of an `MCPGPlugin`."""

    plugin_id: PluginId = Field(description="Must equal the descriptor's `id`.")
    version: Version = Field(description="Must equal the semantic version in the image's tag.")
    plugin_class: PluginClass = Field(description="Checked again against the descriptor.")
    oci: OciArtifact = Field(description="Where the package is.")
    trust: Trust = Field(description="What has to be proven; the signing key is mandatory.")

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
