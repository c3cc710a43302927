"""The store: what was seen last, from two writers that do not undo each other."""

import threading

import pytest

from mcpg_operator.resources import PLUGIN, PLUGIN_SET, SECRET, Key, Resource
from mcpg_operator.runtime.store import Store


def plugin(name, version="1", **metadata):
    return Resource(PLUGIN, {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": version, **metadata}})


def secret(name, namespace):
    return Resource(SECRET, {"metadata": {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"}})


def names(store, kind=PLUGIN):
    return [one.name for one in store.list(kind)]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def told(store):
    told: list[tuple[str, ...]] = []
    store.subscribe(
        PLUGIN,
        lambda old, new: told.append(tuple(f"{one.name}@{one.resource_version}" if one else "-" for one in (old, new))),
    )
    return told


def test_it_gives_what_was_put_and_lists_by_namespace_and_name(store):
    for one in (secret("b", "x"), secret("a", "y"), secret("a", "x")):
        store.put(one)
    assert [(one.namespace, one.name) for one in store.list(SECRET)] == [("x", "a"), ("x", "b"), ("y", "a")]
    assert store.get(SECRET, "a", "y").namespace == "y"
    assert store.get(SECRET, "a") is None
    assert store.get(PLUGIN_SET, "a", "x") is None
    assert store.list(PLUGIN) == ()


def test_it_gives_the_keys_of_a_kind_alone(store):
    for one in (secret("b", "x"), plugin("p")):
        store.put(one)
    assert store.keys(SECRET) == (Key(SECRET, "b", "x"),)
    assert store.keys(PLUGIN_SET) == ()


def test_it_gives_one_object_after_the_other_as_of_now(store):
    for name in ("b", "a"):
        store.put(plugin(name))
    each = store.each(PLUGIN)
    store.remove(Key(PLUGIN, "b"))
    store.put(plugin("c"))
    assert [one.name for one in each] == ["a", "b"]
    assert next(each, None) is None


def test_managed_fields_are_not_kept_and_the_given_object_is_left_as_it_is(store):
    given = plugin("a", managedFields=[{"manager": "x"}])
    store.put(given)
    assert "managedFields" not in store.get(PLUGIN, "a").metadata
    assert "managedFields" in given.metadata
    store.replace(PLUGIN, [given])
    assert "managedFields" not in store.get(PLUGIN, "a").metadata


def test_only_a_full_list_makes_a_kind_synced(store):
    store.put(plugin("a"))
    assert not store.synced(PLUGIN)
    store.replace(PLUGIN, [])
    assert (store.synced(PLUGIN), store.synced(SECRET)) == (True, False)


def test_listeners_hear_old_and_new(store, told):
    store.put(plugin("a", "1"))
    store.put(plugin("a", "2"))
    store.remove(Key(PLUGIN, "a"))
    assert told == [("-", "a@1"), ("a@1", "a@2"), ("a@2", "-")]


def test_the_same_version_and_the_removal_of_nothing_are_no_news(store, told):
    store.put(plugin("a", "1"))
    store.put(plugin("a", "1"))
    store.replace(PLUGIN, [plugin("a", "1")])
    store.remove(Key(PLUGIN, "b"))
    assert told == [("-", "a@1")]


def test_an_object_without_a_version_or_with_another_uid_is_news(store, told):
    store.put(plugin("a", ""))
    store.put(plugin("a", ""))
    store.put(plugin("a", "1"))
    store.put(plugin("a", "1", uid="made anew"))
    assert len(told) == 4


def test_a_full_list_adds_changes_and_buries(store, told):
    store.replace(PLUGIN, [plugin("a"), plugin("b")])
    told.clear()
    store.replace(PLUGIN, [plugin("b", "2"), plugin("c")])
    assert names(store) == ["b", "c"]
    assert sorted(told) == [("-", "c@1"), ("a@1", "-"), ("b@1", "b@2")]


def test_a_full_list_of_one_namespace_buries_nothing_elsewhere(store):
    store.replace(SECRET, [secret("a", "x"), secret("a", "y")])
    store.replace(SECRET, [], "x")
    assert [one.namespace for one in store.list(SECRET)] == ["y"]


def test_a_list_that_began_before_an_event_does_not_undo_it(store):
    store.replace(PLUGIN, [plugin("changed", "1"), plugin("deleted", "1")])
    since = store.mark()
    store.put(plugin("changed", "3"))
    store.put(plugin("created", "4"))
    store.remove(Key(PLUGIN, "deleted"))
    store.replace(PLUGIN, [plugin("changed", "1"), plugin("deleted", "1"), plugin("other", "1")], since=since)
    assert names(store) == ["changed", "created", "other"]
    assert store.get(PLUGIN, "changed").resource_version == "3"


def test_a_list_that_began_after_an_event_counts_more(store):
    store.put(plugin("a", "3"))
    store.remove(Key(PLUGIN, "b"))
    store.replace(PLUGIN, [plugin("b", "1")], since=store.mark())
    assert names(store) == ["b"]
    store.replace(PLUGIN, [plugin("a", "1")])
    assert names(store) == ["a"]


def test_what_the_watch_said_is_forgotten_once_a_list_began_later(store):
    for number in range(10):
        store.put(plugin(str(number)))
        store.remove(Key(PLUGIN, str(number)))
    store.put(secret("a", "x"))
    store.replace(PLUGIN, [], since=store.mark())
    assert set(store._moved) == {Key(SECRET, "a", "x")}


def test_a_listener_that_fails_keeps_the_news_from_nobody(store, told, caplog):
    store._callbacks[PLUGIN].insert(0, lambda old, new: 1 / 0)
    store.put(plugin("a"))
    assert told == [("-", "a@1")]
    assert "a listener failed" in caplog.text


def test_a_listener_may_read_the_store(store):
    seen = []
    store.subscribe(PLUGIN, lambda old, new: seen.append(names(store)))
    store.put(plugin("a"))
    assert seen == [["a"]]


def test_many_threads_leave_a_whole_picture(store):
    def write(part):
        for number in range(200):
            store.put(plugin(f"{part}-{number}", str(number)))
            store.list(PLUGIN)
        for number in range(100):
            store.remove(Key(PLUGIN, f"{part}-{number}"))

    threads = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(names(store)) == 400


def mirrors(one):
    name = one.metadata.get("mirror")
    return () if name is None else (name,)


def found(store, value):
    return [one.name for one in store.find(PLUGIN, "mirror", value)]


def test_an_index_finds_what_says_a_value_and_follows_every_way_of_change(store):
    store.put(plugin("b", mirror="one"))
    store.index(PLUGIN, "mirror", mirrors)
    store.put(plugin("a", mirror="one"))
    store.put(plugin("c"))
    assert (found(store, "one"), found(store, "two")) == (["a", "b"], [])
    assert (store.count(PLUGIN, "mirror", "one"), store.values(PLUGIN, "mirror")) == (2, ("one",))
    store.put(plugin("a", "2", mirror="two"))
    assert (found(store, "one"), found(store, "two")) == (["b"], ["a"])
    store.remove(Key(PLUGIN, "b"))
    assert (found(store, "one"), store.values(PLUGIN, "mirror")) == ([], ("two",))
    store.replace(PLUGIN, [plugin("c", "2", mirror="two")])
    assert (found(store, "two"), store.count(PLUGIN, "mirror", "two")) == (["c"], 1)


def test_a_listener_finds_the_change_in_the_index(store):
    seen = []
    store.index(PLUGIN, "mirror", mirrors)
    store.subscribe(PLUGIN, lambda old, new: seen.append(found(store, "one")))
    store.put(plugin("a", mirror="one"))
    store.put(plugin("a", "2"))
    assert seen == [["a"], []]


def test_an_index_that_is_there_stays_and_an_object_that_did_not_change_keeps_its_place(store):
    store.index(PLUGIN, "mirror", mirrors)
    store.index(PLUGIN, "mirror", lambda _: ("another",))
    store.put(plugin("a", mirror="one"))
    store.put(plugin("a", mirror="two"))  # the same version: the store keeps what it has
    assert (found(store, "one"), found(store, "another")) == (["a"], [])
