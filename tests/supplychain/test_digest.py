"""Digests: four types that never mix."""

from __future__ import annotations

import hashlib

import pytest

from supplychain.digest import ArtifactHash, ConfigDigest, LayerDigest, ManifestDigest
from supplychain.errors import InvalidReferenceError

HEX = hashlib.sha256(b"abc").hexdigest()
ALL = (ArtifactHash, ConfigDigest, LayerDigest, ManifestDigest)


@pytest.mark.parametrize("kind", ALL)
def test_a_digest_is_computed_and_parsed_in_every_writing(kind: type[ArtifactHash]) -> None:
    assert kind.of(b"abc") == kind(HEX) == kind.parse(HEX) == kind.parse(f"sha256:{HEX}") == kind.parse(HEX.upper())
    assert kind.of(memoryview(b"abc")).hex == HEX


def test_an_artifact_hash_is_bare_and_the_others_are_prefixed() -> None:
    assert str(ArtifactHash(HEX)) == HEX
    assert {str(kind(HEX)) for kind in ALL[1:]} == {f"sha256:{HEX}"}


def test_digests_of_different_kinds_are_never_equal() -> None:
    assert len({kind(HEX) for kind in ALL}) == 4


@pytest.mark.parametrize(
    "text",
    ["", "abc", HEX[:-1], f"{HEX}0", f"{HEX}\n", f" {HEX}", f"sha512:{HEX}", f"sha256:sha256:{HEX}", "g" * 64, "\u0661" * 64],
)
def test_what_is_no_sha256_is_refused(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        ManifestDigest.parse(text)
    assert caught.value.expected == "64 lower-case hex characters"


def test_the_constructor_takes_lower_case_only() -> None:
    with pytest.raises(InvalidReferenceError):
        ArtifactHash(HEX.upper())


def test_digests_can_be_sorted_and_are_immutable() -> None:
    assert min(ArtifactHash("b" * 64), ArtifactHash("a" * 64)).hex == "a" * 64
    with pytest.raises(AttributeError):
        ArtifactHash(HEX).hex = "a" * 64  # type: ignore[misc]
