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
    reason = "DigestMismatch"
    meaning = "Bytes do not have the digest or size under which they were asked for."
    why = (
        "Whoever controls a registry, a mirror or the wire could answer the name of a good plugin with other bytes. The digest "
        "is the only thing that ties an answer to what was asked for."
    )
    default_hint = "the registry, mirror or layout served other bytes than were named; copy the artifact again from its source"
    default_change = "the bytes that have the named digest, copied again from where they were published"


class ArtifactTooLargeError(VerificationError):
    reason = "ArtefactTooLarge"
    meaning = "Something exceeds a size limit."
    why = (
        "A few kilobytes of ZIP can inflate to terabytes. Without limits one prepared package fills the disk or the memory of "
        "everything that only meant to look at it."
    )
    default_hint = "raise the matching `--limit-…` only if you trust the publisher's size"
    default_change = "an artifact within the limits"


class ManifestError(VerificationError):
    reason = "ManifestRefused"
    meaning = "An OCI manifest or index was refused."
    why = (
        "The manifest decides which bytes are the plugin. Whatever two tools could read differently lets one of them verify what "
        "the other never loads."
    )


class ManifestInvalidError(ManifestError):
    reason = "ManifestInvalid"
    meaning = "An OCI manifest, index or image layout breaks its specification."
    why = (
        "A manifest with a key given twice, or with fields of two kinds of document, means one thing to the verifier and another "
        "to the tool that pulls. An attacker would show the good half to the one and the bad half to the other."
    )
    default_hint = "publish the plugin again with `supplychain push`, or copy it with a tool that keeps manifests as they are"
    default_change = "a manifest that follows the OCI specification"


class NotAPluginError(ManifestError):
    reason = "NotAPlugin"
    meaning = "The manifest is well-formed but holds something other than one plugin package."
    why = (
        "A correctly signed container image or SBOM of the same publisher is not a plugin. Without this check a signature made "
        "for one thing could be used to bring in another."
    )
    default_hint = "the reference must name an artifact of type `application/vnd.mcpg.plugin.v1` with one package layer"
    default_change = "a reference to a plugin artifact"


class PlatformMissingError(ManifestError):
    reason = "PlatformMissing"
    meaning = "An image index has no manifest for the wanted platform."
    why = (
        "Taking some other entry of the index would hand the gateway a library that it cannot load, or one that nobody meant for "
        "this machine."
    )
    default_hint = "choose one of the platforms found with `--platform os/arch[/libc]`"
    default_change = "an index with a manifest for this platform"


class PackageError(VerificationError):
    reason = "PackageRefused"
    meaning = "A plugin package was refused."
    why = (
        "The package is a stranger's ZIP, and ZIP readers differ in what they accept. What is unpacked here has to be the very "
        "thing that everybody else unpacks."
    )


class ArchiveInvalidError(PackageError):
    reason = "ArchiveInvalid"
    meaning = "The ZIP is damaged, ambiguous between readers, or uses what the format forbids."
    why = (
        "A ZIP names its members twice, and readers believe different copies. An attacker would show the signed library to the "
        "verifier and another one to the loader."
    )
    default_hint = "pack again with `supplychain pack`"
    default_change = "the package packed again by `supplychain pack`"


class MemberNotAllowedError(PackageError):
    reason = "MemberNotAllowed"
    meaning = "The ZIP holds a member outside the five known names."
    why = (
        "An absolute path, `..` or a second library would be written beside the plugin when somebody unpacks it, and no "
        "signature covers them."
    )
    default_hint = "a package holds `plugin.yaml`, `plugin.so` or `plugin.wasm`, `plugin.sig` and `LICENSE`, nothing else"
    default_change = "a package without the additional members"


class DuplicateMemberError(PackageError):
    reason = "DuplicateMember"
    meaning = "The ZIP holds the same member twice, so two readers could see different content."
    why = (
        "Some readers take the first copy, some the last. An attacker would append a second `plugin.so` to a signed package and "
        "wait for the reader that prefers it."
    )
    default_hint = "pack again with `supplychain pack`"
    default_change = "a package with every member once"


class MemberMissingError(PackageError):
    reason = "MemberMissing"
    meaning = "The ZIP lacks the descriptor or the library."
    why = (
        "Without a descriptor nobody can tell which plugin this is, and without a library there is nothing that the signature "
        "could be about."
    )
    default_hint = "a package needs `plugin.yaml` and either `plugin.so` or `plugin.wasm`"
    default_change = "a complete package"


class AmbiguousArtifactError(PackageError):
    reason = "AmbiguousArtifact"
    meaning = "The ZIP holds both a native library and a WASM component."
    why = "There is one signature and one hash. With two artifacts the one that is verified need not be the one that is loaded."
    default_hint = "pack one artifact in one package"
    default_change = "a package with one of the two"


class DescriptorInvalidError(PackageError):
    reason = "DescriptorInvalid"
    meaning = "`plugin.yaml` is no descriptor of schema `mcpg.dev/plugin/v1`."
    why = (
        "The descriptor says which plugin this is and what it may do. YAML with a key twice, with aliases or with other types "
        "reads differently in every parser, so the gateway could see another id or more capabilities."
    )
    default_hint = "compare `plugin.yaml` with docs/package.md"
    default_change = "a package with a valid `plugin.yaml`"


class RequestMismatchError(VerificationError):
    reason = "RequestMismatch"
    meaning = "The package is sound but is not what was asked for."
    why = (
        "A sound, signed plugin in the wrong place is still an attack: an older release with a known hole, or another plugin of "
        "the same publisher."
    )


class PluginIdMismatchError(RequestMismatchError):
    reason = "PluginIdMismatch"
    meaning = "The descriptor's id differs from the wanted one."
    why = (
        "All plugins of a publisher carry the same key's signature. Without this check anybody who can write a tag could put one "
        "of them in the place of another."
    )
    default_hint = "check that the reference names the plugin you mean; the id inside decides"
    default_change = "a package of the wanted plugin"


class PluginClassMismatchError(RequestMismatchError):
    reason = "PluginClassMismatch"
    meaning = "The descriptor's class differs from the wanted one."
    why = (
        "The class decides where in the gateway the plugin sits. A harmless log sink that comes back as an identity provider "
        "would decide who may log in."
    )
    default_hint = "correct `pluginClass`, or find out why the plugin changed its role"
    default_change = "a package of the wanted class"


class VersionMismatchError(RequestMismatchError):
    reason = "VersionMismatch"
    meaning = "The version in the tag differs from the wanted one."
    why = (
        "An old release stays signed for ever. Asking for a version keeps an attacker from serving the one whose hole is public."
    )
    default_hint = "let `version` and the semantic version in the tag agree"
    default_change = "the tag of the wanted version"


class RuntimeMismatchError(RequestMismatchError):
    reason = "RuntimeMismatch"
    meaning = "The descriptor's runtime does not fit the packaged member."
    why = (
        "A plugin that claims to run as a sandboxed component but ships native code would be judged by the rules of the sandbox "
        "and run without one."
    )
    default_hint = "`native-cdylib-v1` goes with `plugin.so`, `wasi-v1` with `plugin.wasm`"
    default_change = "a package whose runtime and member belong together"


class PlatformMismatchError(RequestMismatchError):
    reason = "PlatformMismatch"
    meaning = "The library was built for another platform, or is no shared library at all."
    why = (
        "A library for another machine cannot be loaded, and a file that only pretends to be one has no business in the "
        "gateway's process. Better to know before the gateway starts."
    )
    default_hint = "choose the build for your gateway's platform, or name it with `--platform os/arch[/libc]`"
    default_change = "the build for this platform"


class ProtocolUnsupportedError(RequestMismatchError):
    reason = "ProtocolUnsupported"
    meaning = "The plugin speaks a major protocol version that is not supported."
    why = (
        "A new major version may give an old call a new meaning. Loaded all the same, a check in the plugin could answer a "
        "question that the gateway never asked."
    )
    default_hint = "use a build for protocol major 1"
    default_change = "a build for a supported protocol"


class SignatureMissingError(VerificationError):
    reason = "SignatureMissing"
    meaning = "The package carries no detached signature."
    why = (
        "Leaving the signature out is the simplest attack there is. The publisher's signature is mandatory, so its absence is "
        "never a reason to go on."
    )
    default_hint = "sign the library with `supplychain sign` and pack it with its signature"
    default_change = "a package with the publisher's `plugin.sig`, made by `supplychain sign`"


class SignatureInvalidError(VerificationError):
    reason = "SignatureInvalid"
    meaning = "The detached signature does not verify under any trusted key."
    why = (
        "One changed byte in the library, or a library signed by somebody else, shows itself here. Without this check whoever "
        "can write to the registry runs code in the gateway."
    )
    default_hint = "get the artifact again from its publisher, and check that the key is the publisher's"
    default_change = "a `plugin.sig` that a trusted key made over this very library"


class RevokedError(VerificationError):
    reason = "ArtefactRevoked"
    meaning = "The artifact hash is on a revocation list."
    why = (
        "A signature cannot be taken back: a release with a hole, or one made with a stolen key, verifies for ever. The list is "
        "the only way for publisher and operator to stop it, so nothing overrides it."
    )
    default_hint = "move to a version that is not revoked; a revocation is never overridden here"
    default_change = "a release that is not revoked; no policy makes this one pass"
