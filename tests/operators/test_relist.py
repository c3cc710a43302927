"""Full lists: what they find, what they bury, and when they are made."""

import threading
import time
from typing import TYPE_CHECKING

import pytest

from mcpg_operator.resources import CONFIG_MAP, GATEWAY, PLUGIN, SECRET, Key, Resource
from mcpg_operator.runtime.relist import Relist
from mcpg_operator.runtime.store import Store
from mcpg_operator.runtime.watching import Watched
from supplychain.errors import ClusterUnavailableError
from tests.support.cluster_contract import MANAGER, config_map, secret
from tests.support.fake_cluster import FakeCluster

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGETS = (
    Watched(kind=CONFIG_MAP, namespace="home"),
    Watched(kind=SECRET, namespace="home", fields="type!=mcpg.dev/plugin"),
    Watched(kind=GATEWAY, optional=True),
)


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.unserved.add(GATEWAY)
    return cluster


@pytest.fixture
def store():
    return Store()


def relist(cluster, store, **options):
    return Relist(cluster, store, TARGETS, **{"interval": 3600, "debounce": 0.001, **options})


def rounds(cluster):
    return sum(1 for verb, kind, _ in cluster.reads if (verb, kind) == ("list", CONFIG_MAP))


def until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_round_lists_every_target_in_its_scope(cluster, store):
    for place in ("home", "elsewhere"):
        cluster.apply(config_map(place, "a"), manager=MANAGER)
    cluster.apply(secret("home", "plain"), manager=MANAGER)
    cluster.apply(secret("home", "bulky", type="mcpg.dev/plugin"), manager=MANAGER)
    one = relist(cluster, store)
    assert not one.synced
    assert one.round()
    assert [found.key for kind in (CONFIG_MAP, SECRET) for found in store.list(kind)] == [
        Key(CONFIG_MAP, "a", "home"),
        Key(SECRET, "plain", "home"),
    ]
    assert one.synced


def test_what_was_deleted_while_nobody_watched_is_buried(cluster, store):
    cluster.apply(config_map("home", "a"), manager=MANAGER)
    one = relist(cluster, store)
    one.round()
    told = []
    store.subscribe(CONFIG_MAP, lambda old, new: told.append((old and old.name, new)))
    cluster.remove(Key(CONFIG_MAP, "a", "home"))
    one.round()
    assert told == [("a", None)]


def test_an_event_during_the_list_is_newer_than_the_list(cluster, store):
    cluster.apply(config_map("home", "a"), manager=MANAGER)
    listed = cluster.list

    def slow(kind, **scope):
        found = listed(kind, **scope)
        if kind == CONFIG_MAP:
            store.remove(Key(CONFIG_MAP, "a", "home"))
            store.put(Resource(CONFIG_MAP, config_map("home", "b")))
        return found

    cluster.list = slow
    relist(cluster, store).round()
    assert [found.name for found in store.list(CONFIG_MAP)] == ["b"]


def test_a_kind_that_cannot_be_listed_is_not_synced_and_buries_nothing(cluster, store, caplog):
    cluster.apply(config_map("home", "a"), manager=MANAGER)
    one = relist(cluster, store)
    one.round()
    cluster.fail_with(ClusterUnavailableError("down"), on="list", kind=CONFIG_MAP)
    assert not one.round()
    assert [found.name for found in store.list(CONFIG_MAP)] == ["a"]
    assert "ConfigMap could not be listed: down" in caplog.text
    fresh = Store()
    assert not relist(cluster, fresh).round()
    assert (fresh.synced(CONFIG_MAP), fresh.synced(SECRET)) == (False, True)


def test_an_optional_kind_that_is_not_served_counts_as_empty(cluster, store):
    served: list[Sequence[Watched]] = []
    one = relist(cluster, store, served=served.append)
    one.round()
    assert store.synced(GATEWAY)
    cluster.unserved.clear()
    cluster.put(GATEWAY, {"metadata": {"name": "g", "namespace": "x"}})
    one.round()
    assert [found.name for found in store.list(GATEWAY)] == ["g"]
    cluster.unserved.add(GATEWAY)
    one.round()
    assert store.list(GATEWAY) == ()
    assert [[target.kind for target in round_] for round_ in served] == [
        [CONFIG_MAP, SECRET],
        [CONFIG_MAP, SECRET, GATEWAY],
        [CONFIG_MAP, SECRET],
    ]


def test_whether_a_kind_is_served_stays_open_while_nobody_answers(cluster, store):
    served: list[Sequence[Watched]] = []
    cluster.fail_with(ClusterUnavailableError("down"), on="served")
    relist(cluster, store, served=served.append).round()
    assert GATEWAY in {target.kind for target in served[0]}
    assert not store.synced(GATEWAY)


def test_the_thread_begins_with_a_round_and_makes_another_when_asked(cluster, store):
    one = relist(cluster, store)
    one.start()
    until(lambda: one.synced)
    assert (one.alive, rounds(cluster)) == (True, 1)
    one.soon()
    until(lambda: rounds(cluster) == 2)
    assert one.stop(20)
    assert not one.alive


def test_the_interval_brings_rounds_by_itself(cluster, store):
    one = relist(cluster, store, interval=0.005)
    one.start()
    until(lambda: rounds(cluster) > 3)
    assert one.stop(20)


def test_wishes_close_together_are_one_round(cluster, store):
    one = relist(cluster, store, debounce=0.2)
    one.start()
    until(lambda: one.synced)
    for _ in range(50):
        one.soon()
    until(lambda: rounds(cluster) == 2)
    assert one.stop(20)
    assert rounds(cluster) == 2


def test_after_a_failure_it_tries_again_soon(cluster, store, monkeypatch):
    monkeypatch.setattr("mcpg_operator.runtime.relist._PAUSES", (0.001, 0.002))
    cluster.fail_with(ClusterUnavailableError("down"), on="list", times=7)
    one = relist(cluster, store)
    one.start()
    until(lambda: one.synced)
    assert one.stop(20)


def test_wishes_without_end_do_not_keep_it_from_listing(cluster, store):
    one = relist(cluster, store)
    one.start()
    stop = threading.Event()

    def wish():
        while not stop.wait(0.0005):
            one.soon()

    wishing = threading.Thread(target=wish)
    wishing.start()
    until(lambda: rounds(cluster) > 3)
    stop.set()
    wishing.join(20)
    assert one.stop(20)


def test_a_thread_that_was_never_started_stops(cluster, store):
    assert relist(cluster, store).stop(1)
    assert store.list(PLUGIN) == ()
