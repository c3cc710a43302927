"""A kept plugin as a source: what is handed out, what is proven before, and which Secrets its evidence may speak of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.keeping import KeptSource
from mcpg_operator.keeping.secrets import evidence_secret, plugin_secret, plugin_secret_name
from mcpg_operator.keeping.source import compare, description
from mcpg_operator.ledger import Stored
from supplychain.artifact import EvidenceSet, Platform
from supplychain.delivery import Shard, StoredPlugin
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.errors import DeliveryInvalidError, NotFoundError
from supplychain.spool import Spool
from tests.operators.plugin.test_decide import kept as bare
from tests.support.builders import build_descriptor

if TYPE_CHECKING:
    from mcpg_operator.keeping.kept import KeptPlugin

LIBRARY = b"library"
PLATFORM = Platform(os="linux", architecture="amd64", libc="gnu")
INDEX = "d" * 64
NAME = plugin_secret_name("echo", INDEX[:32])
PIECES = (Shard(size=1, sha256="1" * 64), Shard(size=1, sha256="2" * 64))
SHARDS = {one.name: one.sha256 for one in PIECES}


def kept(**changes: Any) -> KeptPlugin:
    whole = bare(
        index_digest=ManifestDigest.of(b"index"),
        index=b"index",
        manifest_digest=ManifestDigest.of(b"manifest"),
        manifest=b"manifest",
        layer_digest=LayerDigest.of(b"layer"),
        platform=PLATFORM,
        descriptor=build_descriptor(),
        signature=b"s" * 64,
        artifact_hash=ArtifactHash.of(LIBRARY),
        stored=Stored(secret=NAME, digests={NAME: INDEX, **SHARDS}, size=len(LIBRARY)),
        evidence=EvidenceSet(materials=(), skipped=(), truncated=False),
    )
    return replace(whole, **changes)


def source(found: KeptPlugin, library: bytes = LIBRARY, asked: list[Platform] | None = None) -> KeptSource:
    proven = [] if asked is None else asked
    return KeptSource(kept=found, proof=proven.append, library=lambda: Spool.of(library), tag="1.2.3")


def test_a_pull_hands_out_all_that_is_kept_with_the_tag_that_is_asked_for():
    found, asked = kept(), list[Platform]()
    pulled = source(found, asked=asked).pull(platform=PLATFORM)
    with pulled.package:
        assert asked == [PLATFORM]
        assert (pulled.index_digest, pulled.index) == (found.index_digest, b"index")
        assert (pulled.manifest_digest, pulled.manifest) == (found.manifest_digest, b"manifest")
        assert (pulled.layer_digest, pulled.platform, pulled.tag) == (found.layer_digest, PLATFORM, "1.2.3")
        assert pulled.opened is not None
        assert (pulled.opened.descriptor_bytes, pulled.opened.signature) == (found.descriptor, found.signature)
        assert (pulled.opened.artifact_hash, pulled.opened.artifact_name) == (found.artifact_hash, "plugin.so")


def test_nothing_is_handed_out_that_does_not_belong_together():
    def refused(platform: Platform) -> None:
        raise DeliveryInvalidError(f"not for {platform.os}")

    with pytest.raises(DeliveryInvalidError, match="not for linux"):
        KeptSource(kept=kept(), proof=refused, library=lambda: Spool.of(LIBRARY), tag=None).pull(platform=PLATFORM)


def test_another_library_is_refused():
    with pytest.raises(DeliveryInvalidError, match="another library"):
        source(kept(), b"another").pull(platform=PLATFORM)


def test_evidence_is_given_about_the_manifest_that_it_was_found_for_and_no_other():
    found = kept()
    assert source(found).evidence(found.manifest_digest, thorough=True) is found.evidence
    with pytest.raises(NotFoundError):
        source(found).evidence(ManifestDigest.of(b"another"))
    with pytest.raises(NotFoundError):
        source(replace(found, evidence=None)).evidence(found.manifest_digest)


def test_a_description_names_the_bytes_and_every_shard_but_not_the_plugin():
    found = kept()
    digest, shards, *_ = description(found)
    assert (digest, shards) == (INDEX, frozenset(SHARDS.items()))
    other = plugin_secret_name("other", INDEX[:32])
    twin = replace(found, plugin="other", stored=replace(found.stored, secret=other, digests={other: INDEX, **SHARDS}))
    assert description(twin) == description(found)


@pytest.mark.parametrize(
    "stored",
    [
        Stored(secret="mcpg-plugin-other", digests={"mcpg-plugin-other": INDEX}, size=7),
        Stored(secret=plugin_secret_name("other", INDEX[:32]), digests={plugin_secret_name("other", INDEX[:32]): INDEX}, size=7),
        Stored(secret=NAME, digests={NAME: "e" * 64}, size=7),
        Stored(secret=NAME, digests={}, size=7),
    ],
)
def test_evidence_may_name_no_secret_but_that_of_its_plugin_and_content(stored):
    with pytest.raises(DeliveryInvalidError, match="does not speak of"):
        description(kept(stored=stored))


def opened(**changes: Any) -> StoredPlugin:
    found = kept()
    whole = StoredPlugin(
        artifact_name="plugin.so",
        size=len(LIBRARY),
        sha256=found.artifact_hash.hex,
        descriptor=found.descriptor,
        signature=found.signature,
        content="",
        shards=PIECES,
        read=lambda: iter(()),
    )
    return replace(whole, **changes)


@pytest.mark.parametrize(
    "change",
    [
        {"shards": ()},
        {"size": 8},
        {"sha256": "0" * 64},
        {"descriptor": b"other"},
        {"signature": None},
        {"artifact_name": "plugin.wasm"},
    ],
)
def test_what_is_stored_is_held_to_every_word_of_the_evidence(change):
    compare(kept(), opened())
    with pytest.raises(DeliveryInvalidError, match="does not speak of"):
        compare(kept(), opened(**change))


# --- how the Secrets look


def test_the_secret_of_a_plugin_is_found_by_labels_and_read_by_annotations():
    texts = {"plugin": "dev.example.echo", "version": "1.2.3", "digest": "a" * 64, "manifest-digest": "sha256:" + "b" * 64}
    made = plugin_secret("echo", namespace="home", suffix="x", data={}, shards=(), texts=texts)
    assert made["metadata"]["labels"]["mcpg.dev/plugin"] == "dev-example-echo"
    assert made["metadata"]["annotations"] == {
        "mcpg.dev/plugin-object": "echo",
        **{f"mcpg.dev/{key}": value for key, value in texts.items()},
    }
    sharded = plugin_secret("echo", namespace="home", suffix="x", data={}, shards=("s1", "s2"), texts=texts)
    assert sharded["metadata"]["annotations"]["mcpg.dev/shards"] == "s1,s2"


def test_evidence_names_the_bytes_and_each_shard_of_the_package_once():
    made = evidence_secret("echo", namespace="home", stored="x", shards=("s1", "s2", "s1"), data={})
    assert made["metadata"]["annotations"] == {
        "mcpg.dev/plugin-object": "echo",
        "mcpg.dev/stored": "x",
        "mcpg.dev/shards": "s1,s2",
    }
    assert "immutable" not in made
