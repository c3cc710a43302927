"""The documents that are written, byte for byte."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from supplychain.digest import LayerDigest, ManifestDigest
from supplychain.errors import BundleInvalidError
from supplychain.limits import Limits
from supplychain.mirror.artifact_form import bundle_manifest, canonical, plugin_config, plugin_manifest
from supplychain.mirror.collect import evidence_layers
from supplychain.mirror.manifests import parse_manifest
from supplychain.mirror.plugin_manifest import plugin_layer
from supplychain.package import unpack
from supplychain.spool import Spool
from tests.support.builders import build_descriptor, build_package

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SUBJECT = ManifestDigest.of(b"the plugin's manifest")
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def attached(bundle: Any, **changes: Any) -> dict[str, Any]:
    data = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    named = {"subject": SUBJECT, "size": 393, "media_type": MANIFEST_TYPE, "created": None, **changes}
    document: dict[str, Any] = json.loads(bundle_manifest(data, **named))
    return document


def config(**changes: Any) -> bytes:
    with Spool.of(build_package(**changes)) as pulled:
        package = unpack(pulled, limits=Limits())
    with package.artifact:
        return plugin_config(package)


def test_canonical_json_is_sorted_without_white_space_and_utf_8() -> None:
    assert canonical({"b": [1, {"d": "ü", "c": None}], "a": True}) == '{"a":true,"b":[1,{"c":null,"d":"ü"}]}'.encode()


def test_the_config_says_what_the_descriptor_says() -> None:
    assert config() == (
        b'{"class":"tool_gate","has_signature":true,"id":"dev.mcpg.example.echo","name":"Echo","protocol_version":"1.0",'
        b'"runtime":"native-cdylib-v1","schema":"mcpg.dev/plugin/v1"}'
    )
    other = config(signature=None, descriptor=build_descriptor(name="Écho", class_="audit_sink"))
    assert (json.loads(other)["has_signature"], json.loads(other)["name"], json.loads(other)["class"]) == (
        False,
        "Écho",
        "audit_sink",
    )


def test_the_plugin_manifest_is_the_formats_own() -> None:
    layer = LayerDigest.of(b"package")
    data = plugin_manifest(layer=layer, size=7, config=b"{}")
    assert data == (
        b'{"artifactType":"application/vnd.mcpg.plugin.v1","config":{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe7'
        b'7e8310c060f61caaff8a","mediaType":"application/vnd.mcpg.plugin.config.v1+json","size":2},"layers":[{"digest":"'
        + str(layer).encode()
        + b'","mediaType":"application/vnd.mcpg.plugin.package.v1+zip","size":7}],"schemaVersion":2}'
    )
    found = plugin_layer(parse_manifest(data, where="test"), limits=Limits(), where="test")
    assert (found.layer_digest, found.size) == (layer, 7)


def test_a_signature_is_attached_as_cosign_attaches_it() -> None:
    statement = {"predicateType": "https://sigstore.dev/cosign/sign/v1"}
    bundle = {"mediaType": BUNDLE_TYPE, "dsseEnvelope": {"payload": base64.b64encode(json.dumps(statement).encode()).decode()}}
    document = attached(bundle, created=dt.datetime(2026, 11, 21, 10, 42, 0, tzinfo=dt.UTC))
    assert document["artifactType"] == BUNDLE_TYPE
    assert document["config"] == {
        "artifactType": BUNDLE_TYPE,
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "mediaType": "application/vnd.oci.empty.v1+json",
        "size": 2,
    }
    assert document["subject"] == {"digest": str(SUBJECT), "mediaType": MANIFEST_TYPE, "size": 393}
    assert document["annotations"] == {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
        "org.opencontainers.image.created": "2026-11-21T10:42:00Z",
    }


def test_what_is_attached_is_found_again() -> None:
    data = json.dumps({"mediaType": BUNDLE_TYPE}).encode()
    manifest = bundle_manifest(data, subject=SUBJECT, size=393, media_type=MANIFEST_TYPE, created=None)
    _, (layer,) = evidence_layers(parse_manifest(manifest, where="test"), subject=SUBJECT, where="test")
    assert (layer.layer_digest, layer.size) == (LayerDigest.of(data), len(data))


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param({}, id="no-payload"),
        pytest.param([], id="no-object"),
        pytest.param({"payload": "%"}, id="no-base64"),
        pytest.param({"payload": 7}, id="a-number"),
        pytest.param({"payload": base64.b64encode(b"text").decode()}, id="no-json"),
        pytest.param({"payload": base64.b64encode(b"[]").decode()}, id="no-statement"),
        pytest.param({"payload": base64.b64encode(b'{"predicateType":1}').decode()}, id="no-predicate-type"),
    ],
)
def test_a_payload_that_cannot_be_read_is_attached_without_its_type(envelope: Any) -> None:
    document = attached({"mediaType": BUNDLE_TYPE, "dsseEnvelope": envelope})
    assert document["annotations"] == {"dev.sigstore.bundle.content": "dsse-envelope"}


def test_a_message_signature_is_called_one() -> None:
    document = attached({"mediaType": BUNDLE_TYPE, "messageSignature": {}})
    assert document["annotations"] == {"dev.sigstore.bundle.content": "message-signature"}


@pytest.mark.parametrize(
    ("bundle", "what"),
    [
        (b"", "not readable as JSON"),
        (b"[]", "no Sigstore bundle"),
        (b"{}", "no Sigstore bundle"),
        (b'{"mediaType":"a/b"}', "got `a/b`"),
    ],
)
def test_other_bytes_are_not_attached(bundle: bytes, what: str) -> None:
    with pytest.raises(BundleInvalidError, match=what):
        attached(bundle)
