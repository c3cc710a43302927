"""The thread that keeps a watch going, and what is watched."""

import asyncio
import gc
import logging
import threading
import time

from mcpg_operator.resources import (
    CLUSTER,
    CONFIG_MAP,
    GATEWAY,
    NAMESPACE,
    PLUGIN,
    PLUGIN_MIRROR,
    PLUGIN_SET,
    RESOURCE_QUOTA,
    REVOCATION_LIST,
    ROLE_BINDING,
    ROUTE,
    SECRET,
    TENANT,
)
from mcpg_operator.runtime.watching import Watched, Watching, watched
from mcpg_operator.settings import Settings

TARGETS = (Watched(kind=PLUGIN),)
CHILDREN = {one.kind for one in watched(Settings()) if one.labels.get("app.kubernetes.io/component") == "gateway"}
"""What gateways bring along."""


def until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_secrets_and_config_maps_are_watched_in_one_namespace_and_never_with_bulky_ones():
    scopes = {one.kind: one for one in watched(Settings(namespace="home"))}
    assert {kind: one.namespace for kind, one in scopes.items() if kind not in CHILDREN} == {
        PLUGIN: None, PLUGIN_MIRROR: None, REVOCATION_LIST: None, PLUGIN_SET: None, GATEWAY: None, ROUTE: None, CLUSTER: None,
        TENANT: None, NAMESPACE: None, RESOURCE_QUOTA: None, ROLE_BINDING: None, SECRET: "home", CONFIG_MAP: "home",
    }  # fmt: skip
    assert scopes[SECRET].fields == (
        "type!=mcpg.dev/plugin,type!=mcpg.dev/plugin-shard,type!=mcpg.dev/plugin-evidence,type!=helm.sh/release.v1"
    )
    assert [kind for kind, one in scopes.items() if one.optional and kind not in CHILDREN] == []


def test_of_quotas_and_bindings_only_the_operators_own_are_watched():
    labels = {one.kind: dict(one.labels) for one in watched(Settings()) if one.labels and one.kind not in CHILDREN}
    managed, component = "app.kubernetes.io/managed-by", "app.kubernetes.io/component"
    assert labels == {
        RESOURCE_QUOTA: {managed: "mcpg-operator", component: "tenant-quota"},
        ROLE_BINDING: {managed: "mcpg-operator", component: "tenant-rbac"},
    }


def test_the_labels_that_are_watched_are_those_that_are_written():
    from mcpg_operator.render.plugin_set import BINDING_LABELS
    from mcpg_operator.render.tenant import QUOTA_LABELS

    labels = {one.kind: dict(one.labels) for one in watched(Settings())}
    assert (labels[ROLE_BINDING], labels[RESOURCE_QUOTA]) == (BINDING_LABELS, QUOTA_LABELS)


def test_a_watch_namespace_restricts_the_namespaced_kinds():
    scopes = {one.kind: one.namespace for one in watched(Settings(namespace="home", watch_namespace="tenant"))}
    assert {scopes[kind] for kind in (PLUGIN_SET, GATEWAY, ROUTE)} == {"tenant"}
    assert (scopes[PLUGIN], scopes[CLUSTER], scopes[TENANT], scopes[NAMESPACE], scopes[SECRET]) == (
        None,
        None,
        None,
        None,
        "home",
    )
    assert {RESOURCE_QUOTA, ROLE_BINDING}.isdisjoint(scopes)


def test_a_watch_that_ends_or_fails_is_started_again():
    runs = []

    async def watch(targets, ends):
        runs.append(targets)
        if len(runs) == 1:
            raise RuntimeError("strange")
        if len(runs) > 3:
            await ends.wait()

    watching = Watching(watch, pauses=(0.001, 0.002))
    watching.start(TARGETS)
    until(lambda: len(runs) == 4)
    assert (watching.alive, watching.runs) == (True, 4)
    assert watching.stop(20)
    assert not watching.alive
    assert runs == [TARGETS] * 4


def test_the_pauses_between_bad_runs_grow_and_a_stop_ends_them():
    times = []

    async def watch(targets, ends):
        times.append(time.monotonic())

    watching = Watching(watch, pauses=(0.01, 600))
    watching.start(TARGETS)
    until(lambda: len(times) == 2)
    assert watching.stop(20)
    assert len(times) == 2
    assert times[1] - times[0] >= 0.01


def test_every_run_has_a_loop_of_its_own():
    loops = []

    async def watch(targets, ends):
        loops.append(asyncio.get_running_loop())
        asyncio.create_task(asyncio.sleep(1000))  # noqa: RUF006 — what a dying library leaves behind
        if len(loops) == 2:
            await ends.wait()

    watching = Watching(watch, pauses=(0.001,))
    watching.start(TARGETS)
    until(lambda: len(loops) == 2)
    assert watching.stop(20)
    assert loops[0] is not loops[1]
    assert loops[0].is_closed()


def test_another_aim_starts_it_again_at_once_and_the_same_one_does_not():
    seen = []

    async def watch(targets, ends):
        seen.append(targets)
        await ends.wait()

    watching = Watching(watch, pauses=(600,))
    watching.start(TARGETS)
    until(lambda: seen)
    watching.aim(list(TARGETS))
    other = (*TARGETS, Watched(kind=GATEWAY))
    watching.aim(other)
    until(lambda: len(seen) == 2)
    assert watching.stop(20)
    assert seen == [TARGETS, other]


def test_the_heart_beats_while_the_loop_gets_round_and_stops_when_it_is_blocked(monkeypatch):
    monkeypatch.setattr("mcpg_operator.runtime.watching._BEAT", 0.001)
    blocked, go_on = threading.Event(), threading.Event()

    async def watch(targets, ends):
        await asyncio.sleep(0.05)
        blocked.set()
        go_on.wait(20)
        await ends.wait()

    watching = Watching(watch)
    before = watching.beat
    watching.start(TARGETS)
    assert blocked.wait(20)
    at = watching.beat
    assert at > before
    assert watching.beat == at
    go_on.set()
    until(lambda: watching.beat > at)
    assert watching.stop(20)


def test_the_heart_beats_during_a_pause_too(monkeypatch):
    monkeypatch.setattr("mcpg_operator.runtime.watching._BEAT", 0.001)

    async def watch(targets, ends):
        return

    watching = Watching(watch, pauses=(600,))
    watching.start(TARGETS)
    until(lambda: watching.runs == 1)
    at = watching.beat
    until(lambda: watching.beat > at)
    assert watching.stop(20)


def test_an_aim_that_changed_before_the_loop_began_is_not_missed():
    async def watch(targets, ends):
        await asyncio.wait_for(ends.wait(), 20)

    watching = Watching(watch)
    asyncio.run(watching._once(TARGETS))


def test_a_watch_that_was_never_started_stops():
    async def watch(targets, ends):
        raise AssertionError

    watching = Watching(watch)
    assert watching.stop(1)
    watching.aim(TARGETS)
    assert watching.runs == 0


def test_what_an_ended_watch_leaves_behind_is_no_error_and_is_not_told(caplog):
    async def fails() -> None:
        raise RuntimeError("a whole Secret")

    async def watch(_: object, ends: asyncio.Event) -> None:
        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()
        await ends.wait()

    with caplog.at_level(logging.DEBUG):
        watching = Watching(watch)
        watching.start([])
        deadline = time.monotonic() + 20
        while "left behind" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.01)
        assert watching.stop()
    assert "left behind by the watch: RuntimeError" in caplog.text
    assert "a whole Secret" not in caplog.text
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
