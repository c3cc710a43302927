import base64
import copy
import json
from typing import Any

import pytest

from supplychain.artifact import EvidenceForm, Material, Platform
from supplychain.cosign import CosignPolicy
from supplychain.ed25519 import parse_keys
from supplychain.errors import (
    InputError,
    InvalidCredentialsError,
    InvalidKeyError,
    InvalidManifestError,
    InvalidPolicyError,
    MirrorUnresolvedError,
    SigningKeyMissingError,
)
from supplychain.identity_pattern import IdentityPattern
from supplychain.manifest_index import read_index
from supplychain.manifests import PROVENANCE_KEY, Supplements, plugin_request, revocations, target_name
from supplychain.slsa import SlsaPolicy
from supplychain.verification_key import parse_trusted_keys
from tests.support.builders import public_key
from tests.support.sigstore.keys import Seed, public_key_pem

IMAGE = "ghcr.io/acme/plugins/audit:1.2.3-linux-amd64@sha256:" + "a" * 64
KEYS = parse_keys(public_key(), name="flag.pub")
COSIGN = CosignPolicy(identity=IdentityPattern.exactly("https://github.com/acme"), issuer="https://issuer.example")
SLSA = SlsaPolicy(source_uri="github.com/acme/audit")
PROVENANCE = (Material(form=EvidenceForm.BUNDLE, data=b"{}", where="flag"),)
ENVELOPE = json.dumps({"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "AA=="}]})
DOCKER = json.dumps({"auths": {}})


def api(kind, name, *, namespace=None, **body):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    version = "v1" if kind in {"Secret", "ConfigMap"} else "mcpg.dev/v1alpha2"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def plugin(**changes):
    spec: Any = {
        "pluginId": "dev.acme.audit",
        "version": "1.2.3",
        "pluginClass": "audit_sink",
        "oci": {"image": IMAGE},
        "trust": {"signingKeyRef": {"secretName": "keys"}},
    }
    spec = copy.deepcopy(spec)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node: Any = spec
        for parent in parents:
            node = node[parent]
        node[last] = value
    return api("MCPGPlugin", "audit", spec=spec)


def key_secret(**more):
    return api("Secret", "keys", data={"release.pub": base64.b64encode(public_key()).decode()}, **more)


def mirror(**changes):
    service = {"namespace": "oci", "name": "harbor", "port": 5000, "pathPrefix": "v2/mirror"}
    spec = {"endpoint": {"service": service}, "upstream": {"registry": "ghcr.io", "namespace": "acme"}}
    return api("MCPGPluginMirror", "harbor", spec=spec | changes)


def index(*documents):
    return read_index([("f.yaml", json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)}).encode())])


def resolve(*documents, **supplements):
    found = index(*documents)
    return plugin_request(found.of_kind("MCPGPlugin")[0], index=found, supplements=Supplements(**supplements))


def refusal(error, *documents, **supplements):
    with pytest.raises(error) as caught:
        resolve(*documents, **supplements)
    return caught.value


def test_a_plugin_becomes_a_request():
    found = resolve(plugin(), key_secret(), platform=Platform(architecture="arm64"))
    request = found.request
    assert request.target == "MCPGPlugin/audit" == target_name(index(plugin()).documents[0])
    assert request.policy.plugin_id == "dev.acme.audit"
    assert request.policy.version == "1.2.3"
    assert request.policy.plugin_class == "audit_sink"
    assert [key.raw for key in request.policy.keys] == [public_key()]
    assert request.policy.keys[0].name == "keys/release.pub"
    assert request.policy.cosign is None
    assert request.policy.slsa is None
    assert request.provenance is None
    assert request.platform.architecture == "arm64"
    assert request.warnings == ()
    assert str(found.location) == str(found.upstream) == IMAGE
    assert (found.insecure, found.pull_secret, found.anonymous) == (False, None, False)


def test_a_wrong_field_is_named_with_file_document_and_path():
    error = refusal(InputError, plugin(version="x"), key_secret())
    assert error.where == "`f.yaml`, document 1 (MCPGPlugin `audit`), field `spec.version`"


def test_what_is_weak_becomes_a_warning():
    found = resolve(plugin(oci__image="ghcr.io/acme/plugins/audit:1.2.3"), key_secret())
    assert len(found.request.warnings) == 1


# -- keys --------------------------------------------------------------------------------------------------------------


def test_the_key_of_the_secret_can_have_another_name():
    secret = api("Secret", "keys", stringData={"other": public_key().hex()})
    found = resolve(plugin(trust__signingKeyRef={"secretName": "keys", "key": "other"}), secret)
    assert found.request.policy.keys[0].name == "keys/other"


def test_a_key_beside_the_documents_fills_a_missing_secret():
    assert resolve(plugin(), keys=KEYS).request.policy.keys == KEYS


def test_a_key_beside_the_documents_never_overrides_the_secret():
    error = refusal(InvalidPolicyError, plugin(), key_secret(), keys=KEYS)
    assert "`--key`" in error.what


def test_without_a_key_there_is_no_request():
    error = refusal(SigningKeyMissingError, plugin())
    assert "field `spec.trust.signingKeyRef`" in error.where


def test_a_secret_without_the_key_is_named():
    error = refusal(SigningKeyMissingError, plugin(), api("Secret", "keys", data={"release.pem": "YQ=="}), keys=())
    assert error.where == "`f.yaml`, document 1 (Secret `keys`)"


def test_the_namespace_chooses_between_secrets_of_one_name():
    documents = (plugin(), key_secret(namespace="mcpg"), key_secret(namespace="other"))
    assert refusal(InvalidManifestError, *documents)
    assert resolve(*documents, namespace="mcpg").request.policy.keys


# -- cosign and provenance -------------------------------------------------------------------------------------------------

IDENTITY = {"certificateIdentityRegexp": "^https://github\\.com/acme/.+$", "oidcIssuer": "https://issuer.example"}
WANTED = {"configMapName": "prov", "sourceUri": "github.com/acme/audit", "sourceTag": "v1.2.3"}


def test_the_cosign_policy_comes_from_the_document():
    policy = resolve(plugin(trust__cosignIdentity=IDENTITY), key_secret()).request.policy.cosign
    assert policy.identity.text == IDENTITY["certificateIdentityRegexp"]
    assert policy.issuer == "https://issuer.example"


def test_a_cosign_policy_beside_the_documents_fills_but_never_overrides():
    assert resolve(plugin(), key_secret(), cosign=COSIGN).request.policy.cosign == COSIGN
    error = refusal(InvalidPolicyError, plugin(trust__cosignIdentity=IDENTITY), key_secret(), cosign=COSIGN)
    assert "cosignIdentity" in error.where


def test_the_provenance_policy_comes_from_the_document():
    found = resolve(
        plugin(trust__slsaProvenance=WANTED), key_secret(), builder_ids=("https://builder",), allow_unsigned_provenance=True
    )
    policy = found.request.policy.slsa
    assert (policy.source_uri, policy.source_tag) == ("github.com/acme/audit", "v1.2.3")
    assert policy.builder_ids == ("https://builder",)
    assert policy.allow_unsigned is True
    assert found.request.provenance is None


def test_a_provenance_policy_beside_the_documents_fills_but_never_overrides():
    found = resolve(plugin(), key_secret(), slsa=SLSA, provenance=PROVENANCE)
    assert found.request.policy.slsa == SLSA
    assert found.request.provenance == PROVENANCE
    error = refusal(InvalidPolicyError, plugin(trust__slsaProvenance=WANTED), key_secret(), slsa=SLSA)
    assert "slsaProvenance" in error.where


@pytest.mark.parametrize("section", ["data", "binaryData"])
def test_provenance_is_read_from_the_config_map(section):
    text = ENVELOPE if section == "data" else base64.b64encode(ENVELOPE.encode()).decode()
    config_map = api("ConfigMap", "prov", **{section: {PROVENANCE_KEY: text}})
    found = resolve(plugin(trust__slsaProvenance=WANTED), key_secret(), config_map)
    assert len(found.request.provenance) == 1
    assert "prov" in found.request.provenance[0].where


def test_provenance_beside_the_documents_fills_a_missing_config_map():
    found = resolve(plugin(trust__slsaProvenance=WANTED), key_secret(), provenance=PROVENANCE)
    assert found.request.provenance == PROVENANCE


def test_provenance_beside_the_documents_never_overrides_the_config_map():
    config_map = api("ConfigMap", "prov", data={PROVENANCE_KEY: ENVELOPE})
    error = refusal(InvalidPolicyError, plugin(trust__slsaProvenance=WANTED), key_secret(), config_map, provenance=PROVENANCE)
    assert "`--provenance`" in error.what


def test_an_empty_config_map_value_is_provenance_that_proves_nothing():
    config_map = api("ConfigMap", "prov", data={PROVENANCE_KEY: "\n"})
    assert resolve(plugin(trust__slsaProvenance=WANTED), key_secret(), config_map).request.provenance == ()


def test_a_source_that_is_no_repository_is_named_by_its_field():
    error = refusal(InvalidPolicyError, plugin(trust__slsaProvenance=WANTED | {"sourceUri": "no repository"}), key_secret())
    assert error.where == "`f.yaml`, document 1 (MCPGPlugin `audit`), field `spec.trust.slsaProvenance`"


def test_a_key_that_is_none_is_named_by_its_document():
    error = refusal(InvalidKeyError, plugin(), api("Secret", "keys", stringData={"release.pub": "no key"}))
    assert error.where.startswith("`f.yaml`, document 1 (Secret `keys`), key `release.pub`")


def test_a_config_map_without_the_key_is_not_a_missing_config_map():
    config_map = api("ConfigMap", "prov", data={"provenance.json": ENVELOPE})
    assert PROVENANCE_KEY in refusal(InvalidManifestError, plugin(trust__slsaProvenance=WANTED), key_secret(), config_map).what


# -- mirrors and credentials -------------------------------------------------------------------------------------------------


def test_a_mirror_takes_the_place_of_upstream():
    found = resolve(plugin(oci__mirrorRef={"name": "harbor"}), key_secret(), mirror())
    assert str(found.location).startswith("harbor.oci.svc.cluster.local:5000/v2/mirror/plugins/audit:1.2.3-linux-amd64@sha256:")
    assert found.upstream.registry == "ghcr.io"
    assert found.anonymous is True
    assert found.insecure is False


def test_a_mirror_can_be_insecure_and_reached_from_outside():
    open_mirror = mirror(endpoint={"service": {"namespace": "oci", "name": "harbor", "port": 80}, "insecure": True})
    found = resolve(
        plugin(oci__mirrorRef={"name": "harbor"}), key_secret(), open_mirror, mirror_endpoints={"harbor": "127.0.0.1:5000"}
    )
    assert found.location.registry == "127.0.0.1:5000"
    assert found.insecure is True


def test_a_mirror_is_found_in_the_domain_of_its_cluster():
    found = resolve(plugin(oci__mirrorRef={"name": "harbor"}), key_secret(), mirror(), cluster_domain="k8s.example")
    assert found.location.registry == "harbor.oci.svc.k8s.example:5000"


def test_a_missing_mirror_is_never_replaced_by_upstream():
    error = refusal(MirrorUnresolvedError, plugin(oci__mirrorRef={"name": "harbor"}), key_secret())
    assert "field `spec.oci.mirrorRef`" in error.where


def test_a_mirror_for_other_images_is_never_replaced_by_upstream():
    other = mirror(upstream={"registry": "ghcr.io", "namespace": "acme/plug"})
    error = refusal(MirrorUnresolvedError, plugin(oci__mirrorRef={"name": "harbor"}), key_secret(), other)
    assert "field `spec.oci.mirrorRef`" in error.where


def test_a_broken_mirror_is_named_by_its_own_document():
    broken = mirror(upstream={"registry": "ghcr.io"})
    error = refusal(InputError, plugin(oci__mirrorRef={"name": "harbor"}), key_secret(), broken)
    assert error.where == "`f.yaml`, document 1 (MCPGPluginMirror `harbor`), field `spec.upstream.namespace`"


@pytest.mark.parametrize("key", [".dockerconfigjson", "dockerconfigjson"])
def test_the_pull_secret_is_found(key):
    secret = api("Secret", "pull", stringData={key: DOCKER})
    found = resolve(plugin(oci__pullSecretRef={"name": "pull"}), key_secret(), secret)
    assert found.pull_secret.data == DOCKER.encode()
    assert DOCKER not in repr(found)


def test_a_pull_secret_that_is_not_there_is_a_warning():
    found = resolve(plugin(oci__pullSecretRef={"name": "pull"}), key_secret())
    assert found.pull_secret is None
    assert "`pull`" in found.request.warnings[0]


def test_a_pull_secret_without_its_key_is_an_error():
    secret = api("Secret", "pull", stringData={"password": "x"})
    refusal(InvalidCredentialsError, plugin(oci__pullSecretRef={"name": "pull"}), key_secret(), secret)


def test_through_a_mirror_only_the_credentials_of_the_mirror_count():
    secrets = (
        api("Secret", "pull", stringData={".dockerconfigjson": "upstream"}),
        api("Secret", "m", stringData={"cfg": "mirror"}),
    )
    wanted = plugin(oci__mirrorRef={"name": "harbor"}, oci__pullSecretRef={"name": "pull"})
    guarded = mirror(auth={"secretRef": {"secretName": "m", "key": "cfg"}})
    found = resolve(wanted, key_secret(), guarded, *secrets)
    assert found.pull_secret.data == b"mirror"
    assert found.anonymous is False
    assert resolve(wanted, key_secret(), mirror(), *secrets).pull_secret is None


def test_the_key_name_of_the_mirror_is_honoured():
    secret = api("Secret", "m", stringData={".dockerconfigjson": DOCKER})
    guarded = mirror(auth={"secretRef": {"secretName": "m", "key": "cfg"}})
    error = refusal(InvalidCredentialsError, plugin(oci__mirrorRef={"name": "harbor"}), key_secret(), guarded, secret)
    assert error.expected == "`cfg`"


# -- revocation lists --------------------------------------------------------------------------------------------------------


def revocation_list(name, *entries):
    return api("MCPGRevocationList", name, spec={"revocations": list(entries)})


def test_only_the_authoritative_list_counts_and_others_are_noted():
    entry = {"artifactSha256": "ab" * 32, "reason": "leak"}
    lists, notes = revocations(index(revocation_list("cluster-default", entry), revocation_list("tenant", entry)))
    assert [one.name for one in lists] == ["cluster-default"]
    assert "ab" * 32 in lists[0].entries
    assert len(notes) == 1
    assert "(MCPGRevocationList `tenant`)" in notes[0]


def test_a_bad_entry_does_not_take_the_good_ones_away():
    entries = ({"artifactSha256": "ab" * 32, "reason": "leak"}, {"artifactSha256": "short", "reason": "x"})
    lists, _ = revocations(index(revocation_list("cluster-default", *entries)))
    assert lists[0].problems
    assert "ab" * 32 in lists[0].entries


def test_a_list_without_a_spec_is_refused():
    with pytest.raises(InvalidManifestError, match="no mapping"):
        revocations(index(api("MCPGRevocationList", "cluster-default")))


def test_no_list_is_no_list():
    assert revocations(index(plugin())) == ((), ())


def test_provenance_for_a_plugin_that_asks_for_none_is_not_ignored():
    with pytest.raises(InvalidPolicyError) as caught:
        resolve(plugin(), key_secret(), provenance=PROVENANCE)
    assert "`--provenance` has no effect" in caught.value.what
    assert resolve(plugin(), key_secret(), provenance=PROVENANCE, slsa=SLSA).request.provenance == PROVENANCE


@pytest.mark.parametrize("given", [{"builder_ids": ("https://example.com/b",)}, {"allow_unsigned_provenance": True}])
def test_provenance_flags_that_mean_nothing_for_a_plugin_are_told(given):
    [warning] = resolve(plugin(), key_secret(), **given).request.warnings
    assert "asks for no provenance" in warning
    assert resolve(plugin(), key_secret(), slsa=SLSA, **given).request.warnings == ()


def test_what_an_identity_pattern_leaves_open_is_told_wherever_it_comes_from():
    identity = IdentityPattern.parse(r"^.*@acme\.example$")
    given = {"certificateIdentityRegexp": identity.text, "oidcIssuer": "https://issuer.example"}
    [warning] = identity.warnings
    assert resolve(plugin(trust__cosignIdentity=given), key_secret()).request.warnings == (warning,)
    flag = CosignPolicy(identity=identity, issuer="https://issuer.example")
    assert resolve(plugin(), key_secret(), cosign=flag).request.warnings == (warning,)


def test_keys_and_log_entries_for_provenance_go_where_the_document_asks_for_it():
    key = parse_trusted_keys(public_key_pem(Seed(b"x").p256("provenance")), name="given")
    data = {PROVENANCE_KEY: ENVELOPE}
    config_map = api("ConfigMap", WANTED["configMapName"], data=data)
    found = resolve(
        plugin(trust__slsaProvenance=WANTED), key_secret(), config_map, provenance_keys=key, log_entries=(b"{}",)
    ).request
    assert found.policy.slsa.keys == key
    assert found.provenance[0].log_entries == (b"{}",)
