"""Somebody who may write Secrets pairs the evidence of one release with the bytes of another; both bear the publisher's signature.

cosign speaks of the manifest and provenance, which would name the library, is not asked for. The API server is a real one, and the
registry is away while the next process judges what is kept.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.keeping.evidence import decode, encode
from mcpg_operator.resources import SECRET
from tests.e2e.world import payload
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster.publishing import make_release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.keeping import KeptPlugin
    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.testdata.release import Release


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A release as the operator kept it, with every Secret that its evidence speaks of."""

    record: KeptPlugin
    secrets: tuple[Mapping[str, Any], ...]


def library_of(manifest: KeptPlugin, bytes_of: KeptPlugin) -> KeptPlugin:
    """What a gateway gets is of one release; package, manifest and signatures are of the other."""
    stored = replace(bytes_of.stored, package=manifest.stored.package)
    return replace(
        manifest,
        descriptor=bytes_of.descriptor,
        signature=bytes_of.signature,
        artifact_hash=bytes_of.artifact_hash,
        stored=stored,
    )


def package_of(manifest: KeptPlugin, bytes_of: KeptPlugin) -> KeptPlugin:
    """The package as well, under its own digest."""
    mixed = library_of(manifest, bytes_of)
    return replace(mixed, stored=bytes_of.stored, layer_digest=bytes_of.layer_digest)


def digest_of(manifest: KeptPlugin, bytes_of: KeptPlugin) -> KeptPlugin:
    """All but the digest that the signatures are about."""
    return replace(bytes_of, manifest_digest=manifest.manifest_digest, evidence=manifest.evidence)


MIXES: dict[str, tuple[Callable[[KeptPlugin, KeptPlugin], KeptPlugin], str]] = {
    "library": (library_of, "the package holds another library than is kept"),
    "package": (package_of, "the kept manifest names another package than is kept"),
    "digest": (digest_of, "the kept manifest is another one than the evidence says"),
}
CASES = [f"{mix}-{way}" for mix in MIXES for way in ("old", "new")]
"""Which bytes stand beside the manifest of the other release."""


@pytest.fixture(scope="module")
def mixed(world: World, operator: OperatorProcess) -> dict[str, Release]:
    """Every plugin was verified with its old and then with its new release; then the evidence was forged, and nobody can be asked."""
    old = {name: release_kept(world, name, b"old") for name in CASES}
    current = {name: make(name, b"new") for name in CASES}
    new = {name: release_kept(world, name, b"new") for name in CASES}
    world.add_set(world.namespace("mixed"), "main", *CASES)
    world.set_ready("mixed", "main")
    operator.stop()
    world.gate.shut()  # for good: it is this module's own
    for name in CASES:
        mix, way = name.split("-")
        bytes_of, manifest = (old[name], new[name]) if way == "old" else (new[name], old[name])
        for one in (*old[name].secrets, *new[name].secrets):
            world.create_before_it_comes_back(one)
        forge(world, MIXES[mix][0](manifest.record, bytes_of.record))
    operator.start()
    operator.wait_until_ready()
    return current


def make(name: str, build: bytes) -> Release:
    release = make_release(name)
    del release.spec["trust"]["slsaProvenance"]
    release.library += build
    return release


def release_kept(world: World, name: str, build: bytes) -> Kept:
    """Publish a build under the plugin's tag, and wait until it is verified."""
    release = make(name, build)
    published = world.publish(name, release)
    world.install(name, published, image=published.tagged)
    world.until(lambda: world.status(name).get("resolvedDigest") == release.artifact_hash, what=f"`{name}` to be {build!r}")
    assert world.ready(name)["cosignVerified"] is True
    record = decode(payload(world.secret(world.status(name)["evidenceSecretName"])))
    names = {*record.stored.digests, *(one for one, _ in record.stored.package)}
    return Kept(record=record, secrets=tuple(bare(world.secret(one)) for one in names))


def bare(secret: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret as it can be created again."""
    metadata = {
        key: secret["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in secret["metadata"]
    }
    return {"apiVersion": "v1", "kind": "Secret", **secret, "metadata": metadata}


def forge(world: World, record: KeptPlugin) -> None:
    """Edit the evidence as its author would write it: what it speaks of is named outside of it, too."""
    data = {key: base64.b64encode(value).decode() for key, value in encode(record).items()}
    notes = {"mcpg.dev/stored": record.stored.secret, "mcpg.dev/shards": ",".join(name for name, _ in record.stored.package)}
    change = {"data": data, "metadata": {"annotations": notes}}
    world.api.merge(SECRET, f"mcpg-evidence-{record.plugin}", change, namespace=HOME)


@pytest.mark.parametrize("name", CASES)
def test_a_mix_of_two_releases_is_never_verified_and_says_which_link_is_broken(
    world: World, mixed: dict[str, Release], name: str
) -> None:
    world.refused(name, "DeliveryInvalid")
    status, reason, message = world.said(name, "Verified")
    assert (status, reason) == ("Unknown", "DeliveryInvalid")  # nobody could look, and what is kept proves nothing
    assert MIXES[name.partition("-")[0]][1] in message
    assert "expected `" in message
    assert ", got `" in message
    assert world.said(name)[:2] == ("False", "PullFailed")
    assert world.said(name, "Pulled")[0] == "False"
    assert "artefactSecretName" not in world.status(name)
    entry = world.resolved("mixed", "main")[f"dev.acme.{name}"]
    assert entry["resolvedDigest"] == mixed[name].artifact_hash  # the set holds still


def test_a_registry_that_answers_sets_everything_right_again(world: World, mixed: dict[str, Release]) -> None:
    world.gate.open()
    for name in CASES:
        assert world.ready(name, seconds=60)["resolvedDigest"] == mixed[name].artifact_hash
        assert world.library(name) == mixed[name].library
