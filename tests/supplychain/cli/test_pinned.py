from dataclasses import replace

import pytest

from supplychain.artifact import Platform
from supplychain.cli.pinned import PinnedSource
from supplychain.digest import ManifestDigest
from supplychain.errors import DigestMismatchError, SignatureSourceMissingError
from supplychain.reference import OciReference
from tests.support.scenario import MANIFEST, MemorySource

OTHER = ManifestDigest.of(b"other")


def pull(source, named, version="1.2.3"):
    pulled = PinnedSource(source=source, named=OciReference.parse(named), version=version).pull(platform=Platform())
    pulled.package.close()
    return pulled


def pinned(digest, tag=""):
    return f"ghcr.io/acme/echo{tag}@{digest}"


def test_the_pinned_manifest_is_handed_on():
    assert pull(MemorySource(), pinned(MANIFEST)).manifest_digest == MANIFEST


def test_another_manifest_is_refused_and_its_bytes_released():
    source = MemorySource()
    with pytest.raises(DigestMismatchError):
        pull(source, pinned(OTHER))
    assert source.spools[0].file.closed


def test_a_pin_may_name_the_index():
    class Indexed(MemorySource):
        def pull(self, *, platform):
            return replace(super().pull(platform=platform), index_digest=OTHER)

    assert pull(Indexed(), pinned(OTHER)).index_digest == OTHER
    with pytest.raises(DigestMismatchError):
        pull(Indexed(), pinned(ManifestDigest.of(b"third")))


def test_a_package_without_a_manifest_is_not_the_pinned_one():
    with pytest.raises(SignatureSourceMissingError):
        pull(MemorySource(manifest_digest=None), pinned(MANIFEST))


def test_without_a_pin_any_manifest_is_handed_on():
    assert pull(MemorySource(manifest_digest=None), "ghcr.io/acme/echo:1.2.3").tag == "1.2.3"


@pytest.mark.parametrize(
    ("named", "found", "version", "tag"),
    [
        (":1.2.3", None, "1.2.3", "1.2.3"),
        (":1.2.3", "1.2.4", "1.2.3", "1.2.4"),
        (":1.2.4", "1.2.3", "1.2.3", "1.2.4"),
        (":v1.2.3", "1.2.3", "1.2.3", "v1.2.3"),
        (":edge", "1.2.3", "1.2.3", "edge"),
        ("", "1.2.3", "1.2.3", "1.2.3"),
        ("", None, "1.2.3", None),
        (":1.2.3", "1.2.4", None, "1.2.3"),
    ],
)
def test_the_tag_that_contradicts_the_version_is_the_one_that_is_judged(named, found, version, tag):
    assert pull(MemorySource(tag=found), pinned(MANIFEST, named), version).tag == tag


def test_evidence_comes_from_where_the_plugin_is_read():
    source = MemorySource()
    assert (
        PinnedSource(source=source, named=OciReference.parse(pinned(MANIFEST)), version=None).evidence(MANIFEST)
        is source.attached
    )
