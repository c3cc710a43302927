"""One cluster for all tests here: a test makes namespaces of its own and leaves none of its objects behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.world import World
from tests.support.cluster import RunningCluster, definitions, rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.registries import RunningRegistries


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    """A control plane with the shipped definitions and rights, and no operator."""
    with RunningCluster.running(tmp_path_factory.mktemp("cluster"), definitions=definitions()) as running:
        running.api.apply(rights())
        yield running


@pytest.fixture(scope="module")
def world(cluster: RunningCluster, registries: RunningRegistries) -> Iterator[World]:
    """What the scenarios of one module share; nothing of it is left for the next."""
    world = World(cluster, registries)
    try:
        yield world
    finally:
        world.close()


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[OperatorProcess]:
    """The operator as a process of its own with a real token, for the scenarios of one module."""
    with world.operator() as process:
        yield process
        defects = process.defects()
    assert not defects, defects[:3]
