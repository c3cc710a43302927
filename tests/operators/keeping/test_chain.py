"""Every link from the index to the library, each cut by itself: the records here are consistent but for one thing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mcpg_operator.keeping.chain import check_package, fingerprint, package_layer
from supplychain.artifact import Platform
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.errors import AmbiguousArtifactError, DeliveryInvalidError, NotAPluginError, PlatformMissingError
from supplychain.limits import Limits
from supplychain.mirror.manifests import PLUGIN_LAYER_TYPE
from supplychain.spool import Spool
from tests.operators.keeping.releases import HERE, index_of, release
from tests.support.builders import Member, build_descriptor, build_elf, build_package

if TYPE_CHECKING:
    from mcpg_operator.keeping import KeptPlugin

LIMITS = Limits()
A = release(b"A")
B = release(b"B")
INDEXED = release(b"A", index=True)


def judge(kept: KeptPlugin, package: bytes = A.package, *, platform: Platform = HERE) -> None:
    layer = package_layer(kept, platform=platform, limits=LIMITS)
    with Spool.of(package) as spool:
        check_package(kept, spool, layer=layer, limits=LIMITS)


def refused(kept: KeptPlugin, package: bytes = A.package) -> DeliveryInvalidError:
    with pytest.raises(DeliveryInvalidError) as caught:
        judge(kept, package)
    assert caught.value.where == "evidence about MCPGPlugin `echo`"
    return caught.value


@pytest.mark.parametrize("whole", [A, INDEXED, release(artifact_name="plugin.wasm"), release(signature=None), release(method=0)])
def test_what_belongs_together_passes(whole):
    judge(whole.kept, whole.package)


def test_an_index_under_the_digest_of_another_one_is_refused():
    other = ManifestDigest.of(index_of(B.kept.manifest))
    error = refused(INDEXED.but(index_digest=other))
    assert (error.what, error.expected) == ("the kept index is another one than the evidence says", f"`{other}`")
    assert error.got == f"`{INDEXED.kept.index_digest}`"


@pytest.mark.parametrize("kept", [A.but(index_digest=INDEXED.kept.index_digest), INDEXED.but(index_digest=None)])
def test_the_digest_of_an_index_needs_an_index_and_an_index_its_digest(kept):
    assert refused(kept).what == "the kept index is another one than the evidence says"


def test_a_manifest_in_the_place_of_an_index_is_refused():
    kept = INDEXED.but(index=A.kept.manifest, index_digest=A.kept.manifest_digest)
    assert refused(kept).what == "the kept index is another one than the evidence says"


def test_an_index_in_the_place_of_a_manifest_is_refused():
    index = INDEXED.kept.index
    assert index is not None
    kept = A.but(manifest=index, manifest_digest=ManifestDigest.of(index))
    assert refused(kept).what == "the kept index names another manifest for the platform than is kept"


def test_a_manifest_that_the_index_does_not_list_is_refused():
    """Everything below the index is of the other release, but for the digest that the signature would be looked for by."""
    kept = replace(B.kept, index=INDEXED.kept.index, index_digest=INDEXED.kept.index_digest, platform=INDEXED.kept.platform)
    kept = replace(kept, manifest_digest=A.kept.manifest_digest)
    error = refused(kept, B.package)
    assert error.what == "the kept index names another manifest for the platform than is kept"
    assert (error.expected, error.got) == (f"`{A.kept.manifest_digest}`", f"`{B.kept.manifest_digest}`")


def test_a_manifest_that_the_index_lists_with_another_size_is_refused():
    index = index_of(A.kept.manifest, size=len(A.kept.manifest) + 1)
    error = refused(INDEXED.but(index=index, index_digest=ManifestDigest.of(index)))
    assert error.what == "the kept manifest has another size than the index says"


def test_a_manifest_that_the_index_lists_for_another_platform_is_refused():
    with pytest.raises(PlatformMissingError):
        judge(INDEXED.kept, platform=Platform(architecture="s390x"))


def test_an_index_that_notes_another_platform_than_the_evidence_is_refused():
    error = refused(INDEXED.but(platform=Platform(libc="musl")))
    assert error.what == "the kept index notes another platform than the evidence"
    assert (error.expected, error.got) == ("`linux/amd64/musl`", "`linux/amd64`")


@pytest.mark.parametrize("whole", [A, INDEXED], ids=["named itself", "from an index"])
def test_a_manifest_under_the_digest_of_another_one_is_refused(whole):
    """The signature that is kept would be about the other one."""
    error = refused(whole.but(manifest_digest=B.kept.manifest_digest))
    assert error.what == "the kept manifest is another one than the evidence says"
    assert (error.expected, error.got) == (f"`{B.kept.manifest_digest}`", f"`{A.kept.manifest_digest}`")


def test_a_manifest_that_names_the_package_of_another_release_is_refused():
    error = refused(A.but(layer_digest=B.kept.layer_digest))
    assert error.what == "the kept manifest names another package than is kept"
    assert (error.expected, error.got) == (f"`{A.kept.layer_digest}`", f"`{B.kept.layer_digest}`")


@pytest.mark.parametrize(
    "change",
    [
        {"layers": [{"mediaType": "application/zip", "digest": str(LayerDigest.of(A.package)), "size": len(A.package)}]},
        {"layers": []},
        {"artifactType": "application/vnd.example", "config": {"mediaType": "x/y", "digest": f"sha256:{'0' * 64}", "size": 1}},
    ],
    ids=["media type", "no layer", "artifact type"],
)
def test_a_manifest_that_is_none_of_a_plugin_is_refused(change):
    with pytest.raises(NotAPluginError):
        judge(release(b"A", manifest=change).kept)


@pytest.mark.parametrize("number", [0, 56, 1_000_000])
def test_a_package_in_more_secrets_than_any_may_or_in_none_is_refused(number):
    """Whoever may edit evidence could name one Secret a million times."""
    with pytest.raises(DeliveryInvalidError, match="more Secrets than any may") as caught:
        package_layer(A.but(stored=replace(A.kept.stored, package=A.kept.stored.package * number)), platform=HERE, limits=LIMITS)
    assert (caught.value.expected, caught.value.got) == ("1 to 55 Secrets", f"{number}")


def test_a_package_in_as_many_secrets_as_any_may_passes():
    package_layer(A.but(stored=replace(A.kept.stored, package=A.kept.stored.package * 55)), platform=HERE, limits=LIMITS)


def test_a_package_that_the_manifest_does_not_name_is_refused():
    """It holds the very same files, and is as long."""
    at = A.package.index(b"PK\x01\x02") + 5
    another = A.package[:at] + bytes([A.package[at] ^ 1]) + A.package[at + 1 :]  # made by another system
    error = refused(A.kept, another)
    assert error.what == "the kept package is another one than the manifest names"
    assert (error.expected, error.got) == (f"`{A.kept.layer_digest.hex}`", f"`{LayerDigest.of(another).hex}`")


def test_a_package_of_another_size_than_the_manifest_says_is_refused():
    layer = {"mediaType": PLUGIN_LAYER_TYPE, "digest": str(LayerDigest.of(A.package))}
    wrong = release(b"A", manifest={"layers": [{**layer, "size": len(A.package) - 1}]})
    error = refused(wrong.kept)
    assert error.what == "the kept package has another size than the manifest says"
    assert (error.expected, error.got) == (f"`{len(A.package) - 1}`", f"`{len(A.package)}`")


def test_a_library_that_did_not_come_out_of_the_package_is_refused():
    error = refused(A.but(artifact_hash=B.kept.artifact_hash))
    assert error.what == "the package holds another library than is kept"
    assert (error.expected, error.got) == (f"`{A.kept.artifact_hash}`", f"`{B.kept.artifact_hash}`")


def test_a_library_that_is_called_otherwise_in_the_package_is_refused():
    error = refused(A.but(artifact_name="plugin.wasm"))
    assert error.what == "the package calls its library otherwise"
    assert (error.expected, error.got) == ("`plugin.so`", "`plugin.wasm`")


def test_a_descriptor_that_did_not_come_out_of_the_package_is_refused():
    other = build_descriptor() + b"\n# more\n"
    error = refused(A.but(descriptor=other))
    assert error.what == "the package holds another descriptor than is kept"
    assert (error.expected, error.got) == (f"`{ArtifactHash.of(A.kept.descriptor)}`", f"`{ArtifactHash.of(other)}`")


@pytest.mark.parametrize("signature", [B.kept.signature, None])
def test_a_signature_that_did_not_come_out_of_the_package_is_refused(signature):
    error = refused(A.but(signature=signature))
    assert error.what == "the package holds another signature than is kept"
    assert error.got == ("none" if signature is None else f"`{ArtifactHash.of(signature)}`")


def test_a_package_that_no_pull_would_open_is_refused():
    """The code that opens it is that of a pull."""
    package = build_package(artifact=build_elf() + b"A", extra_members=(Member(name=b"plugin.wasm", data=b"another library"),))
    layer = {"mediaType": PLUGIN_LAYER_TYPE, "digest": str(LayerDigest.of(package)), "size": len(package)}
    with pytest.raises(AmbiguousArtifactError):
        judge(release(b"A", manifest={"layers": [layer]}).but(layer_digest=LayerDigest.of(package)), package)


@pytest.mark.parametrize(
    "change",
    [
        {"index": None},
        {"index_digest": None},
        {"manifest": b"x"},
        {"manifest_digest": B.kept.manifest_digest},
        {"layer_digest": B.kept.layer_digest},
        {"platform": None},
        {"artifact_hash": B.kept.artifact_hash},
        {"artifact_name": "plugin.wasm"},
        {"descriptor": b"x"},
        {"signature": None},
        {"stored": replace(A.kept.stored, package=B.kept.stored.package)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_nothing_that_a_link_is_made_of_may_change_without_another_proof(change):
    assert fingerprint(INDEXED.but(**change), platform=HERE) != fingerprint(INDEXED.kept, platform=HERE)


def test_another_platform_needs_another_proof_and_another_plugin_of_the_release_does_not():
    said = fingerprint(INDEXED.kept, platform=HERE)
    assert fingerprint(INDEXED.kept, platform=Platform()) != said
    assert fingerprint(INDEXED.but(plugin="other", uid="o", version="9", source="elsewhere"), platform=HERE) == said
