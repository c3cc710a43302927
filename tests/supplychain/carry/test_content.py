"""What belongs to a plugin, collected from a source in memory."""

import json
from dataclasses import replace

import pytest

from supplychain.carry.content import MAX_CHILDREN, Closure, Document, collect, fallback_tag
from supplychain.carry.fetched import FetchedClosure, FetchedSource
from supplychain.digest import ManifestDigest
from supplychain.errors import ArtifactTooLargeError, DigestMismatchError, ManifestInvalidError, NotAPluginError, NotFoundError
from supplychain.limits import Limits
from supplychain.mirror.manifests import OciDescriptor
from supplychain.reference import OciReference
from tests.support.carrying import MemoryRepository, entry_of, plugin, plugin_index
from tests.support.oci import Stored, canonical
from tests.support.scenario import TAG

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REFERENCE = OciReference.parse(f"registry.example/acme/echo:{TAG}")


def gather(repository, *, reference=REFERENCE, **limits):
    return collect(repository, reference=reference, limits=replace(Limits(), **limits))


def test_children_come_before_the_index_and_referrers_last():
    stored, index = plugin_index()
    closure = gather(MemoryRepository.of(stored))
    digests = [str(one.digest) for one in closure.documents]
    assert digests.index(index["digest"]) == 2
    assert len(digests) == 3 + 4
    assert [(str(one.digest), str(platform)) for one, platform in closure.plugins] == [
        (digests[0], "linux/amd64"),
        (digests[1], "linux/arm64"),
    ]
    assert closure.tags == {TAG: ManifestDigest.parse(index["digest"])}
    assert closure.left_behind == ()
    assert closure.size == sum(len(stored.blobs[digest]) for digest in digests) + sum(blob.size for blob in closure.blobs)


def test_a_manifest_is_its_own_only_plugin_and_needs_no_tag():
    stored, descriptor = plugin(tag=None)
    digest = ManifestDigest.parse(descriptor["digest"])
    closure = gather(MemoryRepository.of(stored), reference=replace(REFERENCE, tag=None, digest=digest))
    assert [(one.digest, platform) for one, platform in closure.plugins] == [(digest, None)]
    assert closure.tags == {}
    assert {subject for subject, _ in closure.attachments} == {digest}


def test_older_objects_come_along_with_their_tags_before_the_tag_of_the_reference():
    stored, descriptor = plugin()
    digest = ManifestDigest.parse(descriptor["digest"])
    layer = stored.blob(b"payload", "application/vnd.dev.cosign.simplesigning.v1+json")
    config = stored.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    stored.manifest({"schemaVersion": 2, "config": config, "layers": [layer]}, tag=f"{fallback_tag(digest)}.sig")
    closure = gather(MemoryRepository.of(stored))
    assert list(closure.tags) == [f"{fallback_tag(digest)}.sig", TAG]
    assert layer["digest"] in {f"sha256:{blob.sha256}" for blob in closure.blobs}


def test_a_missing_reference_is_not_found():
    with pytest.raises(NotFoundError):
        gather(MemoryRepository(stored=Stored()))


def test_a_missing_child_is_not_found():
    stored, _ = plugin_index()
    repository = MemoryRepository.of(stored)
    del stored.blobs[stored.listed[0]["digest"]]
    with pytest.raises(NotFoundError):
        gather(repository)


def test_a_source_that_gives_another_document_than_the_pinned_one_is_refused():
    stored, _ = plugin()
    repository = MemoryRepository.of(stored)
    pinned = ManifestDigest.of(b"other")
    repository.tags[str(pinned)] = repository.tags[TAG]
    with pytest.raises(DigestMismatchError):
        gather(repository, reference=replace(REFERENCE, digest=pinned))


def test_an_index_whose_entry_lies_about_the_size_is_refused():
    stored, descriptor = plugin(tag=None)
    stored.index({**descriptor, "size": descriptor["size"] + 1}, tag=TAG)
    with pytest.raises(DigestMismatchError, match="another size"):
        gather(MemoryRepository.of(stored))


@pytest.mark.parametrize("count", [0, MAX_CHILDREN + 1])
def test_an_index_of_none_or_too_many_is_refused(count):
    stored, descriptor = plugin(tag=None)
    stored.index(*[descriptor] * count, tag=TAG)
    with pytest.raises(ManifestInvalidError, match="no index of a plugin"):
        gather(MemoryRepository.of(stored))


def test_an_index_in_an_index_is_refused():
    stored, _ = plugin_index(tag="inner")
    stored.index({**stored.listed[2], "mediaType": INDEX}, tag=TAG)
    with pytest.raises(ManifestInvalidError, match="no image manifest"):
        gather(MemoryRepository.of(stored))


def test_what_is_no_plugin_is_refused_before_any_blob_is_read():
    stored = Stored()
    config = stored.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    stored.manifest({"schemaVersion": 2, "config": config, "layers": []}, tag=TAG)
    with pytest.raises(NotAPluginError):
        gather(MemoryRepository.of(stored))


def test_a_config_beyond_its_limit_is_refused():
    stored, _ = plugin()
    with pytest.raises(ArtifactTooLargeError, match="config"):
        gather(MemoryRepository.of(stored), config=1)


def lying(stored, **edit):
    """Attach one more object, and return the descriptor of the plugin."""
    subject = stored.listed[0]
    return stored.attach(b"{}", subject=subject, predicate_type="x", edit=edit)


def test_a_listed_object_that_is_not_there_stays_behind():
    stored, _ = plugin()
    lost = lying(stored)
    repository = MemoryRepository.of(stored)
    del stored.blobs[lost["digest"]]
    closure = gather(repository)
    assert closure.left_behind == ((f"referrer {lost['digest']}", "listed, but not there"),)
    assert closure.unread == frozenset()
    assert len(closure.attachments) == 2


def test_an_object_about_something_else_stays_behind():
    stored, _ = plugin()
    foreign = lying(stored, subject={"mediaType": MANIFEST, "digest": f"sha256:{'0' * 64}", "size": 1})
    repository = MemoryRepository.of(stored)
    entry = repository.listed.pop(f"sha256:{'0' * 64}")
    repository.listed[stored.listed[0]["digest"]] += entry
    [(what, why)] = gather(repository).left_behind
    assert what == f"referrer {foreign['digest']}"
    assert "attached to something else" in why


def test_objects_without_a_subject_stay_behind():
    stored, _ = plugin()
    bare = lying(stored, subject=None)
    repository = MemoryRepository.of(stored)
    repository.listed[stored.listed[0]["digest"]] += (
        OciDescriptor(media_type=MANIFEST, sha256=bare["digest"][7:], size=bare["size"]),
    )
    [(what, _)] = gather(repository).left_behind
    assert what == f"referrer {bare['digest']}"


def test_attached_objects_beyond_the_bounds_stay_behind():
    stored, _ = plugin()
    closure = gather(MemoryRepository.of(stored), candidates=1)
    assert len(closure.attachments) == 1
    assert [why for _, why in closure.left_behind] == ["more than 1 referrers"]
    assert closure.unread == {closure.top}
    package = max(blob["size"] for blob in json.loads(stored.blobs[stored.listed[0]["digest"]])["layers"])
    closure = gather(MemoryRepository.of(stored), package=package)
    assert all("too large" in why for _, why in closure.left_behind)
    assert closure.unread == {closure.top}


def test_an_endless_list_stays_behind_as_a_whole():
    stored, descriptor = plugin()
    repository = MemoryRepository.of(stored)
    repository.endless = True
    closure = gather(repository)
    assert closure.left_behind == ((f"referrers of {descriptor['digest']}", "too long"),)
    assert closure.unread == {closure.top}
    with FetchedClosure(closure).load(repository) as fetched:
        manifest, platform = closure.plugins[0]
        source = FetchedSource(fetched=fetched, plugin=manifest, platform=platform, limits=Limits())
        assert source.evidence(manifest.digest).truncated  # what is not there may be in what was not read


def test_an_object_attached_twice_comes_once():
    stored, _ = plugin()
    repository = MemoryRepository.of(stored)
    key = stored.listed[0]["digest"]
    repository.listed[key] *= 2
    assert len(gather(repository).attachments) == 2


def test_an_older_object_that_is_no_manifest_stays_behind_and_its_tag_does_not_move():
    stored, descriptor = plugin()
    tag = f"{fallback_tag(ManifestDigest.parse(descriptor['digest']))}.att"
    stored.index(tag=tag)
    closure = gather(MemoryRepository.of(stored))
    assert tag not in closure.tags
    assert closure.left_behind[0][0].startswith(f"tag {tag}")


@pytest.mark.parametrize(
    ("document", "declared", "expected"),
    [
        ({"schemaVersion": 2, "manifests": []}, None, INDEX),
        ({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}, "application/json", INDEX),
        (
            {"schemaVersion": 2, "manifests": []},
            "application/vnd.docker.distribution.manifest.list.v2+json; charset=utf-8",
            "application/vnd.docker.distribution.manifest.list.v2+json",
        ),
    ],
)
def test_a_document_says_its_media_type_or_what_it_was_served_with(document, declared, expected):
    found = Document.of(canonical(document), declared=declared, where="test")
    assert found.media_type == expected
    assert found.digest == ManifestDigest.of(canonical(document))


def test_the_entry_of_a_referrer_is_derived_from_the_document_itself():
    stored, _ = plugin()
    descriptor = lying(stored, artifactType=None)
    subject, entry = entry_of(Document.of(stored.blobs[descriptor["digest"]], where="test"))
    assert str(subject) == stored.listed[0]["digest"]
    assert entry.artifact_type == "application/vnd.oci.empty.v1+json"
    assert entry.annotations["dev.sigstore.bundle.content"] == "dsse-envelope"
    index = {"schemaVersion": 2, "manifests": [], "subject": {"mediaType": MANIFEST, "digest": str(subject), "size": 1}}
    assert entry_of(Document.of(canonical(index), where="test"))[1].artifact_type is None


def test_a_closure_without_its_top_is_not_found():
    closure = Closure(reference=REFERENCE, top=ManifestDigest.of(b"x"), documents=(), blobs=(), tags={})
    with pytest.raises(NotFoundError):
        _ = closure.plugins
