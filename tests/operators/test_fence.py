"""Without the Lease nothing is written, and everything is read."""

import pytest

from mcpg_operator.resources import CONFIG_MAP, PLUGIN, PLUGIN_SET, REVOCATION_LIST, SECRET
from mcpg_operator.runtime.fence import FencedCluster
from supplychain.errors import ClusterUnavailableError
from tests.support.cluster_contract import MANAGER, ClusterContract, config_map, revocation_list
from tests.support.fake_cluster import FakeCluster


class TestContract(ClusterContract):
    @pytest.fixture
    def port(self):
        from mcpg_operator.resources import SERVICE_MONITOR

        cluster = FakeCluster()
        cluster.unserved.add(SERVICE_MONITOR)
        cluster.absent_namespaces.add("no-such-namespace-anywhere")
        return FencedCluster(cluster, lambda: True)

    @pytest.fixture
    def place(self):
        return "here"


@pytest.mark.parametrize(
    "write",
    [
        lambda port: port.apply(config_map("here", "a"), manager=MANAGER),
        lambda port: port.create(config_map("here", "b")),
        lambda port: port.replace(config_map("here", "a")),
        lambda port: port.delete(CONFIG_MAP, "a", namespace="here"),
        lambda port: port.apply_status(REVOCATION_LIST, "a", status={"observedRevocations": 1}, manager=MANAGER),
    ],
)
def test_no_write_passes_without_the_lease(write):
    cluster = FakeCluster()
    cluster.apply(config_map("here", "a"), manager=MANAGER)
    cluster.apply(revocation_list("a"), manager=MANAGER)
    before = len(cluster.writes)
    with pytest.raises(ClusterUnavailableError, match="Lease"):
        write(FencedCluster(cluster, lambda: False))
    assert len(cluster.writes) == before


def test_a_namespace_is_asked_and_written_alone():
    cluster = FakeCluster()
    for place in ("here", "there"):
        cluster.apply(config_map(place, "a"), manager=MANAGER)
        cluster.put(PLUGIN_SET, {"metadata": {"name": "a", "namespace": place}, "spec": {}})
    port = FencedCluster(cluster, lambda: True)
    assert [one.namespace for one in port.list(CONFIG_MAP, namespace="there")] == ["there"]
    assert [one.namespace for one in port.list_metadata(CONFIG_MAP, namespace="there")] == ["there"]
    port.apply_status(PLUGIN_SET, "a", namespace="there", status={"totalEntries": 1}, manager=MANAGER)
    statuses = {one.namespace: dict(one.status) for one in cluster.objects(PLUGIN_SET)}
    assert statuses == {"here": {}, "there": {"totalEntries": 1}}


def test_reads_pass_without_the_lease():
    cluster = FakeCluster()
    cluster.apply(config_map("here", "a"), manager=MANAGER)
    port = FencedCluster(cluster, lambda: False)
    assert port.get(CONFIG_MAP, "a", namespace="here") is not None
    assert [one.name for one in port.list(CONFIG_MAP)] == ["a"]
    assert list(port.list_metadata(SECRET)) == []
    assert port.served(PLUGIN)
