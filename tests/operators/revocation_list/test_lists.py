"""The controller of revocation lists over a cluster in memory."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from mcpg_operator.controllers.revocation_list import RevocationListReconciler
from mcpg_operator.ledger import Standing
from mcpg_operator.names import MANAGER
from mcpg_operator.resources import CONFIG_MAP, EVENT, GATEWAY, PLUGIN, REVOCATION_LIST, Key
from mcpg_operator.revocations import CLUSTER_DEFAULT, KEPT, LIST, in_force, read_kept
from mcpg_operator.services import Outcome, Result
from mcpg_operator.settings import Settings
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError
from supplychain.revocation import parse_revocation_list
from tests.operators.world import NAMESPACE, World, body, edited

A, B, C = "a" * 64, "b" * 64, "c" * 64
COPY = "mcpg-revocation-list"
KEPT_KEY = Key(CONFIG_MAP, KEPT, NAMESPACE)
FOREIGN = {"data": {"revocations.json": "mine"}}


def entries(*libraries: str) -> list[dict[str, str]]:
    return [{"artifactSha256": one, "reason": "stolen key"} for one in libraries]


def spec(*libraries: str) -> dict[str, Any]:
    return {"version": 1, "revocations": entries(*libraries)}


class Lists:
    """A world with the controller in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reconciler = RevocationListReconciler(world.services())

    def run(self, key: Key = CLUSTER_DEFAULT) -> Result:
        self.world.later(2)
        return self.reconciler.reconcile(key)

    def restart(self, *without: Any) -> Lists:
        return Lists(self.world.restarted().watch(*without))

    def edit(self, *libraries: str) -> None:
        self.world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=entries(*libraries)))

    def copy(self, namespace: str) -> set[str] | None:
        found = self.world.cluster.get(CONFIG_MAP, COPY, namespace=namespace)
        if found is None:
            return None
        return set(parse_revocation_list(found.body["data"]["revocations.json"].encode(), name="copy").entries)

    def kept(self) -> set[str] | None:
        found = self.world.cluster.get(CONFIG_MAP, KEPT, namespace=NAMESPACE)
        return None if found is None else set(read_kept(found).entries)

    def in_force(self) -> set[str]:
        found = in_force(self.world.services())
        assert found is not None
        return {one for each in found.lists for one in each.entries}

    @property
    def status(self) -> Any:
        return self.world.status(*CLUSTER_DEFAULT)

    @property
    def message(self) -> str:
        (ready,) = self.status["conditions"]
        return str(ready["message"])

    @property
    def ready(self) -> tuple[str, str]:
        return self.world.ready(*CLUSTER_DEFAULT)


def gateway(world: World, namespace: str, name: str = "gateway") -> None:
    world.cluster.put(GATEWAY, body(name, {}, namespace=namespace))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def lists(world: World) -> Lists:
    """One revocation, and gateways in two namespaces."""
    world.cluster.put(REVOCATION_LIST, body(LIST, spec(A)))
    gateway(world, "shop")
    gateway(world, "bank")
    return Lists(world.watch())


# -- the first time ---------------------------------------------------------------------------------------------------------------


def test_a_new_cluster_gets_an_empty_list(world):
    lists = Lists(world.watch())
    assert lists.run().changed is True
    found = world.cluster.get(REVOCATION_LIST, LIST)
    assert found is not None
    assert found.spec == {"version": 1, "revocations": []}
    lists.run()
    assert lists.ready == ("True", "Reconciled")
    assert lists.kept() == set()


def test_the_first_pass_is_due_whether_there_is_a_list_or_not(lists):
    assert lists.reconciler.first == (CLUSTER_DEFAULT,)


def test_nothing_is_created_before_the_first_full_look(world):
    for without in (REVOCATION_LIST, CONFIG_MAP, GATEWAY):
        fresh = Lists(World().watch(without))
        assert fresh.run() == Result(after=1)
        assert fresh.world.cluster.writes == []


def test_nothing_is_created_where_the_store_lags_behind(world):
    lists = Lists(world.watch())
    world.cluster._watchers.clear()
    world.cluster.put(REVOCATION_LIST, body(LIST, spec(A)))
    assert lists.run() == Result(after=1)
    assert world.status(*CLUSTER_DEFAULT) == {}


def test_nothing_is_created_where_kept_entries_are_not_seen_yet(world):
    lists = Lists(world.watch())
    world.cluster._watchers.clear()
    world.cluster.put(CONFIG_MAP, body(KEPT, namespace=NAMESPACE))
    assert lists.run() == Result(after=1)
    assert world.cluster.objects(REVOCATION_LIST) == []


def test_somebody_who_creates_the_list_at_the_same_moment_wins(world):
    lists = Lists(world.watch())
    world.cluster.fail_with(ConflictError("it exists"), on="create", kind=REVOCATION_LIST, times=1)
    assert lists.run().outcome is Outcome.SUCCESS
    assert world.cluster.objects(REVOCATION_LIST) == []


def test_a_missing_right_to_create_the_list_is_raised(world):
    lists = Lists(world.watch())
    world.cluster.fail_with(ApplyForbiddenError("may not create"), on="create", kind=REVOCATION_LIST)
    with pytest.raises(ApplyForbiddenError):
        lists.run()


# -- the list at work -------------------------------------------------------------------------------------------------------------


def test_a_list_reaches_every_namespace_with_a_gateway(lists):
    result = lists.run()
    assert (lists.copy("shop"), lists.copy("bank"), lists.kept()) == ({A}, {A}, {A})
    assert lists.ready == ("True", "Reconciled")
    assert lists.status["observedRevocations"] == 1
    assert lists.status["materialisedNamespaces"] == 2
    assert lists.status["pluginsBlocked"] == []
    assert lists.world.events() == [("Normal", "Materialised")]
    assert (result.outcome, result.after, result.changed) == (Outcome.SUCCESS, 60, True)


def test_the_hash_in_the_status_is_that_of_every_copy(lists):
    lists.run()
    for namespace in ("shop", "bank"):
        found = lists.world.cluster.get(CONFIG_MAP, COPY, namespace=namespace)
        assert found.annotations["mcpg.dev/content-hash"] == lists.status["contentHash"]


def test_no_copy_is_made_where_there_is_no_gateway(lists):
    lists.run()
    assert {one.namespace for one in lists.world.cluster.objects(CONFIG_MAP)} == {"shop", "bank", NAMESPACE}


def test_where_gateways_are_not_served_there_are_no_copies(world):
    world.cluster.put(REVOCATION_LIST, body(LIST, spec(A)))
    world.cluster.unserved.add(GATEWAY)
    lists = Lists(world.watch(GATEWAY))
    lists.run()
    assert lists.ready == ("True", "Reconciled")
    assert lists.status["materialisedNamespaces"] == 0


def test_copies_stay_where_gateways_are_not_served_for_a_while(lists):
    lists.run()
    lists.world.cluster.unserved.add(GATEWAY)
    after = lists.restart(GATEWAY)
    after.run()
    assert after.copy("shop") == {A}


def test_an_edit_reaches_everybody_and_is_told(lists):
    lists.run()
    lists.edit(A, B)
    lists.run()
    assert (lists.copy("shop"), lists.kept()) == ({A, B}, {A, B})
    assert lists.status["observedRevocations"] == 2
    assert lists.world.events() == [("Normal", "Materialised")] * 2


def test_what_outlives_the_list_is_written_before_anything_says_so(lists):
    lists.run()
    lists.edit(A, B)
    lists.world.writes()
    lists.run()
    assert lists.world.writes() == [
        ("apply", CONFIG_MAP),
        ("apply", CONFIG_MAP),
        ("apply", CONFIG_MAP),
        ("apply_status", REVOCATION_LIST),
    ]
    lists.edit(B)
    lists.world.cluster.fail_with(ClusterUnavailableError("no answer"), on="apply", times=1)
    with pytest.raises(ClusterUnavailableError):
        lists.run()
    assert lists.copy("shop") == {B}, "gateways are served all the same"
    assert lists.status["observedRevocations"] == 2, "but the status does not claim what a restart would forget"
    lists.run()
    assert (lists.kept(), lists.status["observedRevocations"]) == ({B}, 1)


def test_a_refused_write_of_what_outlives_the_list_is_told(lists):
    lists.world.cluster.fail_with(ApplyRejectedError("too strange"), on="apply", times=1)
    lists.run()
    assert lists.ready == ("False", "ApplyFailed")
    assert lists.copy("shop") == {A}


def test_an_idle_resync_reads_no_bodies_and_writes_nothing(lists):
    lists.run()
    lists.run()
    lists.world.writes()
    for _ in range(3):
        lists.world.later(60)
        lists.world.cluster.reads.clear()
        assert lists.run().changed is False
        assert [verb for verb, _, _ in lists.world.cluster.reads] == ["list_metadata"]
    assert lists.world.writes() == []
    assert lists.world.events() == [("Normal", "Materialised")]


def test_a_restart_writes_nothing(lists):
    lists.run()
    lists.world.writes()
    after = lists.restart()
    assert after.run().changed is False
    assert after.world.writes() == []


def test_a_list_that_is_about_to_be_deleted_still_counts(lists):
    lists.world.cluster.edit(CLUSTER_DEFAULT, lambda found: found["metadata"].update(finalizers=["x/y"]))
    lists.world.cluster.delete(REVOCATION_LIST, LIST)
    lists.run()
    assert lists.ready == ("True", "Reconciled")


def test_a_deleted_gateway_list_comes_from_nobody_else(lists):
    """Only `cluster-default` is brought to gateways, whatever other lists there are."""
    lists.run()
    lists.world.cluster.put(REVOCATION_LIST, body("team", spec(C)))
    lists.run(Key(REVOCATION_LIST, "team"))
    lists.run()
    assert lists.copy("shop") == {A}


# -- bad entries --------------------------------------------------------------------------------------------------------------------


def test_bad_entries_are_named_and_the_good_ones_reach_everybody(lists):
    bad = [*entries(A), {"artifactSha256": "short", "reason": "x"}, *entries(B), {"artifactSha256": C}]
    lists.world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=bad))
    result = lists.run()
    assert lists.ready == ("False", "RevocationListInvalid")
    assert "revocations[1]" in lists.message
    assert "revocations[3]" in lists.message
    assert lists.copy("shop") == {A, B, C}
    assert lists.in_force() == {A, B, C}
    assert lists.status["observedRevocations"] == 3
    assert lists.world.events() == [("Warning", "RevocationListInvalid")]
    assert (result.outcome, result.after) == (Outcome.PERMANENT_ERROR, 60)


@pytest.mark.parametrize("strange", [7, [], {"revocations": 7}, {"revocations": {"a": 1}}, {"version": "1"}, {"more": 1}])
def test_no_strange_spec_is_too_much(lists, strange):
    lists.world.cluster.edit(CLUSTER_DEFAULT, lambda found: found.update(spec=strange))
    lists.run()
    assert lists.ready == ("False", "RevocationListInvalid")


def test_a_list_without_a_spec_clears_nobody(lists):
    lists.world.cluster.edit(CLUSTER_DEFAULT, lambda found: found.pop("spec"))
    lists.run()
    assert lists.ready == ("False", "RevocationListInvalid")


def test_a_list_too_large_for_gateways_keeps_the_copies_and_counts(lists):
    lists.run()
    many = [{"artifactSha256": f"{number:064x}", "reason": "x" * 60} for number in range(7_500)]
    lists.world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=many))
    lists.run()
    assert lists.ready == ("False", "RevocationListTooLarge")
    assert lists.copy("shop") == {A}
    assert len(lists.in_force()) == 7_500
    assert len(lists.kept() or ()) == 7_500


def test_five_thousand_entries_reach_gateways(lists):
    many = [
        {"artifactSha256": f"{number:064x}", "reason": "compromised build, see the notice", "revokedAt": "2026-01-31T12:00:00Z"}
        for number in range(5_000)
    ]
    lists.world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=many))
    lists.run()
    assert lists.ready == ("True", "Reconciled")
    assert len(lists.copy("shop") or ()) == 5_000


# -- copies -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda found: found["data"].update({"revocations.json": "{}"}), id="data"),
        pytest.param(lambda found: found.pop("data"), id="no data"),
        pytest.param(lambda found: found["metadata"].pop("annotations"), id="no hash"),
        pytest.param(lambda found: found["metadata"]["annotations"].update({"mcpg.dev/content-hash": "0" * 64}), id="hash"),
    ],
)
def test_a_copy_that_was_edited_by_hand_comes_back(lists, damage):
    lists.run()
    lists.run()
    lists.world.cluster.edit(Key(CONFIG_MAP, COPY, "shop"), damage)
    lists.world.later(60)
    lists.run()
    assert lists.copy("shop") == {A}
    found = lists.world.cluster.get(CONFIG_MAP, COPY, namespace="shop")
    assert found.annotations["mcpg.dev/content-hash"] == lists.status["contentHash"]


def test_a_copy_that_was_deleted_by_hand_comes_back(lists):
    lists.run()
    lists.world.cluster.remove(Key(CONFIG_MAP, COPY, "shop"))
    lists.world.later(60)
    lists.run()
    assert lists.copy("shop") == {A}


def test_a_copy_that_was_made_immutable_is_made_anew(lists):
    lists.run()
    lists.world.cluster.edit(Key(CONFIG_MAP, COPY, "shop"), lambda found: found.update(immutable=True))
    lists.edit(A, B)
    lists.run()
    assert lists.copy("shop") == {A, B}
    assert lists.ready == ("True", "Reconciled")


def test_a_copy_that_is_deleted_between_two_reads_comes_back(lists):
    lists.run()
    after = lists.restart()
    get = after.world.cluster.get

    def gone(kind, name, *, namespace=None):
        return None if (kind, name, namespace) == (CONFIG_MAP, COPY, "shop") else get(kind, name, namespace=namespace)

    after.world.cluster.get = gone
    after.world.cluster.writes.clear()
    after.run()
    assert [write.key.namespace for write in after.world.cluster.writes if write.verb == "apply"] == ["shop"]


def test_a_new_gateway_gets_its_copy(lists):
    lists.run()
    gateway(lists.world, "new")
    lists.run()
    assert lists.copy("new") == {A}
    assert lists.status["materialisedNamespaces"] == 3


def test_a_namespace_without_a_gateway_loses_its_copy(lists):
    lists.run()
    lists.world.cluster.remove(Key(GATEWAY, "gateway", "shop"))
    lists.run()
    assert (lists.copy("shop"), lists.copy("bank")) == (None, {A})
    assert lists.status["materialisedNamespaces"] == 1


def test_a_second_gateway_keeps_the_copy(lists):
    gateway(lists.world, "shop", "second")
    lists.run()
    lists.world.cluster.remove(Key(GATEWAY, "gateway", "shop"))
    lists.run()
    assert lists.copy("shop") == {A}


def test_outside_the_watched_namespace_nothing_is_touched(lists):
    lists.run()
    lists.world.settings = Settings(namespace=NAMESPACE, watch_namespace="bank")
    world = lists.world.restarted()
    lists.world.cluster.remove(Key(GATEWAY, "gateway", "shop"))
    narrow = Lists(world.watch())
    narrow.run()
    assert (narrow.copy("shop"), narrow.copy("bank")) == ({A}, {A})


def test_a_configmap_of_somebody_else_is_not_touched(lists):
    lists.world.cluster.put(CONFIG_MAP, body(COPY, namespace="shop", **FOREIGN))
    for _ in range(2):
        lists.run()
    assert lists.world.cluster.get(CONFIG_MAP, COPY, namespace="shop").body["data"] == FOREIGN["data"]
    assert lists.ready == ("False", "NameConflict")
    assert "`shop`" in lists.message
    assert lists.copy("bank") == {A}
    assert lists.status["materialisedNamespaces"] == 1
    lists.world.cluster.remove(Key(GATEWAY, "gateway", "shop"))
    lists.run()
    assert lists.world.cluster.get(CONFIG_MAP, COPY, namespace="shop") is not None
    assert lists.ready == ("True", "Reconciled")


def test_a_name_that_becomes_free_is_used(lists):
    lists.world.cluster.put(CONFIG_MAP, body(COPY, namespace="shop", **FOREIGN))
    lists.run()
    lists.world.cluster.remove(Key(CONFIG_MAP, COPY, "shop"))
    lists.run()
    assert lists.copy("shop") == {A}


def test_a_copy_under_another_name_with_our_labels_is_left_alone(lists):
    lists.run()
    copied = lists.world.cluster.get(CONFIG_MAP, COPY, namespace="shop").labels
    lists.world.cluster.put(CONFIG_MAP, body("backup", namespace="elsewhere", metadata={"labels": dict(copied)}))
    lists.world.later(60)
    lists.run()
    assert lists.world.cluster.get(CONFIG_MAP, "backup", namespace="elsewhere") is not None


def test_a_namespace_that_cannot_be_reached_does_not_stop_the_others(lists):
    lists.world.cluster.absent_namespaces.add("bank")
    result = lists.run()
    assert lists.copy("shop") == {A}
    assert lists.ready == ("False", "Progressing")
    assert "namespaces failed: `bank`: " in lists.message
    assert "namespaces reached: 1 of 2" in lists.message
    assert lists.status["materialisedNamespaces"] == 1
    assert lists.world.events() == [("Warning", "PartialMaterialisation")]
    assert (result.outcome, result.backoff) == (Outcome.DEPENDENCY_PENDING, True)
    lists.run()
    assert lists.world.events() == [("Warning", "PartialMaterialisation")], "told once"
    lists.world.cluster.absent_namespaces.clear()
    lists.run()
    assert lists.ready == ("True", "Reconciled")
    assert sorted(lists.world.events()) == [("Normal", "Materialised"), ("Warning", "PartialMaterialisation")]


def test_a_copy_that_cannot_be_removed_is_tried_again(lists):
    lists.run()
    lists.world.cluster.remove(Key(GATEWAY, "gateway", "shop"))
    lists.world.cluster.fail_with(ClusterUnavailableError("no answer"), on="delete", times=1)
    assert lists.run().backoff is True
    assert lists.ready == ("False", "Progressing")
    lists.run()
    assert lists.copy("shop") is None
    assert lists.ready == ("True", "Reconciled")


def test_an_api_server_that_does_not_list_copies_changes_nothing(lists):
    lists.run()
    lists.edit(B)
    lists.world.cluster.fail_with(ClusterUnavailableError("no answer"), on="list_metadata")
    with pytest.raises(ClusterUnavailableError):
        lists.run()
    assert lists.copy("shop") == {A}


# -- a list that vanishes -----------------------------------------------------------------------------------------------------------


def test_a_deleted_list_stays_in_force_and_is_told_once(lists):
    lists.run()
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    for _ in range(3):
        lists.run()
    assert lists.in_force() == {A}
    assert lists.kept() == {A}
    assert lists.world.cluster.objects(REVOCATION_LIST) == [], "nothing empty takes its place"
    assert sorted(lists.world.events()) == [("Normal", "Materialised"), ("Warning", "RevocationListVanished")]
    assert lists.world.measured(LIST) == {}


def test_an_edit_that_makes_the_list_unreadable_takes_nothing_from_gateways_or_from_what_outlives_it(lists):
    lists.run()
    lists.world.cluster.edit(CLUSTER_DEFAULT, lambda found: found.update(spec={"revocations": "oops"}))
    lists.run()
    assert lists.ready == ("False", "RevocationListInvalid")
    assert lists.status["observedRevocations"] == 1
    assert (lists.copy("shop"), lists.kept()) == ({A}, {A})
    after = lists.restart()
    after.run()
    assert (after.in_force(), after.copy("shop"), after.kept()) == ({A}, {A}, {A})
    after.world.cluster.remove(CLUSTER_DEFAULT)
    after.run()
    last = after.restart()
    last.run()
    assert last.in_force() == {A}
    last.world.cluster.put(REVOCATION_LIST, body(LIST, spec(B)))
    last.run()
    assert (last.in_force(), last.copy("bank"), last.kept()) == ({B}, {B}, {B})


def test_a_deleted_list_stays_in_force_after_a_restart_and_is_not_told_again(lists):
    lists.run()
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    lists.run()
    after = lists.restart()
    for _ in range(2):
        after.run()
    assert after.in_force() == {A}
    assert [reason for _, reason in after.world.events()].count("RevocationListVanished") == 1
    assert after.world.cluster.objects(REVOCATION_LIST) == []


def test_a_list_that_was_deleted_while_nobody_looked_stays_in_force_and_is_told(lists):
    lists.run()
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    after = lists.restart()
    for _ in range(2):
        after.run()
    assert after.in_force() == {A}
    told = [one.body for one in after.world.cluster.objects(EVENT) if one.body["reason"] == "RevocationListVanished"]
    assert len(told) == 1
    assert told[0]["regarding"]["name"] == LIST
    assert "1 revocations stay in force" in told[0]["note"]


def test_a_list_that_was_deleted_before_the_first_pass_stays_in_force(lists):
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    lists.run()
    assert lists.in_force() == {A}
    assert lists.kept() == {A}
    assert lists.world.cluster.objects(REVOCATION_LIST) == []


def test_new_gateways_get_the_entries_of_a_deleted_list(lists):
    lists.run()
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    gateway(lists.world, "new")
    lists.run()
    assert lists.copy("new") == {A}


def test_kept_entries_that_somebody_deletes_come_back(lists):
    lists.run()
    lists.world.cluster.remove(KEPT_KEY)
    lists.run()
    assert lists.kept() == {A}
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    lists.run()
    lists.world.cluster.remove(KEPT_KEY)
    lists.run()
    assert lists.kept() == {A}
    assert lists.in_force() == {A}


def test_kept_entries_that_somebody_edits_come_back(lists):
    lists.run()
    lists.world.cluster.edit(KEPT_KEY, lambda found: found["data"].update({"spec.json": json.dumps(spec())}))
    lists.run()
    assert lists.kept() == {A}


def test_a_list_that_comes_back_counts_as_it_is(lists):
    lists.run()
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    lists.run()
    lists.world.cluster.put(REVOCATION_LIST, body(LIST, spec(B)))
    lists.run()
    assert (lists.in_force(), lists.kept(), lists.copy("shop")) == ({B}, {B}, {B})
    assert lists.ready == ("True", "Reconciled")
    found = lists.world.cluster.get(CONFIG_MAP, KEPT, namespace=NAMESPACE)
    assert "mcpg.dev/list-missing-since" not in found.annotations


def test_a_list_that_vanishes_a_second_time_is_told_again(lists):
    lists.run()
    for _ in range(2):
        lists.world.cluster.remove(CLUSTER_DEFAULT)
        lists.run()
        lists.world.cluster.put(REVOCATION_LIST, body(LIST, spec(A)))
        lists.run()
    assert [reason for _, reason in lists.world.events()].count("RevocationListVanished") == 2


def test_an_empty_list_that_vanishes_does_not_come_back_by_itself(world):
    lists = Lists(world.watch())
    lists.run()
    lists.run()
    world.cluster.remove(CLUSTER_DEFAULT)
    lists.run()
    assert world.cluster.objects(REVOCATION_LIST) == []
    assert ("Warning", "RevocationListVanished") in world.events()


def test_a_relist_that_finds_the_list_gone_while_it_is_not_changes_nothing(lists):
    lists.run()
    lists.world.store.replace(REVOCATION_LIST, [])
    assert lists.run() == Result(after=1)
    assert ("Warning", "RevocationListVanished") not in lists.world.events()


def test_the_kept_name_in_other_hands_is_told_and_not_touched(lists):
    lists.world.cluster.put(CONFIG_MAP, body(KEPT, namespace=NAMESPACE, data={"x": "y"}))
    lists.run()
    assert lists.ready == ("False", "NameConflict")
    assert lists.world.cluster.get(CONFIG_MAP, KEPT, namespace=NAMESPACE).body["data"] == {"x": "y"}


# -- blocked plugins ----------------------------------------------------------------------------------------------------------------


def test_plugins_whose_artifact_is_listed_are_named(lists):
    lists.world.judged("mail", A, Standing.REVOKED)
    lists.world.judged("audit", A)
    lists.world.judged("good", B)
    lists.world.judged("unknown", None, Standing.UNAVAILABLE)
    lists.run()
    assert lists.status["pluginsBlocked"] == ["audit", "mail"]
    assert lists.message.endswith("plugins blocked: 2")


def test_a_plugin_that_joins_or_leaves_the_blocked_ones_wakes_the_list(lists):
    lists.run()
    lists.world.woken.clear()
    lists.world.judged("good", B)
    assert CLUSTER_DEFAULT not in lists.world.woken
    lists.world.judged("audit", A, Standing.REVOKED)
    assert CLUSTER_DEFAULT in lists.world.woken
    lists.run()
    assert lists.status["pluginsBlocked"] == ["audit"]
    lists.world.woken.clear()
    lists.world.judged("audit", A, Standing.REVOKED, reason="Other")
    assert CLUSTER_DEFAULT not in lists.world.woken
    lists.world.ledger.drop("audit")
    assert CLUSTER_DEFAULT in lists.world.woken
    lists.run()
    assert lists.status["pluginsBlocked"] == []


def test_a_thousand_plugins_that_get_revoked_are_not_a_thousand_writes(lists):
    lists.run()
    lists.world.writes()
    for number in range(100):
        lists.world.judged(f"p{number}", A, Standing.REVOKED)
        lists.world.later(0.01)
        lists.reconciler.reconcile(CLUSTER_DEFAULT)
    assert len(lists.world.writes()) <= 1
    lists.run()
    assert len(lists.status["pluginsBlocked"]) == 100


def test_counting_blocked_plugins_reads_no_copies(lists):
    lists.run()
    lists.world.judged("audit", A, Standing.REVOKED)
    lists.world.cluster.reads.clear()
    lists.run()
    assert lists.status["pluginsBlocked"] == ["audit"]
    assert lists.world.cluster.reads == [("get", REVOCATION_LIST, LIST)], "by the test itself"


def test_a_change_reaches_the_plugins_before_anything_slow(lists):
    """The plugins are woken on the thread of the watch: no pass has to come first."""
    lists.run()
    lists.world.judged("good", B)
    lists.world.woken.clear()
    lists.world.cluster.reads.clear()
    lists.edit(A, B)
    assert Key(PLUGIN, "good") in lists.world.woken
    assert lists.world.cluster.reads == []


# -- lists of other names -------------------------------------------------------------------------------------------------------------


TEAM = Key(REVOCATION_LIST, "team")


def test_another_list_advises_and_is_brought_nowhere(lists):
    lists.world.cluster.put(REVOCATION_LIST, body("team", spec(B, C)))
    result = lists.run(TEAM)
    assert lists.world.ready(*TEAM) == ("True", "Advisory")
    assert lists.world.status(*TEAM)["observedRevocations"] == 2
    assert lists.world.cluster.objects(CONFIG_MAP) == []
    assert lists.in_force() == {A}
    assert result.after == 600
    assert lists.run(TEAM).changed is False


def test_another_list_with_bad_entries_is_not_ready(lists):
    lists.world.cluster.put(REVOCATION_LIST, body("team", {"revocations": [7]}))
    lists.run(TEAM)
    assert lists.world.ready(*TEAM) == ("False", "RevocationListInvalid")


def test_another_list_that_is_gone_is_forgotten(lists):
    lists.world.cluster.put(REVOCATION_LIST, body("team", spec()))
    lists.run(TEAM)
    assert lists.world.measured("team") == {"Ready": 1.0}
    lists.world.cluster.remove(TEAM)
    assert lists.run(TEAM) == Result()
    assert lists.world.measured("team") == {}


# -- what wakes it --------------------------------------------------------------------------------------------------------------------


def woken(lists: Lists, kind: Any) -> list[Key]:
    keys: list[Any] = []

    def collect(watch, old, new):
        try:
            keys.extend(watch.keys(old, new))
        except Exception as exc:  # noqa: BLE001 — the store would only log it
            keys.append(exc)

    for watch in lists.reconciler.watches:
        if watch.kind == kind:
            lists.world.store.subscribe(kind, partial(collect, watch))
    return keys


def test_each_list_is_woken_by_its_own_changes_but_not_by_its_status(lists):
    keys = woken(lists, REVOCATION_LIST)
    lists.edit(B)
    lists.world.cluster.put(REVOCATION_LIST, body("team", spec()))
    assert keys == [CLUSTER_DEFAULT, TEAM]
    lists.run()
    assert keys == [CLUSTER_DEFAULT, TEAM]
    lists.world.cluster.remove(CLUSTER_DEFAULT)
    assert keys[2:] == [CLUSTER_DEFAULT]


def test_gateways_that_come_and_go_wake_the_list_and_others_do_not(lists):
    keys = woken(lists, GATEWAY)
    gateway(lists.world, "new")
    lists.world.cluster.edit(Key(GATEWAY, "gateway", "new"), edited(replicas=2))
    lists.world.cluster.remove(Key(GATEWAY, "gateway", "new"))
    assert keys == [CLUSTER_DEFAULT] * 2


def test_a_change_of_the_kept_entries_wakes_the_list_and_other_configmaps_do_not(lists):
    lists.run()
    keys = woken(lists, CONFIG_MAP)
    lists.world.cluster.put(CONFIG_MAP, body("other", namespace=NAMESPACE))
    assert keys == []
    lists.world.cluster.remove(KEPT_KEY)
    assert keys == [CLUSTER_DEFAULT]


def test_everything_written_bears_the_operators_label(lists):
    lists.run()
    assert all(MANAGER.items() <= one.labels.items() for one in lists.world.cluster.objects(CONFIG_MAP))
