"""Evidence is collected late, once, and completely before anything is refused."""

from __future__ import annotations

import pytest

from supplychain.artifact import EvidenceForm, EvidenceSet, Material
from supplychain.attached import AttachedEvidence
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    CosignSignatureMissingError,
    EvidenceLimitError,
    EvidenceUnsupportedError,
    RegistryUnavailableError,
    SignatureSourceMissingError,
    SupplyChainError,
)
from tests.support.scenario import MemorySource

DIGEST = ManifestDigest.of(b"manifest")
BUNDLE = Material(form=EvidenceForm.BUNDLE, data=b"bundle", where="referrer")
OLDER = Material(form=EvidenceForm.LEGACY_SIGNATURE, data=b"older", where="tag")


class Source(MemorySource):
    """Has an older object that is brought only where it is asked for."""

    def __init__(self, *, complete: bool) -> None:
        super().__init__()
        self.complete = complete
        self.asked: list[bool] = []

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        assert digest == DIGEST
        self.asked.append(thorough)
        return EvidenceSet(materials=(BUNDLE, OLDER) if thorough else (BUNDLE,), complete=self.complete or thorough)


def layer(*good: Material, error: type[SupplyChainError] = CosignSignatureMissingError):
    def judge(found: EvidenceSet) -> Material:
        for material in found.materials:
            if material in good:
                return material
        raise error("nothing counts")

    return judge


def attached(source: Source) -> AttachedEvidence:
    return AttachedEvidence(source, digest=DIGEST, where="a test")


def test_nothing_is_asked_before_a_layer_wants_to_know_and_then_once_for_all_layers():
    source = Source(complete=False)
    found = attached(source)
    assert source.asked == []
    assert found.judge(layer(BUNDLE)) == found.judge(layer(BUNDLE)) == BUNDLE
    assert source.asked == [False]


@pytest.mark.parametrize("error", [CosignSignatureMissingError, EvidenceUnsupportedError, EvidenceLimitError])
def test_before_a_refusal_everything_is_looked_for(error):
    source = Source(complete=False)
    found = attached(source)
    assert found.judge(layer(OLDER, error=error)) == OLDER
    assert found.judge(layer(BUNDLE)) == BUNDLE
    with pytest.raises(error):
        found.judge(layer(error=error))
    assert source.asked == [False, True]


def test_where_everything_was_looked_at_the_refusal_stands():
    source = Source(complete=True)
    with pytest.raises(CosignSignatureMissingError):
        attached(source).judge(layer(OLDER))
    assert source.asked == [False]


def test_a_layer_that_could_not_look_does_not_ask_for_more():
    source = Source(complete=False)
    with pytest.raises(RegistryUnavailableError):
        attached(source).judge(layer(error=RegistryUnavailableError))
    assert source.asked == [False]


def test_without_a_manifest_there_is_nothing_that_could_be_signed():
    with pytest.raises(SignatureSourceMissingError) as caught:
        AttachedEvidence(Source(complete=True), digest=None, where="a file").judge(layer(BUNDLE))
    assert caught.value.where == "a file"
