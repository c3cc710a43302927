"""kopf's part: it is told to write nothing, and what it sees reaches the store."""

import asyncio
import base64
import json
import logging

import kopf
import pytest

from mcpg_operator import handlers
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, SECRET, Key, Resource
from mcpg_operator.runtime.watching import Watched, watched
from mcpg_operator.settings import Settings


class Sink:
    def __init__(self):
        self.put, self.removed, self.listed = [], [], []

    def registry(self, *targets):
        return handlers.build_registry(targets, put=self.put.append, remove=self.removed.append, listed=self.listed.append)


@pytest.fixture
def sink():
    return Sink()


def deliver(registry, kind, body):
    [found] = [one for one in registry._watching.get_all_handlers() if one.id == kind.plural]
    asyncio.run(found.fn(event=body, memo=None, logger=None))


def test_every_target_has_one_handler_on_a_registry_of_its_own(sink):
    registry = sink.registry(*watched(Settings()))
    selectors = [one.selector for one in registry._watching.get_all_handlers()]
    assert {(one.group, one.version, one.any_name) for one in selectors} >= {
        ("mcpg.dev", "v1alpha2", "mcpgplugins"),
        ("mcpg.dev", "v1alpha2", "mcpgpluginmirrors"),
        ("mcpg.dev", "v1alpha2", "mcpgrevocationlists"),
        ("mcpg.dev", "v1alpha2", "mcpgpluginsets"),
        ("mcpg.dev", "v1alpha2", "mcpggateways"),
        ("mcpg.dev", "v1alpha2", "mcpgroutes"),
        ("mcpg.dev", "v1alpha2", "mcpgclusters"),
        ("mcpg.dev", "v1alpha2", "mcpgtenants"),
        ("", "v1", "namespaces"),
        ("", "v1", "resourcequotas"),
        ("rbac.authorization.k8s.io", "v1", "rolebindings"),
        ("", "v1", "secrets"),
        ("", "v1", "configmaps"),
    }
    assert list(kopf.get_default_registry()._watching.get_all_handlers()) == []
    for kind in (registry._changing, registry._spawning, registry._indexing, registry._webhooks):
        assert list(kind.get_all_handlers()) == []


@pytest.mark.parametrize("change", ["ADDED", "MODIFIED"])
def test_what_exists_is_put(sink, change):
    body = {"metadata": {"name": "a", "namespace": "here"}}
    deliver(sink.registry(Watched(kind=SECRET)), SECRET, {"type": change, "object": body})
    assert (sink.put, sink.removed, sink.listed) == ([Resource(SECRET, body)], [], [])


def test_what_was_deleted_is_removed(sink):
    body = {"metadata": {"name": "a"}}
    deliver(sink.registry(Watched(kind=PLUGIN)), PLUGIN, {"type": "DELETED", "object": body})
    assert (sink.put, sink.removed, sink.listed) == ([], [Key(PLUGIN, "a")], [])


def test_a_fresh_list_is_told(sink):
    body = {"metadata": {"name": "a"}}
    registry = sink.registry(Watched(kind=PLUGIN), Watched(kind=CONFIG_MAP))
    deliver(registry, PLUGIN, {"type": None, "object": body})
    assert (len(sink.put), sink.listed) == (1, [PLUGIN])


def test_kopf_may_write_nothing_and_gets_the_selectors():
    settings = handlers.build_settings(watched(Settings()))
    assert not settings.posting.enabled
    assert settings.peering.standalone
    assert settings.scanning.disabled
    assert settings.queueing.idle_timeout < 1, "every object would hold a task for seconds, and their memory stays"
    assert settings.process.ultimate_exiting_timeout is None
    assert settings.watching.field_selectors["secrets"].startswith("type!=mcpg.dev/plugin,")
    assert len(settings.watching.field_selectors) == 1
    managed = "app.kubernetes.io/managed-by=mcpg-operator,app.kubernetes.io/component="
    found = settings.watching.label_selectors
    assert (found["resourcequotas"], found["rolebindings"]) == (f"{managed}tenant-quota", f"{managed}tenant-rbac")


def test_kopf_compares_nothing_with_what_was_there_before():
    storage = handlers.build_settings(()).persistence.diffbase_storage
    body = kopf.Body({"metadata": {"name": "a", "labels": {"a": "b"}}, "spec": {"a": 1}})
    assert (dict(storage.build(body=body)), storage.fetch(body=body)) == ({}, None)
    patch = kopf.Patch()
    storage.store(body=body, patch=patch, essence=kopf.BodyEssence())
    assert not patch


def test_one_operator_for_each_scope_and_all_end_with_one(monkeypatch, sink):
    started = []

    async def operator(*, registry, settings, clusterwide, namespaces, stop_flag):
        kinds = sorted(one.id for one in registry._watching.get_all_handlers())
        started.append((clusterwide, namespaces, kinds))
        if namespaces == ["home"]:
            raise RuntimeError("strange")
        await stop_flag.wait()

    monkeypatch.setattr("mcpg_operator.handlers.kopf.operator", operator)

    async def run():
        await handlers.watch(
            watched(Settings(namespace="home", watch_namespace="tenant")),
            asyncio.Event(),
            put=sink.put.append,
            remove=sink.removed.append,
            listed=sink.listed.append,
        )

    with pytest.raises(RuntimeError, match="strange"):
        asyncio.run(run())
    [tenant] = [kinds for _, namespaces, kinds in started if namespaces == ["tenant"]]
    assert {"mcpggateways", "mcpgpluginsets", "mcpgroutes"} <= set(tenant)
    assert sorted((one for one in started if one[1] != ["tenant"]), key=str) == [
        (False, ["home"], ["configmaps", "secrets"]),
        (True, [], ["mcpgclusters", "mcpgpluginmirrors", "mcpgplugins", "mcpgrevocationlists", "mcpgtenants", "namespaces"]),
    ]


def test_kopf_logs_in_with_the_same_credentials_read_anew(monkeypatch, tmp_path):
    file, token = tmp_path / "config", tmp_path / "token"
    pem = base64.b64encode(b"pem").decode()
    file.write_text(
        json.dumps(
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "home"}}],
                "clusters": [{"name": "a", "cluster": {"server": "https://api.test", "certificate-authority-data": pem}}],
                "users": [{"name": "a", "user": {"tokenFile": str(token)}}],
            }
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(file))
    for word in ("first", "second"):
        token.write_text(word)
        found = handlers.login(logger=None)
        assert (found.server, found.scheme, found.token, found.ca_data, found.default_namespace) == (
            "https://api.test", "Bearer", word, pem, "home",
        )  # fmt: skip


def test_kopf_is_silent(caplog):
    level = logging.getLogger("kopf").level
    try:
        handlers.quiet()
        logging.getLogger("kopf._cogs.clients.watching").warning("Ignoring an unsupported event type: a Secret")
        assert caplog.text == ""
    finally:
        logging.getLogger("kopf").setLevel(level)
