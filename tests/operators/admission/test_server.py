"""The admission server over HTTPS: paths, bounds, and answers that an API server takes."""

from __future__ import annotations

import ssl
import threading

import httpx
import pytest

from mcpg_operator.admission.server import BODY_LIMIT, KINDS, path_of
from mcpg_operator.admission.service import Admission
from mcpg_operator.resources import GATEWAY, PLUGIN, PLUGIN_SET
from mcpg_operator.serving import Certificate, from_directory
from mcpg_operator.settings import Settings
from mcpg_operator.telemetry import Metrics
from supplychain.errors import ClusterUnavailableError, InvalidPolicyError
from tests.operators.admission.reviews import UID, example, filled, review
from tests.support.fake_cluster import FakeCluster
from tests.support.private_ca import PrivateCa

SETTINGS = Settings(webhook_bind=("127.0.0.1", 0), metrics_bind=("127.0.0.1", 0))


class Serving:
    """A server with its own authority, over a store and an API server in memory."""

    def __init__(self, tmp_path, *documents, settings=SETTINGS):
        ca = PrivateCa(tmp_path / "ca")
        for source, name in zip(ca.server("127.0.0.1"), ("tls.crt", "tls.key"), strict=True):
            (tmp_path / name).write_bytes(source.read_bytes())
        self.store = filled(*documents)
        self.cluster = FakeCluster()
        self.metrics = Metrics()
        certificate = Certificate(from_directory(tmp_path), where="a test")
        self.admission = Admission(settings, self.store, self.cluster, self.metrics, certificate=certificate)
        self.client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.admission.port}",
            verify=ssl.create_default_context(cafile=ca.certificate),
            trust_env=False,
        )

    def __enter__(self):
        self.admission.tend()
        return self

    def __exit__(self, *_):
        self.client.close()
        self.admission.stop()

    def ask(self, kind, body):
        found = self.client.post(path_of(kind), content=body, headers={"Content-Type": "application/json"})
        assert found.status_code == 200, found.text
        answer = found.json()
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        return answer["response"]

    def counted(self):
        text = self.metrics.render("text/plain")[0].decode()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


@pytest.fixture
def serving(tmp_path):
    with Serving(tmp_path) as serving:
        yield serving


def test_what_the_rules_take_is_allowed_and_the_uid_comes_back(serving):
    assert serving.ask(PLUGIN, review(example("plugin_digest_alone_accepted"))) == {"uid": UID, "allowed": True}
    sample = 'mcpg_operator_admission_requests_total{kind="MCPGPlugin",operation="CREATE",result="allowed"}'
    assert serving.counted()[sample] == 1


def test_every_violation_is_told_with_the_field_first(serving):
    document = example()
    document["spec"]["version"] = " "
    document["spec"]["trust"]["signingKeyRef"]["secretName"] = ""
    found = serving.ask(PLUGIN, review(document))
    assert not found["allowed"]
    assert (found["status"]["code"], found["status"]["reason"]) == (422, "Invalid")
    lines = found["status"]["message"].splitlines()
    assert {line.split(":")[0] for line in lines} == {"spec.version", "spec.trust.signingKeyRef.secretName"}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_has_its_path_and_refuses_an_empty_spec(serving, kind):
    document = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": "a", "namespace": "default"}}
    found = serving.ask(kind, review({**document, "spec": {"nonsense": 1}}, kind=kind))
    assert (found["uid"], found["allowed"], found["status"]["code"]) == (UID, False, 422)
    assert "spec.nonsense" in found["status"]["message"]


@pytest.mark.parametrize("path", ["/", "/validate", "/validate-mcpg-dev-v1alpha1-mcpgplugin", "/metrics", f"{path_of(PLUGIN)}/"])
def test_every_other_path_is_unknown(serving, path):
    assert serving.client.post(path, content=review(example())).status_code == 404


def test_only_posting_is_possible(serving):
    assert serving.client.get(path_of(PLUGIN)).status_code == 405


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_refused_before_it_is_kept(serving, chunked):
    def pieces():
        yield b" " * (BODY_LIMIT // 2)
        yield b" " * (BODY_LIMIT // 2 + 1)

    content = pieces() if chunked else b" " * (BODY_LIMIT + 1)
    assert serving.client.post(path_of(PLUGIN), content=content).status_code == 413
    assert serving.ask(PLUGIN, review(example()))["allowed"], "the next review is judged"


@pytest.mark.parametrize(
    ("body", "uid", "member"),
    [
        (b"", "", "(body)"),
        (b"[]", "", "(body)"),
        (b"[" * 100_000, "", "(body)"),
        (b'{"request": 1}', "", "request"),
        (b'{"request": {}}', "", "request.uid"),
        (b'{"request": {"uid": "a"}}', "a", "apiVersion"),
        (review(example(), operation="PATCH"), UID, "request.operation"),
        (review(example(), kind=PLUGIN_SET), UID, "request.kind"),
        (review(example(), object="text"), UID, "request.object"),
        (review(example(), oldObject=[1]), UID, "request.oldObject"),
        (review(example(), object=None), UID, "request.object"),
    ],
)
def test_a_malformed_review_is_a_denial_that_names_the_member(serving, body, uid, member):
    found = serving.ask(PLUGIN, body)
    assert (found["uid"], found["allowed"], found["status"]["code"]) == (uid, False, 400)
    assert found["status"]["message"].startswith(f"malformed admission review: {member}: ")
    sample = 'mcpg_operator_admission_requests_total{kind="MCPGPlugin",operation="unknown",result="error"}'
    assert serving.counted()[sample] == 1


def test_what_no_rule_needs_may_have_any_shape(serving):
    assert serving.ask(PLUGIN, review(example(), userInfo=7, namespace=3, name=None, resource=[], dryRun="x"))["allowed"]


@pytest.mark.parametrize("large", [False, True])
def test_dry_runs_are_answered_alike(serving, large):
    document = example("plugin_blank_image_refused", annotations={"filler": "x" * (100_000 if large else 1)})
    answers = [serving.ask(PLUGIN, review(document, dryRun=dry)) for dry in (False, True)]
    assert answers[0] == answers[1]
    assert not answers[0]["allowed"]


def test_deletions_and_objects_that_are_being_deleted_pass(serving):
    bad = example("plugin_blank_image_refused")
    assert serving.ask(PLUGIN, review(None, bad)) == {"uid": UID, "allowed": True}
    going = example("plugin_blank_image_refused", deletionTimestamp="2026-01-31T08:00:00Z")
    assert serving.ask(PLUGIN, review(going, bad)) == {"uid": UID, "allowed": True}


def test_an_unchanged_spec_passes_with_the_violation_as_a_warning(serving):
    bad = example("plugin_blank_image_refused")
    found = serving.ask(PLUGIN, review(example("plugin_blank_image_refused", labels={"a": "b"}), bad))
    assert found["allowed"]
    assert any(one.startswith("spec.oci.image: ") for one in found["warnings"])


def test_warnings_are_short_and_few(serving):
    document = example("plugin_blank_image_refused")
    document["spec"] |= {f"unknown{number}{'x' * 300}": 1 for number in range(50)}
    found = serving.ask(PLUGIN, review(document, document))
    assert found["allowed"]
    assert all(len(one) <= 256 for one in found["warnings"])
    assert len("".join(found["warnings"])) <= 4096
    assert found["warnings"][-1].startswith("and ")


def test_a_taken_address_is_told_with_its_flag(serving):
    taken = Settings(webhook_bind=("127.0.0.1", serving.admission.port))
    certificate = Certificate(lambda: None, where="a test")
    with pytest.raises(InvalidPolicyError, match="`--webhook-bind`"):
        Admission(taken, filled(), FakeCluster(), Metrics(), certificate=certificate)


def test_nobody_is_answered_before_there_is_a_certificate(tmp_path):
    certificate = Certificate(lambda: None, where="a test")
    admission = Admission(SETTINGS, filled(), FakeCluster(), Metrics(), certificate=certificate)
    admission.tend()
    assert (admission.serving, admission.failed) == (False, False)
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"https://127.0.0.1:{admission.port}/", trust_env=False)
    admission.stop()


def test_a_server_that_died_is_noticed(serving):
    assert (serving.admission.serving, serving.admission.failed) == (True, False)
    serving.admission.stop()
    assert (serving.admission.serving, serving.admission.failed) == (False, True)


def test_a_review_that_the_api_server_traces_keeps_its_trace(serving):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    serving.client.headers["traceparent"] = f"00-{trace}-00f067aa0ba902b7-01"
    assert serving.ask(PLUGIN, review(example()))["allowed"]
    assert f'# {{trace_id="{trace}"}}' in serving.metrics.render("application/openmetrics-text")[0].decode()


def test_a_defect_in_a_rule_refuses_and_is_logged(serving, monkeypatch, caplog):
    monkeypatch.setattr("mcpg_operator.admission.reviewer.admit", lambda *_, **__: 1 / 0)
    found = serving.ask(PLUGIN, review(example()))
    assert (found["uid"], found["allowed"], found["status"]["code"]) == (UID, False, 500)
    assert "ZeroDivisionError" in caplog.text


GATEWAY_OBJECT = {
    "apiVersion": "mcpg.dev/v1alpha2",
    "kind": "MCPGGateway",
    "metadata": {"name": "edge", "namespace": "payments"},
    "spec": {},
}


def test_an_api_server_that_is_away_denies_with_a_status_that_says_to_retry(serving):
    serving.cluster.fail_with(ClusterUnavailableError("down"))
    found = serving.ask(GATEWAY, review(GATEWAY_OBJECT, kind=GATEWAY))
    assert (found["allowed"], found["status"]["code"]) == (False, 503)
    assert "MCPGTenant cannot be looked up" in found["status"]["message"]
    assert serving.counted()['mcpg_operator_admission_lookup_failures_total{kind="MCPGGateway",lookup="MCPGTenant"}'] == 1


def test_a_slow_look_up_delays_nobody_else_and_ends_in_a_denial(serving, monkeypatch):
    monkeypatch.setattr("mcpg_operator.admission.server._DEADLINE", 1.0)
    gate = threading.Event()
    listed = serving.cluster.list

    def slow(kind, **words):
        gate.wait(20)
        return listed(kind, **words)

    monkeypatch.setattr(serving.cluster, "list", slow)
    answers = []

    def ask(number):
        document = {**GATEWAY_OBJECT, "metadata": {"name": f"edge-{number}", "namespace": "payments"}}
        answers.append(serving.ask(GATEWAY, review(document, kind=GATEWAY)))

    waiting = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for one in waiting:
        one.start()
    assert serving.ask(PLUGIN, review(example()))["allowed"]
    assert answers == [], "the others still wait"
    for one in waiting:
        one.join(30)
    gate.set()
    assert [(one["allowed"], one["status"]["code"]) for one in answers] == [(False, 503)] * 12
    assert "try again" in answers[0]["status"]["message"]


def test_namespaces_that_are_opted_out_and_hold_objects_of_ours_are_counted(tmp_path):
    space = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "payments", "labels": {"mcpg.dev/skip-validation": ""}},
    }
    empty = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "empty", "labels": {"mcpg.dev/skip-validation": "false"}},
    }
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    with Serving(tmp_path, space, empty, other, GATEWAY_OBJECT) as serving:
        assert serving.counted()["mcpg_operator_optout_namespaces"] == 1
