"""Each rule of the sweep by itself, over Secrets that were made by hand."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.keeping import Keeper, Sweeper
from mcpg_operator.ledger import Stored
from mcpg_operator.names import COMPONENT, MANAGER
from mcpg_operator.resources import EVENT, PLUGIN, PLUGIN_SET, SECRET, Resource
from mcpg_operator.settings import Settings
from supplychain.errors import ApplyForbiddenError
from tests.operators.world import NAMESPACE, World, body

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "dev.example.audit"


class Swept:
    """A namespace and its sweeper; a restart of the operator is a new one of these."""

    def __init__(self, **settings: Any) -> None:
        self.world = World(settings=Settings(namespace=NAMESPACE, **settings)).watch()
        services = self.world.services()
        self.keeper = Keeper(services)
        self.sweeper = Sweeper(services, self.keeper)
        self.times: dict[str, str | None] = {}
        listing = self.keeper.objects.listing

        def dated() -> Iterator[Resource]:
            for one in listing():
                yield Resource(SECRET, {"metadata": {**one.metadata, "creationTimestamp": self.times.get(one.name)}})

        self.keeper.objects.listing = dated  # type: ignore[method-assign]

    def secret(self, name: str, component: str, *, at: str | None = None, labels: Any = MANAGER, **notes: str) -> None:
        annotations = {f"mcpg.dev/{key.replace('_', '-')}": value for key, value in notes.items()}
        metadata = {"labels": {**labels, COMPONENT: component}, "annotations": annotations}
        self.world.cluster.put(SECRET, body(name, namespace=NAMESPACE, metadata=metadata))
        self.times[name] = at

    def plugin(self, name: str, *, stored: Stored | None = None) -> None:
        """A plugin that was judged."""
        self.world.cluster.put(PLUGIN, body(name, {}))
        self.world.ledger.put(replace(self.world.judged(name, None), stored=stored))

    def bytes_of(self, plugin: str, *names: str, **notes: str) -> None:
        for name in names:
            self.secret(name, "plugin", plugin_object=plugin, **notes)

    def shards(self, *names: str) -> None:
        for name in names:
            self.secret(name, "plugin-shard")

    def set(self, name: str, *entries: tuple[str, str], document: bytes | None = None, namespace: str = "team") -> None:
        """A set of entries by id and plugin, and what its document says; None: there is none."""
        spec = {"entries": [{"id": one, "pluginRef": {"name": plugin}} for one, plugin in entries]}
        self.world.cluster.put(PLUGIN_SET, body(name, spec, namespace=namespace))
        if document is not None:
            metadata = {"annotations": {"mcpg.dev/seal": "x"}}
            found = body(f"{name}-resolved", namespace=namespace, metadata=metadata)
            self.world.cluster.put(SECRET, {**found, "data": {"plugins.json": encoded(document)}})

    def sweep(self) -> list[str]:
        """Sweep, and name the Secrets that are left at home."""
        self.world.later(1)
        self.sweeper.sweep()
        return sorted(one.name for one in self.world.cluster.objects(SECRET) if one.namespace == NAMESPACE)


def encoded(data: bytes) -> str:
    from base64 import b64encode

    return b64encode(data).decode()


def naming(*names: str) -> bytes:
    entries = [{"artefactSecretName": names[0], "secrets": [{"name": one} for one in names]}]
    return json.dumps({"entries": entries}).encode()


def test_the_newest_superseded_bytes_are_retained_and_those_without_a_date_go_first():
    found = Swept(retain_digests=2)
    found.plugin("audit")
    for name, at in (("a", "2026-01-03T00:00:00Z"), ("b", "2026-01-02T00:00:00Z"), ("c", "2026-01-01T00:00:00Z"), ("d", None)):
        found.secret(name, "plugin", at=at, plugin_object="audit")
    assert found.sweep() == ["a", "b"]


def test_of_the_same_age_the_last_name_is_retained():
    found = Swept(retain_digests=1)
    found.plugin("audit")
    found.bytes_of("audit", "a", "b", "c")
    assert found.sweep() == ["c"]


def test_every_plugin_retains_its_own():
    found = Swept(retain_digests=1)
    for name in ("audit", "gate"):
        found.plugin(name)
        found.bytes_of(name, f"{name}-1", f"{name}-2")
    assert found.sweep() == ["audit-2", "gate-2"]


def test_what_is_in_use_is_none_of_the_superseded():
    found = Swept(retain_digests=0)
    found.plugin("audit", stored=Stored(secret="a", digests={}, size=1))
    found.bytes_of("audit", "a", "b")
    assert found.sweep() == ["a"]


@pytest.mark.parametrize("component", ["plugin", "plugin-evidence"])
def test_a_secret_that_names_no_plugin_is_left_alone(component):
    found = Swept(retain_digests=0)
    found.secret("a", component)
    assert found.sweep() == ["a"]


def test_what_a_server_lists_beside_our_secrets_is_left_alone(monkeypatch):
    found = Swept(retain_digests=0)
    found.secret("a", "plugin", labels={}, plugin_object="gone")
    everything = found.world.cluster.list_metadata
    monkeypatch.setattr(found.world.cluster, "list_metadata", lambda kind, **more: everything(kind, **{**more, "labels": None}))
    assert found.sweep() == ["a"]


def test_the_very_secret_that_was_listed_is_deleted_and_no_other(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "mcpg_operator")
    found = Swept(retain_digests=0)
    found.bytes_of("gone", "a", "b")
    delete = found.keeper.delete_unless_written

    def replaced(name: str, *, uid: str) -> bool:
        if name == "a":
            found.world.cluster.remove(next(one.key for one in found.world.cluster.objects(SECRET) if one.name == "a"))
            found.bytes_of("gone", "a")
        return delete(name, uid=uid)

    monkeypatch.setattr(found.keeper, "delete_unless_written", replaced)
    assert found.sweep() == ["a"]
    assert [one.getMessage() for one in caplog.records] == ["deleted Secret b, which nothing refers to"]


def test_shards_of_an_index_of_evidence_and_of_the_ledger_stay():
    found = Swept()
    found.world.cluster.put(PLUGIN, body("none", {}))
    found.world.judged("none", None)
    for name in ("one", "two"):
        parts = {f"{name}-1": "", f"{name}-2": ""}
        found.plugin(name, stored=Stored(secret="x", digests=parts, size=1, package=((f"{name}-3", ""), (f"{name}-4", ""))))
        found.shards(*parts, f"{name}-3", f"{name}-4")
    found.bytes_of("one", "index", shards="s1,s2")
    found.secret("evidence", "plugin-evidence", plugin_object="two", stored="index", shards="s3,s4")
    found.shards("s1", "s2", "s3", "s4", "stray")
    left = found.sweep()
    assert left == sorted(
        {"evidence", "index", *(f"s{n}" for n in range(1, 5)), *(f"{a}-{n}" for a in ("one", "two") for n in range(1, 5))}
    )


def test_where_nothing_could_go_no_document_is_read():
    found = Swept()
    found.plugin("audit", stored=Stored(secret="a", digests={}, size=1))
    found.bytes_of("audit", "a")
    found.set("main", (ID, "audit"), document=naming("a"))
    found.world.cluster.reads.clear()
    assert found.sweep() == ["a"]
    assert {kind for _, kind, *_ in found.world.cluster.reads} == {SECRET, PLUGIN}


def test_what_any_document_names_stays():
    found = Swept(retain_digests=0)
    found.bytes_of("gone", "a", "b", "c", "d")
    found.set("first", (ID, "x"), document=naming("a"))
    found.set("second", (ID, "x"), document=naming("b", "c"))
    found.set("third", (ID, "x"))
    assert found.sweep() == ["a", "b", "c"]


@pytest.mark.parametrize("namespace", [None, "team"])
def test_sets_that_are_not_watched_need_nothing(namespace):
    found = Swept(retain_digests=0, watch_namespace=namespace)
    found.bytes_of("gone", "a")
    found.set("main", (ID, "gone"), document=naming("a"), namespace="other")
    assert found.sweep() == ([] if namespace else ["a"])


@pytest.mark.parametrize("data", [{}, {"other.json": "AA=="}, {"plugins.json": "?"}, {"plugins.json": ""}])
def test_a_document_of_ours_without_its_text_cannot_be_read(data):
    found = Swept(retain_digests=0)
    found.bytes_of("audit", "a")
    found.bytes_of("gate", "b")
    found.set("main", (ID, "audit"), document=b"")
    key = next(one.key for one in found.world.cluster.objects(SECRET) if one.namespace == "team")
    found.world.cluster.edit(key, lambda one: one.update(data=data))
    assert found.sweep() == ["a"]


def test_each_set_is_told_why_it_holds_something_back(monkeypatch, caplog):
    found = Swept(retain_digests=0)
    found.bytes_of("audit", "a", "b")
    found.secret("c", "plugin", plugin_object="x", plugin=ID)
    found.bytes_of("gate", "d")
    found.set("barred", (ID, "audit"), namespace="forbidden")
    found.set("rubbish", ("dev.example.gate", "gate"), document=b"rubbish")
    get = found.world.cluster.get

    def barred(kind, name, *, namespace=None):
        if (kind, namespace) == (SECRET, "forbidden"):
            raise ApplyForbiddenError("the operator may not `get` `secrets`")
        return get(kind, name, namespace=namespace)

    monkeypatch.setattr(found.world.cluster, "get", barred)
    assert found.sweep() == ["a", "b", "c", "d"]
    start = "Secrets of plugins stay that nothing else needs: the resolved document cannot be read:"
    notes = {
        "barred": f"3 {start} the operator may not `get` `secrets`",
        "rubbish": f"1 {start} it is not what the operator writes",
    }
    events = {one.body["regarding"]["name"]: one.body for one in found.world.cluster.objects(EVENT)}
    assert {name: one["note"] for name, one in events.items()} == notes
    assert {(one["type"], one["reason"], one["action"], one["reportingController"]) for one in events.values()} == {
        ("Warning", "SweepHeldBack", "Sweep", "mcpg-operator/plugin")
    }
    assert all(note in caplog.text for note in notes.values())
    found.set("late", ("dev.example.late", "gate"), document=b"rubbish")
    assert found.sweep() == ["a", "b", "c", "d"]
    assert len(found.world.cluster.objects(EVENT)) == 3
    assert found.sweep() == ["a", "b", "c", "d"]
    assert len(found.world.cluster.objects(EVENT)) == 3
