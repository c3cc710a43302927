"""The API server in memory behaves as the real one does, and bends where a test wants it to."""

import pytest

from mcpg_operator.resources import CONFIG_MAP, PLUGIN, SECRET, SERVICE_MONITOR, Key
from mcpg_operator.runtime.store import Store
from supplychain.errors import ClusterUnavailableError, ConflictError
from tests.support.cluster_contract import MANAGER, ClusterContract, config_map, secret
from tests.support.fake_cluster import FakeCluster


class TestContract(ClusterContract):
    @pytest.fixture
    def port(self):
        cluster = FakeCluster()
        cluster.unserved.add(SERVICE_MONITOR)
        cluster.absent_namespaces.add("no-such-namespace-anywhere")
        return cluster

    @pytest.fixture
    def place(self):
        return "here"


def test_a_fault_hits_the_named_method_and_kind_so_many_times():
    cluster = FakeCluster()
    cluster.fail_with(ClusterUnavailableError("down"), on="apply", kind=SECRET, times=1)
    cluster.apply(config_map("here", "a"), manager=MANAGER)
    with pytest.raises(ClusterUnavailableError):
        cluster.apply(secret("here", "a"), manager=MANAGER)
    cluster.apply(secret("here", "a"), manager=MANAGER)


def test_a_fault_of_everything_lasts_until_it_is_healed():
    cluster = FakeCluster()
    cluster.fail_with(ConflictError("busy"))
    for _ in range(2):
        with pytest.raises(ConflictError):
            cluster.get(SECRET, "a", namespace="here")
    cluster.heal()
    assert cluster.get(SECRET, "a", namespace="here") is None


def test_a_store_is_filled_and_kept_fed():
    cluster, store = FakeCluster(), Store()
    cluster.apply(config_map("here", "a"), manager=MANAGER)
    cluster.feed(store, CONFIG_MAP, PLUGIN)
    assert (store.synced(CONFIG_MAP), store.synced(PLUGIN), store.synced(SECRET)) == (True, True, False)
    cluster.apply(config_map("here", "b", {"k": "v"}), manager=MANAGER)
    cluster.apply(secret("here", "c"), manager=MANAGER)
    cluster.delete(CONFIG_MAP, "a", namespace="here")
    assert [one.name for one in store.list(CONFIG_MAP)] == ["b"]
    assert store.list(SECRET) == ()


def test_a_test_may_put_what_no_rule_allows():
    cluster = FakeCluster()
    put = cluster.put(PLUGIN, {"metadata": {"name": "Not A Name"}, "spec": 7, "status": {"x": None}})
    assert cluster.get(PLUGIN, "Not A Name") == put
    edited = cluster.edit(put.key, lambda body: body.update(spec="other"))
    assert (edited.generation, edited.uid) == (2, put.uid)


def test_what_has_a_finalizer_stays_until_it_is_gone():
    cluster = FakeCluster()
    cluster.put(CONFIG_MAP, config_map("here", "a", finalizers=["x/y"]))
    assert cluster.delete(CONFIG_MAP, "a", namespace="here")
    found = cluster.get(CONFIG_MAP, "a", namespace="here")
    assert found is not None
    assert found.deleting
    cluster.edit(found.key, lambda body: body["metadata"].pop("finalizers"))
    assert cluster.get(CONFIG_MAP, "a", namespace="here") is None


def test_the_garbage_collector_takes_what_has_no_owner_left():
    cluster = FakeCluster()
    owner = cluster.apply(config_map("here", "owner"), manager=MANAGER)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.uid}
    stale = {**reference, "uid": "gone"}
    cluster.apply(config_map("here", "owned", ownerReferences=[reference, stale]), manager=MANAGER)
    cluster.apply(config_map("here", "orphan", ownerReferences=[stale]), manager=MANAGER)
    assert cluster.collect_garbage() == [Key(CONFIG_MAP, "orphan", "here")]
    assert [one.name for one in cluster.objects(CONFIG_MAP)] == ["owned", "owner"]


def test_writes_are_remembered_with_whether_they_changed_anything():
    cluster = FakeCluster()
    for _ in range(2):
        cluster.apply(config_map("here", "a"), manager=MANAGER)
    cluster.delete(CONFIG_MAP, "a", namespace="here")
    assert [(one.verb, one.manager, one.changed) for one in cluster.writes] == [
        ("apply", MANAGER, True),
        ("apply", MANAGER, False),
        ("delete", "", True),
    ]


def test_what_a_test_gets_is_a_copy():
    cluster = FakeCluster()
    manifest = config_map("here", "a", {"k": "v"})
    cluster.apply(manifest, manager=MANAGER)
    manifest["data"]["k"] = "changed"
    [found] = cluster.objects(CONFIG_MAP)
    found.body["data"]["k"] = "changed"
    [again] = cluster.objects(CONFIG_MAP)
    assert again.data() == {"k": b"v"}
