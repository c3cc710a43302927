"""Sets on a real cluster: rights, copies, the garbage collector, and what a namespace's own people can do to them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.render.plugin_set import BINDING, PAYLOAD, UNUSED_SINCE
from mcpg_operator.resources import DEPLOYMENT, PLUGIN, PLUGIN_SET, ROLE_BINDING, SECRET
from tests.e2e.world import payload
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster import OPERATOR, ApiError
from tests.support.cluster.objects import plugin_set, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpg_operator.resources import Kind
    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module", autouse=True)
def plugins(world: World, operator: OperatorProcess) -> None:
    """Two plugins that are verified once for all tests here."""
    for name in ("audit", "gate"):
        world.install(name, world.publish(name))
    for name in ("audit", "gate"):
        world.ready(name)


def copies(world: World, namespace: str) -> dict[str, dict[str, Any]]:
    """The copies of plugins in a namespace."""
    found = world.api.list(SECRET, namespace=namespace)
    return {one["metadata"]["name"]: one for one in found if one["type"].startswith("mcpg.dev/plugin")}


def child(world: World, kind: Kind, name: str, *, namespace: str) -> Any:
    """An object as it is now, None where there is none."""
    return world.api.get(kind, name, namespace=namespace)


def owners(found: dict[str, Any]) -> set[str]:
    return {one["name"] for one in found["metadata"].get("ownerReferences", ())}


def versions(world: World, namespace: str) -> dict[str, str]:
    """Resource versions of the set and of everything it brought."""
    found = [*world.api.list(PLUGIN_SET, namespace=namespace), *world.api.list(SECRET, namespace=namespace)]
    found += world.api.list(ROLE_BINDING, namespace=namespace)
    return {f"{one.get('type', one.get('kind'))}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in found}


def passes(operator: OperatorProcess) -> float:
    named = 'mcpg_operator_reconcile_total{controller="plugin-set"'
    return sum(value for name, value in operator.metrics().items() if name.startswith(named))


def not_ready(world: World, namespace: str, reason: str) -> Callable[[], bool]:
    def asked() -> bool:
        found = said(world.the_set(namespace, "main"))
        return (found.status, found.reason) == ("False", reason)

    return asked


def test_a_set_gets_the_operator_its_right_and_the_namespace_its_copies(world: World) -> None:
    team = world.namespace("set-new")
    world.add_set(
        team, "main", "audit", "gate", config={"level": 3, "ratio": 0.5, "deep": {"ü": [1, "x", True, None], "none": None}}
    )
    status = world.set_ready(team, "main")
    binding = child(world, ROLE_BINDING, BINDING, namespace=team)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": OPERATOR, "namespace": HOME}]
    sources = world.stored()
    found = copies(world, team)
    assert {name: payload(one) for name, one in found.items()} == {name: payload(sources[name]) for name in found}
    assert len(found) == 2
    assert all(one["immutable"] and owners(one) == {"main"} for one in found.values())
    secret = child(world, SECRET, "main-resolved", namespace=team)
    text = payload(secret)["plugins.json"]
    assert (
        status["resolvedHash"] == hashlib.sha256(text).hexdigest() == secret["metadata"]["annotations"]["mcpg.dev/resolved-hash"]
    )
    document = json.loads(text)
    assert [one["id"] for one in document["entries"]] == ["dev.acme.audit", "dev.acme.gate"]
    assert document["entries"][0]["config"] == {"level": 3, "ratio": 0.5, "deep": {"ü": [1, "x", True, None], "none": None}}
    assert (status["resolvedEntries"], status["totalEntries"]) == (2, 2)


def test_the_longest_name_is_good_enough(world: World) -> None:
    team = world.namespace("set-long")
    name = "s" * 253
    world.add_set(team, name, "audit")
    world.set_ready(team, name)
    assert len(copies(world, team)) == 1


def test_an_idle_set_is_looked_at_and_not_written(world: World, operator: OperatorProcess) -> None:
    team = world.namespace("set-idle")
    world.add_set(team, "main", "audit")
    world.set_ready(team, "main")
    before, count = versions(world, team), passes(operator)
    world.until(lambda: passes(operator) > count + 3 * len(world.api.list(PLUGIN_SET)), what="some passes")
    assert versions(world, team) == before


def test_a_restart_writes_nothing(world: World, operator: OperatorProcess) -> None:
    team = world.namespace("set-restart")
    world.add_set(team, "main", "audit", "gate")
    world.set_ready(team, "main")
    before = versions(world, team)
    operator.restart()
    count = passes(operator)
    world.until(lambda: passes(operator) > count + 3 * len(world.api.list(PLUGIN_SET)), what="some passes")
    assert versions(world, team) == before


def test_two_sets_share_a_copy_and_the_last_one_takes_it_along(world: World) -> None:
    team = world.namespace("set-shared")
    world.add_set(team, "first", "audit")
    world.add_set(team, "second", "audit", "gate")
    for name in ("first", "second"):
        world.set_ready(team, name)
    shared = world.status("audit")["artefactSecretName"]
    world.until(lambda: owners(copies(world, team)[shared]) == {"first", "second"}, what="both to own the copy")
    uid = copies(world, team)[shared]["metadata"]["uid"]
    world.api.delete(PLUGIN_SET, "first", namespace=team)
    world.until(lambda: owners(copies(world, team)[shared]) == {"second"}, what="the first owner to go")
    world.until(lambda: child(world, SECRET, "first-resolved", namespace=team) is None, what="its document to go")
    assert copies(world, team)[shared]["metadata"]["uid"] == uid
    world.set_ready(team, "second")
    world.api.delete(PLUGIN_SET, "second", namespace=team)
    world.until(lambda: not copies(world, team), what="the copies to go")
    world.until(lambda: child(world, ROLE_BINDING, BINDING, namespace=team) is None, what="the right to go")
    assert child(world, SECRET, "second-resolved", namespace=team) is None


def test_a_set_that_steps_back_leaves_the_copy_to_the_other(world: World) -> None:
    team = world.namespace("set-step-back")
    world.add_set(team, "first", "audit", "gate")
    world.add_set(team, "second", "audit")
    for name in ("first", "second"):
        world.set_ready(team, name)
    shared = world.status("audit")["artefactSecretName"]
    world.add_set(team, "first", "gate")
    world.until(lambda: owners(copies(world, team)[shared]) == {"second"}, what="the first to step back")
    world.set_ready(team, "first")
    world.set_ready(team, "second")


def test_a_subject_that_somebody_added_to_the_binding_is_told_and_not_used(world: World) -> None:
    team = world.namespace("set-subject")
    world.add_set(team, "main", "audit")
    world.set_ready(team, "main")
    good = child(world, ROLE_BINDING, BINDING, namespace=team)["subjects"]
    mallory = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "mallory"}
    world.api.merge(ROLE_BINDING, BINDING, {"subjects": [*good, mallory]}, namespace=team)
    world.until(not_ready(world, team, "NameConflict"), what="the conflict to be told")
    found = said(world.the_set(team, "main"))
    assert found is not None
    assert "mallory" in found.message
    assert len(copies(world, team)) == 1
    world.api.merge(ROLE_BINDING, BINDING, {"subjects": good}, namespace=team)
    world.set_ready(team, "main")


def test_a_binding_that_gives_another_role_is_not_used(world: World) -> None:
    team = world.namespace("set-role")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    subject = {"kind": "ServiceAccount", "name": OPERATOR, "namespace": HOME}
    metadata = {"name": BINDING, "namespace": team}
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata}
    world.api.create({**body, "roleRef": role, "subjects": [subject]})
    world.add_set(team, "main", "audit")
    world.until(not_ready(world, team, "NameConflict"), what="the conflict to be told")
    assert copies(world, team) == {}
    world.api.delete(ROLE_BINDING, BINDING, namespace=team)
    world.set_ready(team, "main")


def test_a_secret_of_somebody_else_in_the_way_is_left_alone(world: World) -> None:
    team = world.namespace("set-foreign")
    name = world.status("audit")["artefactSecretName"]
    mine = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": team}, "stringData": {"mine": "1"}}
    world.api.create(mine)
    world.add_set(team, "main", "audit")
    world.until(not_ready(world, team, "NameConflict"), what="the conflict to be told")
    assert payload(child(world, SECRET, name, namespace=team)) == {"mine": b"1"}
    world.api.delete(SECRET, name, namespace=team)
    world.set_ready(team, "main")


def test_what_people_do_to_children_is_undone(world: World) -> None:
    team = world.namespace("set-edited")
    world.add_set(team, "main", "audit")
    world.set_ready(team, "main")
    name = world.status("audit")["artefactSecretName"]
    text = payload(child(world, SECRET, "main-resolved", namespace=team))

    def intact() -> bool:
        copy, document = (child(world, SECRET, one, namespace=team) for one in (name, "main-resolved"))
        return (
            copy is not None
            and owners(copy) == {"main"}
            and "mcpg.dev/source-namespace" in copy["metadata"].get("labels", {})
            and payload(copy) == payload(child(world, SECRET, name, namespace=HOME))
            and document is not None
            and payload(document) == text
            and owners(document) == {"main"}
        )

    assert intact()
    evil = base64.b64encode(b"{}").decode()
    changes: dict[str, Callable[[], object]] = {
        "the copy's labels": lambda: world.api.merge(SECRET, name, {"metadata": {"labels": None}}, namespace=team),
        "the copy's owners": lambda: world.api.merge(SECRET, name, {"metadata": {"ownerReferences": None}}, namespace=team),
        "the copy": lambda: world.api.delete(SECRET, name, namespace=team),
        "the text": lambda: world.api.merge(SECRET, "main-resolved", {"data": {"plugins.json": evil}}, namespace=team),
        "the labels": lambda: world.api.merge(SECRET, "main-resolved", {"metadata": {"labels": None}}, namespace=team),
        "the document": lambda: world.api.delete(SECRET, "main-resolved", namespace=team),
        "the text for ever": lambda: world.api.merge(
            SECRET, "main-resolved", {"data": {"plugins.json": evil}, "immutable": True}, namespace=team
        ),
    }
    for what, change in changes.items():
        change()
        world.until(intact, what=f"{what} to come back")
    world.set_ready(team, "main")


def test_a_restored_copy_whose_owner_is_gone_comes_back_with_the_right_owner(world: World) -> None:
    team = world.namespace("set-restored")
    world.add_set(team, "main", "audit")
    world.set_ready(team, "main")
    name = world.status("audit")["artefactSecretName"]
    saved = child(world, SECRET, name, namespace=team)
    world.api.delete(SECRET, name, namespace=team)
    stale = {**saved["metadata"]["ownerReferences"][0], "uid": "00000000-0000-0000-0000-000000000000"}
    metadata = {key: saved["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    world.create_before_it_comes_back({**saved, "metadata": {**metadata, "ownerReferences": [stale]}})
    right = world.the_set(team, "main")["metadata"]["uid"]

    def restored() -> bool:
        found = copies(world, team).get(name)
        return found is not None and [one["uid"] for one in found["metadata"].get("ownerReferences", ())] == [right]

    world.until(restored, what="the copy with the right owner")
    world.set_ready(team, "main")


def test_a_copy_that_nobody_needs_goes_late_and_not_while_a_workload_mentions_it(world: World) -> None:
    team = world.namespace("set-superseded")
    world.add_set(team, "main", "audit", "gate")
    world.set_ready(team, "main")
    name = world.status("gate")["artefactSecretName"]
    pod = {
        "containers": [{"name": "gateway", "image": "example.com/none"}],
        "volumes": [{"name": "plugin", "projected": {"sources": [{"secret": {"name": name}}]}}],
    }
    labels = {"app": "gateway"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "gateway", "namespace": team}
    world.api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    world.add_set(team, "main", "audit")
    world.set_ready(team, "main")
    mark = world.until(lambda: copies(world, team)[name]["metadata"]["annotations"].get(UNUSED_SINCE), what="the mark")
    assert mark.endswith("Z")
    long_ago = {"metadata": {"annotations": {UNUSED_SINCE: "2020-01-01T00:00:00Z"}}}
    world.api.merge(SECRET, name, long_ago, namespace=team)
    operator_looked(world)
    assert name in copies(world, team)
    world.api.delete(DEPLOYMENT, "gateway", namespace=team)
    world.until(lambda: name not in copies(world, team), what="the copy to go")
    world.set_ready(team, "main")


def operator_looked(world: World) -> None:
    """Wait until a set that is made now was resolved, which takes every other set of the queue along."""
    team = world.namespace("set-looked")
    for number in range(3):
        world.add_set(team, f"probe-{number}", "audit")
        world.set_ready(team, f"probe-{number}")


def test_a_revoked_plugin_leaves_and_comes_back_when_it_is_not_revoked_any_more(world: World) -> None:
    team = world.namespace("set-revoked")
    world.add_set(team, "main", "audit", "gate")
    world.set_ready(team, "main")
    world.revoke(world.status("gate")["resolvedDigest"])
    try:
        world.until(lambda: [*world.resolved(team, "main")] == ["dev.acme.audit"], seconds=5, what="it to leave")
        world.until(not_ready(world, team, "Progressing"), what="the set to say so")
        failed = world.the_set(team, "main")["status"]["failedEntries"]
        assert [(one["id"], one["reason"]) for one in failed] == [("dev.acme.gate", "PluginRevoked")]
    finally:
        world.revoke()
    world.set_ready(team, "main")
    assert [*world.resolved(team, "main")] == ["dev.acme.audit", "dev.acme.gate"]


def test_a_plugin_that_vanishes_stays_in_the_document(world: World) -> None:
    team = world.namespace("set-vanished")
    published = world.add("fleeting")
    world.add_set(team, "main", "fleeting")
    before = world.set_ready(team, "main")["resolvedHash"]
    world.api.delete(PLUGIN, "fleeting")
    world.until(not_ready(world, team, "Progressing"), what="the set to notice")
    status = world.the_set(team, "main")["status"]
    assert [one["reason"] for one in status["failedEntries"]] == ["PluginNotFound"]
    assert status["resolvedHash"] == before
    assert [payload(one)["plugin.so"] for one in copies(world, team).values()] == [published.release.library]
    world.install("fleeting", published)
    assert world.set_ready(team, "main")["resolvedHash"] == before
    assert world.events("main") >= {("Warning", "EntriesFailed"), ("Normal", "Reconciled")}


def test_a_set_waits_for_its_plugin(world: World) -> None:
    team = world.namespace("set-early")
    world.add_set(team, "main", "late")
    world.until(not_ready(world, team, "Progressing"), what="the set to wait")
    world.install("late", world.publish("late"))
    world.set_ready(team, "main")


def test_a_grant_that_the_plugin_does_not_ask_for_is_refused(world: World) -> None:
    team = world.namespace("set-grants")
    world.add_set(team, "main", "audit", grants={"dev.acme.audit": ["transport_listen"]})
    world.until(not_ready(world, team, "Progressing"), what="the refusal")
    assert [one["reason"] for one in world.the_set(team, "main")["status"]["failedEntries"]] == ["GrantNotRequired"]


def test_a_namespace_that_is_deleted_takes_everything_along_and_the_operator_goes_on(world: World) -> None:
    team = world.namespace("set-doomed")
    world.add_set(team, "main", "audit")
    world.set_ready(team, "main")
    world.cluster.drop_namespace(team)
    operator_looked(world)


def test_a_set_in_the_operators_namespace_uses_the_sources(world: World) -> None:
    before = world.stored()
    world.api.apply(plugin_set(HOME, "own", {"dev.acme.audit": "audit"}))
    try:
        world.set_ready(HOME, "own")
        after = world.stored()
        assert {name: one["metadata"]["resourceVersion"] for name, one in after.items()} == {
            name: one["metadata"]["resourceVersion"] for name, one in before.items()
        }
        assert not any(PAYLOAD in one["metadata"].get("annotations", {}) for one in after.values())
        assert world.resolved(HOME, "own").keys() == {"dev.acme.audit"}
    finally:
        world.api.delete(PLUGIN_SET, "own", namespace=HOME)
    world.until(lambda: child(world, SECRET, "own-resolved", namespace=HOME) is None, what="the document to go")
    assert child(world, ROLE_BINDING, BINDING, namespace=HOME) is not None


def test_the_api_server_keeps_the_rule_that_lets_a_document_be_one_entry_per_id(world: World) -> None:
    team = world.namespace("set-rules")
    wrong = plugin_set(team, "main", {"dev.acme.audit": "audit"})
    wrong["spec"]["entries"] *= 2
    with pytest.raises(ApiError, match="two entries have the same id"):
        world.api.create(wrong)
