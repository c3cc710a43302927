"""Why a manifest, a package or its detached signature is refused."""

from __future__ import annotations

from supplychain.errors.base import VerificationError

__all__ = [
    "AmbiguousArtifactError",
    "ArchiveInvalidError",
    "ArtifactTooLargeError",
    "DescriptorInvalidError",
    "DigestMismatchError",
    "DuplicateMemberError",
    "ManifestError",
    "ManifestInvalidError",
    "MemberMissingError",
    "MemberNotAllowedError",
    "NotAPluginError",
    "PackageError",
    "PlatformMismatchError",
    "PlatformMissingError",
    "PluginClassMismatchError",
    "PluginIdMismatchError",
    "ProtocolUnsupportedError",
    "RequestMismatchError",
    "RevokedError",
    "RuntimeMismatchError",
    "SignatureInvalidError",
    "SignatureMissingError",
    "VersionMismatchError",
]


class DigestMismatchError(VerificationError):
    """Bytes do not have the digest or size under which they were asked for."""

    reason = "DigestMismatch"
    default_hint = "the registry, mirror or layout served other bytes than were named; copy the artifact again from its source"


class ArtifactTooLargeError(VerificationError):
    """Something exceeds a size limit."""

    reason = "ArtefactTooLarge"
    default_hint = "raise the matching `--limit-…` only if you trust the publisher's size"


class ManifestError(VerificationError):
    """An OCI manifest or index was refused."""

    reason = "ManifestRefused"


class ManifestInvalidError(ManifestError):
    """An OCI manifest, index or image layout breaks its specification."""

    reason = "ManifestInvalid"
    default_hint = "publish the plugin again with `supplychain push`, or copy it with a tool that keeps manifests as they are"


class NotAPluginError(ManifestError):
    """The manifest is well-formed but holds something other than one plugin package."""

    reason = "NotAPlugin"
    default_hint = "the reference must name an artifact of type `application/vnd.mcpg.plugin.v1` with one package layer"


class PlatformMissingError(ManifestError):
    """An image index has no manifest for the wanted platform."""

    reason = "PlatformMissing"
    default_hint = "choose one of the platforms found with `--platform os/arch[/libc]`"


class PackageError(VerificationError):
    """A plugin package was refused."""

    reason = "PackageRefused"


class ArchiveInvalidError(PackageError):
    """The ZIP is damaged, ambiguous between readers, or uses what the format forbids."""

    reason = "ArchiveInvalid"
    default_hint = "pack again with `supplychain pack`"


class MemberNotAllowedError(PackageError):
    """The ZIP holds a member outside the five known names."""

    reason = "MemberNotAllowed"
    default_hint = "a package holds `plugin.yaml`, `plugin.so` or `plugin.wasm`, `plugin.sig` and `LICENSE`, nothing else"


class DuplicateMemberError(PackageError):
    """The ZIP holds the same member twice, so two readers could see different content."""

    reason = "DuplicateMember"
    default_hint = "pack again with `supplychain pack`"


class MemberMissingError(PackageError):
    """The ZIP lacks the descriptor or the library."""

    reason = "MemberMissing"
    default_hint = "a package needs `plugin.yaml` and either `plugin.so` or `plugin.wasm`"


class AmbiguousArtifactError(PackageError):
    """The ZIP holds both a native library and a WASM component."""

    reason = "AmbiguousArtifact"
    default_hint = "pack one artifact in one package"


class DescriptorInvalidError(PackageError):
    """`plugin.yaml` is no descriptor of schema `mcpg.dev/plugin/v1`."""

    reason = "DescriptorInvalid"
    default_hint = "compare `plugin.yaml` with docs/package.md"


class RequestMismatchError(VerificationError):
    """The package is sound but is not what was asked for."""

    reason = "RequestMismatch"


class PluginIdMismatchError(RequestMismatchError):
    """The descriptor's id differs from the wanted one."""

    reason = "PluginIdMismatch"
    default_hint = "check that the reference names the plugin you mean; the id inside decides"


class PluginClassMismatchError(RequestMismatchError):
    """The descriptor's class differs from the wanted one."""

    reason = "PluginClassMismatch"
    default_hint = "correct `pluginClass`, or find out why the plugin changed its role"


class VersionMismatchError(RequestMismatchError):
    """The version in the tag differs from the wanted one."""

    reason = "VersionMismatch"
    default_hint = "let `version` and the semantic version in the tag agree"


class RuntimeMismatchError(RequestMismatchError):
    """The descriptor's runtime does not fit the packaged member."""

    reason = "RuntimeMismatch"
    default_hint = "`native-cdylib-v1` goes with `plugin.so`, `wasi-v1` with `plugin.wasm`"


class PlatformMismatchError(RequestMismatchError):
    """The library was built for another platform, or is no shared library at all."""

    reason = "PlatformMismatch"
    default_hint = "choose the build for your gateway's platform, or name it with `--platform os/arch[/libc]`"


class ProtocolUnsupportedError(RequestMismatchError):
    """The plugin speaks a major protocol version that is not supported."""

    reason = "ProtocolUnsupported"
    default_hint = "use a build for protocol major 1"


class SignatureMissingError(VerificationError):
    """The package carries no detached signature."""

    reason = "SignatureMissing"
    default_hint = "sign the library with `supplychain sign` and pack it with its signature"


class SignatureInvalidError(VerificationError):
    """The detached signature does not verify under any trusted key."""

    reason = "SignatureInvalid"
    default_hint = "get the artifact again from its publisher, and check that the key is the publisher's"


class RevokedError(VerificationError):
    """The artifact hash is on a revocation list."""

    reason = "ArtefactRevoked"
    default_hint = "move to a version that is not revoked; a revocation is never overridden here"
