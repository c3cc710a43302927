"""Without the Lease nothing is written, and everything is read."""

import pytest

from mcpg_operator.resources import CONFIG_MAP, PLUGIN, REVOCATION_LIST, SECRET
from mcpg_operator.runtime.fence import FencedCluster
from supplychain.errors import ClusterUnavailableError
from tests.support.cluster_contract import MANAGER, ClusterContract, config_map, revocation_list
from tests.support.fake_cluster import FakeCluster


class TestContract(ClusterContract):
    @pytest.fixture
    def port(self):
        from mcpg_operator.resources import GATEWAY

        cluster = FakeCluster()
        cluster.unserved.add(GATEWAY)
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


def test_reads_pass_without_the_lease():
    cluster = FakeCluster()
    cluster.apply(config_map("here", "a"), manager=MANAGER)
    port = FencedCluster(cluster, lambda: False)
    assert port.get(CONFIG_MAP, "a", namespace="here") is not None
    assert [one.name for one in port.list(CONFIG_MAP)] == ["a"]
    assert list(port.list_metadata(SECRET)) == []
    assert port.served(PLUGIN)
