"""Copies of plugins: hashed before and after, shared by sets, replaced when they are ours and wrong, never when they are not."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mcpg_operator.controllers.plugin_set.deliver import Copies
from mcpg_operator.names import MANAGED_BY
from mcpg_operator.render.plugin_set import PAYLOAD
from mcpg_operator.resources import PLUGIN_SET, SECRET, Key, Resource
from mcpg_operator.services import Outcome
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ConflictError
from tests.operators.plugin_set.world import HOME, TEAM, World, entry


def _two_sets() -> tuple[World, Any, Key, Key]:
    world = World()
    plugin = world.plugin("audit", shards=1)
    first, second = world.make(entry("audit"), name="first"), world.make(entry("audit"), name="second")
    world.settle(first)
    world.settle(second)
    return world, plugin, first, second


def _owners(copy: Any) -> set[str]:
    return {one["name"] for one in copy.metadata.get("ownerReferences", ())}


def _replace(world: World, name: str, **changes: Any) -> None:
    """Put another Secret in the place of a copy, as a person with rights in the namespace can."""
    old = world.secret(name)
    world.cluster.remove(old.key)
    metadata = {"name": name, "namespace": TEAM, "labels": dict(old.labels), "annotations": dict(old.annotations)}
    metadata["ownerReferences"] = old.metadata["ownerReferences"]
    world.cluster.put(SECRET, {**old.body, "metadata": metadata, **changes})


_EVIL = {"plugin.so": base64.b64encode(b"evil").decode()}


def test_a_deleted_copy_comes_back():
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.remove(Key(SECRET, plugin.stored.secret, TEAM))
    assert world.step(key).changed
    assert world.copies()[plugin.stored.secret].data() == world.secret(plugin.stored.secret, HOME).data()


def test_a_copy_whose_bytes_were_exchanged_is_replaced():
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    _replace(world, name, data=_EVIL)
    world.settle(key)
    assert world.secret(name).data() == world.secret(name, HOME).data()
    assert _owners(world.secret(name)) == {"main"}


def test_a_copy_that_could_be_changed_is_replaced():
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    _replace(world, name, immutable=False)
    world.settle(key)
    assert world.secret(name).body["immutable"] is True


def test_a_copy_that_was_exchanged_while_the_operator_was_away_is_replaced():
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    _replace(world, plugin.stored.secret, data=_EVIL)
    world.restart()
    world.ledger.put(plugin)
    world.settle(key)
    assert world.secret(plugin.stored.secret).data() == world.secret(plugin.stored.secret, HOME).data()


def test_an_untouched_copy_is_read_once_after_a_restart_and_not_written():
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    world.restart()
    world.ledger.put(plugin)
    world.quiet()
    assert not world.step(key).changed
    assert world.cluster.writes == []
    reads = [what for verb, kind, what in world.cluster.reads if (verb, kind) == ("get", SECRET)]
    assert reads.count(plugin.stored.secret) == 2, "the source and the copy"
    world.quiet()
    world.step(key)
    assert ("get", SECRET) not in {(verb, kind) for verb, kind, _ in world.cluster.reads}


@pytest.mark.parametrize("labels", [{}, {MANAGED_BY: "Helm"}], ids=["bare", "of another tool"])
@pytest.mark.parametrize("same_bytes", [True, False], ids=["with the very bytes", "with other bytes"])
def test_a_secret_of_somebody_else_is_never_touched(labels: dict[str, str], same_bytes: bool):
    world = World()
    name = world.plugin("audit").stored.secret
    data = world.secret(name, HOME).body["data"] if same_bytes else _EVIL
    foreign = world.cluster.put(SECRET, {"metadata": {"name": name, "namespace": TEAM, "labels": labels}, "data": data})
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.secret(name) == foreign
    assert world.failed(key) == {"dev.example.audit": "NameConflict"}
    assert world.condition(key) == ("False", "NameConflict")
    assert name in world.message(key)
    assert world.ids(key) == []


def test_a_copy_that_lost_its_labels_is_taken_back():
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.edit(Key(SECRET, name, TEAM), lambda body: body["metadata"].update(labels={}))
    world.settle(key)
    assert world.secret(name).labels[MANAGED_BY] == "mcpg-operator"
    assert world.condition(key) == ("True", "Reconciled")


def test_a_copy_that_lost_its_labels_and_its_bytes_is_replaced():
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)

    def spoil(body: dict[str, Any]) -> None:
        body["metadata"]["labels"] = {}
        body["data"] = _EVIL

    world.cluster.edit(Key(SECRET, name, TEAM), spoil)
    world.settle(key)
    assert world.secret(name).data() == world.secret(name, HOME).data()
    assert world.condition(key) == ("True", "Reconciled")


def test_bytes_that_the_api_server_did_not_keep_are_not_delivered(monkeypatch: pytest.MonkeyPatch):
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    create = world.cluster.create

    def mutate(manifest: dict[str, Any]) -> Resource:
        evil = {**manifest, "data": _EVIL} if manifest["metadata"]["name"] == name else manifest
        return create(evil)

    monkeypatch.setattr(world.cluster, "create", mutate)
    world.step(key)
    assert world.copies() == {}
    assert world.failed(key) == {"dev.example.audit": "ApplyFailed"}
    assert world.ids(key) == []


def test_bytes_that_change_while_an_owner_is_written_are_noticed(monkeypatch: pytest.MonkeyPatch):
    world = World()
    name = world.plugin("audit").stored.secret
    first, second = world.make(entry("audit"), name="first"), world.make(entry("audit"), name="second")
    world.settle(first)
    apply = world.cluster.apply

    def spoil(manifest: dict[str, Any], *, manager: str) -> Resource:
        written = apply(manifest, manager=manager)
        if manifest["metadata"]["name"] != name:
            return written
        return world.cluster.edit(Key(SECRET, name, TEAM), lambda body: body.update(data=_EVIL))

    monkeypatch.setattr(world.cluster, "apply", spoil)
    world.step(second)
    monkeypatch.undo()
    assert world.secret(name).data() == {"plugin.so": b"evil"}
    world.settle(second)
    assert world.secret(name).data() == world.secret(name, HOME).data()


def test_what_took_the_place_of_a_bad_copy_is_not_deleted_in_its_stead(monkeypatch: pytest.MonkeyPatch):
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    _replace(world, name, data=_EVIL)
    get = world.cluster.get

    def overtake(kind: Any, what: str, *, namespace: str | None = None) -> Resource | None:
        found = get(kind, what, namespace=namespace)
        if (what, namespace) == (name, TEAM) and found is not None and found.labels:
            world.cluster.remove(found.key)
            world.cluster.put(SECRET, {"metadata": {"name": name, "namespace": TEAM}, "data": {"mine": "MQ=="}})
        return found

    monkeypatch.setattr(world.cluster, "get", overtake)
    world.settle(key)
    assert world.secret(name).data() == {"mine": b"1"}
    assert world.failed(key) == {"dev.example.audit": "NameConflict"}


def test_a_copy_whose_payload_cannot_be_read_is_replaced():
    world = World()
    plugin = world.plugin("audit")
    name = plugin.stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.edit(Key(SECRET, name, TEAM), lambda body: body.update(data={"plugin.so": "%%%"}))
    world.settle(key)
    assert world.secret(name).data() == world.secret(name, HOME).data()


def test_a_copy_that_vanishes_between_two_looks_comes_back(monkeypatch: pytest.MonkeyPatch):
    world = World()
    plugin = world.plugin("audit")
    name = plugin.stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    world.restart()
    world.ledger.put(plugin)
    get = world.cluster.get

    def vanish(kind: Any, what: str, *, namespace: str | None = None) -> Resource | None:
        if (what, namespace) == (name, TEAM) and world.secret(name) is not None:
            world.cluster.remove(Key(SECRET, name, TEAM))
        return get(kind, what, namespace=namespace)

    monkeypatch.setattr(world.cluster, "get", vanish)
    world.step(key)
    assert world.secret(name).data() == world.secret(name, HOME).data()
    assert world.condition(key) == ("True", "Reconciled")


def test_a_source_without_a_payload_is_missing():
    world = World()
    name = world.plugin("audit").stored.secret
    world.cluster.edit(Key(SECRET, name, HOME), lambda body: body.update(data={"plugin.so": "%%%"}))
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.failed(key) == {"dev.example.audit": "ArtefactSecretMissing"}


def test_a_copy_is_annotated_with_the_hash_of_its_payload():
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit"))
    world.settle(key)
    assert world.secret(plugin.stored.secret).annotations[PAYLOAD] == plugin.stored.digests[plugin.stored.secret]


# --- two sets ----------------------------------------------------------------------------------------------------------------


def test_two_sets_share_one_copy_and_both_own_it():
    world, plugin, first, second = _two_sets()
    for name in plugin.stored.digests:
        assert _owners(world.secret(name)) == {"first", "second"}
    assert world.condition(first) == world.condition(second) == ("True", "Reconciled")


def test_two_sets_do_not_fight_over_a_copy():
    world, _, first, second = _two_sets()
    world.quiet()
    for _ in range(3):
        assert not world.step(first).changed
        assert not world.step(second).changed
    assert world.cluster.writes == []


def test_the_bytes_are_not_sent_again_for_the_second_owner():
    world = World()
    world.plugin("audit")
    first, second = world.make(entry("audit"), name="first"), world.make(entry("audit"), name="second")
    world.settle(first)
    world.quiet()
    world.settle(second)
    written = [one for one in world.cluster.writes if one.key.kind == SECRET]
    assert [(one.verb, one.key.name) for one in written if "resolved" not in one.key.name] == [
        ("apply", next(iter(world.copies())))
    ]


def test_deleting_one_of_two_sets_keeps_the_other_working():
    world, plugin, first, second = _two_sets()
    world.cluster.delete(PLUGIN_SET, first.name, namespace=first.namespace)
    world.cluster.collect_garbage()
    world.settle(first)
    world.settle(second)
    assert world.copies().keys() == plugin.stored.digests.keys()
    assert world.condition(second) == ("True", "Reconciled")
    assert world.secret("first-resolved") is None
    assert world.binding() is not None


def test_deleting_both_sets_takes_everything_away():
    world, _, first, second = _two_sets()
    for key in (first, second):
        world.cluster.delete(PLUGIN_SET, key.name, namespace=key.namespace)
    world.cluster.collect_garbage()
    world.settle(first)
    assert world.copies() == {}
    assert world.binding() is None


def test_a_set_that_needs_a_shared_copy_no_more_steps_back_at_once():
    world, plugin, first, second = _two_sets()
    world.plugin("gate")
    world.cluster.edit(first, lambda body: body["spec"].update(entries=[entry("gate")]))
    world.settle(first)
    for name in plugin.stored.digests:
        assert _owners(world.secret(name)) == {"second"}
    assert not world.step(second).changed


def test_a_set_does_not_step_back_while_it_has_failed_entries():
    world, plugin, first, _ = _two_sets()
    world.cluster.edit(first, lambda body: body["spec"].update(entries=[entry("missing")]))
    world.settle(first)
    for name in plugin.stored.digests:
        assert _owners(world.secret(name)) == {"first", "second"}


def test_an_owner_reference_to_an_earlier_set_of_the_same_name_does_not_stay():
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.remove(key)
    world.settle(world.make(entry("audit")))
    (owner,) = world.secret(name).metadata["ownerReferences"]
    assert owner["uid"] == world.cluster.objects(PLUGIN_SET)[0].uid
    assert world.secret("main-resolved").metadata["ownerReferences"][0]["uid"] == owner["uid"]


def test_an_owner_that_somebody_added_stays():
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    mine = {"apiVersion": "v1", "kind": "ConfigMap", "name": "mine", "uid": "1-2-3"}
    world.cluster.edit(Key(SECRET, name, TEAM), lambda body: body["metadata"]["ownerReferences"].append(mine))
    world.settle(key)
    assert _owners(world.secret(name)) == {"main", "mine"}


def test_the_operator_does_not_lay_claim_to_owners_that_somebody_added(monkeypatch: pytest.MonkeyPatch):
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    mine = {"apiVersion": "v1", "kind": "ConfigMap", "name": "mine", "uid": "1-2-3"}
    world.cluster.edit(Key(SECRET, name, TEAM), lambda body: body["metadata"].update(ownerReferences=[mine]))
    applied: list[dict[str, Any]] = []
    apply = world.cluster.apply

    def record(manifest: dict[str, Any], *, manager: str) -> Resource:
        applied.append(manifest)
        return apply(manifest, manager=manager)

    monkeypatch.setattr(world.cluster, "apply", record)
    world.settle(key)
    assert [[one["name"] for one in manifest["metadata"]["ownerReferences"]] for manifest in applied] == [["main"]]
    assert _owners(world.secret(name)) == {"main", "mine"}


def test_a_conflict_with_something_that_is_gone_again_is_tried_again():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(ConflictError("the object exists already"), on="create", kind=SECRET, times=1)
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")


@pytest.mark.parametrize("found", [None, "none", [None, "x"], {}])
def test_owners_that_cannot_be_read_are_none(found: Any):
    assert Resource(SECRET, {"metadata": {"ownerReferences": found}}).owners == ()


def test_a_lost_owner_reference_comes_back():
    world = World()
    name = world.plugin("audit").stored.secret
    key = world.make(entry("audit"))
    world.settle(key)
    world.cluster.edit(Key(SECRET, name, TEAM), lambda body: body["metadata"].update(ownerReferences=[]))
    world.settle(key)
    assert _owners(world.secret(name)) == {"main"}


def test_a_conflict_with_another_set_makes_another_pass_at_once():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(ConflictError("changed meanwhile"), on="apply", kind=SECRET, times=2)
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")


def test_conflicts_without_end_are_left_to_the_runtime():
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(ConflictError("changed meanwhile"), on="apply", kind=SECRET)
    with pytest.raises(ConflictError):
        world.step(key)


@pytest.mark.parametrize(
    "error", [ApplyForbiddenError("may not create Secrets"), ApplyRejectedError("exceeded quota")], ids=["forbidden", "rejected"]
)
def test_a_copy_that_cannot_be_written_ends_in_a_condition_with_the_api_servers_words(error: Exception):
    world = World()
    world.plugin("audit")
    key = world.make(entry("audit"))
    world.cluster.fail_with(error, on="create", kind=SECRET, times=1)
    result = world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    assert str(error) in world.message(key)
    assert world.failed(key) == {"dev.example.audit": "ApplyFailed"}
    assert (result.outcome, result.backoff) == (Outcome.TRANSIENT_ERROR, True)
    world.settle(key)
    assert world.condition(key) == ("True", "Reconciled")


def test_what_is_known_of_copies_that_are_gone_is_forgotten():
    copies = Copies()
    here = Resource(SECRET, {"metadata": {"name": "a", "namespace": TEAM, "uid": "1", "resourceVersion": "1"}})
    there = Resource(SECRET, {"metadata": {"name": "a", "namespace": "other", "uid": "2", "resourceVersion": "1"}})
    for one in (here, there):
        copies.remember(one, "digest")
    copies.forget(TEAM, but={})
    assert (copies.hash(here), copies.hash(there)) == (None, "digest")
