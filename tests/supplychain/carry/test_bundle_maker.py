"""Putting bundles together: only what is trusted, all that belongs to it, and what was given beside it."""

import errno
import os
import tempfile
from dataclasses import replace

import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.carry.plugin_bundle import blob_file as storing
from supplychain.carry.plugin_bundle.blob_file import BlobFile
from supplychain.carry.plugin_bundle.content import find_plugin_in
from supplychain.carry.plugin_bundle.enclosed import ProvenTerms, enclosed_terms
from supplychain.carry.plugin_bundle.judging import Asked, judge_bundle
from supplychain.carry.plugin_bundle.maker import BundleMaker
from supplychain.carry.plugin_bundle.opened import Bundle
from supplychain.carry.plugin_bundle.writer import bundle_stream
from supplychain.digest import ManifestDigest
from supplychain.ed25519 import parse_keys
from supplychain.errors import BundleFileInvalidError, StorageUnavailableError, SummaryMismatchError
from supplychain.mirror.manifests import OciDescriptor
from supplychain.reference import OciReference
from supplychain.report import Verdict
from supplychain.verifier import PluginVerifier
from tests.support.builders import build_package
from tests.support.bundling import NAME, VERIFIER, Forgery, StoredContent, make_bundle, signer, verifier_public
from tests.support.carrying import plugin
from tests.support.oci import Stored
from tests.support.scenario import AT, LIBRARY, policy, provenance_bundle, request, signature_bundle, trust_root

KEYS = parse_keys(verifier_public(), name="verifier.pub")


@pytest.fixture
def maker():
    verifier = PluginVerifier(root=trust_root, second_opinion=False)
    with BlobFile() as blob_file:
        yield BundleMaker(verifier=verifier, blob_file=blob_file, at=AT)


def take(maker, stored, *, name=NAME, named=None, asked=None):
    location = OciReference.parse(name)
    return maker.take(
        StoredContent(stored), location=location, named=OciReference.parse(named or name), request=asked or request()
    )


def judged(path, asked=None):
    with Bundle(path) as bundle:
        proven = ProvenTerms.of(bundle.inventory, keys=KEYS, verifier=VERIFIER)
        carried = find_plugin_in(bundle, None)
        terms, _ = proven.cover(carried)
        verifier = PluginVerifier(root=trust_root, second_opinion=False)
        question = Asked(name="x", carried=carried, request=asked or terms.request(proven.read))
        return judge_bundle(bundle, [question], verifier=verifier, at=AT)


def test_what_is_not_trusted_is_not_packed(maker):
    [judgement] = take(maker, plugin(signed=False)[0])
    assert judgement.verdict is Verdict.REFUSED
    assert maker.packed == []


def test_what_is_not_there_becomes_a_judgement(maker):
    [judgement] = take(maker, plugin()[0], name="ghcr.io/acme/echo:9")
    assert judgement.verdict is Verdict.UNAVAILABLE


def test_a_plugin_that_was_read_from_a_mirror_goes_by_its_upstream_name(maker):
    take(maker, plugin()[0], name=NAME.replace("ghcr.io", "mirror.internal:5000"), named=NAME)
    [packed] = maker.packed
    assert str(packed.closure.reference) == NAME
    assert dict(packed.closure.tags) == {NAME.rpartition(":")[2]: packed.closure.top}


def test_what_is_named_by_another_digest_or_version_is_not_packed_under_that_name(maker):
    [judgement] = take(maker, plugin()[0], named=f"{NAME}@sha256:{'0' * 64}")
    assert judgement.cause.reason == "DigestMismatch"
    [judgement] = take(maker, plugin()[0], named=NAME.replace("1.2.3", "9.9.9"))
    assert judgement.cause.reason == "VersionMismatch"
    assert maker.packed == []


def test_a_plugin_without_a_tag_is_carried_by_its_digest(tmp_path):
    stored, descriptor = plugin(tag=None)
    name = f"ghcr.io/acme/echo@{descriptor['digest']}"
    asked = replace(request(), policy=policy(version=None))
    path = make_bundle(tmp_path / "b", (name, stored), asked=asked)
    assert [one.verdict for one in judged(path)] == [Verdict.TRUSTED]


def test_attestations_that_were_given_as_a_file_are_enclosed_and_judged_again(tmp_path):
    stored, descriptor = plugin(signed=False)
    digest = ManifestDigest.parse(descriptor["digest"])
    stored.attach(signature_bundle(digest), subject=descriptor, predicate_type="https://sigstore.dev/cosign/sign/v1")
    given = Material(form=EvidenceForm.BUNDLE, data=provenance_bundle(), where="provenance.jsonl", log_entries=(b"{}",))
    path = make_bundle(tmp_path / "b", (NAME, stored), asked=replace(request(), provenance=(given,)))
    assert [one.verdict for one in judged(path)] == [Verdict.TRUSTED]


def test_older_objects_travel_under_their_tags(tmp_path):
    """The `.sig` tag is carried whatever stands there: it is the verifier's to judge."""
    stored, descriptor = plugin()
    layer = stored.blob(b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")
    config = stored.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    tag = f"sha256-{descriptor['digest'][7:]}.sig"
    stored.manifest({"schemaVersion": 2, "config": config, "layers": [layer]}, tag=tag)
    path = make_bundle(tmp_path / "b", (NAME, stored))
    with Bundle(path) as bundle:
        assert ("ghcr.io/acme/echo", tag) in bundle.inventory.tags
        assert layer["digest"][7:] in bundle.inventory.attestations(ManifestDigest.parse(descriptor["digest"]))
    assert [one.verdict for one in judged(path)] == [Verdict.TRUSTED]


def test_what_is_left_behind_is_named(maker):
    class Forgetful(StoredContent):
        def referrers(self, subject):
            gone = OciDescriptor(media_type="application/vnd.oci.image.manifest.v1+json", sha256="0" * 64, size=1)
            return (*super().referrers(subject), gone)

    name = OciReference.parse(NAME)
    maker.take(Forgetful(plugin()[0]), location=name, named=name, request=request())
    assert maker.left_behind == [f"referrer sha256:{'0' * 64}: listed, but not there"]


def test_two_documents_of_terms_or_none_are_refused(tmp_path):
    path = make_bundle(tmp_path / "b")
    from supplychain.carry.plugin_bundle.terms import TERMS_TYPE

    forgery = Forgery.of(path)
    forgery.enclose(TERMS_TYPE, *forgery.of_type(TERMS_TYPE), b"{}").write(path)
    with Bundle(path) as bundle, pytest.raises(BundleFileInvalidError, match="one document of terms"):
        enclosed_terms(bundle.inventory)


def test_a_summary_of_a_plugin_that_the_terms_do_not_name_is_refused(maker, tmp_path):
    """Only a verifier that signs nonsense could make it."""
    take(maker, plugin()[0])
    enclosed = maker.enclosed(roots=(), lists=(), signer=signer())
    stream, _ = bundle_stream([maker.packed[0].closure], enclosed=enclosed, blob_file=maker.blob_file)
    path = tmp_path / "b.mcpg.tar.zst"
    path.write_bytes(b"".join(stream))
    with Bundle(path) as bundle:
        proven = ProvenTerms.of(bundle.inventory, keys=KEYS, verifier=VERIFIER)
        nobody = replace(proven, terms=replace(proven.terms, plugins=()))
        with pytest.raises(SummaryMismatchError, match="do not name this plugin"):
            nobody.cover(find_plugin_in(bundle, None))


def test_a_library_shared_by_two_references_is_carried_once(tmp_path):
    stored, _ = plugin()
    other = Stored(blobs=dict(stored.blobs), listed=list(stored.listed))
    path = make_bundle(tmp_path / "b", (NAME, stored), (NAME.replace("echo", "copy"), other))
    with Bundle(path) as bundle:
        assert len(bundle.inventory.packages) == 1
        assert len(bundle.inventory.plugins) == 2


def test_evidence_of_one_library_in_two_repositories_counts_for_both(tmp_path):
    stored, descriptor = plugin()
    other = Stored(blobs=dict(stored.blobs), listed=list(stored.listed))
    other.attach(b"{}", subject=descriptor, predicate_type="https://example.com/another")
    names = (NAME, NAME.replace("echo", "copy"))
    path = make_bundle(tmp_path / "b", (names[0], stored), (names[1], other))
    with Bundle(path) as bundle:
        proven = ProvenTerms.of(bundle.inventory, keys=KEYS, verifier=VERIFIER)
        for name in names:
            proven.cover(find_plugin_in(bundle, name))


def test_a_full_disk_is_no_verdict(monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with BlobFile() as blob_file:
        blob_file.put("a", b"kept")
        blob_file.put("a", b"never looked at again")
        assert (blob_file.size("a"), b"".join(blob_file.pieces("a"))) == (4, b"kept")
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(StorageUnavailableError):
            blob_file.put("b", b"more")
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(StorageUnavailableError):
        storing.BlobFile()


def test_a_verdict_in_the_bundle_may_differ_from_the_one_at_its_making(tmp_path):
    path = make_bundle(tmp_path / "b")
    [judgement] = judged(path, asked=replace(request(), policy=policy(plugin_id="dev.other")))
    assert judgement.verdict is Verdict.REFUSED
    assert build_package(artifact=LIBRARY)


def test_nothing_enclosed_counts_where_every_summary_is_over_other_terms(tmp_path):
    """Not its roots and lists either, whatever becomes of the plugins."""
    path = make_bundle(tmp_path / "b")
    Forgery.of(path).edit_terms(lambda terms: terms["revocationLists"].clear() or terms["trustRoots"].clear()).write(path)
    with Bundle(path) as bundle, pytest.raises(SummaryMismatchError, match="another policy, other roots or other lists"):
        ProvenTerms.of(bundle.inventory, keys=KEYS, verifier=VERIFIER)


def test_terms_about_another_digest_are_a_mismatch(tmp_path):
    path = make_bundle(tmp_path / "b")
    with Bundle(path) as bundle:
        proven = ProvenTerms.of(bundle.inventory, keys=KEYS, verifier=VERIFIER)
        [plugin_terms] = proven.terms.plugins
        moved = replace(plugin_terms, digest=ManifestDigest.of(b"x"))
        with pytest.raises(SummaryMismatchError, match="about another digest"):
            replace(proven, terms=replace(proven.terms, plugins=(moved,))).cover(find_plugin_in(bundle, None))
