"""The composition: what starts in which order, what ends the process, and how it ends by itself."""

import signal
import tempfile
import threading
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from mcpg_operator import app, handlers
from mcpg_operator.leading import Leading
from mcpg_operator.resources import GATEWAY, LEASE, PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, SECRET, Key
from mcpg_operator.runtime.caches import Caches
from mcpg_operator.settings import Settings
from mcpg_operator.telemetry import Metrics
from supplychain.errors import ClusterUnavailableError, InvalidPolicyError
from tests.support.fake_cluster import FakeCluster
from tests.support.private_ca import PrivateCa

SETTINGS = Settings(
    metrics_bind=("127.0.0.1", 0), pod_name="one", lease_duration=3, lease_renew=2, lease_retry=0.02, reconcile_concurrency=1
)


class EndedError(BaseException):
    """Stands for the end of the process."""


class Cluster(FakeCluster):
    """The API server in memory, with what else `KubeCluster` has."""

    def __init__(self, **_):
        super().__init__()
        self.last_answer = time.monotonic()


@pytest.fixture
def cluster(monkeypatch):
    cluster = Cluster()
    monkeypatch.setattr(app, "KubeCluster", lambda **_: cluster)
    return cluster


@pytest.fixture(autouse=True)
def no_kopf_and_no_end(monkeypatch):
    async def watch(targets, ends, **_):
        await ends.wait()

    def end(code):
        raise EndedError(code)

    monkeypatch.setattr(handlers, "watch", watch)
    monkeypatch.setattr("mcpg_operator.app.os._exit", end)
    monkeypatch.setattr("mcpg_operator.app.logging.shutdown", lambda: None)


class Running:
    """An operator on a thread, whose main thread the test holds by `told`."""

    def __init__(self, settings=SETTINGS):
        self.told = threading.Event()
        self.operator = app.Operator(settings, pause=lambda seconds: self.told.wait(min(seconds, 0.01)))
        self.outcome = None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self.outcome = self.operator.run()
        except EndedError as exc:
            self.outcome = f"ended with {exc.args[0]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.told.set()
        self.thread.join(30)
        leading = self.operator._leading
        if leading is not None:
            leading.end(5)
        self.operator._caches.stop()
        self.operator._stop_electing.set()
        self.operator._server.stop()

    def ask(self, path):
        return httpx.get(f"http://127.0.0.1:{self.operator._server.port}{path}", trust_env=False).status_code

    def stop(self):
        self.told.set()
        self.thread.join(30)
        assert not self.thread.is_alive()
        return self.outcome


def until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_it_waits_for_the_definitions_then_for_the_lease_then_leads_and_gives_the_lease_back(cluster):
    cluster.unserved.add(PLUGIN_SET)
    with Running() as one:
        until(lambda: one.ask("/healthz") == 200)
        assert (one.ask("/readyz"), one.ask("/reconcilez")) == (503, 503)
        assert cluster.objects(LEASE) == []
        cluster.unserved.discard(PLUGIN_SET)
        until(lambda: one.ask("/reconcilez") == 200)
        assert one.ask("/readyz") == 200
        [lease] = cluster.objects(LEASE)
        assert lease.spec["holderIdentity"] == "one"
        assert one.stop() == 0
        [lease] = cluster.objects(LEASE)
        assert "holderIdentity" not in lease.spec


def test_an_api_server_that_is_away_is_waited_for(cluster, caplog):
    cluster.fail_with(ClusterUnavailableError("down"), on="served")
    with Running() as one:
        until(lambda: "waiting for the definitions of our kinds: down" in caplog.text)
        assert one.ask("/readyz") == 503
        cluster.heal()
        until(lambda: one.ask("/reconcilez") == 200)
        assert one.stop() == 0
    assert caplog.text.count("waiting for the definitions") == 1


def test_it_can_be_told_to_stop_at_every_stage(cluster):
    cluster.unserved.add(PLUGIN)
    with Running() as one:
        until(lambda: one.ask("/healthz") == 200)
        assert one.stop() == 0
    cluster.unserved.discard(PLUGIN)
    cluster.fail_with(ClusterUnavailableError("down"), kind=LEASE)
    with Running() as one:
        until(lambda: one.ask("/readyz") == 200)
        assert one.stop() == 0
    cluster.heal()
    cluster.fail_with(ClusterUnavailableError("down"), on="list")
    with Running() as one:
        until(lambda: one.operator._leading is not None)
        assert (one.ask("/readyz"), one.ask("/reconcilez")) == (503, 503)
        assert one.stop() == 0


def test_a_signal_ends_it(cluster, monkeypatch):
    caught: dict[int, Any] = {}
    monkeypatch.setattr("mcpg_operator.app.configure_logging", lambda **_: None)
    monkeypatch.setattr("mcpg_operator.app.signal.signal", lambda number, handler: caught.update({number: handler}))
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(app.run(SETTINGS)))
    thread.start()
    until(lambda: cluster.objects(LEASE))
    assert set(caught) == {signal.SIGTERM, signal.SIGINT}
    caught[signal.SIGTERM](signal.SIGTERM, None)
    thread.join(30)
    assert codes == [0]


def test_the_certificate_is_looked_after(cluster, monkeypatch):
    looks: list[int] = []
    monkeypatch.setattr(app, "_CERTIFICATE_LOOK", 0)
    monkeypatch.setattr(app.Operator, "_tend", lambda _: looks.append(1))
    with Running() as one:
        until(lambda: len(looks) > 2)
        assert one.stop() == 0


def test_the_version_is_told_even_where_nothing_is_installed(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    assert app._version() != "unknown"
    monkeypatch.setattr(app, "version", missing)
    assert app._version() == "unknown"


def test_a_standby_is_ready_and_does_not_lead(cluster):
    spec = {"holderIdentity": "two", "leaseDurationSeconds": 30, "renewTime": "2026-11-21T10:00:00.000000Z"}
    cluster.put(LEASE, {"metadata": {"name": "mcpg-operator", "namespace": "mcpg-system"}, "spec": spec})
    with Running() as one:
        until(lambda: one.ask("/readyz") == 200)
        until(lambda: one.operator._elector.holder == "two")
        assert one.ask("/reconcilez") == 503
        assert one.stop() == 0
    [lease] = cluster.objects(LEASE)
    assert lease.spec["holderIdentity"] == "two"


def test_a_lost_lease_ends_the_process_without_another_write(cluster, caplog):
    with Running() as one:
        until(lambda: one.ask("/reconcilez") == 200)
        cluster.edit(Key(LEASE, "mcpg-operator", "mcpg-system"), lambda body: body["spec"].update(holderIdentity="two"))
        one.thread.join(20)
        assert one.outcome == "ended with 1"
        assert "the process ends: the Lease was lost" in caplog.text
        with pytest.raises(ClusterUnavailableError):
            one.operator._leading.services.cluster.delete(PLUGIN, "a")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (lambda one: one.operator._caches.relist, "the relist died"),
        (lambda one: one.operator._caches.watching, "the watch died"),
    ],
)
def test_a_thread_that_dies_ends_the_process(cluster, caplog, part, words):
    with Running() as one:
        until(lambda: one.ask("/reconcilez") == 200)
        part(one).stop(10)
        one.thread.join(20)
        assert one.outcome == "ended with 1"
    assert words in caplog.text


def test_a_controller_that_dies_ends_the_process(cluster, caplog):
    with Running() as one:
        until(lambda: one.ask("/reconcilez") == 200)
        one.operator._leading.controllers[0].stop()
        one.thread.join(20)
        assert one.outcome == "ended with 1"
    assert "the process ends: controller revocation-list died" in caplog.text


def test_a_server_that_dies_ends_the_process(cluster, caplog):
    with Running() as one:
        until(lambda: one.ask("/reconcilez") == 200)
        one.operator._server.stop()
        one.thread.join(20)
        assert one.outcome == "ended with 1"
    assert "the HTTP server died" in caplog.text


def test_an_election_that_dies_ends_the_process(cluster, caplog, monkeypatch):
    monkeypatch.setattr("mcpg_operator.app.Elector.run", lambda self, stop: None)
    with Running() as one:
        one.thread.join(20)
        assert one.outcome == "ended with 1"
    assert "the election died" in caplog.text


def test_a_defect_of_the_main_thread_ends_the_process(cluster, caplog, monkeypatch):
    monkeypatch.setattr(Leading, "control", lambda self: 1 / 0)
    with Running() as one:
        one.thread.join(20)
        assert one.outcome == "ended with 1"
    assert "ZeroDivisionError" in caplog.text


def test_without_an_election_it_leads_at_once_and_says_that_this_is_dangerous(cluster, caplog):
    with Running(replace(SETTINGS, leader_election=False)) as one:
        until(lambda: one.ask("/reconcilez") == 200)
        assert one.stop() == 0
    assert cluster.objects(LEASE) == []
    assert "a second replica would write as well" in caplog.text


@pytest.mark.parametrize(
    ("stuck", "silent", "draining", "healthy"),
    [(0, 0, False, True), (31, 0, False, False), (0, 301, False, False), (31, 301, True, True), (29, 299, False, True)],
)
def test_a_leader_whose_watch_is_stuck_or_that_gets_no_answer_is_not_healthy(cluster, stuck, silent, draining, healthy):
    operator = app.Operator(SETTINGS, pause=lambda _: True)
    now = time.monotonic()
    cluster.last_answer = now - silent
    assert operator.alive, "nothing has begun"
    operator._caches._started.set()
    operator._caches.watching.beat = now - stuck
    assert operator.alive is (stuck < 30), "how long the API server is silent is for the leader to mind"
    operator._leading = cast("Leading", SimpleNamespace())
    operator._draining = draining
    assert operator.alive is healthy
    operator._server.stop()


def make_leading(cluster):
    caches = Caches(SETTINGS, cluster, handlers.watch)
    return caches, Leading(SETTINGS, cluster, caches, Metrics(), now=app._now)


def test_a_wish_for_any_kind_reaches_its_controller(cluster):
    _, leading = make_leading(cluster)
    for kind in (PLUGIN, PLUGIN_MIRROR, PLUGIN_SET):
        leading.services.wake(Key(kind, "a"))
        assert leading.queues[kind].get(0) == Key(kind, "a")


def test_an_urgent_wish_overtakes_the_others_and_holds_events_back(cluster):
    _, leading = make_leading(cluster)
    queue, hurried = leading.queues[PLUGIN_SET], leading.courier._hurried
    leading.services.wake(Key(PLUGIN_SET, "a"))
    assert not hurried()
    leading.services.urge(Key(PLUGIN_SET, "b"))
    assert hurried()
    assert queue.get(0) == Key(PLUGIN_SET, "b")
    queue.done(Key(PLUGIN_SET, "b"))
    assert not hurried()


def test_what_kopf_sees_reaches_the_store_and_fresh_lists_bring_a_relist(cluster, monkeypatch):
    taken: dict[str, Any] = {}

    async def watch(targets, ends, **callbacks):
        taken.update(callbacks, targets=targets)
        await ends.wait()

    monkeypatch.setattr(handlers, "watch", watch)
    caches = Caches(SETTINGS, cluster, handlers.watch)
    caches.start()
    try:
        until(lambda: taken and caches.synced)
        assert GATEWAY in {one.kind for one in taken["targets"]}
        found = cluster.put(PLUGIN_MIRROR, {"metadata": {"name": "a"}})
        taken["put"](found)
        assert caches.store.get(PLUGIN_MIRROR, "a") == found
        cluster.remove(found.key)
        taken["listed"](PLUGIN_MIRROR)
        until(lambda: caches.store.get(PLUGIN_MIRROR, "a") is None)
        taken["remove"](found.key)
    finally:
        assert caches.stop()


def test_a_standby_knows_the_cluster_and_cannot_write_to_it(cluster):
    spec = {"holderIdentity": "two", "leaseDurationSeconds": 30, "renewTime": "2026-11-21T10:00:00.000000Z"}
    cluster.put(LEASE, {"metadata": {"name": "mcpg-operator", "namespace": "mcpg-system"}, "spec": spec})
    cluster.put(PLUGIN_MIRROR, {"metadata": {"name": "a"}})
    with Running() as one:
        until(lambda: one.operator._caches.store.get(PLUGIN_MIRROR, "a"))
        with pytest.raises(ClusterUnavailableError, match="the Lease is not held"):
            one.operator._caches.relist._cluster.delete(PLUGIN_MIRROR, "a")
        assert one.stop() == 0


def test_who_begins_to_lead_lists_everything_anew_before_it_acts(cluster):
    """What the last leader wrote just before its end may not have come by the watch yet."""
    with Running(replace(SETTINGS, lease_duration=5)) as one:
        until(lambda: one.ask("/reconcilez") == 200)
        caches, leading = make_leading(cluster)
        cluster.put(PLUGIN_MIRROR, {"metadata": {"name": "before"}})
        caches.relist.round()
        assert caches.synced
        late = cluster.put(PLUGIN_MIRROR, {"metadata": {"name": "late"}})
        leading.begin()
        assert not leading.informed
        caches.relist.round()
        assert leading.informed
        assert caches.store.get(PLUGIN_MIRROR, "late") == late
        assert leading.end(5)


def certified(folder):
    """Settings with a certificate."""
    for source, name in zip(PrivateCa(folder / "ca").server("127.0.0.1"), ("tls.crt", "tls.key"), strict=True):
        (folder / name).write_bytes(source.read_bytes())
    return replace(SETTINGS, webhook_bind=("127.0.0.1", 0), tls_cert_dir=folder)


class Reviewing(Running):
    """An operator that reviews."""

    def __exit__(self, *words):
        super().__exit__(*words)
        admission = self.operator._admission
        assert admission is not None
        admission.stop()

    def ask(self, path):
        return httpx.get(f"https://127.0.0.1:{self.operator._server.port}{path}", verify=False, trust_env=False).status_code

    def review(self):
        assert self.operator._admission is not None
        url = f"https://127.0.0.1:{self.operator._admission.port}/validate-mcpg-dev-v1alpha2-mcpgplugin"
        return httpx.post(url, content=b"{}", verify=False, trust_env=False).json()["response"]


def test_a_standby_answers_reviews_and_a_leader_too(cluster, tmp_path):
    spec = {"holderIdentity": "two", "leaseDurationSeconds": 30, "renewTime": "2026-11-21T10:00:00.000000Z"}
    cluster.put(LEASE, {"metadata": {"name": "mcpg-operator", "namespace": "mcpg-system"}, "spec": spec})
    with Reviewing(certified(tmp_path)) as one:
        until(lambda: one.ask("/readyz") == 200)
        assert one.review()["allowed"] is False
        cluster.edit(Key(LEASE, "mcpg-operator", "mcpg-system"), lambda body: body["spec"].pop("holderIdentity"))
        until(lambda: one.ask("/reconcilez") == 200)
        assert one.review()["allowed"] is False


def test_reviews_are_answered_for_a_while_after_it_was_told_to_stop(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "_LINGER", 3)
    with Reviewing(certified(tmp_path)) as one:
        until(lambda: one.ask("/reconcilez") == 200)
        started = time.monotonic()
        one.told.set()
        until(lambda: one.ask("/readyz") == 503)
        assert one.review()["allowed"] is False
        assert one.ask("/healthz") == 200
        assert one.stop() == 0
        assert 3 <= time.monotonic() - started < 25
        [lease] = cluster.objects(LEASE)
        assert "holderIdentity" not in lease.spec


def test_an_admission_server_that_dies_ends_the_process(cluster, tmp_path, caplog):
    with Reviewing(certified(tmp_path)) as one:
        until(lambda: one.ask("/reconcilez") == 200)
        one.operator._admission.stop()
        one.thread.join(20)
        assert one.outcome == "ended with 1"
    assert "the admission server died" in caplog.text


def test_without_a_certificate_it_is_not_ready_and_the_leader_makes_one(cluster, monkeypatch):
    monkeypatch.setattr(app, "_CERTIFICATE_LOOK", 0)
    monkeypatch.setattr(app, "_LINGER", 0)
    spec = {"holderIdentity": "two", "leaseDurationSeconds": 30, "renewTime": "2026-11-21T10:00:00.000000Z"}
    cluster.put(LEASE, {"metadata": {"name": "mcpg-operator", "namespace": "mcpg-system"}, "spec": spec})
    with Running(replace(SETTINGS, webhook_bind=("127.0.0.1", 0), tls_self_signed=True)) as one:
        cluster.feed(one.operator._caches.store, SECRET)
        until(lambda: one.operator._caches.synced)
        assert one.ask("/readyz") == 503
        cluster.edit(Key(LEASE, "mcpg-operator", "mcpg-system"), lambda body: body["spec"].pop("holderIdentity"))
        until(lambda: one.ask("/readyz") == 200)
        assert one.operator._admission.serving
        assert one.stop() == 0


def test_a_certificate_that_cannot_be_read_ends_the_start(cluster, tmp_path):
    with pytest.raises(InvalidPolicyError, match="`--tls-cert-dir`"):
        app.Operator(replace(SETTINGS, tls_cert_dir=tmp_path), pause=lambda _: True)


def test_without_any_certificate_it_reconciles_only_and_says_so(cluster, caplog):
    with Running() as one:
        until(lambda: one.ask("/reconcilez") == 200)
        assert one.stop() == 0
    assert "nothing is reviewed" in caplog.text


def test_the_given_settings_are_checked_before_anything_starts(cluster, capsys):
    from mcpg_operator.__main__ import main

    assert main(["--log-level=loud"]) == 2
    assert main(["run", "--metrics-bind=nowhere"]) == 2
    assert "mcpg-operator: InvalidPolicy" in capsys.readouterr().err
    assert cluster.reads == []


def test_without_credentials_it_says_what_to_do(monkeypatch, tmp_path, capsys):
    from mcpg_operator import __main__ as command

    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    monkeypatch.setattr(app, "configure_logging", lambda **_: None)
    monkeypatch.setattr("mcpg_operator.app.signal.signal", lambda *_: None)
    assert command.main([]) == 3
    assert "hint: run it in a pod with a ServiceAccount" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_found_at_the_start(monkeypatch, tmp_path, capsys):
    from mcpg_operator import __main__ as command

    monkeypatch.setattr(app, "configure_logging", lambda **_: None)
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert command.main([f"--work-dir={tmp_path / 'absent'}"]) == 3
    assert "packages cannot be spooled" in capsys.readouterr().err


def test_packages_are_spooled_where_the_settings_say(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", None)
    app._use_work_dir(tmp_path)
    assert tempfile.gettempdir() == str(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", None)
    app._use_work_dir(None)
    assert tempfile.tempdir != str(tmp_path)
