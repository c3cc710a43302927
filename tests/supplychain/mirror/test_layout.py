"""A plugin in an image layout: which one is meant, what is refused, and that nothing outside of the layout is ever read."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.artifact import Platform
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    InvalidReferenceError,
    ManifestInvalidError,
    NotAPluginError,
    NotFoundError,
    PlatformMissingError,
    UnreadableFileError,
)
from supplychain.limits import Limits
from supplychain.mirror import layout
from supplychain.mirror.layout import LayoutSource
from tests.support.oci import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

LINUX = Platform()
CONFIG = {"id": "dev.mcpg.example.echo"}
PACKAGE = b"PK the package, not opened here"
IMAGE = {"schemaVersion": 2, "config": {}, "layers": []}
REF_NAME = "org.opencontainers.image.ref.name"


@pytest.fixture
def stored() -> Stored:
    return Stored()


def place(entry: dict[str, Any], path: Path) -> Path:
    """The file of a blob."""
    return path / "blobs" / str(entry["digest"]).replace(":", "/")


def pull(path: Path, *, platform: Platform = LINUX, **target: Any) -> bytes:
    with LayoutSource(path, **target) as source:
        pulled = source.pull(platform=platform)
        with pulled.package as spool:
            return bytes(spool.view)


def digest_of(entry: dict[str, Any]) -> ManifestDigest:
    return ManifestDigest.parse(entry["digest"])


def child(entry: dict[str, Any], architecture: str, **more: Any) -> dict[str, Any]:
    return {**entry, "platform": {"os": "linux", "architecture": architecture, **more}}


# -- which one is meant ------------------------------------------------------------------------------------------------


def test_a_tag_names_an_entry(stored: Stored, tmp_path: Path) -> None:
    entry = stored.plugin(PACKAGE, config=CONFIG, tag="1.2.3-linux-amd64")
    stored.plugin(b"another", config=CONFIG, tag="1.2.4-linux-amd64")
    stored.write(tmp_path)
    with LayoutSource(tmp_path, tag="1.2.3-linux-amd64") as source:
        pulled = source.pull(platform=LINUX)
    with pulled.package:
        assert bytes(pulled.package.view) == PACKAGE
        assert pulled.manifest_digest == digest_of(entry)
        assert str(pulled.layer_digest) == f"sha256:{pulled.package.sha256}"
        assert (pulled.index_digest, pulled.tag, pulled.platform) == (None, "1.2.3-linux-amd64", None)
        assert pulled.manifest is not None
        assert (ManifestDigest.of(pulled.manifest), pulled.index) == (digest_of(entry), None)
        assert pulled.source == f"oci-layout:{tmp_path}@{entry['digest']}"


def test_a_digest_names_a_manifest_that_no_entry_lists(stored: Stored, tmp_path: Path) -> None:
    entry = stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.listed.clear()
    stored.write(tmp_path)
    with LayoutSource(tmp_path, digest=digest_of(entry)) as source:
        pulled = source.pull(platform=LINUX)
    pulled.package.close()
    assert (pulled.manifest_digest, pulled.tag) == (digest_of(entry), None)


def test_the_only_plugin_needs_no_name(stored: Stored, tmp_path: Path) -> None:
    entry = stored.plugin(PACKAGE, config=CONFIG)
    stored.attach(b"{}", subject=entry, predicate_type="x")
    stored.plugin(b"attached to the plugin", config=CONFIG, edit={"subject": {**entry}})
    stored.manifest({**IMAGE, "config": stored.blob(b"{}", "application/vnd.oci.image.config.v1+json")}, tag="an-image")
    legacy = {**IMAGE, "config": stored.blob(b"{}", "application/vnd.mcpg.plugin.config.v1+json")}
    stored.manifest(legacy, tag=entry["digest"].replace(":", "-") + ".sig")
    stored.index(entry, tag=entry["digest"].replace(":", "-"))
    stored.listed.append(
        {**stored.manifest({**legacy, "annotations": {"a": "b"}}), "annotations": {"kind": "dev.cosignproject.cosign/sigs"}}
    )
    stored.listed = [one for one in stored.listed if one.get("annotations") != {"a": "b"}]
    stored.write(tmp_path)
    assert pull(tmp_path) == PACKAGE


def test_the_tag_of_the_only_plugin_is_known(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1.2.3")
    stored.write(tmp_path)
    with LayoutSource(tmp_path) as source:
        pulled = source.pull(platform=LINUX)
    pulled.package.close()
    assert pulled.tag == "1.2.3"


def test_an_annotation_that_is_no_tag_is_no_tag(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="registry.example/x:1.2.3")
    stored.write(tmp_path)
    with LayoutSource(tmp_path) as source:
        pulled = source.pull(platform=LINUX)
    pulled.package.close()
    assert pulled.tag is None


def test_a_plugin_known_by_its_config_alone_counts(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, edit={"artifactType": ""})
    stored.write(tmp_path)
    assert pull(tmp_path) == PACKAGE


def test_the_same_manifest_under_two_tags_is_one(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1.2.3")
    stored.plugin(PACKAGE, config=CONFIG, tag="latest")
    stored.write(tmp_path)
    assert pull(tmp_path) == PACKAGE


def test_several_plugins_and_no_name_is_the_requests_fault(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1.2.3")
    other = stored.plugin(b"another", config=CONFIG)
    stored.write(tmp_path)
    with pytest.raises(InvalidReferenceError) as caught:
        pull(tmp_path)
    assert caught.value.got == f"`1.2.3`, `{other['digest']}`"
    assert caught.value.hint == "add `:TAG` or `@sha256:…` to the path"


def test_many_names_are_cut(stored: Stored, tmp_path: Path) -> None:
    for number in range(18):
        stored.plugin(b"%d" % number, config=CONFIG, tag=f"v{number}")
    stored.write(tmp_path)
    with pytest.raises(InvalidReferenceError, match="`v15` and 2 more"):
        pull(tmp_path)


def test_a_tag_and_a_digest_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidReferenceError, match="a tag or a digest, not both"):
        LayoutSource(tmp_path, tag="1", digest=ManifestDigest.of(b""))


def test_a_tag_that_is_not_there_names_those_that_are(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1.2.3")
    stored.write(tmp_path)
    with pytest.raises(NotFoundError, match="lacks the tag") as caught:
        pull(tmp_path, tag="1.2")
    assert (caught.value.expected, caught.value.got) == ("`1.2`", "`1.2.3`")


def test_a_tag_at_two_manifests_is_refused(stored: Stored, tmp_path: Path) -> None:
    first = stored.plugin(PACKAGE, config=CONFIG, tag="1.2.3")
    second = stored.plugin(b"another", config=CONFIG, tag="1.2.3")
    stored.write(tmp_path)
    with pytest.raises(ManifestInvalidError, match="stands at several manifests") as caught:
        pull(tmp_path, tag="1.2.3")
    assert caught.value.got == f"`{first['digest']}`, `{second['digest']}`"


def test_an_empty_layout_is_not_a_plugin_that_was_found(stored: Stored, tmp_path: Path) -> None:
    stored.write(tmp_path)
    with pytest.raises(NotFoundError, match="the layout is empty"):
        pull(tmp_path)
    with pytest.raises(NotFoundError, match="the layout is empty"):
        pull(tmp_path, tag="1")
    with pytest.raises(NotFoundError, match="the layout lacks a blob"):
        pull(tmp_path, digest=ManifestDigest.of(b""))


def test_a_layout_of_other_things_holds_no_plugin(stored: Stored, tmp_path: Path) -> None:
    stored.manifest({**IMAGE, "config": stored.blob(b"{}", "application/vnd.oci.image.config.v1+json")}, tag="an-image")
    stored.write(tmp_path)
    with pytest.raises(NotAPluginError, match="the layout holds no plugin") as caught:
        pull(tmp_path)
    assert caught.value.got == "`an-image`"
    with pytest.raises(NotAPluginError, match="another kind of artifact"):
        pull(tmp_path, tag="an-image")


def test_a_broken_manifest_that_may_be_meant_says_what_is_wrong_with_it(stored: Stored, tmp_path: Path) -> None:
    stored.manifest({"schemaVersion": 2}, tag="1")
    stored.write(tmp_path)
    with pytest.raises(ManifestInvalidError, match="neither a manifest nor an index"):
        pull(tmp_path)


def test_a_missing_manifest_that_may_be_meant_is_not_passed_over(stored: Stored, tmp_path: Path) -> None:
    entry = stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.plugin(b"another", config=CONFIG, tag="2")
    stored.write(tmp_path)
    place(entry, tmp_path).unlink()
    with pytest.raises(InvalidReferenceError, match="several images"):
        pull(tmp_path)
    with pytest.raises(NotFoundError, match="lacks a blob"):
        pull(tmp_path, tag="1")


def test_an_entry_that_is_no_descriptor_counts_only_when_nothing_else_is_found(stored: Stored, tmp_path: Path) -> None:
    stored.listed.append({"mediaType": "x/y"})
    stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.write(tmp_path)
    assert pull(tmp_path, tag="1") == PACKAGE
    with pytest.raises(ManifestInvalidError, match="unusable digest"):
        pull(tmp_path, tag="2")


def test_a_layout_too_large_to_look_through_must_be_told_what_is_meant(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.plugin(PACKAGE, config=CONFIG, tag="2")
    stored.write(tmp_path)
    for name, value in (("MAX_ENTRIES", 1), ("MAX_SCANNED", 700)):
        with monkeypatch.context() as patch:
            patch.setattr(layout, name, value)
            with pytest.raises(InvalidReferenceError, match="too large to look for its only plugin"):
                pull(tmp_path)
            assert pull(tmp_path, tag="1") == PACKAGE


# -- indexes -----------------------------------------------------------------------------------------------------------


def test_an_index_leads_to_the_child_for_the_platform(stored: Stored, tmp_path: Path) -> None:
    amd64 = stored.plugin(b"amd64", config=CONFIG)
    arm64 = stored.plugin(b"arm64", config=CONFIG)
    index = stored.index(child(amd64, "amd64"), child(arm64, "arm64"), tag="1.2.3")
    stored.listed = [entry for entry in stored.listed if entry["digest"] == index["digest"]]
    stored.write(tmp_path)
    with LayoutSource(tmp_path, tag="1.2.3") as source:
        pulled = source.pull(platform=Platform(architecture="arm64"))
    with pulled.package:
        assert bytes(pulled.package.view) == b"arm64"
    assert (pulled.manifest_digest, pulled.index_digest) == (digest_of(arm64), digest_of(index))
    assert pulled.manifest is not None
    assert pulled.index is not None
    assert (ManifestDigest.of(pulled.manifest), ManifestDigest.of(pulled.index)) == (digest_of(arm64), digest_of(index))
    assert (pulled.tag, str(pulled.platform)) == ("1.2.3", "linux/arm64")
    with pytest.raises(PlatformMissingError):
        pull(tmp_path, tag="1.2.3", platform=Platform(architecture="s390x"))


def test_an_index_whose_children_are_listed_too_is_the_one_meant(stored: Stored, tmp_path: Path) -> None:
    amd64 = stored.plugin(b"amd64", config=CONFIG)
    stored.index(child(amd64, "amd64"), tag="1.2.3")
    stored.write(tmp_path)
    with LayoutSource(tmp_path) as source:
        pulled = source.pull(platform=LINUX)
    pulled.package.close()
    assert pulled.index_digest is not None


def test_an_index_with_foreign_entries_is_still_a_choice(stored: Stored, tmp_path: Path) -> None:
    stored.index("no descriptor", tag="1.2.3")  # type: ignore[arg-type]
    stored.write(tmp_path)
    with pytest.raises(ManifestInvalidError, match="no descriptor"):
        pull(tmp_path)


def test_an_index_pin_names_the_index(stored: Stored, tmp_path: Path) -> None:
    amd64 = stored.plugin(b"amd64", config=CONFIG)
    index = stored.index(child(amd64, "amd64"))
    stored.write(tmp_path)
    assert pull(tmp_path, digest=digest_of(index)) == b"amd64"


def test_an_index_in_an_index_is_refused(stored: Stored, tmp_path: Path) -> None:
    amd64 = stored.plugin(b"amd64", config=CONFIG)
    inner = stored.index(child(amd64, "amd64"))
    stored.index(child({**inner, "mediaType": "application/vnd.oci.image.manifest.v1+json"}, "amd64"), tag="1")
    stored.write(tmp_path)
    with pytest.raises(ManifestInvalidError):
        pull(tmp_path, tag="1")


def test_an_index_that_lists_an_index_without_saying_so_is_refused(stored: Stored, tmp_path: Path) -> None:
    """The inner one has no `mediaType`, so the outer one's word is not contradicted."""
    inner = stored.manifest({"schemaVersion": 2, "manifests": []})
    stored.index(child({**inner, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}, "amd64"), tag="1")
    stored.write(tmp_path)
    with pytest.raises(ManifestInvalidError):
        pull(tmp_path, tag="1")


# -- lies --------------------------------------------------------------------------------------------------------------


def test_a_package_of_other_bytes_is_refused(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path)
    package = next(path for path in (tmp_path / "blobs/sha256").iterdir() if path.read_bytes() == PACKAGE)
    package.write_bytes(PACKAGE[::-1])
    with pytest.raises(DigestMismatchError, match="another digest"):
        pull(tmp_path)


@pytest.mark.parametrize(
    ("data", "got"), [(PACKAGE[:-1], f"{len(PACKAGE) - 1} bytes"), (PACKAGE + b"x", "more"), (b"", "0 bytes")]
)
def test_a_package_of_another_size_is_refused(stored: Stored, tmp_path: Path, data: bytes, got: str) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path)
    package = next(path for path in (tmp_path / "blobs/sha256").iterdir() if path.read_bytes() == PACKAGE)
    package.write_bytes(data)
    with pytest.raises(DigestMismatchError, match="another size") as caught:
        pull(tmp_path)
    assert caught.value.got == got


def test_a_config_may_be_absent_but_not_another_one(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path)
    config = next(path for path in (tmp_path / "blobs/sha256").iterdir() if path.read_bytes().startswith(b'{"id"'))
    with pytest.raises(ArtifactTooLargeError):
        pull(tmp_path, limits=Limits(config=10))
    config.write_bytes(config.read_bytes()[::-1])
    with pytest.raises(DigestMismatchError, match="another digest"):
        pull(tmp_path)
    config.unlink()
    assert pull(tmp_path) == PACKAGE


def test_a_manifest_of_other_bytes_is_refused(stored: Stored, tmp_path: Path) -> None:
    entry = stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.write(tmp_path)
    manifest = place(entry, tmp_path)
    manifest.write_bytes(manifest.read_bytes().replace(b"plugin.v1", b"plugin.v2"))
    for target in ({"tag": "1"}, {"digest": digest_of(entry)}, {}):
        with pytest.raises(DigestMismatchError, match="another digest"):
            pull(tmp_path, **target)


def test_a_manifest_of_another_size_than_listed_is_refused(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.listed[0]["size"] -= 1
    stored.write(tmp_path)
    with pytest.raises(DigestMismatchError, match="another size"):
        pull(tmp_path, tag="1")


def test_a_manifest_listed_under_another_type_is_refused(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.listed[0]["mediaType"] = "application/vnd.oci.image.index.v1+json"
    stored.write(tmp_path)
    with pytest.raises(ManifestInvalidError, match="another media type"):
        pull(tmp_path, tag="1")


def test_limits_hold_for_package_manifest_and_index(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.write(tmp_path)
    with pytest.raises(ArtifactTooLargeError, match="the package is too large"):
        pull(tmp_path, limits=Limits(package=len(PACKAGE) - 1))
    assert pull(tmp_path, limits=Limits(package=len(PACKAGE))) == PACKAGE
    size = stored.listed[0]["size"]
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": stored.listed}))
    assert (tmp_path / "index.json").stat().st_size < size
    with pytest.raises(ArtifactTooLargeError, match="a blob is too large"):
        pull(tmp_path, limits=Limits(manifest=size - 1))
    with pytest.raises(ArtifactTooLargeError, match=r"`index.json` is too large"):
        pull(tmp_path, limits=Limits(manifest=10))


def test_nothing_is_left_open_after_a_refusal(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path)
    package = next(path for path in (tmp_path / "blobs/sha256").iterdir() if path.read_bytes() == PACKAGE)
    package.write_bytes(PACKAGE[::-1])
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir())) if descriptors.is_dir() else None
    for _ in range(8):
        with pytest.raises(DigestMismatchError):
            pull(tmp_path)
    if before is not None:
        assert len(list(descriptors.iterdir())) == before


# -- the directory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["missing", "a-file", "nul\0byte"])
def test_a_path_that_is_no_directory_is_the_requests_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").write_bytes(b"")
    with pytest.raises(UnreadableFileError, match="cannot open the layout") as caught:
        LayoutSource(tmp_path / name)
    assert "give the directory that holds" in caught.value.hint


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_a_directory_that_is_no_layout_says_what_it_lacks(stored: Stored, tmp_path: Path, name: str) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UnreadableFileError, match="the directory is no image layout") as caught:
        pull(tmp_path)
    assert caught.value.got == f"no `{name}`"


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("oci-layout", b"", "not readable as JSON"),
        ("oci-layout", b"{}", "unknown layout version"),
        ("oci-layout", b'{"imageLayoutVersion":"2.0.0"}', "unknown layout version"),
        ("index.json", b"", "not readable as JSON"),
        ("index.json", b"[]", "no JSON object"),
        ("index.json", b'{"schemaVersion":2,"manifests":{}}', "`manifests` is no list"),
        ("index.json", b'{"schemaVersion":2,"manifests":[],"manifests":[]}', "not readable as JSON"),
        ("index.json", b'{"a":' * 100_000, "not readable as JSON"),
        (
            "index.json",
            b'{"schemaVersion":2,"layers":[],"config":{"mediaType":"a/b","size":0,"digest":"sha256:' + b"a" * 64 + b'"}}',
            "an image manifest where an image index must stand",
        ),
    ],
)
def test_a_broken_file_of_the_layout_is_refused(stored: Stored, tmp_path: Path, name: str, data: bytes, what: str) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ManifestInvalidError, match=what):
        pull(tmp_path)


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


def kinds_of_files(path: Path, *, target: Path) -> Iterator[str]:
    """Put something else than a regular file at `path`, one kind after the other."""
    data = path.read_bytes()
    path.unlink()
    (target / "copy").write_bytes(data)
    path.symlink_to(target / "copy")
    yield "a symbolic link to the right bytes"
    path.unlink()
    path.mkdir()
    yield "a directory"
    path.rmdir()
    os.mkfifo(path)
    yield "a pipe"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(path.parent)
        try:
            listener.bind(path.name[:40])
            Path(path.name[:40]).rename(path)
        finally:
            os.chdir(here)
        yield "a socket"


@pytest.mark.parametrize("name", ["oci-layout", "index.json", "manifest"])
def test_only_regular_files_of_the_layout_are_read(stored: Stored, tmp_path: Path, outside: Path, name: str) -> None:
    entry = stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.write(tmp_path)
    path = place(entry, tmp_path) if name == "manifest" else tmp_path / name
    for kind in kinds_of_files(path, target=outside):
        with pytest.raises(ManifestInvalidError, match="no regular file of the layout"):
            pytest.fail(f"{kind} was read: {pull(tmp_path, tag='1')!r}")


@pytest.mark.parametrize("name", ["blobs", "blobs/sha256"])
def test_a_linked_directory_of_blobs_is_not_followed(stored: Stored, tmp_path: Path, outside: Path, name: str) -> None:
    stored.plugin(PACKAGE, config=CONFIG, tag="1")
    stored.write(tmp_path)
    (tmp_path / name).rename(outside / "moved")
    (tmp_path / name).symlink_to(outside / "moved")
    with pytest.raises(ManifestInvalidError, match="no regular file of the layout"):
        pull(tmp_path, tag="1")


def test_the_layout_itself_may_be_reached_through_a_link(stored: Stored, tmp_path: Path) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert pull(tmp_path / "link") == PACKAGE


def test_a_digest_that_climbs_is_no_digest(stored: Stored, tmp_path: Path) -> None:
    stored.listed.append({"mediaType": "a/b", "size": 1, "digest": "sha256:../../index.json", "annotations": {REF_NAME: "1"}})
    stored.write(tmp_path)
    with pytest.raises(ManifestInvalidError, match="unusable digest"):
        pull(tmp_path, tag="1")


def test_a_file_that_may_not_be_read_says_so(stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored.plugin(PACKAGE, config=CONFIG)
    stored.write(tmp_path)
    opening = os.open

    def refuse(path: Any, *arguments: Any, **named: Any) -> int:
        if path == "oci-layout":
            raise PermissionError(13, "Permission denied")
        return opening(path, *arguments, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableFileError, match="cannot read `oci-layout`: got Permission denied"):
        pull(tmp_path)
