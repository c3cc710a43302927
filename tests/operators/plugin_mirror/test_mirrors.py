"""The controller of mirrors over a cluster in memory."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from mcpg_operator.controllers.plugin_mirror import PluginMirrorReconciler
from mcpg_operator.resources import EVENT, PLUGIN, PLUGIN_MIRROR, SECRET, SERVICE, Key
from mcpg_operator.services import Outcome
from mcpg_operator.settings import Settings
from supplychain.errors import ApplyForbiddenError, ClusterUnavailableError, InvalidCredentialsError
from supplychain.limits import Limits
from supplychain.mirror.budget import shared
from supplychain.mirror.probe import Finding, Probe, Target
from tests.operators.world import NAMESPACE, World, body, edited
from tests.support.loopback_server import Answer, serving
from tests.support.registries import docker_config

HARBOR = Key(PLUGIN_MIRROR, "harbor")
PULL = Key(SECRET, "pull", NAMESPACE)
HOST = "harbor.oci.svc.cluster.local:5000"
UPSTREAM = {"registry": "ghcr.io", "namespace": "acme"}
ENDPOINT = {"service": {"namespace": "oci", "name": "harbor", "port": 5000, "pathPrefix": "/mirror/"}}
SPEC = {"endpoint": ENDPOINT, "upstream": UPSTREAM}
AUTH = {"secretRef": {"secretName": "pull", "key": "config.json"}}


class Asked:
    """Stands in for the probe."""

    def __init__(self) -> None:
        self.calls: list[Target] = []
        self.answer: Probe | Exception = Probe(finding=Finding.REACHABLE, message="registry answers")

    def __call__(self, target: Target) -> Probe:
        self.calls.append(target)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def says(self, finding: Finding) -> None:
        self.answer = Probe(finding=finding, message="what the probe says")


@pytest.fixture
def world() -> World:
    world = World()
    world.cluster.put(SERVICE, body("harbor", {}, namespace="oci"))
    world.cluster.put(PLUGIN_MIRROR, body("harbor", SPEC))
    return world.watch()


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def mirrors(world: World, asked: Asked) -> PluginMirrorReconciler:
    return PluginMirrorReconciler(world.services(), ask=asked)


def secret(world: World, data: bytes, *, key: str = "config.json", kind: str = "Opaque") -> None:
    from base64 import b64encode

    world.cluster.put(SECRET, body("pull", namespace=NAMESPACE, data={key: b64encode(data).decode()}, type=kind))


def plugin(world: World, name: str, mirror: str | None) -> None:
    oci = {"image": "ghcr.io/acme/x:1", **({"mirrorRef": {"name": mirror}} if mirror else {})}
    world.cluster.put(PLUGIN, body(name, {"oci": oci}))


def test_a_mirror_that_answers_gets_ready(world, mirrors, asked):
    result = mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("True", "Reconciled")
    status = world.status(*HARBOR)
    assert (status["reachable"], status["endpointHost"], status["proxiedReferences"]) == (True, HOST, 0)
    assert status["observedGeneration"] == 1
    assert (result.outcome, result.after, result.changed) == (Outcome.SUCCESS, 600, True)


def test_the_probe_is_told_everything_a_pull_would_know(world, mirrors, asked):
    mirrors.reconcile(HARBOR)
    assert asked.calls == [Target(registry=HOST, repository="mirror", avoid=("ghcr.io",), budget=shared(Limits()))]


def test_the_probe_shares_the_budget_of_all_pulls(world, asked):
    world.settings = Settings(namespace=NAMESPACE, registry_requests_per_minute=7, registry_bytes_per_minute=1 << 20)
    PluginMirrorReconciler(world.services(), ask=asked).reconcile(HARBOR)
    assert asked.calls[0].budget is shared(world.settings.limits) is not shared(Limits())


def test_insecure_and_ca_file_reach_the_probe(world, asked, tmp_path):
    world.settings = Settings(namespace=NAMESPACE, ca_file=tmp_path / "ca.pem")
    world.cluster.edit(HARBOR, edited(endpoint={**ENDPOINT, "insecure": True}))
    PluginMirrorReconciler(world.services(), ask=asked).reconcile(HARBOR)
    assert asked.calls[0].insecure is True
    assert asked.calls[0].ca_file == tmp_path / "ca.pem"


def test_the_clusters_domain_is_part_of_the_host(world, asked):
    world.settings = Settings(namespace=NAMESPACE, cluster_domain="k8s.example")
    PluginMirrorReconciler(world.services(), ask=asked).reconcile(HARBOR)
    assert asked.calls[0].registry == "harbor.oci.svc.k8s.example:5000"
    assert world.status(*HARBOR)["endpointHost"] == "harbor.oci.svc.k8s.example:5000"


def test_with_an_endpoint_override_no_service_is_looked_up(world, asked):
    world.cluster.remove(Key(SERVICE, "harbor", "oci"))
    world.settings = Settings(namespace=NAMESPACE, mirror_endpoints={"harbor": "127.0.0.1:5000"})
    PluginMirrorReconciler(world.services(), ask=asked).reconcile(HARBOR)
    assert asked.calls[0].registry == "127.0.0.1:5000"
    assert world.ready(*HARBOR) == ("True", "Reconciled")
    assert world.status(*HARBOR)["endpointHost"] == "127.0.0.1:5000"
    assert [read for read in world.cluster.reads if read[1] == SERVICE] == []


def test_a_missing_service_is_told_once_and_nobody_is_asked(world, mirrors, asked):
    world.cluster.remove(Key(SERVICE, "harbor", "oci"))
    for _ in range(3):
        result = mirrors.reconcile(HARBOR)
        world.later(600)
    assert world.ready(*HARBOR) == ("False", "MirrorServiceNotFound")
    assert world.status(*HARBOR)["reachable"] is False
    assert asked.calls == []
    assert world.events() == [("Warning", "MirrorServiceNotFound")]
    assert (result.outcome, result.after, result.backoff) == (Outcome.DEPENDENCY_PENDING, 30, True)


def test_a_mirror_that_goes_and_comes_back_is_told_each_time(world, mirrors, asked):
    mirrors.reconcile(HARBOR)
    asked.says(Finding.CONNECTION_REFUSED)
    world.later()
    mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("False", "MirrorUnreachable")
    asked.says(Finding.REACHABLE)
    world.later()
    mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("True", "Reconciled")
    assert sorted(world.events()) == [("Normal", "Reconciled"), ("Normal", "Reconciled"), ("Warning", "MirrorUnreachable")]


@pytest.mark.parametrize(
    "spec",
    [
        None,
        7,
        {},
        {"endpoint": ENDPOINT},
        {**SPEC, "extra": 1},
        {**SPEC, "upstream": {"registry": "https://ghcr.io", "namespace": "acme"}},
        {**SPEC, "endpoint": {"service": {"namespace": "oci", "name": "harbor", "port": 0}}},
        {**SPEC, "endpoint": {"service": {"namespace": "oci", "name": "har.bor/../x", "port": 1}}},
        {**SPEC, "auth": {"secretRef": {}}},
    ],
)
def test_a_wrong_spec_asks_nobody(world, mirrors, asked, spec):
    world.cluster.put(PLUGIN_MIRROR, body("harbor", spec))
    if spec is None:
        world.cluster.edit(HARBOR, lambda found: found.pop("spec", None))
    result = mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("False", "InvalidSpec")
    assert "reachable" not in world.status(*HARBOR)
    assert asked.calls == []
    assert (result.outcome, result.after, result.backoff) == (Outcome.PERMANENT_ERROR, 600, False)


def test_an_idle_resync_writes_nothing(world, mirrors, asked):
    mirrors.reconcile(HARBOR)
    world.writes()
    for _ in range(3):
        world.later(600)
        assert mirrors.reconcile(HARBOR).changed is False
    assert world.writes() == []
    assert len(asked.calls) == 4, "but the mirror is asked again each time"


def test_a_mirror_that_is_gone_leaves_no_trace(world, mirrors):
    mirrors.reconcile(HARBOR)
    assert world.measured("harbor") == {"Ready": 1.0}
    world.cluster.remove(HARBOR)
    assert mirrors.reconcile(HARBOR).after is None
    assert world.measured("harbor") == {}
    assert mirrors._pace._last == {}


def test_a_mirror_that_is_made_anew_is_asked_at_once(world, mirrors, asked):
    mirrors.reconcile(HARBOR)
    world.cluster.remove(HARBOR)
    mirrors.reconcile(HARBOR)
    world.cluster.put(PLUGIN_MIRROR, body("harbor", SPEC))
    mirrors.reconcile(HARBOR)
    assert len(asked.calls) == 2


def test_a_mirror_without_a_prefix_is_asked_about_some_repository(world, mirrors, asked):
    world.cluster.edit(HARBOR, edited(endpoint={"service": {"namespace": "oci", "name": "harbor", "port": 5000}}))
    mirrors.reconcile(HARBOR)
    assert asked.calls[0].repository == "mcpg"


def test_what_keeps_a_mirror_from_being_ready_is_counted(world, mirrors):
    world.cluster.remove(Key(SERVICE, "harbor", "oci"))
    mirrors.reconcile(HARBOR)
    labels = {"controller": "plugin-mirror", "dependency": "Service", "reason": "MirrorServiceNotFound"}
    assert world.metrics.registry.get_sample_value("mcpg_operator_dependency_unresolved_total", labels) == 1


# -- how often ------------------------------------------------------------------------------------------------------------------


def test_an_unchanged_mirror_is_not_asked_more_than_twice_a_minute(world, mirrors, asked):
    for _ in range(30):
        mirrors.reconcile(HARBOR)
        world.later(2)
    assert len(asked.calls) == 2


def test_after_half_a_minute_an_unchanged_mirror_is_asked_again(world, mirrors, asked):
    mirrors.reconcile(HARBOR)
    world.later(30)
    mirrors.reconcile(HARBOR)
    assert len(asked.calls) == 2


@pytest.mark.parametrize(
    "change",
    [
        edited(endpoint={**ENDPOINT, "insecure": True}),
        edited(endpoint={"service": {**ENDPOINT["service"], "port": 5001}}),
        edited(endpoint={"service": {**ENDPOINT["service"], "pathPrefix": "other"}}),
        edited(upstream={"registry": "quay.io", "namespace": "acme"}),
        edited(auth=AUTH),
    ],
)
def test_a_changed_mirror_is_asked_at_once(world, mirrors, asked, change):
    secret(world, docker_config(HOST))
    mirrors.reconcile(HARBOR)
    world.cluster.edit(HARBOR, change)
    mirrors.reconcile(HARBOR)
    assert len(asked.calls) == 2


def test_a_changed_password_is_tried_soon(world, mirrors, asked):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    secret(world, docker_config(HOST, password="TEST-ONLY-old"))
    mirrors.reconcile(HARBOR)
    world.later(2)
    secret(world, docker_config(HOST, password="TEST-ONLY-new"))
    mirrors.reconcile(HARBOR)
    assert len(asked.calls) == 2


def test_a_thousand_new_plugins_are_counted_without_a_write_for_each(world, mirrors):
    mirrors.reconcile(HARBOR)
    world.writes()
    for number in range(20):
        plugin(world, f"plugin-{number}", "harbor")
        assert mirrors.reconcile(HARBOR).after == 1
    assert world.writes() == []
    world.later(1)
    mirrors.reconcile(HARBOR)
    assert world.status(*HARBOR)["proxiedReferences"] == 20


def test_a_pass_that_failed_is_made_again_at_once(world, mirrors):
    world.cluster.fail_with(ClusterUnavailableError("no answer"), on="apply_status", times=1)
    with pytest.raises(ClusterUnavailableError):
        mirrors.reconcile(HARBOR)
    mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("True", "Reconciled")


# -- credentials ----------------------------------------------------------------------------------------------------------------


def test_the_key_of_the_secret_is_honoured(world, mirrors, asked):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    secret(world, docker_config(HOST, user="robot"))
    mirrors.reconcile(HARBOR)
    found = asked.calls[0].credentials.find(HOST, "mirror")
    assert found.username == "robot"
    assert world.ready(*HARBOR) == ("True", "Reconciled")


def test_the_default_key_is_that_of_pull_secrets(world, mirrors, asked):
    world.cluster.edit(HARBOR, edited(auth={"secretRef": {"secretName": "pull"}}))
    secret(world, docker_config(HOST), key=".dockerconfigjson", kind="kubernetes.io/dockerconfigjson")
    mirrors.reconcile(HARBOR)
    assert asked.calls[0].credentials is not None


@pytest.mark.parametrize(
    ("put", "message"),
    [
        pytest.param(None, "does not exist", id="missing"),
        pytest.param({"data": {".dockerconfigjson": "e30="}}, "lacks the key: expected `config.json`", id="other key"),
        pytest.param({"data": {"config.json": "?"}}, "data cannot be read", id="no base64"),
        pytest.param({"data": {"config.json": "e30="}}, "no `auths`", id="no auths"),
        pytest.param({"data": {"config.json": "//79"}}, "not readable as JSON", id="rubbish"),
        pytest.param({}, "lacks the key", id="no data"),
    ],
)
def test_an_unusable_secret_is_named_and_the_mirror_asked_without(world, mirrors, asked, put, message):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    if put is not None:
        world.cluster.put(SECRET, body("pull", namespace=NAMESPACE, **put))
    mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("False", "PullSecretInvalid")
    status = world.status(*HARBOR)
    assert message in status["conditions"][0]["message"]
    assert status["reachable"] is True
    assert asked.calls[0].credentials is None


def test_an_unusable_entry_of_the_secret_is_named(world, mirrors, asked):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    secret(world, docker_config(HOST))

    def probe(target):
        if target.credentials is not None:
            raise InvalidCredentialsError("`auth` is no base64 text")
        return Probe(finding=Finding.REACHABLE, message="registry answers")

    PluginMirrorReconciler(world.services(), ask=probe).reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("False", "PullSecretInvalid")
    assert world.status(*HARBOR)["reachable"] is True


def test_no_password_gets_into_status_or_events(world, asked):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    secret(world, docker_config(HOST, password="TEST-ONLY-secret"))
    for finding in Finding:
        asked.says(finding)
        PluginMirrorReconciler(world.services(), ask=asked).reconcile(HARBOR)
        world.later()
    written = [*world.cluster.objects(PLUGIN_MIRROR), *world.cluster.objects(EVENT)]
    assert len(written) == 4, "each change of the reason is told"
    assert "TEST-ONLY-secret" not in str([one.body for one in written])


# -- the API server ---------------------------------------------------------------------------------------------------------------


def test_an_api_server_that_does_not_answer_is_no_missing_service(world, mirrors):
    mirrors.reconcile(HARBOR)
    world.later()
    world.cluster.fail_with(ClusterUnavailableError("no answer"), on="get", kind=SERVICE)
    with pytest.raises(ClusterUnavailableError):
        mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("True", "Reconciled")


@pytest.mark.parametrize("kind", [SERVICE, SECRET])
def test_a_missing_right_is_named(world, mirrors, kind):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    world.cluster.fail_with(ApplyForbiddenError("may not get it"), on="get", kind=kind)
    result = mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("False", "ApplyForbidden")
    assert result.backoff is True


def test_a_ca_file_that_cannot_be_used_is_told_in_the_status(world, tmp_path):
    world.settings = Settings(namespace=NAMESPACE, ca_file=tmp_path / "none.pem")
    PluginMirrorReconciler(world.services()).reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("False", "MirrorUnreachable")


# -- what wakes it ----------------------------------------------------------------------------------------------------------------


def woken(mirrors: PluginMirrorReconciler, world: World, kind) -> list[Key]:
    """Collect the keys that changes of one kind wake from now on."""
    keys: list[Any] = []

    def collect(watch, old, new):
        try:
            keys.extend(watch.keys(old, new))
        except Exception as exc:  # noqa: BLE001 — the store would only log it
            keys.append(exc)

    for watch in mirrors.watches:
        if watch.kind == kind:
            world.store.subscribe(kind, partial(collect, watch))
    return keys


def test_its_own_spec_wakes_a_mirror_and_its_status_does_not(world, mirrors):
    keys = woken(mirrors, world, PLUGIN_MIRROR)
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    assert keys == [HARBOR]
    mirrors.reconcile(HARBOR)
    assert keys == [HARBOR]
    world.cluster.remove(HARBOR)
    assert keys == [HARBOR, HARBOR]


def test_a_plugin_wakes_the_mirror_it_names_now_and_the_one_it_named_before(world, mirrors):
    keys = woken(mirrors, world, PLUGIN)
    plugin(world, "audit", "harbor")
    assert keys == [HARBOR]
    plugin(world, "audit", "other")
    assert set(keys[1:]) == {HARBOR, Key(PLUGIN_MIRROR, "other")}
    del keys[:]
    plugin(world, "audit", None)
    assert keys == [Key(PLUGIN_MIRROR, "other")]


def test_another_change_of_a_plugin_wakes_no_mirror(world, mirrors):
    plugin(world, "audit", "harbor")
    keys = woken(mirrors, world, PLUGIN)
    world.cluster.edit(Key(PLUGIN, "audit"), edited(version="2"))
    world.cluster.edit(Key(PLUGIN, "audit"), lambda found: found.update(status={"x": 1}))
    assert keys == []


def test_a_plugin_with_a_strange_spec_harms_nobody(world, mirrors):
    for number, spec in enumerate([None, 7, {"oci": 7}, {"oci": {"mirrorRef": "harbor"}}, {"oci": {"mirrorRef": {"name": 7}}}]):
        world.cluster.put(PLUGIN, body(f"p{number}", spec))
    plugin(world, "audit", "harbor")
    mirrors.reconcile(HARBOR)
    assert world.status(*HARBOR)["proxiedReferences"] == 1


def test_a_secret_wakes_the_mirrors_that_name_it(world, mirrors):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    world.cluster.put(PLUGIN_MIRROR, body("open", SPEC))
    keys = woken(mirrors, world, SECRET)
    secret(world, docker_config(HOST))
    assert keys == [HARBOR]
    world.cluster.remove(PULL)
    assert keys == [HARBOR, HARBOR]


def test_a_secret_of_that_name_elsewhere_wakes_nobody(world, mirrors):
    world.cluster.edit(HARBOR, edited(auth=AUTH))
    keys = woken(mirrors, world, SECRET)
    world.cluster.put(SECRET, body("pull", namespace="team"))
    world.store.put(world.cluster.get(SECRET, "pull", namespace="team"))
    assert keys == []


# -- with the real probe ----------------------------------------------------------------------------------------------------------


def test_a_real_server_decides_over_reachable(world):
    with serving(lambda asked: Answer(status=200 if asked.path == "/v2/" else 404)) as server:
        world.settings = Settings(namespace=NAMESPACE, mirror_endpoints={"harbor": server.host})
        mirrors = PluginMirrorReconciler(world.services())
        mirrors.reconcile(HARBOR)
        assert world.ready(*HARBOR) == ("True", "Reconciled")
    world.later()
    mirrors.reconcile(HARBOR)
    assert world.ready(*HARBOR) == ("False", "MirrorUnreachable")
    assert world.status(*HARBOR)["conditions"][0]["message"].startswith("ConnectionRefused: ")
