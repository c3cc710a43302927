"""A source that is asked once: the same bytes and errors for everybody, and nothing left open."""

from __future__ import annotations

from typing import Any

import pytest

from supplychain.artifact import Platform
from supplychain.carry.once import OnceSource
from supplychain.digest import LayerDigest
from supplychain.errors import NotFoundError, RegistryUnavailableError
from tests.support.scenario import MANIFEST, MemorySource

LINUX, ARM = Platform(), Platform(architecture="arm64")


class Counting(MemorySource):
    pulls = 0

    def pull(self, *, platform: Platform) -> Any:
        self.pulls += 1
        return super().pull(platform=platform)


def test_a_package_is_pulled_once_and_handed_out_to_be_closed_each_time() -> None:
    inner = Counting()
    with OnceSource(inner) as source:
        first = source.pull(platform=LINUX)
        assert bytes(first.package.view) == inner.package
        first.package.close()
        second = source.pull(platform=LINUX)
        assert bytes(second.package.view) == inner.package
        assert (second.package.sha256, second.layer_digest) == (first.package.sha256, LayerDigest(second.package.sha256))
        assert inner.pulls == 1
        source.pull(platform=ARM).package.close()
        assert inner.pulls == 2
        second.package.close()
    assert all(one.file.closed for one in inner.spools)


def test_what_it_handed_out_stays_usable_when_it_is_closed() -> None:
    inner = Counting()
    with OnceSource(inner) as source:
        found = source.pull(platform=LINUX)
    assert bytes(found.package.view) == inner.package
    found.package.close()


def test_an_error_is_remembered_and_raised_again() -> None:
    inner = Counting(pull_error=RegistryUnavailableError("away"), evidence_error=NotFoundError("none"))
    with OnceSource(inner) as source:
        for _ in range(2):
            with pytest.raises(RegistryUnavailableError):
                source.pull(platform=LINUX)
            with pytest.raises(NotFoundError):
                source.evidence(MANIFEST)
    assert (inner.pulls, inner.evidence_calls) == (1, 1)


def test_a_defect_is_not_remembered_as_an_answer() -> None:
    inner = Counting(pull_error=ZeroDivisionError())
    with OnceSource(inner) as source:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                source.pull(platform=LINUX)
    assert inner.pulls == 2


def test_evidence_is_collected_once_for_each_thoroughness() -> None:
    inner = Counting()
    with OnceSource(inner) as source:
        found = [source.evidence(MANIFEST, thorough=thorough) for thorough in (False, True, False, True)]
    assert inner.evidence_calls == 2
    assert found == [inner.attached] * 4


def test_what_comes_opened_shares_its_library() -> None:
    from dataclasses import replace

    from supplychain.limits import Limits
    from supplychain.package import unpack
    from supplychain.spool import Spool

    zipped = Spool.of(MemorySource().package)
    package = unpack(zipped, limits=Limits())

    class Opened(MemorySource):
        def pull(self, *, platform: Platform) -> Any:
            pulled = super().pull(platform=platform)
            pulled.package.close()
            return replace(pulled, package=package.artifact, opened=package)

    with zipped, OnceSource(Opened()) as source:
        for _ in range(2):
            found = source.pull(platform=LINUX)
            assert found.opened is not None
            assert found.opened.artifact is found.package
            assert found.package.sha256 == package.artifact_hash.hex
            found.package.close()
