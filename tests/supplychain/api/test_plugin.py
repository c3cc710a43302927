import copy
from typing import Any

import pytest

from supplychain.api import PluginSpec, parse_spec
from supplychain.errors import InputError, InvalidIdentityPatternError, InvalidManifestError, InvalidReferenceError

DIGEST = "sha256:" + "a" * 64
SPEC: dict[str, Any] = {
    "pluginId": "dev.acme.audit",
    "version": "1.2.3",
    "pluginClass": "audit_sink",
    "oci": {"image": f"ghcr.io/acme/audit:1.2.3-linux-amd64@{DIGEST}"},
    "trust": {"signingKeyRef": {"secretName": "acme-keys"}},
}
COSIGN = {"certificateIdentityRegexp": "^https://github\\.com/acme/audit/.+$", "oidcIssuer": "https://issuer.example"}
SLSA = {"configMapName": "audit-provenance", "sourceUri": "github.com/acme/audit", "sourceTag": "v1.2.3"}


def spec(**changes):
    """The good spec with fields replaced by dotted path."""
    document = copy.deepcopy(SPEC)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node: Any = document
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is ...:
            del node[last]
        else:
            node[last] = value
    return document


def parse(**changes):
    return parse_spec(PluginSpec, spec(**changes), where="here")


def test_the_smallest_spec_is_read_with_its_defaults():
    found = parse()
    assert found.trust.signing_key_ref.key == "release.pub"
    assert found.trust.cosign_identity is None
    assert found.trust.slsa_provenance is None
    assert found.oci.mirror_ref is None
    assert str(found.oci.reference) == SPEC["oci"]["image"]
    assert found.warnings == ()


def test_every_field_is_read():
    found = parse(
        oci__pullSecretRef={"name": "pull"},
        oci__mirrorRef={"name": "harbor"},
        trust__signingKeyRef={"secretName": "s", "key": "other.pub"},
        trust__cosignIdentity=COSIGN,
        trust__slsaProvenance=SLSA,
    )
    assert found.oci.pull_secret_ref.name == "pull"
    assert found.oci.mirror_ref.name == "harbor"
    assert found.trust.signing_key_ref.key == "other.pub"
    assert found.trust.cosign_identity.oidc_issuer == "https://issuer.example"
    assert found.trust.slsa_provenance.source_tag == "v1.2.3"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"pluginId": " "}, "pluginId", id="blank id"),
        pytest.param({"pluginId": "audit"}, "pluginId", id="id without a dot"),
        pytest.param({"pluginId": ...}, "pluginId", id="no id"),
        pytest.param({"version": ""}, "version", id="blank version"),
        pytest.param({"version": "1.2"}, "version", id="no semantic version"),
        pytest.param({"version": "latest"}, "version", id="a word as version"),
        pytest.param({"version": 1.2}, "version", id="a number as version"),
        pytest.param({"pluginClass": "gate"}, "pluginClass", id="unknown class"),
        pytest.param({"oci__image": "ghcr.io/acme/audit"}, "oci.image", id="neither tag nor digest"),
        pytest.param({"oci__image": "registry.example:5000/audit"}, "oci.image", id="a port is no tag"),
        pytest.param({"oci__image": "ghcr.io/acme/audit@sha256:12"}, "oci.image", id="half a digest"),
        pytest.param({"oci__image": "audit:1"}, "oci.image", id="no registry"),
        pytest.param({"oci__pullSecretRef": {"name": ""}}, "oci.pullSecretRef.name", id="blank pull secret"),
        pytest.param({"oci__mirrorRef": {}}, "oci.mirrorRef.name", id="mirror without a name"),
        pytest.param({"oci__mirrorRef": {"name": "a", "namespace": "b"}}, "oci.mirrorRef.namespace", id="mirror in a namespace"),
        pytest.param({"trust": ...}, "trust", id="no trust"),
        pytest.param({"trust__signingKeyRef": ...}, "trust.signingKeyRef", id="no signing key"),
        pytest.param({"trust__signingKeyRef__secretName": " "}, "trust.signingKeyRef.secretName", id="blank secret"),
        pytest.param({"trust__signingKeyRef__key": ""}, "trust.signingKeyRef.key", id="blank key"),
        pytest.param(
            {"trust__cosignIdentity": COSIGN | {"certificateIdentityRegexp": "https://github.com/acme"}},
            "trust.cosignIdentity.certificateIdentityRegexp",
            id="unanchored pattern",
        ),
        pytest.param(
            {"trust__cosignIdentity": COSIGN | {"certificateIdentityRegexp": "^https://github\\.com/a|.*$"}},
            "trust.cosignIdentity.certificateIdentityRegexp",
            id="half anchored alternatives",
        ),
        pytest.param(
            {"trust__cosignIdentity": COSIGN | {"oidcIssuer": ""}}, "trust.cosignIdentity.oidcIssuer", id="blank issuer"
        ),
        pytest.param(
            {"trust__slsaProvenance": SLSA | {"configMapName": " "}}, "trust.slsaProvenance.configMapName", id="blank map"
        ),
        pytest.param({"trust__slsaProvenance": SLSA | {"sourceUri": ""}}, "trust.slsaProvenance.sourceUri", id="blank source"),
        pytest.param({"trust__slsaProvenance": SLSA | {"sourceTag": ""}}, "trust.slsaProvenance.sourceTag", id="blank tag"),
        pytest.param({"trust__cosignidentity": COSIGN}, "trust.cosignidentity", id="a misspelt layer is not an absent layer"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes, field):
    with pytest.raises(InputError) as caught:
        parse(**changes)
    assert caught.value.where == f"here, field `spec.{field}`"


def test_the_reason_of_the_field_survives():
    with pytest.raises(InvalidIdentityPatternError):
        parse(trust__cosignIdentity=COSIGN | {"certificateIdentityRegexp": ".*"})
    with pytest.raises(InvalidReferenceError):
        parse(oci__image="x")
    with pytest.raises(InvalidManifestError):
        parse(version="x")


@pytest.mark.parametrize("word", ["cluster_backend", "cluster", "binding", "backend", "tool_gate"])
def test_both_sets_of_class_words_are_accepted(word):
    assert parse(pluginClass=word).plugin_class == word


@pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "1.2.3-rc.1", "1.2.3+build.5"])
def test_semantic_versions_are_accepted(version):
    assert parse(version=version).version == version


@pytest.mark.parametrize(
    ("image", "version", "conflict"),
    [
        ("ghcr.io/acme/audit:1.2.3-linux-amd64", "1.2.3", None),
        ("ghcr.io/acme/audit:v1.2.3", "1.2.3", None),
        ("ghcr.io/acme/audit:1.2.4-linux-musl-arm64", "1.2.3", "1.2.4"),
        ("ghcr.io/acme/audit:edge", "1.2.3", None),
        (f"ghcr.io/acme/audit@{DIGEST}", "1.2.3", None),
    ],
)
def test_the_tag_is_compared_with_the_version(image, version, conflict):
    assert parse(oci__image=image, version=version).version_conflict == conflict


def test_a_tag_without_cosign_is_allowed_with_a_warning():
    found = parse(oci__image="ghcr.io/acme/audit:1.2.3")
    assert any("name a digest" in warning for warning in found.warnings)


def test_a_tag_with_cosign_needs_no_warning():
    assert parse(oci__image="ghcr.io/acme/audit:1.2.3", trust__cosignIdentity=COSIGN).warnings == ()


def test_an_issuer_without_https_and_a_pattern_without_owner_are_warned_about():
    loose = {"certificateIdentityRegexp": "^https://github\\.com/.+$", "oidcIssuer": "issuer"}
    warnings = parse(trust__cosignIdentity=loose).warnings
    assert any("https://" in warning and "letter by letter" in warning for warning in warnings)
    assert len(warnings) == 2
