"""From what a reference names to the package: the way that a pull goes, and everybody who proves a pull again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from supplychain.artifact import Platform
from supplychain.digest import ManifestDigest
from supplychain.errors import DigestMismatchError, ManifestInvalidError, NotAPluginError, PlatformMissingError
from supplychain.limits import Limits
from supplychain.mirror.plugin_manifest import find_plugin
from tests.support.fake_registry import INDEX, MANIFEST, PLUGIN_CONFIG, descriptor, plugin_manifest, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.mirror.manifests import OciDescriptor
    from supplychain.mirror.plugin_manifest import PluginManifest

PACKAGE = b"a package"
CHILD = render(plugin_manifest(PACKAGE))
HERE = {"os": "linux", "architecture": "amd64"}


def index(*entries: dict[str, Any]) -> bytes:
    return render({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)})


def nobody(entry: OciDescriptor) -> bytes:
    raise AssertionError(f"{entry} is asked for")


def find(data: bytes, *, child: Callable[[OciDescriptor], bytes] = nobody, **more: Any) -> PluginManifest:
    return find_plugin(data, child=child, platform=Platform(), limits=Limits(), where=lambda digest: f"<{digest}>", **more)


def test_a_manifest_names_its_package_and_its_config() -> None:
    found = find(CHILD, declared=MANIFEST)
    assert (found.manifest, found.manifest_digest) == (CHILD, ManifestDigest.of(CHILD))
    assert (found.index, found.index_digest, found.platform) == (None, None, None)
    assert str(found.layer.layer_digest) == descriptor(PACKAGE, "x/y")["digest"]
    assert str(found.config.layer_digest) == descriptor(PLUGIN_CONFIG, "x/y")["digest"]


def test_of_an_index_the_child_for_the_platform_is_asked_for_and_both_are_told() -> None:
    data = index(
        descriptor(b"another", MANIFEST, platform={**HERE, "architecture": "arm64"}),
        descriptor(CHILD, MANIFEST, platform={**HERE, "os.features": ["musl"]}),
    )
    asked: list[OciDescriptor] = []
    found = find(data, child=lambda entry: asked.append(entry) or CHILD, declared=INDEX)  # type: ignore[func-returns-value]
    assert [one.manifest_digest for one in asked] == [ManifestDigest.of(CHILD)]
    assert (found.manifest, found.manifest_digest) == (CHILD, ManifestDigest.of(CHILD))
    assert (found.index, found.index_digest) == (data, ManifestDigest.of(data))
    assert found.platform == Platform(libc="musl")


def test_what_is_wrong_is_told_with_the_document_that_it_is_wrong_in() -> None:
    listed = index(descriptor(CHILD, MANIFEST, platform=HERE))
    cases: list[tuple[bytes, Callable[[OciDescriptor], bytes], type[Exception], bytes]] = [
        (b"{}", nobody, ManifestInvalidError, b"{}"),
        (index(), nobody, PlatformMissingError, index()),
        (listed, lambda _: b"{}", ManifestInvalidError, CHILD),
        (listed, lambda _: listed, ManifestInvalidError, CHILD),
        (listed, lambda _: render(plugin_manifest(PACKAGE, layers=[])), NotAPluginError, CHILD),
        (render(plugin_manifest(PACKAGE, layers=[])), nobody, NotAPluginError, render(plugin_manifest(PACKAGE, layers=[]))),
    ]
    for data, child, error, about in cases:
        with pytest.raises(error, match=str(ManifestDigest.of(about))):
            find(data, child=child)


def test_the_media_types_that_documents_come_with_must_be_theirs() -> None:
    with pytest.raises(ManifestInvalidError, match="another media type"):
        find(CHILD, declared=INDEX)
    listed = index(descriptor(CHILD, "application/vnd.docker.distribution.manifest.v2+json", platform=HERE))
    typed = render(plugin_manifest(PACKAGE, mediaType=MANIFEST))
    with pytest.raises(ManifestInvalidError, match="another media type"):
        find(listed, child=lambda _: typed)


def test_what_refuses_a_child_is_handed_on() -> None:
    def refuse(_: OciDescriptor) -> bytes:
        raise DigestMismatchError("another one")

    with pytest.raises(DigestMismatchError, match="another one"):
        find(index(descriptor(CHILD, MANIFEST, platform=HERE)), child=refuse)
