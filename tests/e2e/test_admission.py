"""Admission before a real API server that dials the operator by URL and trusts nothing but its certificate; failurePolicy is Fail."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from mcpg_operator.resources import PLUGIN, REVOCATION_LIST
from tests.e2e.webhook import LEASE, TAG_OF_ANOTHER_VERSION, Webhook, admitting, is_refused, plugin
from tests.support.cluster import ApiError
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.processes import lasting_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcpg_operator.resources import Kind
    from tests.support.cluster import RunningCluster


@pytest.fixture(scope="module")
def webhook(cluster: RunningCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """A webhook for the tests that neither stop it nor change its certificate."""
    with admitting(Webhook(cluster, tmp_path_factory.mktemp("tls"), name="shared")) as found:
        yield found


@pytest.fixture
def stored(cluster: RunningCluster) -> Iterator[list[tuple[Kind, str]]]:
    """What a test stores; taken away again, which needs no webhook."""
    found: list[tuple[Kind, str]] = []
    yield found
    for kind, name in found:
        if cluster.api.get(kind, name) is not None:
            cluster.api.merge(kind, name, {"metadata": {"finalizers": None}})
            cluster.api.delete(kind, name)


def kubectl_apply(cluster: RunningCluster, document: dict[str, Any]) -> str:
    return cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(document), check=False)


# -- an operator for each test ------------------------------------------------------------------------------------------


def test_an_object_from_before_the_rules_can_be_labelled_and_deleted_but_not_kept_wrong(
    cluster: RunningCluster, tmp_path: Path, stored: list[tuple[Kind, str]]
) -> None:
    cluster.api.apply({**TAG_OF_ANOTHER_VERSION, "metadata": {"name": "older"}})
    stored.append((PLUGIN, "older"))
    with admitting(Webhook(cluster, tmp_path / "tls")):
        cluster.api.merge(PLUGIN, "older", {"metadata": {"finalizers": ["acme.dev/hold"]}})
        with pytest.raises(ApiError, match="denied the request"):
            cluster.api.merge(PLUGIN, "older", {"spec": {"pluginId": "dev.acme.renamed"}})
        cluster.api.merge(PLUGIN, "older", {"spec": {"version": "9.9.9"}})
        assert cluster.api.delete(PLUGIN, "older")
        cluster.api.merge(PLUGIN, "older", {"metadata": {"finalizers": None}})
        cluster.wait_until(lambda: cluster.api.get(PLUGIN, "older") is None)


def test_without_the_webhook_writes_are_refused_but_deletions_and_statuses_pass(
    cluster: RunningCluster, tmp_path: Path, stored: list[tuple[Kind, str]]
) -> None:
    with admitting(Webhook(cluster, tmp_path / "tls")) as webhook:
        cluster.api.apply([plugin("kept"), plugin("going")])
        stored.extend([(PLUGIN, "kept"), (PLUGIN, "going")])
        cluster.api.merge(PLUGIN, "going", {"metadata": {"finalizers": ["acme.dev/hold"]}})
        webhook.operator.program.stop(grace=15)
        error = is_refused(cluster, plugin("new"))
        assert error is not None
        assert (error.status, error.reason) == (500, "InternalError")
        assert 'failed calling webhook "mcpgplugins.mcpg.dev"' in error.message
        assert "connection refused" in error.message
        with pytest.raises(ApiError, match="failed calling webhook"):
            cluster.api.merge(PLUGIN, "kept", {"spec": {"version": "1.2.4"}})

        status: dict[str, Any] = {"status": {"conditions": []}}
        assert cluster.api.merge(PLUGIN, "kept", status, part="status")["metadata"]["name"] == "kept"
        changed = cluster.api.merge(PLUGIN, "kept", {"metadata": {"labels": {"a": "b"}, "finalizers": ["acme.dev/hold"]}})
        assert changed["metadata"]["labels"] == {"a": "b"}, "the spec is left alone"
        assert cluster.api.delete(PLUGIN, "going")
        cluster.api.merge(PLUGIN, "going", {"metadata": {"finalizers": None}})
        cluster.wait_until(lambda: cluster.api.get(PLUGIN, "going") is None, what="the finalizer's end to count")
        webhook.operator.start()
        webhook.operator.wait_until_ready()
        cluster.wait_until(lambda: is_refused(cluster, plugin("new")) is None, what="writes to pass again")


def test_the_certificate_changes_under_load_without_a_failed_request(cluster: RunningCluster, tmp_path: Path) -> None:
    with admitting(Webhook(cluster, tmp_path / "tls")) as webhook:
        ends = threading.Event()
        failures: list[str] = []
        done = [0] * 4

        def load(number: int) -> None:
            while not ends.is_set():
                error = is_refused(cluster, plugin(f"load-{number}"))
                done[number] += 1
                if error is not None:
                    failures.append(str(error))

        threads = [threading.Thread(target=load, args=(number,)) for number in range(len(done))]
        for one in threads:
            one.start()
        try:
            for round_ in range(3):
                made = sum(done)
                following = webhook.prepare(f"ca-{round_ + 2}")
                webhook.configure(webhook.ca + following)
                cluster.wait_until(lambda made=made: sum(done) > made + 40)  # type: ignore[misc]
                before = webhook.presented()
                webhook.switch()
                webhook.ca = following
                cluster.wait_until(lambda before=before: webhook.presented() != before, what="the new certificate")  # type: ignore[misc]
                made = sum(done)
                cluster.wait_until(lambda made=made: sum(done) > made + 40)  # type: ignore[misc]
                webhook.configure(following)
        finally:
            ends.set()
            for one in threads:
                one.join(30)
        assert failures == []
        assert sum(done) > 200


def test_a_certificate_that_cannot_be_used_is_told_and_the_old_one_stays(cluster: RunningCluster, tmp_path: Path) -> None:
    with admitting(Webhook(cluster, tmp_path / "tls")) as webhook:
        before = webhook.presented()
        webhook.prepare("ca-2")
        (webhook.directory / "tls.crt").write_bytes((webhook.directory / "next.crt").read_bytes())
        cluster.wait_until(lambda: "cannot be used" in webhook.operator.text(), what="the log to tell")
        assert webhook.presented() == before
        assert is_refused(cluster, plugin("as-before")) is None
        webhook.switch()
        cluster.wait_until(lambda: webhook.presented() != before, what="the new certificate")


# -- one operator for all of these ---------------------------------------------------------------------------------------


def test_kubectl_shows_every_violation_with_its_field(webhook: Webhook) -> None:
    document = plugin("tagged", oci={"image": "ghcr.io/acme/audit:9.9.9"})
    shown = kubectl_apply(webhook.cluster, document)
    assert 'admission webhook "mcpgplugins.mcpg.dev" denied the request: spec.' in shown, shown
    assert "9.9.9" in shown
    error = is_refused(webhook.cluster, document)
    assert error is not None
    assert (error.status, error.reason) == (422, "Invalid")


def test_kubectl_shows_warnings_of_what_is_admitted(webhook: Webhook) -> None:
    shown = webhook.cluster.kubectl(
        "apply", "--dry-run=server", "-f", "-", input=yaml.safe_dump(plugin("tag", oci={"image": "ghcr.io/acme/audit:1.2.3"}))
    )
    assert "Warning: spec.oci.image" in shown, shown
    assert "mcpgplugin.mcpg.dev/tag created (server dry run)" in shown


def test_what_an_update_leaves_alone_is_not_even_asked_about(webhook: Webhook, stored: list[tuple[Kind, str]]) -> None:
    api = webhook.cluster.api
    api.apply(plugin("asked"))
    stored.append((PLUGIN, "asked"))
    before = webhook.calls()
    api.merge(PLUGIN, "asked", {"metadata": {"annotations": {"a": "b"}}})
    api.apply(plugin("asked"))
    api.merge(PLUGIN, "asked", {"status": {}}, part="status")
    assert webhook.calls() == before
    api.merge(PLUGIN, "asked", {"spec": {"version": "1.2.4"}})
    assert webhook.calls() == before + 1


def test_a_large_list_is_reviewed(webhook: Webhook, stored: list[tuple[Kind, str]]) -> None:
    entries = [{"artifactSha256": f"{number:064x}", "reason": "the signing key leaked on a runner"} for number in range(5000)]
    document = {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGRevocationList",
        "metadata": {"name": "large"},
        "spec": {"version": 1, "revocations": entries},
    }
    api = webhook.cluster.api
    api.apply(document)
    stored.append((REVOCATION_LIST, "large"))
    before = webhook.calls()
    api.merge(REVOCATION_LIST, "large", {"metadata": {"annotations": {"a": "b"}}})
    assert webhook.calls() == before
    entries[7]["artifactSha256"] = entries[8]["artifactSha256"]
    with pytest.raises(ApiError, match=r"spec\.revocations: entries 7 and 8 revoke the same"):
        api.apply(document)


def test_two_replicas_of_which_one_leads_both_answer(webhook: Webhook) -> None:
    cluster = webhook.cluster
    port = lasting_port()
    flags = (f"--webhook-bind=127.0.0.1:{port}", f"--tls-cert-dir={webhook.directory}", *LEASE)
    second = OperatorProcess(cluster, name="admission-second", flags=flags)
    second.url, second.trust = second.url.replace("http://", "https://"), webhook.operator.trust
    second.start()
    try:
        second.wait_until_ready()
        assert not second.answers("/reconcilez"), "it does not lead"
        answer = httpx.post(
            f"https://127.0.0.1:{port}/validate-mcpg-dev-v1alpha2-mcpgplugin",
            json={
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "request": {
                    "uid": "a",
                    "operation": "CREATE",
                    "kind": {"group": "mcpg.dev", "version": "v1alpha2", "kind": "MCPGPlugin"},
                    "object": TAG_OF_ANOTHER_VERSION,
                },
            },
            verify=second.trust,
            trust_env=False,
        ).json()
        assert (answer["response"]["uid"], answer["response"]["allowed"]) == ("a", False)
    finally:
        assert second.stop() == 0
