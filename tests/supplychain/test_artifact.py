"""Values on the way: what they print, and that they hold still."""

from __future__ import annotations

import dataclasses

import pytest

from supplychain.artifact import EvidenceForm, EvidenceSet, Material, Platform
from supplychain.identity import SignerIdentity
from supplychain.limits import Limits


def test_a_platform_prints_as_it_is_written_on_the_command_line() -> None:
    assert str(Platform()) == "linux/amd64"
    assert str(Platform(os="linux", architecture="arm64", libc="musl")) == "linux/arm64/musl"


def test_an_evidence_set_is_empty_and_whole_by_default() -> None:
    assert (EvidenceSet().materials, EvidenceSet().skipped, EvidenceSet().truncated) == ((), (), False)


def test_material_has_no_annotations_by_default() -> None:
    assert Material(form=EvidenceForm.BUNDLE, data=b"{}", where="x").annotations == {}


def test_values_are_immutable() -> None:
    for value in (Platform(), EvidenceSet(), Limits(), SignerIdentity(subject="s", subject_kind="uri", issuer="i")):
        name = dataclasses.fields(value)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)


def test_the_default_limits_are_the_advised_ones() -> None:
    limits = Limits()
    mebibyte = 1024 * 1024
    assert (limits.package, limits.artifact, limits.licence) == (256 * mebibyte, 512 * mebibyte, mebibyte)
    assert (limits.descriptor, limits.inflate_ratio) == (256 * 1024, 200)
