"""A bundle opened: its order, its completeness, and one package on disk at a time."""

import hashlib
import json
from typing import Any

import pytest

from supplychain.carry.plugin_bundle import inventory as contents
from supplychain.carry.plugin_bundle import opened as opening
from supplychain.carry.plugin_bundle import small_blobs as shelves
from supplychain.carry.plugin_bundle.archive import blob_name
from supplychain.carry.plugin_bundle.compression import compress, decompress
from supplychain.carry.plugin_bundle.content import BundleContent, find_plugin_in
from supplychain.carry.plugin_bundle.index import BUNDLE_TYPE, COUNT_NOTE
from supplychain.carry.plugin_bundle.opened import Bundle
from supplychain.carry.plugin_bundle.parts import Volume
from supplychain.carry.plugin_bundle.source import BundleCargo, BundleSource, closure_of
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    ArtifactTooLargeError,
    BundleFileInvalidError,
    InvalidReferenceError,
    NotFoundError,
    SupplyChainError,
)
from supplychain.limits import Limits
from supplychain.mirror.artifact_form import canonical
from supplychain.mirror.manifests import OciDescriptor
from tests.support.builders import build_elf
from tests.support.bundling import NAME, Forgery, make_bundle, members_of, write_members
from tests.support.carrying import plugin, plugin_index
from tests.support.scenario import LIBRARY, TAG, request

OTHER = f"ghcr.io/acme/other:{TAG}"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "b.mcpg.tar.zst"


@pytest.fixture
def two(path):
    return make_bundle(path, (NAME, plugin()[0]), (OTHER, plugin(library=build_elf(payload=b"other"))[0]))


def refused(path, error=BundleFileInvalidError, **options):
    with pytest.raises(error) as caught, Bundle(path, **options) as bundle:
        for _ in bundle.packages():
            pass
    return str(caught.value)


def changed(path, change):
    members = members_of(path)
    change(members)
    return write_members(path, members)


def test_equal_content_gives_equal_bytes_whatever_the_order_in_which_it_came(tmp_path):
    one, other = (NAME, plugin()[0]), (OTHER, plugin(library=build_elf(payload=b"other"))[0])
    first = make_bundle(tmp_path / "1", one, other).read_bytes()
    assert make_bundle(tmp_path / "2", other, one).read_bytes() == first


def test_it_is_an_image_layout_with_small_blobs_before_packages(two):
    names = [name for name, _ in members_of(two)]
    assert names[:2] == ["oci-layout", "index.json"]
    index = json.loads(dict(members_of(two))["index.json"])
    small = int(index["annotations"][COUNT_NOTE])
    assert names[2 : 2 + small] == sorted(names[2 : 2 + small])
    assert names[2 + small :] == sorted(names[2 + small :])
    assert len(names[2 + small :]) == 2
    named = {entry.get("annotations", {}).get("org.opencontainers.image.ref.name") for entry in index["manifests"]}
    assert {NAME, OTHER} <= named


def test_every_package_comes_once_and_is_gone_before_the_next(two):
    with Bundle(two) as bundle:
        spools: list[Any] = []
        for spool in bundle.packages():
            assert all(one._map is None for one in spools), "the one before is closed"
            spools.append(spool)
        assert [one.sha256 for one in spools] == sorted(bundle.inventory.packages)
        assert bundle.volume.sha256 == hashlib.sha256(two.read_bytes()).hexdigest()


def test_packages_can_be_had_one_by_one_in_any_order_and_again(two):
    with Bundle(two) as bundle:
        wanted = sorted(bundle.inventory.packages)
        for sha256 in (wanted[1], wanted[0], wanted[1], wanted[1]):
            with bundle.spool(sha256) as spool:
                assert spool.sha256 == sha256
        assert len(list(bundle.packages())) == len(list(bundle.packages())) == 2
        with pytest.raises(NotFoundError):
            bundle.spool("0" * 64)


def test_a_bundle_of_nothing_but_documents_can_be_read(path):
    make_bundle(path)
    forgery = Forgery.of(path)
    forgery.index["manifests"] = [one for one in forgery.index["manifests"] if one.get("artifactType") == BUNDLE_TYPE]
    forgery._swept().write(path)
    with Bundle(path) as bundle:
        assert list(bundle.packages()) == []
        with pytest.raises(NotFoundError, match="no plugin"):
            find_plugin_in(bundle, None)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.reverse(),
        lambda members: members.insert(0, members.pop(1)),
        lambda members: members.insert(2, members.pop(3)),
        lambda members: members.insert(2, members.pop()),
        lambda members: members.append(members[-1]),
        lambda members: members.append(("index.json", b"")),
        lambda members: members.pop(0),
        lambda members: members.clear(),
        lambda members: members.pop(),
        lambda members: members.pop(4),
        lambda members: members.append((blob_name("f" * 64), b"?")),
        lambda members: members.insert(2, (blob_name("0" * 64), b"?")),
        lambda members: members.__setitem__(3, (members[3][0], members[3][1] + b" ")),
        lambda members: members.__setitem__(-1, (members[-1][0], members[-1][1] + b" ")),
        lambda members: members.__setitem__(-1, (members[-1][0], members[-1][1][:-1] + b"?")),
        lambda members: members.__setitem__(0, ("oci-layout", b'{"imageLayoutVersion":"2.0.0"}')),
        lambda members: members.__setitem__(1, ("index.json", b"[]")),
        lambda members: members.__setitem__(1, ("index.json", b'{"schemaVersion":2,"manifests":[]}')),
        lambda members: members.__delitem__(slice(3, None)),
    ],
)
def test_any_other_order_or_content_is_refused(two, change):
    refused(changed(two, change))


def test_a_package_that_no_document_names_is_refused_in_its_right_place_too(two):
    forgery = Forgery.of(two)
    last = max(forgery.packages)
    extra = next(data for data in (b"%d" % number for number in range(10_000)) if hashlib.sha256(data).hexdigest() < last)
    forgery.packages[hashlib.sha256(extra).hexdigest()] = extra
    assert "no document names" in refused(forgery.write(two))


def test_the_bytes_behind_the_last_package_are_looked_at_too(two):
    with two.open("ab") as file:
        file.write(b"trailing")
    assert "after the end" in refused(two)


def test_a_package_that_is_lacking_is_missed_by_those_who_want_just_it(two):
    changed(two, lambda members: members.pop())
    with Bundle(two) as bundle:
        last = max(bundle.inventory.packages)
        with pytest.raises(BundleFileInvalidError, match="lacks a package"):
            bundle.spool(last)


def test_limits_hold_for_packages_documents_and_small_blobs(two, monkeypatch):
    refused(two, ArtifactTooLargeError, limits=Limits(package=10))
    refused(two, ArtifactTooLargeError, limits=Limits(document=10))
    monkeypatch.setattr(opening, "MAX_SMALL", 10)
    refused(two, ArtifactTooLargeError)
    monkeypatch.undo()
    monkeypatch.setattr(shelves, "MAX_SHELF", 10)
    refused(two, ArtifactTooLargeError)
    monkeypatch.undo()
    monkeypatch.setattr(contents, "MAX_DOCUMENTS", 10)
    assert "too many documents" in refused(two)


def entry_of(forgery, note):
    return next(one for one in forgery.index["manifests"] if note in one.get("annotations", {}))


def twisted(path, twist):
    forgery = Forgery.of(path)
    twist(forgery)
    return forgery.write(path)


def test_an_index_that_contradicts_itself_is_refused(two):
    original = two.read_bytes()
    plugin_note, tag_note = "dev.mcpg.bundle.plugin", "org.opencontainers.image.ref.name"

    def twice(one):
        first, second = [e for e in one.index["manifests"] if plugin_note in e.get("annotations", {})]
        second["annotations"] = dict(first["annotations"])

    def same_reference(one):
        first = entry_of(one, plugin_note)
        one.index["manifests"].append({**first, "annotations": {plugin_note: first["annotations"][plugin_note]}})

    def tag_elsewhere(one):
        """The name is judged by its entry and loaded by its tag: both must lead to the same."""
        first, second = [e for e in one.index["manifests"] if plugin_note in e.get("annotations", {})]
        first["annotations"][tag_note], second["annotations"][tag_note] = (
            second["annotations"][tag_note],
            first["annotations"][tag_note],
        )

    def no_tag(one):
        entry_of(one, plugin_note)["annotations"].pop(tag_note)

    def no_reference(one):
        entry_of(one, plugin_note)["annotations"][plugin_note] = "no reference at all"

    def pinned(one):
        entry_of(one, plugin_note)["annotations"][plugin_note] = "ghcr.io/acme/echo@sha256:" + "0" * 64

    def blob(one):
        one.index["manifests"][0]["mediaType"] = "application/json"

    def unnamed(one):
        one.blobs[hashlib.sha256(b"smuggled").hexdigest()] = b"smuggled"

    def lost(one):
        one.blobs.pop(one.enclosed["layers"][0]["digest"][7:])

    def another_size(one):
        one.index["manifests"][1]["size"] += 1

    def own_gone(one):
        one.index["manifests"].remove(one._own)
        one._swept()

    def annotated(one):
        one.index["annotations"]["a note"] = "of somebody else"

    def listed_too_much(one):
        document = json.loads(one.blobs[entry_of(one, plugin_note)["digest"][7:]])
        layer = document["config"]
        manifest = canonical({"schemaVersion": 2, "config": layer, "layers": []})
        digest = hashlib.sha256(manifest).hexdigest()
        one.blobs[digest] = manifest
        media_type = "application/vnd.oci.image.manifest.v1+json"
        one.index["manifests"].append({"digest": f"sha256:{digest}", "mediaType": media_type, "size": len(manifest)})

    def second_manifest(one):
        data = canonical({**one.enclosed, "annotations": {"x": "y"}})
        digest = hashlib.sha256(data).hexdigest()
        one.blobs[digest] = data
        one.index["manifests"].append({**one._own, "digest": f"sha256:{digest}", "size": len(data)})

    def package_in_front(one):
        name, data = one.packages.popitem()
        one.blobs[name] = data

    for twist, found in (
        (twice, "a tag stands at two manifests"),
        (same_reference, "a reference stands at two entries"),
        (tag_elsewhere, "does not stand under its own tag"),
        (no_tag, "does not stand under its own tag"),
        (no_reference, "unusable"),
        (pinned, "at another digest"),
        (blob, "neither manifest nor index"),
        (unnamed, "nothing in the bundle names"),
        (lost, "is not there"),
        (another_size, "is not there"),
        (second_manifest, "two manifests of the bundle itself"),
        (package_in_front, "named as something else"),
        (own_gone, "no manifest of the bundle itself"),
        (annotated, "another form of its bytes"),
        (listed_too_much, "another form of its bytes"),
    ):
        two.write_bytes(original)
        assert found in refused(twisted(two, twist)), found


def test_an_index_of_plugins_over_something_else_is_refused(path):
    make_bundle(path, (NAME, plugin_index()[0]))

    def nested(one):
        entry = entry_of(one, "dev.mcpg.bundle.plugin")
        document = json.loads(one.blobs[entry["digest"][7:]])
        document["manifests"][0]["mediaType"] = "application/vnd.oci.image.index.v1+json"
        data = canonical(document)
        one.blobs.pop(entry["digest"][7:])
        entry.update(digest=f"sha256:{hashlib.sha256(data).hexdigest()}", size=len(data))
        one.blobs[entry["digest"][7:]] = data

    assert "no image manifest" in refused(twisted(path, nested))


def test_as_content_it_has_the_repositories_that_it_carries(two):
    with Bundle(two) as bundle:
        content = BundleContent(bundle=bundle, name="ghcr.io/acme/echo")
        top = content.document(TAG)
        assert top is not None
        assert content.document(str(top.digest)) == top
        assert content.document("nothing") is None
        assert BundleContent(bundle=bundle, name="ghcr.io/acme/nobody").document(TAG) is None
        assert len(content.referrers(top.digest)) == 2
        assert content.referrers(ManifestDigest.of(b"x")) == ()
        layer = json.loads(top.data)["layers"][0]
        package = OciDescriptor(media_type=layer["mediaType"], sha256=layer["digest"][7:], size=layer["size"])
        with content.spool(package) as spool:
            assert bytes(spool.view) == content.read(package)
        config = json.loads(top.data)["config"]
        small = OciDescriptor(media_type=config["mediaType"], sha256=config["digest"][7:], size=config["size"])
        with content.spool(small) as spool:
            assert bytes(spool.view) == content.read(small)
        with pytest.raises(NotFoundError):
            content.read(OciDescriptor(media_type="x/y", sha256="0" * 64, size=1))
        with pytest.raises(BundleFileInvalidError):
            bundle.inventory.read("0" * 64)


def test_a_plugin_is_found_by_what_names_it_alone(two):
    with Bundle(two) as bundle:
        digest = find_plugin_in(bundle, NAME).digest
        for text in (NAME, f"{NAME}@{digest}", f"ghcr.io/acme/echo@{digest}", str(digest), "ghcr.io/acme/echo:" + TAG):
            assert find_plugin_in(bundle, text).digest == digest
        assert find_plugin_in(bundle, "ghcr.io/acme/echo@" + str(digest)).digest == digest
        for text in ("ghcr.io/acme/echo:1.2.4", "sha256:" + "0" * 64, f"ghcr.io/acme/echo@sha256:{'0' * 64}"):
            with pytest.raises(NotFoundError, match=r"does not carry"):
                find_plugin_in(bundle, text)
        with pytest.raises(InvalidReferenceError, match="several plugins"):
            find_plugin_in(bundle, None)


def test_as_a_source_it_gives_the_plugin_of_a_platform_and_what_is_about_it(path):
    make_bundle(path, (NAME, plugin_index()[0]))
    with Bundle(path) as bundle, BundleSource(bundle, find_plugin_in(bundle, None)) as source:
        pulled = source.pull(platform=request().platform)
        with pulled.package:
            assert pulled.index_digest == source.resolve()
            assert pulled.tag == TAG
            assert pulled.manifest_digest is not None
            assert len(source.evidence(pulled.manifest_digest).materials) == 2
            assert source.evidence(source.resolve()).materials == ()


def test_a_cargo_has_no_package_but_the_one_at_hand(two):
    with Bundle(two) as bundle:
        closure = closure_of(bundle, find_plugin_in(bundle, NAME))
        fetched = BundleCargo(closure, bundle=bundle)
        with pytest.raises(NotFoundError, match="lacks a package"):
            fetched.blob(max(bundle.inventory.packages))
        assert hashlib.sha256(LIBRARY).hexdigest()


def test_opening_what_is_refused_leaves_nothing_open(two, monkeypatch):
    closed: list[Volume] = []
    close = Volume.close

    def watched(self):
        closed.append(self)
        close(self)

    monkeypatch.setattr(Volume, "close", watched)
    changed(two, lambda members: members.pop(4))
    with pytest.raises(SupplyChainError):
        Bundle(two)
    assert closed


def test_memory_does_not_grow_with_the_package(path):
    import random
    import tracemalloc

    size = 24 * 1024 * 1024
    make_bundle(path, (NAME, plugin(library=build_elf(payload=random.Random(1).randbytes(size)))[0]))
    tracemalloc.start()
    try:
        with Bundle(path) as bundle:
            for spool in bundle.packages():
                assert spool.size > size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size // 2, "pieces wait for the thread that hashes and writes; their number is bounded"


def test_whatever_byte_of_the_tar_is_changed_the_bundle_is_refused_or_a_plugin_has_another_name(two):
    """A changed byte is part of a header, of padding, of a blob with a digest, or of a name, which is a claim like a registry's."""
    tar = b"".join(decompress([two.read_bytes()], ratio=10_000))
    renamed = 0
    for at in (*range(0, 2560, 7), *range(2560, len(tar), 149)):
        changed_tar = tar[:at] + bytes([tar[at] ^ 0x01]) + tar[at + 1 :]
        two.write_bytes(b"".join(compress([changed_tar], size=len(tar))))
        try:
            with Bundle(two) as bundle:
                assert len(list(bundle.packages())) == 2
                assert {str(one.reference) for one in bundle.inventory.plugins} != {NAME, OTHER}
        except SupplyChainError:
            continue
        renamed += 1
    assert renamed < 5


def test_wherever_the_file_is_cut_off_the_bundle_is_refused(two):
    whole = two.read_bytes()
    for at in range(0, len(whole), 211):
        two.write_bytes(whole[:at])
        with pytest.raises(SupplyChainError), Bundle(two) as bundle:
            list(bundle.packages())
