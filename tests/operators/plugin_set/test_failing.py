"""Entries that fail: each reason, what stays, and what leaves at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcpg_operator.ledger import Standing
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, PLUGIN_SET, REVOCATION_LIST, SECRET, Key
from mcpg_operator.runtime.store import Store
from mcpg_operator.services import Outcome, Result
from supplychain.digest import ArtifactHash
from supplychain.errors import ClusterUnavailableError
from tests.operators.plugin_set.world import HOME, World, entry


def _broken(world: World, how: str) -> None:
    if how == "PluginNotFound":
        world.cluster.remove(Key(PLUGIN, "audit"))
        world.ledger.drop("audit")
    elif how == "PluginIdMismatch":
        world.judge("audit", plugin_id="dev.example.other")
    elif how == "PluginNotReady":
        world.refuse("audit")
    elif how == "PluginNotReady, edited":
        world.cluster.edit(Key(PLUGIN, "audit"), lambda body: body["spec"].update(version="9"))
    elif how == "PluginNotReady, made anew":
        world.judge("audit", uid="another")
    elif how == "PluginNotReady, unavailable":
        world.judge("audit", standing=Standing.UNAVAILABLE, reason="RegistryUnavailable", message="no answer", stored=None)
    elif how == "ArtefactSecretMissing":
        for one in world.cluster.objects(SECRET):
            if one.namespace == HOME and one.body["type"] == "mcpg.dev/plugin" and "audit" in one.name:
                world.cluster.remove(one.key)
    elif how == "ArtefactSecretMissing, nothing stored":
        world.judge("audit", stored=None, keys=())
    else:
        assert how == "GrantNotRequired"
        key = world.cluster.objects(PLUGIN_SET)[0].key
        world.cluster.edit(key, lambda body: body["spec"].update(capabilityGrants={"dev.example.audit": ["audit_write"]}))


_WAYS = [
    "PluginNotFound",
    "PluginIdMismatch",
    "PluginNotReady",
    "PluginNotReady, edited",
    "PluginNotReady, made anew",
    "PluginNotReady, unavailable",
    "ArtefactSecretMissing",
    "ArtefactSecretMissing, nothing stored",
    "GrantNotRequired",
]


@pytest.mark.parametrize("how", _WAYS)
def test_an_entry_that_fails_keeps_its_last_good_form_as_a_whole(how: str):
    world = World()
    world.plugin("audit", shards=2)
    world.plugin("gate")
    key = world.make(entry("audit", config={"old": True}), entry("gate"))
    world.settle(key)
    before, copies, text = world.document(key), world.copies(), world.status(key)["resolvedHash"]
    _broken(world, how)
    world.later(minutes=2)
    result = world.settle(key)
    assert world.document(key) == before
    assert world.copies() == copies
    status = world.status(key)
    assert status["resolvedHash"] == text
    assert (status["resolvedEntries"], status["totalEntries"]) == (1, 2)
    assert world.failed(key) == {"dev.example.audit": how.partition(",")[0]}
    assert "its last good form stays" in status["failedEntries"][0]["message"]
    assert world.condition(key) == ("False", "Progressing")
    assert world.condition(key, "EntriesResolved") == ("False", "EntriesFailed")
    assert result == Result(outcome=Outcome.DEPENDENCY_PENDING, after=30.0)


@pytest.mark.parametrize("how", _WAYS)
def test_an_entry_that_fails_from_the_beginning_is_not_in_the_document_which_says_that_it_is_incomplete(how: str):
    world = World()
    world.plugin("audit")
    world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    _broken(world, how)
    world.settle(key)
    assert world.ids(key) == ["dev.example.gate"]
    assert world.document(key)["complete"] is False
    assert world.failed(key) == {"dev.example.audit": how.partition(",")[0]}
    assert "stays" not in world.status(key)["failedEntries"][0]["message"]


def test_a_failing_entry_never_mixes_old_plugin_and_new_configuration():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit", config={"old": True}, enforce=True))
    world.settle(key)
    before = world.document(key)
    world.refuse("audit")
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"new": True}, enforce=False))
    world.settle(key)
    assert world.document(key) == before
    assert world.status(key)["observedGeneration"] == 2


def test_other_entries_go_on_while_one_fails():
    world = World()
    world.plugin("audit")
    world.plugin("gate")
    key = world.make(entry("audit"), entry("gate", config={"a": 1}))
    world.settle(key)
    world.refuse("audit")
    world.cluster.edit(key, lambda body: body["spec"]["entries"][1].update(config={"a": 2}))
    world.settle(key)
    assert [one["config"] for one in world.document(key)["entries"]] == [None, {"a": 2}]
    assert world.document(key)["complete"] is True


def test_a_kept_entry_gets_a_lost_copy_back_while_its_source_is_there():
    world = World()
    plugin = world.plugin("audit", shards=1)
    key = world.make(entry("audit"))
    world.settle(key)
    world.refuse("audit")
    world.cluster.remove(Key(SECRET, plugin.stored.secret, "team-a"))
    world.settle(key)
    assert plugin.stored.secret in world.copies()
    assert world.ids(key) == ["dev.example.audit"]


def test_a_kept_entry_leaves_when_its_copy_and_its_source_are_gone():
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.refuse("audit")
    for namespace in ("team-a", HOME):
        world.cluster.remove(Key(SECRET, plugin.stored.secret, namespace))
    world.settle(key)
    assert world.ids(key) == []
    assert "stays" not in world.message(key)


def test_recovery_makes_the_set_ready_again():
    world = World()
    good = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    before = world.document(key)
    world.refuse("audit")
    world.settle(key)
    world.ledger.put(good)
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")
    assert world.document(key) == before
    assert world.events() == [("Normal", "Reconciled"), ("Warning", "EntriesFailed"), ("Normal", "Reconciled")]


def test_a_failure_is_told_once():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"), entry("missing"))
    for _ in range(4):
        world.step(key)
        world.later(seconds=31)
    assert world.events() == [("Warning", "EntriesFailed")]
    sample = world.metrics.registry.get_sample_value(
        "mcpg_operator_dependency_unresolved_total",
        {"controller": "plugin-set", "dependency": "MCPGPlugin", "reason": "PluginNotFound"},
    )
    assert sample == 1


def test_a_missing_source_wakes_its_plugin():
    world = World()
    plugin = world.plugin("audit")
    world.cluster.remove(Key(SECRET, plugin.stored.secret, HOME))
    key = world.make(entry("audit"))
    world.settle(key)
    assert Key(PLUGIN, "audit") in world.woken


def test_source_bytes_that_are_not_those_that_were_verified_are_never_copied():
    world = World()
    plugin = world.plugin("audit")
    name = plugin.stored.secret
    world.cluster.remove(Key(SECRET, name, HOME))
    world.source(name, {"plugin.so": b"something else", "plugin.yaml": b"descriptor"})
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "ArtefactSecretMissing"}
    assert world.copies() == {}


def test_a_source_that_changes_later_is_noticed():
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.remove(Key(SECRET, plugin.stored.secret, HOME))
    world.source(plugin.stored.secret, {"plugin.so": b"something else"})
    world.later(minutes=2)
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "ArtefactSecretMissing"}
    assert world.ids(key) == ["dev.example.audit"]


# --- revoked -----------------------------------------------------------------------------------------------------------------


def test_a_revoked_plugin_leaves_document_and_ready_at_once():
    world = World()
    bad = world.plugin("audit")
    world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    world.revoke(bad.artifact_hash, ledger=True)
    world.step(key)
    assert world.ids(key) == ["dev.example.gate"]
    assert world.document(key)["complete"] is False
    assert world.failed(key) == {"dev.example.audit": "PluginRevoked"}
    assert world.condition(key) == ("False", "Progressing")


def test_a_list_counts_before_the_plugin_controller_has_looked():
    world = World()
    bad = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.queue.clear()
    world.revoke(bad.artifact_hash)
    assert world.queue == [key]
    world.step(key)
    assert world.ids(key) == []
    assert world.failed(key) == {"dev.example.audit": "PluginRevoked"}


def test_a_standing_counts_before_the_list_is_seen():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.judge("audit", standing=Standing.REVOKED, reason="ArtefactRevoked", message="revoked by a list")
    world.step(key)
    assert world.ids(key) == []
    assert world.failed(key) == {"dev.example.audit": "PluginRevoked"}


def test_a_kept_entry_leaves_when_its_own_artifact_is_revoked_although_the_plugin_has_another_by_now():
    world = World()
    old = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.judge("audit", standing=Standing.REFUSED, artifact_hash=ArtifactHash.of(b"a newer one"), stored=None)
    world.settle(key)
    assert world.ids(key) == ["dev.example.audit"]
    world.revoke(old.artifact_hash)
    world.step(key)
    assert world.ids(key) == []


def test_a_kept_entry_hears_of_its_plugin_although_the_set_names_another_one_now():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(pluginRef={"name": "other"}))
    world.settle(key)
    assert world.ids(key) == ["dev.example.audit"]
    world.woken.clear()
    world.judge("audit", standing=Standing.REVOKED)
    assert key in world.woken
    world.step(key)
    assert world.ids(key) == []


def test_a_kept_entry_hears_of_its_plugin_after_a_restart_before_the_set_is_settled():
    world = World()
    bad = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.plugin("other", judged=False)
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(pluginRef={"name": "other"}))
    world.restart()
    world.step(key)
    world.ledger.put(replace(bad, standing=Standing.REVOKED))
    assert key in world.woken
    world.step(key)
    assert world.ids(key) == []


def test_a_revoked_plugin_leaves_although_another_one_cannot_be_copied():
    world = World()
    bad = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.plugin("gate")
    world.cluster.edit(key, lambda body: body["spec"]["entries"].append(entry("gate")))
    world.revoke(bad.artifact_hash)
    world.cluster.fail_with(ClusterUnavailableError("no answer"), on="create", kind=SECRET)
    with pytest.raises(ClusterUnavailableError):
        world.step(key)
    assert world.ids(key) == []


def test_a_revoked_plugin_leaves_although_the_spec_cannot_be_read():
    world = World()
    bad = world.plugin("audit")
    world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    world.cluster.edit(key, lambda body: body["spec"].update(nonsense=True))
    world.step(key)
    assert world.ids(key) == ["dev.example.audit", "dev.example.gate"]
    world.revoke(bad.artifact_hash)
    world.step(key)
    assert world.ids(key) == ["dev.example.gate"]
    assert world.condition(key) == ("False", "InvalidSpec")


def test_a_plugin_that_is_no_longer_revoked_comes_back():
    world = World()
    good = world.plugin("audit")
    key = world.make(entry("audit"))
    world.revoke(good.artifact_hash, ledger=True)
    world.settle(key)
    world.revoke()
    world.ledger.put(good)
    world.settle(key)
    assert world.ids(key) == ["dev.example.audit"]
    assert world.condition(key) == ("True", "Reconciled")


# --- not judged yet ----------------------------------------------------------------------------------------------------------


def test_nothing_at_all_changes_while_a_plugin_is_not_judged_after_a_restart():
    world = World()
    audit, gate = world.plugin("audit"), world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    before = {one.key: one for one in world.cluster.objects(SECRET)}
    world.restart()
    world.ledger.put(audit)
    # Also what would change otherwise stays as it is.
    world.cluster.remove(Key(SECRET, audit.stored.secret, "team-a"))
    world.quiet()
    result = world.step(key)
    assert world.cluster.writes == []
    assert (result.outcome, result.changed) == (Outcome.DEPENDENCY_PENDING, False)
    assert world.condition(key) == ("True", "Reconciled")
    world.ledger.put(gate)
    assert key in world.woken
    world.settle(key)
    after = {one.key: one for one in world.cluster.objects(SECRET)}
    assert after.keys() == before.keys()
    assert world.condition(key) == ("True", "Reconciled")


def test_a_failing_set_says_nothing_new_while_plugins_are_not_judged_after_a_restart():
    world = World()
    world.plugin("audit")
    world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    world.refuse("gate")
    world.settle(key)
    before = world.status(key)
    world.restart()
    world.step(key)
    assert world.status(key) == before


def test_a_new_set_says_that_its_plugins_are_not_judged_yet_and_tells_no_event():
    world = World()
    world.plugin("audit", judged=False)
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "Pending"}
    assert world.condition(key) == ("False", "Progressing")
    assert world.condition(key, "EntriesResolved") == ("Unknown", "DependencyPending")
    assert world.events() == []
    assert world.binding() is None


def test_a_plugin_that_is_new_to_a_running_operator_is_news():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.plugin("fresh", judged=False)
    world.cluster.edit(key, lambda body: body["spec"]["entries"].append(entry("fresh")))
    before = world.document(key)
    world.settle(key)
    assert world.failed(key) == {"dev.example.fresh": "Pending"}
    assert world.document(key) == before


def test_a_revoked_plugin_leaves_although_another_one_is_not_judged_yet():
    world = World()
    bad, gate = world.plugin("audit"), world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    world.revoke(bad.artifact_hash)
    world.restart()
    world.step(key)
    assert world.ids(key) == ["dev.example.gate"]
    assert world.condition(key) == ("False", "Progressing")
    world.ledger.put(gate)
    world.ledger.put(replace(bad, standing=Standing.REVOKED))
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "PluginRevoked"}


@pytest.mark.parametrize("by_ledger", [False, True])
def test_a_revoked_plugin_leaves_a_running_set_although_a_new_one_is_not_judged_yet(by_ledger):
    world = World()
    bad = world.plugin("audit")
    world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    world.plugin("fresh", judged=False)
    world.cluster.edit(key, lambda body: body["spec"]["entries"].append(entry("fresh")))
    world.settle(key)
    world.woken.clear()
    if by_ledger:
        world.judge("audit", standing=Standing.REVOKED, reason="ArtefactRevoked", message="stolen key")
        assert key in world.woken
    else:
        world.revoke(bad.artifact_hash)
        assert key in world.queue
    world.step(key)
    assert world.ids(key) == ["dev.example.gate"]
    assert world.document(key)["complete"] is False
    assert world.failed(key) == {"dev.example.audit": "PluginRevoked", "dev.example.fresh": "Pending"}
    assert ("Warning", "EntriesFailed") in world.events()
    assert "`dev.example.fresh`: Pending: MCPGPlugin `fresh` has not been judged" in world.message(key)


def test_a_set_says_which_plugin_it_waits_for_and_why():
    world = World()
    world.plugin("gate")
    world.plugin("audit", judged=False)
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    waits = "`dev.example.audit`: Pending: MCPGPlugin `audit` has not been judged since the operator started"
    assert world.message(key, "EntriesResolved") == waits
    assert world.message(key) == f"1 of 2 entries are in place; {waits}"
    pulling = [{"type": "Ready", "status": "False"}, {"type": "Progressing", "status": "True", "message": "pulling `a/b`"}]
    world.cluster.apply_status(PLUGIN, "audit", status={"conditions": pulling}, manager="plugin")
    world.later(minutes=2)
    world.settle(key)
    waits = "`dev.example.audit`: Pending: MCPGPlugin `audit` is not judged yet: pulling `a/b`"
    assert world.message(key, "EntriesResolved") == waits
    assert world.failed(key) == {"dev.example.audit": "Pending"}


def test_a_set_that_waits_for_long_after_a_restart_says_so():
    world = World()
    audit = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    before = world.document(key)
    world.restart()
    world.step(key)
    world.later(seconds=118)
    assert world.step(key).changed is False
    assert world.condition(key) == ("True", "Reconciled")
    world.step(key)
    assert world.condition(key) == ("False", "Progressing")
    assert world.condition(key, "EntriesResolved") == ("Unknown", "DependencyPending")
    assert world.failed(key) == {"dev.example.audit": "Pending"}
    assert world.document(key) == before
    world.ledger.put(audit)
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")


def test_a_plugin_that_appears_and_is_not_judged_yet_is_said_to_be_pending():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"), entry("late"))
    world.settle(key)
    assert world.failed(key) == {"dev.example.late": "PluginNotFound"}
    world.plugin("late", judged=False)
    world.settle(key)
    assert world.failed(key) == {"dev.example.late": "Pending"}


def test_a_standing_that_is_revoked_is_said_although_other_plugins_are_not_judged_yet():
    world = World()
    bad = world.plugin("audit")
    world.plugin("gate")
    key = world.make(entry("audit"), entry("gate"))
    world.settle(key)
    world.restart()
    world.cluster.remove(Key(SECRET, "main-resolved", "team-a"))
    world.ledger.put(replace(bad, standing=Standing.REVOKED))
    world.step(key)
    assert world.failed(key) == {"dev.example.audit": "PluginRevoked", "dev.example.gate": "Pending"}


def test_a_set_that_waits_says_which_entries_have_an_old_form():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.ledger.drop("audit")
    world.plugin("fresh", judged=False)
    world.cluster.edit(key, lambda body: body["spec"]["entries"].append(entry("fresh")))
    world.settle(key)
    messages = {one["id"]: one["message"] for one in world.status(key)["failedEntries"]}
    assert messages["dev.example.audit"].endswith("; its last good form stays")
    assert "stays" not in messages["dev.example.fresh"]


def test_a_document_is_looked_at_once_while_plugins_are_not_judged():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.restart()
    world.step(key)
    world.quiet()
    world.step(key)
    assert world.cluster.reads == []


def test_silence_before_the_first_full_list_is_not_read_as_a_missing_plugin():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.store = Store()
    world.start()
    world.store.put(next(one for one in world.cluster.objects(PLUGIN_SET) if one.key == key))
    for kind in (REVOCATION_LIST, CONFIG_MAP):
        world.store.replace(kind, [])
    with pytest.raises(ClusterUnavailableError):
        world.step(key)
    assert world.condition(key) == ("True", "Reconciled")


def test_silence_before_the_first_look_at_revocations_is_not_read_as_no_revocations():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.store = Store()
    world.start()
    for kind in (PLUGIN, key.kind):
        world.store.replace(kind, world.cluster.objects(kind))
    with pytest.raises(ClusterUnavailableError):
        world.step(key)
    assert world.copies() == {}
