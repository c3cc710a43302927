from __future__ import annotations

from typing import Any

import pytest

from supplychain.artifact import Platform
from supplychain.errors import ArtifactTooLargeError, ManifestInvalidError, NotAPluginError, PlatformMissingError
from supplychain.limits import Limits
from supplychain.mirror.manifests import (
    Index,
    Manifest,
    libc_of,
    parse_document,
    parse_index,
    parse_json,
    parse_manifest,
    parse_oci_descriptor,
    platform_of,
)
from supplychain.mirror.plugin_manifest import plugin_layer, select_child
from tests.support.fake_registry import EMPTY, INDEX, MANIFEST, descriptor, plugin_manifest, render

PACKAGE = b"PK\x03\x04 package"
LIMITS = Limits()
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def _entry(name: bytes = b"child", **changes: Any) -> dict[str, Any]:
    return descriptor(name, MANIFEST, platform={"os": "linux", "architecture": "amd64"}) | changes


def _index(*entries: Any) -> Index:
    return Index(entries=entries)


def _plugin(**changes: Any) -> Manifest:
    return parse_manifest(render(plugin_manifest(PACKAGE, **changes)), where="here")


# --- documents


def test_a_plugin_manifest_is_read() -> None:
    manifest = _plugin(annotations={"a": "b"}, subject=descriptor(b"other", MANIFEST), mediaType=MANIFEST)
    assert manifest.artifact_type == "application/vnd.mcpg.plugin.v1"
    assert [layer.size for layer in manifest.layers] == [len(PACKAGE)]
    assert manifest.annotations == {"a": "b"}
    assert manifest.subject is not None
    assert manifest.subject.manifest_digest == parse_oci_descriptor(descriptor(b"other", MANIFEST), where="").manifest_digest


@pytest.mark.parametrize("declared", [None, "", "text/plain", MANIFEST, f"{MANIFEST}; charset=utf-8", DOCKER_MANIFEST])
def test_a_content_type_that_does_not_contradict_is_accepted(declared: str | None) -> None:
    assert isinstance(parse_document(render(plugin_manifest(PACKAGE)), where="here", declared=declared), Manifest)


@pytest.mark.parametrize(
    ("inner", "declared"),
    [(None, INDEX), (MANIFEST, INDEX), (MANIFEST, DOCKER_MANIFEST), (None, f"{INDEX.upper()} ; x=y")],
)
def test_a_content_type_that_contradicts_the_document_is_refused(inner: str | None, declared: str) -> None:
    with pytest.raises(ManifestInvalidError, match="another media type"):
        parse_document(render(plugin_manifest(PACKAGE, mediaType=inner)), where="here", declared=declared)


def test_a_media_type_inside_that_contradicts_the_document_is_refused() -> None:
    with pytest.raises(ManifestInvalidError, match="contradicts"):
        _plugin(mediaType=INDEX)


def test_a_document_that_is_manifest_and_index_at_once_is_refused() -> None:
    with pytest.raises(ManifestInvalidError, match="both a manifest and an index"):
        _plugin(manifests=[])


def test_a_document_that_is_neither_is_refused() -> None:
    with pytest.raises(ManifestInvalidError, match="neither"):
        parse_document(b'{"schemaVersion": 2}', where="here")


@pytest.mark.parametrize("version", [None, 1, "2", 2.0, True])
def test_another_schema_version_is_refused(version: object) -> None:
    with pytest.raises(ManifestInvalidError, match="schema"):
        parse_document(render({"schemaVersion": version, "manifests": []}), where="here")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a web page"),
        pytest.param(b'{"schemaVersion":2,"schemaVersion":2,"manifests":[]}', id="a key twice"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(b"[]", id="no object"),
    ],
)
def test_what_is_no_strict_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestInvalidError):
        parse_json(data, where="here")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"layers": None, "manifests": None}, id="config alone"),
        pytest.param({"layers": {}}, id="layers no list"),
        pytest.param({"config": None}, id="no config"),
        pytest.param({"config": []}, id="config no object"),
        pytest.param({"artifactType": 1}, id="artifact type no text"),
        pytest.param({"annotations": []}, id="annotations no object"),
        pytest.param({"annotations": {"a": 1}}, id="annotation no text"),
        pytest.param({"subject": "sha256:00"}, id="subject no descriptor"),
    ],
)
def test_a_manifest_that_breaks_its_specification_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ManifestInvalidError):
        _plugin(**changes)


def test_the_other_kind_of_document_is_refused_where_one_kind_must_stand() -> None:
    index, manifest = render({"schemaVersion": 2, "manifests": []}), render(plugin_manifest(PACKAGE))
    assert parse_index(index, where="here").entries == ()
    with pytest.raises(ManifestInvalidError, match="image manifest where"):
        parse_index(manifest, where="here")
    with pytest.raises(ManifestInvalidError, match="image index where"):
        parse_manifest(index, where="here")


@pytest.mark.parametrize(
    "changes",
    [
        {"mediaType": None},
        {"mediaType": "nothing"},
        {"mediaType": 7},
        {"digest": None},
        {"digest": "sha512:" + "0" * 128},
        {"digest": "sha256:" + "A" * 64},
        {"digest": "sha256:00"},
        {"size": None},
        {"size": "5"},
        {"size": -1},
        {"size": True},
        {"size": 1.5},
        {"size": 2**63},
        {"artifactType": {}},
        {"annotations": "x"},
    ],
)
def test_a_descriptor_without_type_digest_or_size_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ManifestInvalidError):
        parse_oci_descriptor(_entry() | changes, where="here")


# --- platforms


@pytest.mark.parametrize(
    "value", [None, "linux", {}, {"os": "linux"}, {"os": 1, "architecture": "amd64"}, {"os": "", "architecture": "a"}]
)
def test_half_a_platform_is_none(value: object) -> None:
    assert platform_of(value, annotations={}) is None


@pytest.mark.parametrize(
    ("platform", "annotations", "libc"),
    [
        ({}, {}, None),
        ({"os.features": ["musl"]}, {}, "musl"),
        ({"os.features": [1, "sse4", "glibc"]}, {}, "gnu"),
        ({"os.features": "musl"}, {}, None),
        ({"variant": "musl"}, {}, "musl"),
        ({"variant": "v8"}, {}, None),
        ({"variant": "gnu"}, {"org.opencontainers.image.ref.name": "1.0-linux-musl-amd64"}, "gnu"),
        ({}, {"org.opencontainers.image.ref.name": "1.0-linux-musl-amd64"}, "musl"),
        ({}, {"org.opencontainers.image.ref.name": "1.0-linux-amd64"}, None),
    ],
)
def test_the_c_library_is_read_where_tools_write_it(
    platform: dict[str, Any], annotations: dict[str, str], libc: str | None
) -> None:
    assert libc_of(platform, annotations=annotations) == libc


def _child(name: str, os_name: str = "linux", architecture: str = "amd64", variant: str | None = None) -> dict[str, Any]:
    platform = {"os": os_name, "architecture": architecture} | ({} if variant is None else {"variant": variant})
    return descriptor(name.encode(), MANIFEST, platform=platform)


@pytest.mark.parametrize(
    ("wanted", "children", "chosen"),
    [
        pytest.param(Platform(), [_child("a"), _child("b", architecture="arm64")], "a", id="by architecture"),
        pytest.param(Platform(os="darwin"), [_child("a"), _child("b", "darwin")], "b", id="by os"),
        pytest.param(Platform(libc="gnu"), [_child("a")], "a", id="silence fits"),
        pytest.param(Platform(libc="musl"), [_child("a"), _child("b", variant="musl")], "b", id="a word wins over silence"),
        pytest.param(Platform(libc="gnu"), [_child("a"), _child("b", variant="musl")], "a", id="the other library never fits"),
        pytest.param(Platform(), [_child("a"), _child("a")], "a", id="the same twice is one"),
        pytest.param(Platform(), [_child("b", "unknown", "unknown"), _child("a")], "a", id="attestations of builders"),
    ],
)
def test_the_child_for_the_platform_is_chosen(wanted: Platform, children: list[dict[str, Any]], chosen: str) -> None:
    child = select_child(_index(*children), platform=wanted, where="here")
    assert child.manifest_digest == parse_oci_descriptor(_child(chosen), where="").manifest_digest


@pytest.mark.parametrize(
    ("wanted", "children", "found"),
    [
        pytest.param(Platform(), [], "no platform at all", id="empty"),
        pytest.param(Platform(), [descriptor(b"a", MANIFEST)], "no platform at all", id="no platform named"),
        pytest.param(Platform(architecture="s390x"), [_child("a")], "`linux/amd64`", id="not there"),
        pytest.param(Platform(libc="gnu"), [_child("a", variant="musl")], "`linux/amd64/musl`", id="the other library only"),
        pytest.param(Platform(), [_child("a"), _child("b", variant="musl")], "`linux/amd64/musl`", id="two without a word"),
        pytest.param(Platform(libc="musl"), [_child("a"), _child("b")], "`linux/amd64`", id="two silent ones"),
    ],
)
def test_no_child_is_guessed(wanted: Platform, children: list[dict[str, Any]], found: str) -> None:
    with pytest.raises(PlatformMissingError) as caught:
        select_child(_index(*children), platform=wanted, where="here")
    assert found in str(caught.value)


def test_an_index_inside_an_index_is_refused() -> None:
    with pytest.raises(ManifestInvalidError, match="no image manifest"):
        select_child(_index(_entry(mediaType=INDEX)), platform=Platform(), where="here")


def test_a_broken_entry_refuses_the_index_it_is_chosen_from() -> None:
    with pytest.raises(ManifestInvalidError, match=r"manifests\[1\]"):
        select_child(_index(_entry(), "x"), platform=Platform(), where="here")


# --- plugins


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="both right"),
        pytest.param({"artifactType": None}, id="dropped by an old registry"),
        pytest.param({"artifactType": "application/vnd.other"}, id="config right"),
        pytest.param({"config": descriptor(b"{}", EMPTY)}, id="empty config"),
    ],
)
def test_the_package_is_the_one_layer_of_a_plugin(changes: dict[str, Any]) -> None:
    layer = plugin_layer(_plugin(**changes), limits=LIMITS, where="here")
    assert layer.layer_digest == parse_oci_descriptor(descriptor(PACKAGE, MANIFEST), where="").layer_digest


@pytest.mark.parametrize("artifact_type", [None, "application/vnd.cncf.helm.chart.v1"])
def test_another_kind_of_artifact_is_no_plugin(artifact_type: str | None) -> None:
    with pytest.raises(NotAPluginError, match="another kind of artifact"):
        plugin_layer(_plugin(artifactType=artifact_type, config=descriptor(b"{}", EMPTY)), limits=LIMITS, where="here")


@pytest.mark.parametrize("count", [0, 2])
def test_no_layer_and_several_layers_are_refused(count: int) -> None:
    layers = [descriptor(PACKAGE, "application/vnd.mcpg.plugin.package.v1+zip")] * count
    with pytest.raises(NotAPluginError, match=f"got {count} layers"):
        plugin_layer(_plugin(layers=layers), limits=LIMITS, where="here")


def test_a_layer_of_another_type_is_refused() -> None:
    with pytest.raises(NotAPluginError, match="another kind of layer"):
        plugin_layer(_plugin(layers=[descriptor(PACKAGE, "application/zip")]), limits=LIMITS, where="here")


def test_a_package_is_refused_by_its_declared_size() -> None:
    plugin_layer(_plugin(), limits=Limits(package=len(PACKAGE)), where="here")
    with pytest.raises(ArtifactTooLargeError):
        plugin_layer(_plugin(), limits=Limits(package=len(PACKAGE) - 1), where="here")


def test_an_index_keeps_its_annotations() -> None:
    index = parse_index(render({"schemaVersion": 2, "manifests": [], "annotations": {"a": "b"}}), where="here")
    assert index.annotations == {"a": "b"}


@pytest.mark.parametrize("key", ["config", "layers"])
def test_any_part_of_a_manifest_makes_an_index_ambiguous(key: str) -> None:
    with pytest.raises(ManifestInvalidError, match="both a manifest and an index"):
        parse_document(render({"schemaVersion": 2, "manifests": [], key: []}), where="here")
    with pytest.raises(ManifestInvalidError) as caught:
        parse_document(render({"schemaVersion": 2, key: []}), where="here")
    assert "neither" not in caught.value.what


def test_the_declared_type_counts_for_either_kind_of_document() -> None:
    with pytest.raises(ManifestInvalidError, match="another media type"):
        parse_manifest(render(plugin_manifest(PACKAGE)), where="here", declared=INDEX)
    with pytest.raises(ManifestInvalidError, match="another media type"):
        parse_index(render({"schemaVersion": 2, "manifests": []}), where="here", declared=MANIFEST)


def test_the_largest_size_is_a_size() -> None:
    assert parse_oci_descriptor(_entry(size=2**63 - 1), where="here").size == 2**63 - 1


@pytest.mark.parametrize(
    "value", [{"os": "linux", "architecture": ""}, {"os": "linux", "architecture": 1}, {"os": [1], "architecture": "amd64"}]
)
def test_the_other_half_of_a_platform_is_none(value: object) -> None:
    assert platform_of(value, annotations={}) is None


def test_a_feature_that_is_no_word_says_nothing() -> None:
    assert libc_of({"os.features": [["musl"], {}]}, annotations={}) is None


def test_an_empty_text_counts_as_absent() -> None:
    assert _plugin(artifactType="", mediaType="").artifact_type is None
