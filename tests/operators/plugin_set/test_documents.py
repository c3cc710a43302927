"""The resolved document in the cluster: edited, deleted, forged, in the way; and believed only with our seal."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from mcpg_operator.controllers.plugin_set.document import Held, believed
from mcpg_operator.controllers.plugin_set.seal import KEY_SECRET, Sealer
from mcpg_operator.render.plugin_set import DOCUMENT_KEY, RESOLVED_HASH, SEAL
from mcpg_operator.resources import PLUGIN_SET, SECRET, Key, Resource
from mcpg_operator.services import Outcome
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ConflictError
from tests.operators.plugin_set.world import HOME, TEAM, World, entry

DOCUMENT = Key(SECRET, "main-resolved", TEAM)


def _made() -> tuple[World, Any, Key]:
    world = World()
    plugin = world.plugin("audit")
    key = world.make(entry("audit", config={"token": "t"}))
    world.settle(key)
    return world, plugin, key


def _set_text(text: str) -> Any:
    return lambda body: body["data"].update({DOCUMENT_KEY: base64.b64encode(text.encode()).decode()})


def _forged(world: World, key: Key) -> str:
    document = world.document(key)
    document["entries"][0]["config"] = {"evil": True}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_set_text("rubbish"), id="other text"),
        pytest.param(lambda body: body.pop("data"), id="no text"),
        pytest.param(lambda body: body["data"].update({DOCUMENT_KEY: "/w=="}), id="bytes that are no text"),
        pytest.param(lambda body: body["metadata"]["annotations"].pop(RESOLVED_HASH), id="no hash"),
        pytest.param(lambda body: body["metadata"]["annotations"].update({SEAL: "0" * 64}), id="another seal"),
        pytest.param(lambda body: body["metadata"]["labels"].pop(RESOLVED_HASH), id="no label of the hash"),
        pytest.param(lambda body: body["metadata"].update(labels={}), id="no labels at all"),
        pytest.param(lambda body: body["metadata"].update(ownerReferences=[]), id="no owner"),
        pytest.param(lambda body: body.update(type="Opaque"), id="another type"),
        pytest.param(lambda body: body.update(immutable=True), id="immutable"),
        pytest.param(lambda body: body.update(immutable=True, data={DOCUMENT_KEY: "e30="}), id="immutable and other text"),
    ],
)
def test_a_document_that_was_edited_comes_back(damage: Any):
    world, _, key = _made()
    before = world.secret(DOCUMENT.name)
    world.cluster.edit(DOCUMENT, damage)
    assert world.step(key).changed
    after = world.secret(DOCUMENT.name)
    for part in ("data", "type", "immutable"):
        assert after.body.get(part) == before.body.get(part)
    for part in ("labels", "annotations", "ownerReferences"):
        assert after.metadata[part] == before.metadata[part]
    assert not world.step(key).changed


def test_a_deleted_document_comes_back():
    world, _, key = _made()
    before = world.document(key)
    world.cluster.remove(DOCUMENT)
    world.settle(key)
    assert world.document(key) == before


def test_a_deleted_document_comes_back_with_the_old_form_of_a_failing_entry():
    world, _, key = _made()
    before = world.document(key)
    world.refuse("audit")
    world.cluster.remove(DOCUMENT)
    world.settle(key)
    assert world.document(key) == before


def test_the_old_form_of_a_failing_entry_survives_a_restart():
    world, _, key = _made()
    before = world.document(key)
    plugin = world.ledger.all()[0]
    world.restart()
    world.ledger.put(plugin)
    world.refuse("audit")
    world.settle(key)
    assert world.document(key) == before
    assert world.failed(key) == {"dev.example.audit": "PluginNotReady"}


def test_a_forged_document_is_not_believed_after_a_restart():
    world, plugin, key = _made()
    text = _forged(world, key)
    world.cluster.edit(DOCUMENT, _set_text(text))
    world.restart()
    world.ledger.put(plugin)
    world.refuse("audit")
    world.settle(key)
    assert world.ids(key) == []


def test_an_older_document_of_ours_does_not_stay_in_the_place_of_the_present_one():
    world, _, key = _made()
    older = world.secret(DOCUMENT.name).body
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"token": "u"}))
    world.settle(key)

    def replay(body: dict[str, Any]) -> None:
        body["data"] = older["data"]
        body["metadata"].update(labels=older["metadata"]["labels"], annotations=older["metadata"]["annotations"])

    world.cluster.edit(DOCUMENT, replay)
    world.settle(key)
    assert world.document(key)["entries"][0]["config"] == {"token": "u"}


def test_a_document_is_written_over_what_was_read_and_nothing_newer(monkeypatch: pytest.MonkeyPatch):
    world, _, key = _made()
    version = world.secret(DOCUMENT.name).resource_version
    applied: list[Any] = []
    apply = world.cluster.apply

    def record(manifest: dict[str, Any], *, manager: str) -> Resource:
        applied.append(manifest["metadata"].get("resourceVersion"))
        return apply(manifest, manager=manager)

    monkeypatch.setattr(world.cluster, "apply", record)
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"token": "u"}))
    world.step(key)
    assert applied == [version]


def test_a_document_that_has_to_make_way_is_the_one_that_was_read(monkeypatch: pytest.MonkeyPatch):
    world, _, key = _made()
    world.cluster.edit(DOCUMENT, lambda body: body.update(immutable=True))
    found = world.secret(DOCUMENT.name)
    deleted: list[Any] = []
    delete = world.cluster.delete

    def record(kind: Any, name: str, **more: Any) -> bool:
        if name == DOCUMENT.name:
            deleted.append(more)
        return delete(kind, name, **more)

    monkeypatch.setattr(world.cluster, "delete", record)
    world.step(key)
    assert deleted == [{"namespace": TEAM, "uid": found.uid, "version": found.resource_version}]


def _owner(name: str, uid: str) -> dict[str, Any]:
    return {"apiVersion": PLUGIN_SET.api_version, "kind": PLUGIN_SET.name, "name": name, "uid": uid}


@pytest.mark.parametrize(
    ("owners", "stays"),
    [
        pytest.param([], True, id="nobody else"),
        pytest.param([_owner("other", "7")], True, id="another set"),
        pytest.param([_owner("main", "7")], False, id="an earlier set of the name"),
        pytest.param([_owner("other", "7"), _owner("main", "8")], False, id="another set and an earlier one"),
    ],
)
def test_a_document_is_made_anew_only_for_an_earlier_set_of_the_name(owners: list[Any], *, stays: bool):
    world, _, key = _made()
    before = world.secret(DOCUMENT.name).uid
    world.cluster.edit(DOCUMENT, lambda body: body["metadata"]["ownerReferences"].extend(owners))
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"token": "u"}))
    world.settle(key)
    assert (world.secret(DOCUMENT.name).uid == before) is stays
    assert world.document(key)["entries"][0]["config"] == {"token": "u"}


def test_a_document_in_another_form_of_writing_is_believed_and_written_as_it_should_be():
    world, plugin, key = _made()
    genuine = world.document(key)
    text = json.dumps(genuine, indent=4, sort_keys=True) + "\n"
    seal = Sealer(world.services).seal(namespace=TEAM, name="main", text=text)

    def reform(body: dict[str, Any]) -> None:
        _set_text(text)(body)
        body["metadata"]["annotations"][SEAL] = seal

    world.cluster.edit(DOCUMENT, reform)
    world.restart()
    world.ledger.put(plugin)
    world.settle(key)
    assert (world.secret(DOCUMENT.name).data() or {})[DOCUMENT_KEY] == (
        json.dumps(genuine, indent=2, sort_keys=True) + "\n"
    ).encode()


@pytest.mark.parametrize("data", [None, {}, {"plugins.json": 7}, {"plugins.json": "no base64"}, {"other": ""}, "text"])
def test_a_secret_without_readable_text_is_no_document(data: Any):
    world, _, key = _made()
    plugin_set, secret = world.store.get(PLUGIN_SET, "main", TEAM), world.secret(DOCUMENT.name)
    body = {**secret.body, "data": data}
    assert plugin_set is not None
    assert believed(Sealer(world.services), plugin_set, Resource(SECRET, body)) is None
    bare = {**secret.body, "metadata": {**secret.metadata, "annotations": {}}}
    assert believed(Sealer(world.services), plugin_set, Resource(SECRET, bare)) is None
    assert believed(Sealer(world.services), plugin_set, secret) is not None
    assert key == plugin_set.key


def test_a_document_is_applied_in_the_name_of_its_controller(monkeypatch: pytest.MonkeyPatch):
    world, _, key = _made()
    names: list[str] = []
    apply = world.cluster.apply

    def record(manifest: dict[str, Any], *, manager: str) -> Resource:
        names.append(manager)
        return apply(manifest, manager=manager)

    monkeypatch.setattr(world.cluster, "apply", record)
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"token": "u"}))
    world.step(key)
    assert set(names) == {"mcpg-operator/plugin-set-controller"}


def test_what_is_known_of_no_document_is_nothing():
    held = Held(line="x", hash="y")
    held.take(None)
    assert (held.document, held.line, held.hash) == (None, "", "")


def test_a_document_of_another_set_is_not_believed():
    world, plugin, key = _made()
    other = world.make(entry("audit", config={"other": 1}), name="other")
    world.settle(other)
    stolen = world.secret("other-resolved")

    def swap(body: dict[str, Any]) -> None:
        body["data"] = stolen.body["data"]
        body["metadata"]["annotations"][SEAL] = stolen.annotations[SEAL]

    world.cluster.edit(DOCUMENT, swap)
    world.restart()
    world.ledger.put(plugin)
    world.refuse("audit")
    world.settle(key)
    assert world.ids(key) == []


def test_a_document_of_an_unknown_version_is_not_believed():
    world, plugin, key = _made()
    document = {**world.document(key), "version": 2}
    text = json.dumps(document)
    seal = Sealer(world.services).seal(namespace=TEAM, name="main", text=text)

    def upgrade(body: dict[str, Any]) -> None:
        _set_text(text)(body)
        body["metadata"]["annotations"][SEAL] = seal

    world.cluster.edit(DOCUMENT, upgrade)
    world.restart()
    world.ledger.put(plugin)
    world.settle(key)
    assert world.document(key)["version"] == 1


def test_a_secret_of_somebody_else_in_the_documents_place_is_left_alone():
    world = World()
    world.plugin("audit")
    foreign = world.cluster.put(SECRET, {"metadata": {"name": DOCUMENT.name, "namespace": TEAM}, "data": {"mine": "MQ=="}})
    key = world.make(entry("audit"))
    result = world.settle(key)
    assert world.secret(DOCUMENT.name) == foreign
    assert world.condition(key) == ("False", "NameConflict")
    assert world.condition(key, "EntriesResolved") == ("Unknown", "NameConflict")
    status = world.status(key)
    assert (status["resolvedEntries"], status["totalEntries"], status.get("resolvedHash")) == (0, 1, None)
    assert result.outcome == Outcome.DEPENDENCY_PENDING
    assert world.events() == [("Warning", "NameConflict")]


@pytest.mark.parametrize(
    "error", [ApplyForbiddenError("may not write"), ApplyRejectedError("data: Too long")], ids=["403", "422"]
)
def test_a_document_that_cannot_be_written_ends_in_a_condition(error: Exception):
    world, _, key = _made()
    before = world.document(key)
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"a": 1}))
    world.cluster.fail_with(error, on="apply", kind=SECRET)
    result = world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    assert str(error) in world.message(key)
    assert world.document(key) == before
    assert world.status(key)["resolvedHash"] == world.secret(DOCUMENT.name).annotations[RESOLVED_HASH]
    assert (result.outcome, result.backoff) == (Outcome.TRANSIENT_ERROR, True)


def test_a_revoked_entry_that_cannot_be_taken_out_ends_in_a_condition():
    world, plugin, key = _made()
    world.revoke(plugin.artifact_hash)
    world.cluster.fail_with(ApplyForbiddenError("may not write"), on="apply", kind=SECRET)
    world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    world.cluster.edit(key, lambda body: body["spec"].update(nonsense=1))
    world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    world.cluster.edit(key, lambda body: body["spec"].pop("nonsense"))
    world.plugin("fresh", judged=False)
    world.cluster.edit(key, lambda body: body["spec"]["entries"].append(entry("fresh")))
    world.step(key)
    assert world.condition(key) == ("False", "ApplyFailed")
    world.cluster.heal()
    world.step(key)
    assert world.ids(key) == []


def test_a_set_that_was_never_written_has_nothing_to_take_out_while_it_has_no_right_to_look():
    world = World()
    world.plugin("audit", judged=False)
    key = world.make(entry("audit"))
    world.cluster.fail_with(ApplyForbiddenError("may not list Secrets"), on="list_metadata", kind=SECRET)
    world.step(key)
    assert world.failed(key) == {"dev.example.audit": "Pending"}


def test_a_write_between_two_passes_is_not_lost():
    """Two operators may overlap for a moment; the one that read earlier must not win."""
    world, _, key = _made()
    world.cluster.edit(key, lambda body: body["spec"]["entries"][0].update(config={"a": 1}))
    world.cluster.fail_with(ConflictError("changed meanwhile"), on="apply", kind=SECRET, times=1)
    world.step(key)
    assert world.document(key)["entries"][0]["config"] == {"a": 1}


# --- the seal ----------------------------------------------------------------------------------------------------------------


def test_the_key_of_the_seals_lies_in_the_operators_namespace_and_is_made_once():
    world, _, _ = _made()
    first = world.secret(KEY_SECRET, HOME)
    assert first.body["immutable"] is True
    assert len(first.data()["key"]) == 32
    one = Sealer(world.services).seal(namespace=TEAM, name="main", text="text")
    assert Sealer(world.services).holds(one, namespace=TEAM, name="main", text="text")
    assert world.secret(KEY_SECRET, HOME) == first


@pytest.mark.parametrize("change", [{"namespace": "b"}, {"name": "b"}, {"text": "b"}])
def test_a_seal_is_about_one_text_in_one_place(change: dict[str, str]):
    world = World()
    place = {"namespace": "a", "name": "a", "text": "a"}
    seal = Sealer(world.services).seal(**place)
    assert not Sealer(world.services).holds(seal, **{**place, **change})


def test_nothing_can_move_from_one_part_of_a_sealed_place_to_the_next():
    sealer = Sealer(World().services)
    seal = sealer.seal(namespace="a", name="bc", text="d")
    assert not sealer.holds(seal, namespace="ab", name="c", text="d")
    assert not sealer.holds(seal, namespace="a", name="b", text="cd")


def test_an_unusable_key_is_replaced():
    world = World()
    world.cluster.put(SECRET, {"metadata": {"name": KEY_SECRET, "namespace": HOME}, "data": {"key": "c2hvcnQ="}})
    Sealer(world.services).seal(namespace="a", name="a", text="a")
    assert len(world.secret(KEY_SECRET, HOME).data()["key"]) == 32


def test_a_key_that_is_not_stored_as_it_was_made_seals_nothing(monkeypatch: pytest.MonkeyPatch):
    world = World()
    create = world.cluster.create
    monkeypatch.setattr(world.cluster, "create", lambda manifest: create({**manifest, "data": {}}))
    with pytest.raises(ConflictError):
        Sealer(world.services).seal(namespace="a", name="a", text="a")


def test_a_lost_key_seals_the_same_documents_anew():
    world, plugin, key = _made()
    hashed = world.status(key)["resolvedHash"]
    before = world.secret(DOCUMENT.name)
    world.cluster.remove(Key(SECRET, KEY_SECRET, HOME))
    world.restart()
    world.ledger.put(plugin)
    world.settle(key)
    after = world.secret(DOCUMENT.name)
    assert after.annotations[SEAL] != before.annotations[SEAL]
    assert after.annotations[RESOLVED_HASH] == before.annotations[RESOLVED_HASH] == world.status(key)["resolvedHash"] == hashed
    assert world.condition(key) == ("True", "Reconciled")
