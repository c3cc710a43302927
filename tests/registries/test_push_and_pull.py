"""Our push and our pull against real registries, with crane as a witness that knows neither."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from supplychain.artifact import EvidenceForm, Platform
from supplychain.digest import ManifestDigest
from supplychain.errors import NotFoundError, RegistryAuthError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror.credentials import ANONYMOUS, Credentials, parse_docker_config
from supplychain.mirror.manifests import PLUGIN_ARTIFACT_TYPE, PLUGIN_CONFIG_TYPE, PLUGIN_LAYER_TYPE
from supplychain.mirror.publish import push
from supplychain.mirror.registry import RegistrySource
from supplychain.mirror.rewrite import MirrorRule, rewrite
from supplychain.mirror.transport import RegistryClient
from supplychain.reference import OciReference
from tests.support.builders import build_package
from tests.support.components import component
from tests.support.loopback_server import Answer, serving
from tests.support.oci import Stored
from tests.support.private_ca import PrivateCa
from tests.support.registries import PASSWORD, docker_config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registries import Registry, RunningRegistries

KINDS = ["distribution", "referrers", "basic", "token", "tls"]
BUNDLE = b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}'
PACKAGE = build_package()


@pytest.fixture(params=KINDS)
def registry(request: pytest.FixtureRequest, registries: RunningRegistries) -> Registry:
    found: Registry = getattr(registries, request.param)
    return found


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "echo.zip"
    path.write_bytes(PACKAGE)
    return path


def credentials(registry: Registry, **given: str) -> Credentials:
    return parse_docker_config(docker_config(registry.host, **given), where="test")


def pull(reference: OciReference, *, who: Credentials = ANONYMOUS, ca_file: Path | None = None) -> tuple[bytes, ManifestDigest]:
    limits = Limits(retries=0)
    with RegistryClient(credentials=who, ca_file=ca_file, limits=limits) as client:
        pulled = RegistrySource(reference, client=client, limits=limits).pull(platform=Platform())
        with pulled.package as spool:
            assert pulled.manifest_digest is not None
            return bytes(spool.view), pulled.manifest_digest


def crane(*arguments: str, registry: Registry, home: Path) -> bytes:
    home.mkdir(exist_ok=True)
    (home / "config.json").write_bytes(docker_config(registry.host))
    environment = {"HOME": str(home), "DOCKER_CONFIG": str(home), "PATH": os.environ["PATH"]}
    if registry.ca_file is not None:
        environment["SSL_CERT_FILE"] = str(registry.ca_file)
    return subprocess.run([component("crane"), *arguments], env=environment, capture_output=True, check=True, timeout=60).stdout


def test_what_is_pushed_is_what_is_pulled(registry: Registry, package: Path) -> None:
    reference = OciReference.parse(f"{registry.host}/plugins/echo:1.2.3-linux-amd64")
    digest = push(package, reference=reference, credentials=credentials(registry), ca_file=registry.ca_file)
    who = credentials(registry)
    assert pull(reference, who=who, ca_file=registry.ca_file) == (PACKAGE, digest)
    assert pull(reference.pinned(digest), who=who, ca_file=registry.ca_file) == (PACKAGE, digest)


def test_a_second_push_is_the_same_and_a_tag_can_move(registry: Registry, package: Path) -> None:
    reference = OciReference.parse(f"{registry.host}/plugins/moving:1")
    who = credentials(registry)
    first = push(package, reference=reference, credentials=who, ca_file=registry.ca_file)
    assert push(package, reference=reference, credentials=who, ca_file=registry.ca_file) == first
    package.write_bytes(build_package(signature=None))
    second = push(package, reference=reference, credentials=who, ca_file=registry.ca_file)
    assert second != first
    assert pull(reference, who=who, ca_file=registry.ca_file)[1] == second


def test_crane_sees_the_same_digest_and_the_canonical_manifest(registry: Registry, package: Path, tmp_path: Path) -> None:
    reference = OciReference.parse(f"{registry.host}/plugins/crane:1.2.3")
    digest = push(package, reference=reference, credentials=credentials(registry), ca_file=registry.ca_file)
    home = tmp_path / "home"
    assert crane("digest", str(reference), registry=registry, home=home).strip() == str(digest).encode()
    manifest = crane("manifest", str(reference), registry=registry, home=home)
    assert ManifestDigest.of(manifest) == digest
    document = json.loads(manifest)
    assert json.dumps(document, sort_keys=True, separators=(",", ":")).encode() == manifest
    assert sorted(document) == ["artifactType", "config", "layers", "schemaVersion"]
    assert document["artifactType"] == PLUGIN_ARTIFACT_TYPE
    assert document["config"]["mediaType"] == PLUGIN_CONFIG_TYPE
    assert [layer["mediaType"] for layer in document["layers"]] == [PLUGIN_LAYER_TYPE]
    config = crane("blob", f"{reference.name}@{document['config']['digest']}", registry=registry, home=home)
    assert json.loads(config) == {
        "class": "tool_gate",
        "has_signature": True,
        "id": "dev.mcpg.example.echo",
        "name": "Echo",
        "protocol_version": "1.0",
        "runtime": "native-cdylib-v1",
        "schema": "mcpg.dev/plugin/v1",
    }


def test_a_package_of_several_pieces_is_streamed_whole(registries: RunningRegistries, tmp_path: Path) -> None:
    registry = registries.token
    data = build_package(artifact=b"\x7fELF" + os.urandom(5 * 1024 * 1024), method=0)
    (tmp_path / "large.zip").write_bytes(data)
    reference = OciReference.parse(f"{registry.host}/plugins/large:1")
    digest = push(tmp_path / "large.zip", reference=reference, credentials=credentials(registry))
    assert pull(reference, who=credentials(registry)) == (data, digest)


@pytest.mark.parametrize("kind", ["basic", "token"])
@pytest.mark.parametrize("who", ["nobody", "wrong password"])
def test_a_registry_that_demands_a_password_refuses_others(
    registries: RunningRegistries, package: Path, kind: str, who: str
) -> None:
    registry: Registry = getattr(registries, kind)
    known = ANONYMOUS if who == "nobody" else credentials(registry, password="wrong")
    reference = OciReference.parse(f"{registry.host}/plugins/refused:1")
    with pytest.raises(RegistryAuthError) as caught:
        push(package, reference=reference, credentials=known)
    assert PASSWORD not in str(caught.value)
    with pytest.raises(RegistryAuthError):
        pull(reference, who=known)


def test_a_push_asks_for_a_token_that_may_push_and_a_pull_does_not(registries: RunningRegistries, package: Path) -> None:
    registry = registries.token
    assert registry.tokens is not None
    reference = OciReference.parse(f"{registry.host}/plugins/scopes:1")
    registry.tokens.asked.clear()
    push(package, reference=reference, credentials=credentials(registry))
    assert registry.tokens.asked == [(("repository:plugins/scopes:pull,push",), True)]
    registry.tokens.asked.clear()
    pull(reference, who=credentials(registry))
    assert registry.tokens.asked == [(("repository:plugins/scopes:pull",), True)]


def test_credentials_of_another_registry_are_sent_nowhere(registries: RunningRegistries, package: Path) -> None:
    others = credentials(registries.basic)
    with serving(lambda _: Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="mine"'})) as stranger:
        reference = OciReference.parse(f"{stranger.host}/plugins/echo:1")
        with pytest.raises(RegistryAuthError):
            push(package, reference=reference, credentials=others)
        with pytest.raises(RegistryAuthError):
            pull(reference, who=others)
    assert len(stranger.asked) > 1
    assert set(stranger.sent("Authorization")) == {None}


@pytest.mark.parametrize("ca", ["no CA", "another CA"])
def test_a_certificate_of_an_unknown_authority_is_refused(
    registries: RunningRegistries, package: Path, tmp_path: Path, ca: str
) -> None:
    ca_file = PrivateCa(tmp_path / "ca").certificate
    reference = OciReference.parse(f"{registries.tls.host}/plugins/wrong-ca:1")
    if ca == "no CA":  # on loopback the registry is then asked by http, which it does not speak
        with pytest.raises(RegistryUnavailableError):
            push(package, reference=reference)
        return
    with pytest.raises(RegistryUnavailableError, match="certificate is not trusted"):
        push(package, reference=reference, ca_file=ca_file)
    with pytest.raises(RegistryUnavailableError, match="certificate is not trusted"):
        pull(reference, ca_file=ca_file)


def test_an_insecure_registry_needs_no_known_authority(registries: RunningRegistries, package: Path) -> None:
    reference = OciReference.parse(f"{registries.tls.host}/plugins/insecure:1")
    digest = push(package, reference=reference, insecure=True)
    assert pull(reference, ca_file=registries.tls.ca_file) == (PACKAGE, digest)


def test_an_insecure_registry_may_be_without_tls(registries: RunningRegistries, package: Path) -> None:
    reference = OciReference.parse(f"{registries.distribution.host}/plugins/insecure:1")
    digest = push(package, reference=reference, insecure=True)
    assert pull(reference) == (PACKAGE, digest)


@pytest.mark.parametrize("kind", ["distribution", "referrers"])
def test_evidence_is_found_with_and_without_a_referrers_api(registries: RunningRegistries, kind: str) -> None:
    registry: Registry = getattr(registries, kind)
    stored = Stored()
    plugin = stored.plugin(PACKAGE, config={}, tag="1.2.3")
    referrer = stored.attach(BUNDLE, subject=plugin, predicate_type="https://sigstore.dev/cosign/sign/v1")
    if kind == "distribution":
        stored.index(referrer, tag=plugin["digest"].replace(":", "-"))
    stored.push(registry.host, "plugins/evidence")
    limits = Limits(retries=0)
    with RegistryClient(limits=limits) as client:
        reference = OciReference.parse(f"{registry.host}/plugins/evidence:1.2.3")
        evidence = RegistrySource(reference, client=client, limits=limits).evidence(ManifestDigest.parse(plugin["digest"]))
    assert [(one.form, one.data) for one in evidence.materials] == [(EvidenceForm.BUNDLE, BUNDLE)]


# -- mirrors -----------------------------------------------------------------------------------------------------------


def mirror(upstream: str, *, endpoint: str) -> MirrorRule:
    return MirrorRule(
        name="air-gap",
        service="registry",
        namespace="mirror",
        port=5000,
        path_prefix="mirrored",
        upstream_registry=upstream,
        upstream_namespace="acme/plugins",
        endpoint=endpoint,
    )


@pytest.mark.parametrize("kind", ["distribution", "referrers"])
def test_a_mirror_serves_package_and_evidence_and_upstream_gets_no_packet(registries: RunningRegistries, kind: str) -> None:
    registry: Registry = getattr(registries, kind)
    stored = Stored()
    plugin = stored.plugin(PACKAGE, config={}, tag="1.2.3")
    referrer = stored.attach(BUNDLE, subject=plugin, predicate_type="https://sigstore.dev/cosign/sign/v1")
    if kind == "distribution":
        stored.index(referrer, tag=plugin["digest"].replace(":", "-"))
    stored.push(registry.host, "mirrored/echo")
    limits = Limits(retries=0)
    with serving(lambda _: None) as upstream, RegistryClient(limits=limits) as client:
        location = rewrite(f"{upstream.host}/acme/plugins/echo:1.2.3", mirror=mirror(upstream.host, endpoint=registry.host))
        source = RegistrySource(location, client=client, limits=limits, avoid={upstream.host})
        pulled = source.pull(platform=Platform())
        pulled.package.close()
        assert pulled.manifest_digest is not None
        evidence = source.evidence(pulled.manifest_digest)
    assert pulled.source == f"{registry.host}/mirrored/echo@{plugin['digest']}"
    assert [one.data for one in evidence.materials] == [BUNDLE]
    assert upstream.asked == []


def test_what_the_mirror_lacks_is_not_fetched_upstream(registries: RunningRegistries) -> None:
    """The upstream has it; the mirror was not synchronised."""
    limits = Limits(retries=0)
    with serving(lambda _: Answer()) as upstream, RegistryClient(limits=limits) as client:
        rule = mirror(upstream.host, endpoint=registries.distribution.host)
        location = rewrite(f"{upstream.host}/acme/plugins/missing:1.2.3", mirror=rule)
        with pytest.raises(NotFoundError):
            RegistrySource(location, client=client, limits=limits, avoid={upstream.host}).pull(platform=Platform())
    assert upstream.asked == []


def test_a_mirror_that_redirects_upstream_is_refused(registries: RunningRegistries) -> None:
    assert registries is not None
    limits = Limits(retries=0)
    with serving(lambda _: Answer()) as upstream:
        redirect = Answer(status=307, headers={"Location": f"{upstream.url}/v2/acme/plugins/echo/manifests/1.2.3"})
        with serving(lambda _: redirect) as false_mirror, RegistryClient(limits=limits) as client:
            rule = mirror(upstream.host, endpoint=false_mirror.host)
            location = rewrite(f"{upstream.host}/acme/plugins/echo:1.2.3", mirror=rule)
            with pytest.raises(RegistryUnavailableError):
                RegistrySource(location, client=client, limits=limits, avoid={upstream.host}).pull(platform=Platform())
    assert len(false_mirror.asked) == 1
    assert upstream.asked == []
