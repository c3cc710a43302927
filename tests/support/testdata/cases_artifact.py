"""Manifests, archives and members that must not get through."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.support.builders import End, Member, build_wasm
from tests.support.testdata.cases import case, refused, unavailable
from tests.support.testdata.demo import flip
from tests.support.testdata.release import Release

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oci import Stored

_PLUGIN_ZIP = "application/vnd.mcpg.plugin.package.v1+zip"


def _flip_blob(release: Release, media_type: str) -> None:
    """Change one bit in the middle of the blob that the manifest names with this type, on disk."""

    def change(folder: Path) -> None:
        stored = release.stored()
        manifest = stored.listed[0]
        descriptors = [manifest]
        content = json.loads(stored.blobs[manifest["digest"]])
        descriptors += [content["config"], *content["layers"]]
        digest = next(each["digest"] for each in descriptors if each["mediaType"] == media_type)
        path = folder / "layout" / "blobs" / digest.replace(":", "/")
        data = path.read_bytes()
        path.write_bytes(flip(data, len(data) // 2))

    release.edit_directory = change


@case(refused("pull", "DigestMismatch"))
def package_blob_changed_refused(release: Release) -> None:
    """One bit of the package blob is flipped.

    Storage rots, and a registry may serve what it likes. The bytes no longer have the digest they are asked for.
    """
    release.only()
    _flip_blob(release, _PLUGIN_ZIP)


@case(refused("pull", "DigestMismatch"))
def manifest_blob_changed_refused(release: Release) -> None:
    """One bit of the manifest is flipped.

    Everything after speaks about the manifest's digest. So nothing is read from a manifest that does not have it.
    """
    release.only()
    _flip_blob(release, "application/vnd.oci.image.manifest.v1+json")


@case(refused("pull", "DigestMismatch"))
def config_blob_changed_refused(release: Release) -> None:
    """One bit of the config blob is flipped.

    Nothing is decided by the config, but it is part of what the manifest's digest promises. Whoever changed it may change more.
    """
    release.only()
    _flip_blob(release, "application/vnd.mcpg.plugin.config.v1+json")


@case(refused("pull", "DigestMismatch"))
def manifest_other_than_the_pinned_one_refused(release: Release) -> None:
    """The policy pins a digest, the layout holds another manifest under the same tag.

    A target beside the manifest says where the plugin is read from, not which one is meant. The pin of the policy stays in force.
    """
    release.only()
    release.spec["oci"]["image"] = f"ghcr.io/acme/plugins/audit@sha256:{'0' * 64}"


@case(refused("pull", "ManifestInvalid"))
def manifest_without_layers_refused(release: Release) -> None:
    """The manifest names no layer list at all.

    A reader that takes a missing list for an empty one, or guesses, sees another artifact than its neighbour. It is refused.
    """
    release.only()
    release.edit_manifest = {"layers": "none"}


@case(refused("pull", "NotAPlugin"))
def container_image_instead_of_plugin_refused(release: Release) -> None:
    """The tag names an ordinary container image.

    A mistyped reference or a moved tag can point at anything. Only the plugin type with one package layer is opened.
    """
    release.only()

    def image(stored: Stored, plugin: dict[str, Any]) -> None:
        stored.listed.clear()
        stored.manifest(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": stored.blob(b"{}", "application/vnd.oci.image.config.v1+json"),
                "layers": [stored.blob(b"not a layer", "application/vnd.oci.image.layer.v1.tar+gzip")],
            },
            tag="1.2.3-linux-amd64",
        )

    release.edit_stored = image
    release.target = "oci-layout:{case}/layout:1.2.3-linux-amd64"


@case(refused("pull", "NotAPlugin"))
def two_package_layers_refused(release: Release) -> None:
    """The manifest holds two packages.

    Two readers could choose differently: one verifies the first, the other loads the second. Several are refused.
    """
    release.only()
    honest = release.stored()

    def layer(data: bytes) -> dict[str, Any]:
        return honest.blob(data, _PLUGIN_ZIP)

    second = Release(library=flip(release.library, 100)).package()
    release.edit_manifest = {"layers": [layer(release.package()), layer(second)]}
    release.edit_stored = lambda stored, _: stored.blobs.update({layer(second)["digest"]: second})


@case(refused("pull", "PlatformMissing"))
def image_index_without_the_platform_refused(release: Release) -> None:
    """The image index has no build for the gateway's platform.

    Taking the first child instead would load a library for another machine. What is there is named in the message.
    """
    release.only()
    release.tag = None

    def add_index(stored: Stored, plugin: dict[str, Any]) -> None:
        stored.listed.clear()
        stored.index({**plugin, "platform": {"os": "linux", "architecture": "arm64"}}, tag="1.2.3")

    release.edit_stored = add_index
    release.target = "oci-layout:{case}/layout:1.2.3"


@case(unavailable("pull", "NotFound"))
def tag_that_is_not_there_unavailable(release: Release) -> None:
    """The tag does not exist.

    Nothing was examined, so nothing is refused: a mirror may not have been synchronised yet. It is not trusted either.
    """
    release.only()
    release.target = "oci-layout:{case}/layout:9.9.9"


@case(refused("pull", "ArtefactTooLarge"))
def package_above_the_limit_refused(release: Release) -> None:
    """The package is larger than the limit.

    A registry can name any size and serve for ever. The limit holds before the first byte is kept.
    """
    release.only()
    release.arguments = ["--limit-package", "1KiB"]


# --- the archive --------------------------------------------------------------------------------------------------------------


def _packed(release: Release, members: list[Member], **end: Any) -> None:
    release.only()
    release.edit_members = lambda honest: [*honest, *members]
    if end:
        release.zip_end = End(**end)


@case(refused("descriptor", "ArchiveInvalid"))
def archive_with_wrong_checksum_refused(release: Release) -> None:
    """One bit of the library is flipped inside the archive, all digests outside agree.

    Whoever stores the package can also write its manifest. The archive's own checksum is the first thing that tells.
    """
    release.only()
    release.edit_members = lambda members: [
        replace(each, stored=flip(each.data, 500)) if each.name == b"plugin.so" else each for each in members
    ]


@case(refused("descriptor", "ArchiveInvalid"))
def archive_with_bytes_behind_the_end_refused(release: Release) -> None:
    """More bytes follow the archive's end record.

    Readers that search from the back and readers that go from the front see two different archives. Both must see this one.
    """
    _packed(release, [], after=b"PK\x05\x06" + bytes(18))


@case(refused("descriptor", "ArchiveInvalid"))
def archive_with_two_names_for_one_member_refused(release: Release) -> None:
    """Local header and central directory name the member differently.

    One reader checks `plugin.so`, the next one unpacks the same bytes as something else. Both names must be equal.
    """
    release.only()
    release.edit_members = lambda members: [
        replace(each, local_name=b"plugin.sx") if each.name == b"plugin.so" else each for each in members
    ]


@case(refused("descriptor", "ArchiveInvalid"))
def archive_that_claims_65535_members_refused(release: Release) -> None:
    """The end record claims 65,535 members, the directory holds three.

    Readers that make room first, or read on behind the directory, do what the attacker wants. Claims and content must agree.
    """
    _packed(release, [], count=65535, count_here=65535)


@case(refused("descriptor", "ArchiveInvalid"))
def encrypted_member_refused(release: Release) -> None:
    """A member is marked as encrypted.

    Encrypted bytes cannot be what was signed. Readers that ignore the mark would unpack noise.
    """
    release.only()
    release.edit_members = lambda members: [replace(each, flags=1) if each.name == b"plugin.so" else each for each in members]


@case(refused("descriptor", "MemberNotAllowed"))
def symbolic_link_member_refused(release: Release) -> None:
    """The licence is a symbolic link to a file of the machine.

    Unpacked by a tool that follows links, it would read or overwrite another file. Only regular files are taken.
    """
    _packed(release, [Member(name=b"LICENSE", data=b"/etc/passwd", method=0, mode=0o120777)])


@case(refused("descriptor", "DuplicateMember"))
def member_that_stands_twice_refused(release: Release) -> None:
    """The library stands in the archive twice.

    Verifier and loader could each take another copy, the signed one and the harmful one. A second copy is refused.
    """
    _packed(release, [Member(name=b"plugin.so", data=b"another library", method=0)])


@case(refused("descriptor", "MemberNotAllowed"))
def absolute_path_member_refused(release: Release) -> None:
    """A member has an absolute path.

    Unpacked carelessly it overwrites a file anywhere. Names are compared with the five known ones, byte for byte.
    """
    _packed(release, [Member(name=b"/etc/cron.d/x", data=b"* * * * * root id\n", method=0)])


@case(refused("descriptor", "MemberNotAllowed"))
def nested_path_member_refused(release: Release) -> None:
    """A second descriptor hides in a folder.

    A reader that looks only at the last part of a path would take it. A path is no known name.
    """
    _packed(release, [Member(name=b"sub/plugin.yaml", data=b"schema: mcpg.dev/plugin/v1\n", method=0)])


@case(refused("descriptor", "MemberNotAllowed"))
def unknown_member_refused(release: Release) -> None:
    """A file is packed that the format does not know.

    Nobody verifies it, so nobody may find it beside the library. The format is closed.
    """
    _packed(release, [Member(name=b"post-install.sh", data=b"#!/bin/sh\n", method=0)])


@case(refused("descriptor", "MemberMissing"))
def package_without_descriptor_refused(release: Release) -> None:
    """The descriptor is missing.

    Without it nobody can say which plugin this is. The signature covers the library only.
    """
    release.only()
    release.edit_members = lambda members: [each for each in members if each.name != b"plugin.yaml"]


@case(refused("descriptor", "MemberMissing"))
def package_without_library_refused(release: Release) -> None:
    """The library is missing.

    There is nothing that could be verified. An empty loop over members must not look like success.
    """
    release.only()
    release.edit_members = lambda members: [each for each in members if each.name != b"plugin.so"]


@case(refused("descriptor", "AmbiguousArtifact"))
def library_beside_component_refused(release: Release) -> None:
    """The package holds a native library and a WASM component.

    The verifier could check one and the gateway load the other. One package holds one artifact.
    """
    _packed(release, [Member(name=b"plugin.wasm", data=build_wasm(), method=0)])


@case(refused("descriptor", "ArtefactTooLarge"))
def small_member_that_inflates_without_end_refused(release: Release) -> None:
    """A licence of 20 KiB inflates to 3 MB.

    Whoever unpacks it first and asks later has no memory left. Every member has its bound.
    """
    _packed(release, [Member(name=b"LICENSE", stored=_zeros_deflated(), crc=zlib.crc32(bytes(_ZEROS)), size=_ZEROS)])


@case(refused("descriptor", "ArchiveInvalid"))
def member_that_inflates_beyond_its_own_claim_refused(release: Release) -> None:
    """The same licence claims to have 1 KiB.

    Sizes in the archive are claims by whoever wrote it. Inflating stops where the claim is exceeded.
    """
    _packed(release, [Member(name=b"LICENSE", stored=_zeros_deflated(), crc=0, size=1024)])


_MATCHES = 12_000
_ZEROS = 1 + 258 * _MATCHES


def _zeros_deflated() -> bytes:
    """A raw deflate stream of zero bytes, made by hand so that it is the same everywhere (RFC 1951 3.2.6)."""
    # Fixed Huffman codes: a literal 0, then matches of length 258 (symbol 285) at distance 1, then the end.
    bits = "1" + "10" + "00110000" + ("11000101" + "00000") * _MATCHES + "0000000"
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


@case(refused("descriptor", "DescriptorInvalid"))
def descriptor_of_an_unknown_schema_refused(release: Release) -> None:
    """The descriptor follows a schema that does not exist yet.

    Its fields may mean something else there. What is not understood is not guessed.
    """
    release.only()
    assert isinstance(release.descriptor, dict)
    release.descriptor["schema"] = "mcpg.dev/plugin/v2"


@case(refused("descriptor", "DescriptorInvalid"))
def descriptor_with_a_key_twice_refused(release: Release) -> None:
    """The descriptor says its id twice.

    YAML readers disagree on which one counts. The verifier could see the wanted id and the gateway the other.
    """
    from tests.support.testdata.release import default_descriptor, dump_yaml

    release.only()
    release.descriptor = dump_yaml(default_descriptor()) + b"id: dev.acme.other\n"


@case(refused("descriptor", "DescriptorInvalid"))
def descriptor_that_explodes_refused(release: Release) -> None:
    """A small descriptor expands to billions of values.

    Nine levels of ten aliases each fill any memory. Aliases have no place in a descriptor.
    """
    release.only()
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    release.descriptor = b"schema: mcpg.dev/plugin/v1\nl0: &l0 [x]\n" + levels.encode()
