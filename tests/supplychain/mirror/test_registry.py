from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from supplychain.artifact import EvidenceForm, Platform
from supplychain.digest import LayerDigest, ManifestDigest
from supplychain.errors import (
    ArtifactTooLargeError,
    DigestMismatchError,
    ManifestInvalidError,
    NotAPluginError,
    NotFoundError,
    PlatformMissingError,
    RegistryUnavailableError,
)
from supplychain.limits import Limits
from supplychain.mirror.registry import RegistrySource
from supplychain.mirror.transport import RegistryClient
from supplychain.reference import OciReference
from supplychain.spool import SpoolWriter
from tests.support.fake_registry import (
    BUNDLE,
    EMPTY,
    INDEX,
    MANIFEST,
    PLUGIN_CONFIG,
    FakeInternet,
    FakeRegistry,
    TokenService,
    bundle_manifest,
    descriptor,
    error,
    plugin_manifest,
    redirect,
    render,
)

if TYPE_CHECKING:
    from supplychain.artifact import PulledArtifact
    from supplychain.spool import Spool

REPOSITORY = "acme/echo"
PACKAGE = b"PK\x03\x04" + bytes(range(256)) * 64
PROVENANCE = "https://slsa.dev/provenance/v1"


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def opened(registry: FakeRegistry) -> Any:
    def make(
        reference: str = ":1.0", *, limits: Limits | None = None, net: FakeInternet | None = None, **options: Any
    ) -> RegistrySource:
        limits = limits or Limits()
        transport = httpx.MockTransport(net or FakeInternet(registry))
        client = RegistryClient(transport=transport, limits=limits, sleep=lambda _: None)
        return RegistrySource(
            OciReference.parse(f"registry.example/{REPOSITORY}{reference}"), client=client, limits=limits, **options
        )

    return make


def content(pulled: PulledArtifact) -> bytes:
    with pulled.package as spool:
        return bytes(memoryview(spool.view))


# --- pulling


def test_a_plugin_is_pulled_by_tag_with_all_its_digests(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    with opened() as source:
        pulled = source.pull(platform=Platform())
    assert content(pulled) == PACKAGE
    assert pulled.manifest_digest == digest
    assert pulled.layer_digest == LayerDigest.of(PACKAGE)
    assert (pulled.index_digest, pulled.tag, pulled.platform) == (None, "1.0", None)
    assert (pulled.manifest, pulled.index) == (registry.manifests[REPOSITORY, "1.0"][0], None)
    assert pulled.source == f"registry.example/{REPOSITORY}@{digest}"
    blobs = [f"acme/echo/blobs/{LayerDigest.of(blob)}" for blob in (PLUGIN_CONFIG, PACKAGE)]
    assert registry.paths == ["acme/echo/manifests/1.0", *blobs]


def test_a_config_that_was_changed_is_refused(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    changed = PLUGIN_CONFIG.replace(b"echo", b"ehco")
    registry.rules = [(f"blobs/{LayerDigest.of(PLUGIN_CONFIG)}", lambda _: httpx.Response(200, content=changed))]
    with pytest.raises(DigestMismatchError):
        opened().pull(platform=Platform())


def test_a_config_that_the_registry_lost_decides_nothing(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.rules = [(f"blobs/{LayerDigest.of(PLUGIN_CONFIG)}", lambda _: error(404, "BLOB_UNKNOWN"))]
    assert content(opened().pull(platform=Platform())) == PACKAGE


def test_a_config_above_its_limit_is_not_fetched(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    with pytest.raises(ArtifactTooLargeError, match="the config is too large"):
        opened(limits=Limits(config=len(PLUGIN_CONFIG) - 1)).pull(platform=Platform())
    assert len(registry.requests) == 1


def test_a_digest_counts_before_a_tag(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.add_plugin(REPOSITORY, b"newer", "1.0")
    pulled = opened(f":1.0@{digest}").pull(platform=Platform())
    assert content(pulled) == PACKAGE
    assert (pulled.manifest_digest, pulled.tag) == (digest, "1.0")


def test_progress_is_told(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.chunk = 10_000
    seen: list[tuple[int, int]] = []
    opened(progress=lambda done, total: seen.append((done, total))).pull(platform=Platform()).package.close()
    assert seen == [(10_000, len(PACKAGE)), (len(PACKAGE), len(PACKAGE))]


def test_an_index_leads_to_the_child_and_both_digests_are_told(registry: FakeRegistry, opened: Any) -> None:
    amd = registry.add_plugin(REPOSITORY, PACKAGE)
    arm = registry.add_plugin(REPOSITORY, b"arm")
    index = registry.add_index(
        REPOSITORY,
        {amd: {"os": "linux", "architecture": "amd64"}, arm: {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        "1.0",
    )
    for reference in (":1.0", f"@{index}"):
        pulled = opened(reference).pull(platform=Platform(architecture="arm64"))
        assert content(pulled) == b"arm"
        assert (pulled.index_digest, pulled.manifest_digest) == (index, arm)
        names = [registry.manifests[REPOSITORY, str(one)][0] for one in (index, arm)]
        assert [pulled.index, pulled.manifest] == names
        assert pulled.platform == Platform(architecture="arm64")
        assert pulled.source.endswith(str(arm))
    pinned = opened(f"@{amd}").pull(platform=Platform(architecture="arm64"))
    assert content(pinned) == PACKAGE
    assert (pinned.index_digest, pinned.manifest_digest) == (None, amd)


def test_an_index_without_the_platform_is_refused_before_anything_else_is_fetched(registry: FakeRegistry, opened: Any) -> None:
    amd = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.add_index(REPOSITORY, {amd: {"os": "linux", "architecture": "amd64"}}, "1.0")
    with pytest.raises(PlatformMissingError):
        opened().pull(platform=Platform(os="darwin"))
    assert len(registry.requests) == 1


def test_a_child_that_is_an_index_itself_is_refused(registry: FakeRegistry, opened: Any) -> None:
    inner = registry.put_manifest(REPOSITORY, {"schemaVersion": 2, "manifests": []})
    registry.add_index(REPOSITORY, {inner: {"os": "linux", "architecture": "amd64"}}, "1.0")
    with pytest.raises(ManifestInvalidError):
        opened().pull(platform=Platform())


def test_a_child_with_another_size_than_the_index_says_is_refused(registry: FakeRegistry, opened: Any) -> None:
    child = registry.add_plugin(REPOSITORY, PACKAGE)
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    for size in (10, 10_000):
        registry.add_index(REPOSITORY, {child: {**platform, "size": size}}, "1.0")
        with pytest.raises(DigestMismatchError, match="another size"):
            opened().pull(platform=Platform())
    registry.add_index(REPOSITORY, {child: {**platform, "size": 2**40}}, "1.0")
    with pytest.raises(ArtifactTooLargeError):
        opened().pull(platform=Platform())


def test_other_bytes_than_the_pinned_ones_are_refused(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    other = plugin_manifest(b"other")
    registry.swap = {render(plugin_manifest(PACKAGE)): render(other)}
    registry.names_digest = False
    with pytest.raises(DigestMismatchError) as caught:
        opened(f"@{digest}").pull(platform=Platform())
    assert (caught.value.expected, caught.value.got) == (f"`{digest}`", f"`{ManifestDigest.of(render(other))}`")


def test_other_bytes_than_the_index_names_are_refused(registry: FakeRegistry, opened: Any) -> None:
    child = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.add_index(REPOSITORY, {child: {"os": "linux", "architecture": "amd64"}}, "1.0")
    manifest = render(plugin_manifest(PACKAGE))
    registry.swap = {manifest: manifest.replace(b"mcpg", b"MCPG")}
    registry.names_digest = False
    with pytest.raises(DigestMismatchError):
        opened().pull(platform=Platform())


@pytest.mark.parametrize(
    "named",
    ["sha256:" + "0" * 64, "sha512:" + "0" * 128, "sha384:x", "sha256:"],
)
def test_a_registry_that_contradicts_its_own_digest_header_is_refused(registry: FakeRegistry, opened: Any, named: str) -> None:
    data = render(plugin_manifest(PACKAGE))
    registry.rules = [("manifests", lambda _: httpx.Response(200, headers={"Docker-Content-Digest": named}, content=data))]
    with pytest.raises(DigestMismatchError):
        opened().pull(platform=Platform())


@pytest.mark.parametrize("named", [None, "", "md5:x", "nonsense"])
def test_a_digest_header_that_says_nothing_is_no_matter(registry: FakeRegistry, opened: Any, named: str | None) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE)
    data = render(plugin_manifest(PACKAGE))
    headers = {} if named is None else {"Docker-Content-Digest": named}
    registry.rules = [("manifests", lambda _: httpx.Response(200, headers=headers, content=data))]
    assert content(opened().pull(platform=Platform())) == PACKAGE


def test_a_sha_512_in_the_header_is_compared_too(registry: FakeRegistry, opened: Any) -> None:
    import hashlib

    registry.add_plugin(REPOSITORY, PACKAGE)
    data = render(plugin_manifest(PACKAGE))
    headers = {"Docker-Content-Digest": f"sha512:{hashlib.sha512(data).hexdigest()}"}
    registry.rules = [("manifests", lambda _: httpx.Response(200, headers=headers, content=data))]
    assert content(opened().pull(platform=Platform())) == PACKAGE


def test_a_wrong_content_type_is_refused_where_it_contradicts(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.content_type = "application/octet-stream"
    assert content(opened().pull(platform=Platform())) == PACKAGE
    registry.content_type = INDEX
    with pytest.raises(ManifestInvalidError, match="another media type"):
        opened().pull(platform=Platform())


def test_something_else_than_a_plugin_is_refused_before_its_layer_is_fetched(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0", artifactType="other", config=descriptor(b"{}", EMPTY))
    with pytest.raises(NotAPluginError):
        opened().pull(platform=Platform())
    assert len(registry.requests) == 1


def test_a_manifest_above_its_limit_is_refused(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0", annotations={"a": "x" * 2000})
    with pytest.raises(ArtifactTooLargeError):
        opened(limits=Limits(manifest=2000)).pull(platform=Platform())


def test_a_package_above_its_limit_is_refused_before_it_is_fetched(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    with pytest.raises(ArtifactTooLargeError):
        opened(limits=Limits(package=100)).pull(platform=Platform())
    assert len(registry.requests) == 1


@pytest.mark.parametrize("declares_length", [True, False])
@pytest.mark.parametrize("served", [PACKAGE + b"more", PACKAGE[:-1], b""], ids=["longer", "shorter", "empty"])
def test_a_package_of_another_size_is_refused(registry: FakeRegistry, opened: Any, served: bytes, declares_length: bool) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.swap = {PACKAGE: served}
    registry.declares_length = declares_length
    with pytest.raises(DigestMismatchError, match="another size"):
        opened().pull(platform=Platform())


def test_a_package_whose_header_names_another_size_is_not_read_at_all(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    taken: list[bytes] = []

    def body() -> Any:
        taken.append(PACKAGE)
        yield PACKAGE

    headers = {"Content-Length": str(len(PACKAGE) + 1)}
    registry.rules = [("blobs", lambda _: httpx.Response(200, headers=headers, content=body()))]
    with pytest.raises(DigestMismatchError, match="another size"):
        opened().pull(platform=Platform())
    assert taken == []


def test_never_more_than_the_declared_size_is_read(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    taken: list[int] = []

    def endless() -> Any:
        for _ in range(1000):
            taken.append(1000)
            yield b"x" * 1000

    registry.rules = [("blobs", lambda _: httpx.Response(200, content=endless()))]
    with pytest.raises(DigestMismatchError):
        opened().pull(platform=Platform())
    assert sum(taken) <= len(PACKAGE) + 1000


def test_a_package_with_one_bit_changed_is_refused_and_leaves_no_spool(
    registry: FakeRegistry, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spools: list[Spool] = []
    finish = SpoolWriter.finish

    def kept(writer: SpoolWriter) -> Spool:
        spools.append(finish(writer))
        return spools[-1]

    monkeypatch.setattr(SpoolWriter, "finish", kept)
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.swap = {PACKAGE: PACKAGE[:-1] + b"\x00"}
    with pytest.raises(DigestMismatchError, match="other bytes"):
        opened().pull(platform=Platform())
    assert [spool.file.closed for spool in spools] == [True]


def test_a_package_that_breaks_off_is_fetched_again_where_the_registry_knows_no_ranges(
    registry: FakeRegistry, opened: Any
) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.cut = 1000
    tries: list[int] = []

    def mend(_: httpx.Request) -> None:
        tries.append(1)
        if len(tries) == 3:
            registry.cut = None

    registry.rules = [("blobs", mend)]
    assert content(opened().pull(platform=Platform())) == PACKAGE
    assert len(tries) == 3


def test_a_package_that_always_breaks_off_is_unavailable_and_not_refused(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.cut = 1000
    with pytest.raises(RegistryUnavailableError, match="broke off"):
        opened().pull(platform=Platform())


def test_a_missing_tag_and_a_missing_layer_are_not_found(registry: FakeRegistry, opened: Any) -> None:
    with pytest.raises(NotFoundError):
        opened().pull(platform=Platform())
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.blobs.clear()
    with pytest.raises(NotFoundError):
        opened().pull(platform=Platform())


def test_a_blob_may_be_redirected_to_a_store(registry: FakeRegistry, opened: Any) -> None:
    registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.rules = [(str(LayerDigest.of(PACKAGE)), lambda _: redirect("https://store.example/x?sig=1"))]
    net = FakeInternet(registry, **{"store.example": lambda _: httpx.Response(200, content=PACKAGE)})
    assert content(opened(net=net).pull(platform=Platform())) == PACKAGE


# --- evidence


def found(source: RegistrySource, digest: ManifestDigest) -> list[tuple[EvidenceForm, bytes]]:
    return [(material.form, material.data) for material in source.evidence(digest).materials]


@pytest.mark.parametrize("api", [True, False], ids=["by the API", "by the fallback tag"])
def test_bundles_are_found(registry: FakeRegistry, opened: Any, api: bool) -> None:
    registry.referrers_api = api
    digest = registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.attach(REPOSITORY, digest, b"signature")
    registry.attach(REPOSITORY, digest, b"provenance", predicate=PROVENANCE)
    registry.add_legacy(REPOSITORY, digest, b"old")
    evidence = opened().evidence(digest)
    assert [material.data for material in evidence.materials] == [b"signature", b"provenance"]
    assert (evidence.skipped, evidence.truncated) == ((), False)
    assert not [path for path in registry.paths if path.endswith((".sig", ".att"))]
    assert not evidence.complete
    assert ("manifests/sha256-" in " ".join(registry.paths)) is not api


def test_a_thorough_look_asks_for_the_older_objects_too(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.attach(REPOSITORY, digest, b"a stranger's")
    registry.add_legacy(REPOSITORY, digest, b"signed")
    registry.add_legacy(REPOSITORY, digest, b"attested", suffix="att")
    evidence = opened().evidence(digest, thorough=True)
    assert [material.data for material in evidence.materials] == [b"a stranger's", b"signed", b"attested"]
    assert evidence.complete


def test_a_verification_takes_four_requests_and_two_more_for_each_object(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.attach(REPOSITORY, digest, b"signature")
    source = opened()
    with source.pull(platform=Platform()).package:
        source.evidence(digest)
    assert len(registry.requests) == 4 + 2


@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_api_that_is_not_offered_leads_to_the_tag(registry: FakeRegistry, opened: Any, status: int) -> None:
    registry.referrers_api, registry.referrers_status = False, status
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    assert len(opened().evidence(digest).materials) == 1


def test_a_web_page_in_place_of_the_list_is_an_api_that_is_not_offered(registry: FakeRegistry, opened: Any) -> None:
    registry.referrers_api = False
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    page = {"Content-Type": "text/html; charset=utf-8"}
    registry.rules = [("referrers", lambda _: httpx.Response(200, headers=page, content=b"<html>"))]
    assert len(opened().evidence(digest).materials) == 1


def test_an_api_that_knows_nothing_does_not_hide_the_tag(registry: FakeRegistry, opened: Any) -> None:
    registry.referrers_api = False
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    registry.attached.clear()
    registry.referrers_api = True
    assert len(opened().evidence(digest).materials) == 1


def test_a_strangers_bundle_in_the_api_does_not_hide_the_tag_from_a_thorough_look(registry: FakeRegistry, opened: Any) -> None:
    registry.referrers_api = False
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    registry.attached.clear()
    registry.referrers_api = True
    registry.attach(REPOSITORY, digest, b"a stranger's")
    assert not opened().evidence(digest).complete
    found = opened().evidence(digest, thorough=True)
    assert [material.data for material in found.materials] == [b"a stranger's", b"signature"]
    assert found.complete


def test_older_objects_are_asked_for_when_there_is_no_bundle(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.add_legacy(REPOSITORY, digest, b"signed", b"again", note="x")
    registry.add_legacy(REPOSITORY, digest, b"attested", suffix="att")
    assert found(opened(), digest) == [
        (EvidenceForm.LEGACY_SIGNATURE, b"signed"),
        (EvidenceForm.LEGACY_SIGNATURE, b"again"),
        (EvidenceForm.LEGACY_ATTESTATION, b"attested"),
    ]


def test_an_older_signature_is_asked_for_beside_a_bundle_that_is_none(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"provenance", predicate=PROVENANCE)
    registry.add_legacy(REPOSITORY, digest, b"signed")
    registry.add_legacy(REPOSITORY, digest, b"attested", suffix="att")
    assert found(opened(), digest) == [(EvidenceForm.BUNDLE, b"provenance"), (EvidenceForm.LEGACY_SIGNATURE, b"signed")]


def test_nothing_attached_is_an_empty_set_and_no_error(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    evidence = opened().evidence(digest)
    assert (evidence.materials, evidence.skipped, evidence.truncated) == ((), (), False)
    assert registry.paths == [
        f"acme/echo/referrers/{digest}",
        f"acme/echo/manifests/sha256-{digest.hex}",
        f"acme/echo/manifests/sha256-{digest.hex}.sig",
        f"acme/echo/manifests/sha256-{digest.hex}.att",
    ]


def test_a_bundle_about_another_manifest_does_not_count(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    other = bundle_manifest(b"bundle", descriptor(b"another manifest", MANIFEST))
    registry.put_blob(REPOSITORY, b"bundle")
    registry.attach_manifest(REPOSITORY, digest, other)
    evidence = opened().evidence(digest)
    assert evidence.materials == ()
    assert "attached to something else" in evidence.skipped[0][1]


@pytest.mark.parametrize("part", ["manifest", "blob"])
def test_an_object_with_other_bytes_is_skipped(registry: FakeRegistry, opened: Any, part: str) -> None:
    registry.names_digest = False
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    attached = registry.attach(REPOSITORY, digest, b"signature")
    registry.attach(REPOSITORY, digest, b"good")
    manifest = registry.manifests[REPOSITORY, str(attached)][0]
    registry.swap = {manifest: manifest[:-1] + b" "} if part == "manifest" else {b"signature": b"Signature"}
    evidence = opened().evidence(digest)
    assert [material.data for material in evidence.materials] == [b"good"]
    assert "other bytes" in evidence.skipped[0][1]


def test_an_object_that_cannot_be_had_now_makes_the_whole_unavailable(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    registry.rules = [("blobs", lambda _: error(503, "UNAVAILABLE"))]
    with pytest.raises(RegistryUnavailableError):
        opened().evidence(digest)


@pytest.mark.parametrize("part", ["referrers", f"manifests/sha256-{ManifestDigest.of(render(plugin_manifest(PACKAGE))).hex}"])
def test_a_place_that_cannot_be_asked_is_not_taken_for_empty(registry: FakeRegistry, opened: Any, part: str) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.rules = [(part, lambda _: error(500, "UNKNOWN"))]
    with pytest.raises(RegistryUnavailableError):
        opened().evidence(digest)


@pytest.mark.parametrize("kind", [INDEX, "application/json"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", render({"schemaVersion": 2, "manifests": None}), render(plugin_manifest(PACKAGE))]
)
def test_a_list_that_breaks_its_specification_is_an_error(registry: FakeRegistry, opened: Any, body: bytes, kind: str) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.rules = [("referrers", lambda _: httpx.Response(200, headers={"Content-Type": kind}, content=body))]
    with pytest.raises(ManifestInvalidError):
        opened().evidence(digest)


@pytest.mark.parametrize("tagged", [b"nonsense", render(plugin_manifest(PACKAGE))])
def test_a_fallback_tag_that_holds_something_else_is_skipped(registry: FakeRegistry, opened: Any, tagged: bytes) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.put_manifest(REPOSITORY, tagged, f"sha256-{digest.hex}", media_type="text/plain")
    registry.add_legacy(REPOSITORY, digest, b"signed")
    evidence = opened().evidence(digest)
    assert len(evidence.materials) == 1
    assert evidence.skipped[0][0] == f"tag sha256-{digest.hex}"


# --- pages


def many(registry: FakeRegistry, digest: ManifestDigest, count: int, **entry: Any) -> None:
    entries = registry.attached.setdefault((REPOSITORY, str(digest)), [])
    entries += [descriptor(b"%d" % number, MANIFEST, **entry) for number in range(count)]


def test_all_pages_are_read_and_the_likeliest_objects_opened_first(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    many(registry, digest, 95, artifactType="application/spdx+json")
    registry.attach(REPOSITORY, digest, b"signature")
    registry.page_size = 10
    evidence = opened(limits=Limits(candidates=4)).evidence(digest)
    assert [material.data for material in evidence.materials] == [b"signature"]
    assert evidence.truncated
    assert registry.paths[1] == f"acme/echo/referrers/{digest}?from=10"
    assert len([path for path in registry.paths if "referrers" in path]) == 10


@pytest.mark.parametrize("page_size", [None, 100], ids=["one page", "pages"])
def test_ten_thousand_referrers_stay_within_bounds(registry: FakeRegistry, opened: Any, page_size: int | None) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    many(registry, digest, 10_000, artifactType=BUNDLE)
    registry.page_size = page_size
    evidence = opened().evidence(digest)
    assert evidence.truncated
    assert evidence.materials == ()
    assert len(registry.requests) <= 16 + 32 + 3
    assert len(evidence.skipped) <= 65


def test_a_page_above_the_limit_is_not_read(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    many(registry, digest, 100)
    evidence = opened(limits=Limits(evidence=2000)).evidence(digest)
    assert evidence.truncated
    assert "at most 2000 bytes" in evidence.skipped[0][1]


def test_endless_pages_and_pages_in_a_circle_end(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    registry.page_size, registry.endless = 10, True
    for link in (None, f"/v2/{REPOSITORY}/referrers/{digest}"):
        registry.requests.clear()
        registry.next_link = link
        evidence = opened().evidence(digest)
        assert len(evidence.materials) == 1
        assert evidence.truncated
        assert len([path for path in registry.paths if "referrers" in path]) == 16


def test_a_page_that_has_gone_leaves_a_mark(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    registry.page_size, registry.endless = 10, True
    registry.rules = [("referrers", lambda request: error(404, "NAME_UNKNOWN") if request.url.query else None)]
    evidence = opened().evidence(digest)
    assert len(evidence.materials) == 1
    assert evidence.truncated


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v2/x",
        "//evil.example/v2/x",
        "https://registry.example:8443/v2/x",
        "https://registry.example.evil/v2/",
        "/other",
    ],
)
def test_a_next_page_on_another_host_gets_no_packet(registry: FakeRegistry, opened: Any, link: str) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.page_size, registry.endless, registry.next_link = 1, True, link
    net = FakeInternet(registry)
    with pytest.raises(ManifestInvalidError, match="somewhere else"):
        opened(net=net).evidence(digest)
    assert len(net.requests) == 1


@pytest.mark.parametrize(
    "link",
    [
        '<?from=1>; rel="next"',
        "<?from=1>; rel=next",
        '<http://registry.example/v2/acme/echo/referrers/{digest}?from=1>; foo="x"; REL="next"',
        '<a>; rel="prev", <?from=1>; rel="next"',
    ],
)
def test_next_pages_are_found_however_they_are_written(registry: FakeRegistry, opened: Any, link: str) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.attach(REPOSITORY, digest, b"signature")
    entries = registry.attached[REPOSITORY, str(digest)]

    def page(request: httpx.Request) -> httpx.Response:
        first = not request.url.query
        headers = {"Content-Type": INDEX} | ({"Link": link.format(digest=digest)} if first else {})
        return httpx.Response(200, headers=headers, content=render({"schemaVersion": 2, "manifests": [] if first else entries}))

    registry.rules = [("referrers", page)]
    assert len(opened().evidence(digest).materials) == 1


@pytest.mark.parametrize("link", ['<?from=1>; rel="nextish"', "?from=1; rel=next", '<?from=1>; title="rel=next"x', "<?from=1>"])
def test_other_links_are_no_next_page(registry: FakeRegistry, opened: Any, link: str) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    headers = {"Content-Type": INDEX, "Link": link}
    registry.rules = [
        ("referrers", lambda _: httpx.Response(200, headers=headers, content=render({"schemaVersion": 2, "manifests": []})))
    ]
    opened().evidence(digest)
    assert len(registry.requests) == 4


def test_a_tagged_object_above_the_limit_is_not_read(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE)
    registry.put_manifest(REPOSITORY, b" " * 5000, f"sha256-{digest.hex}.sig")
    evidence = opened(limits=Limits(manifest=4000)).evidence(digest)
    assert evidence.truncated


# --- mirrors and authorization, from end to end


def test_through_a_mirror_the_upstream_gets_no_packet(opened: Any) -> None:
    mirror, upstream = FakeRegistry(), FakeRegistry("ghcr.io")
    digest = mirror.add_plugin(REPOSITORY, PACKAGE, "1.0")
    mirror.attach(REPOSITORY, digest, b"signature")
    source = opened(net=FakeInternet(mirror, upstream), avoid=["ghcr.io"])
    assert content(source.pull(platform=Platform())) == PACKAGE
    assert len(source.evidence(digest).materials) == 1
    assert upstream.requests == []
    mirror.rules = [("referrers", lambda _: redirect("https://ghcr.io/v2/x"))]
    with pytest.raises(RegistryUnavailableError, match="upstream"):
        source.evidence(digest)
    assert upstream.requests == []


def test_one_token_serves_the_whole_verification_and_goes_to_the_registry_alone(registry: FakeRegistry, opened: Any) -> None:
    registry.tokens = TokenService()
    digest = registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    registry.attach(REPOSITORY, digest, b"signature")
    blobs = {LayerDigest.of(data).hex: data for data in (PACKAGE, PLUGIN_CONFIG, b"signature")}

    def away(request: httpx.Request) -> httpx.Response | None:
        authorized = "authorization" in request.headers
        return redirect("https://store.example/" + request.url.path.rpartition(":")[2]) if authorized else None

    def store(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=blobs[request.url.path[1:]])

    registry.rules = [("blobs", away)]
    net = FakeInternet(registry, **{"store.example": store})
    net.hosts["auth.example"] = registry.tokens
    source = opened(net=net)
    with source.pull(platform=Platform()).package:
        source.evidence(digest)
    assert registry.tokens.issued == 1
    outside = [request for request in net.requests if request.url.host != registry.host]
    assert len(outside) == 4
    assert not [request for request in outside if "authorization" in request.headers]


def test_what_a_reference_names_is_told_without_reading_more_than_its_manifest(registry: FakeRegistry, opened: Any) -> None:
    digest = registry.add_plugin(REPOSITORY, PACKAGE, "1.0")
    assert opened().resolve() == digest
    assert registry.paths == ["acme/echo/manifests/1.0"]
    assert opened(f":1.0@sha256:{'0' * 64}").resolve().hex == "0" * 64
    assert len(registry.requests) == 1
