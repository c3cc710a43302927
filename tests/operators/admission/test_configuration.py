"""The ValidatingWebhookConfiguration: one webhook for each kind, and nothing that an object's author could get around."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from mcpg_operator.__main__ import main
from mcpg_operator.admission.configuration import ServiceTarget, UrlTarget, configuration, render_configuration
from mcpg_operator.admission.server import KINDS

SERVICE = ServiceTarget(namespace="mcpg-system", name="mcpg-operator-webhook")
NAMESPACED = {"mcpggateways.mcpg.dev", "mcpgpluginsets.mcpg.dev", "mcpgroutes.mcpg.dev"}


def webhooks(**words):
    return configuration("mcpg-operator-validation", SERVICE, **words)["webhooks"]


def test_all_eight_kinds_are_reviewed_when_they_are_made_or_changed():
    found = webhooks()
    assert [one["name"] for one in found] == [
        "mcpggateways.mcpg.dev", "mcpgpluginsets.mcpg.dev", "mcpgroutes.mcpg.dev", "mcpgplugins.mcpg.dev",
        "mcpgrevocationlists.mcpg.dev", "mcpgclusters.mcpg.dev", "mcpgtenants.mcpg.dev", "mcpgpluginmirrors.mcpg.dev",
    ]  # fmt: skip
    for kind, one in zip(KINDS, found, strict=True):
        assert one["rules"] == [
            {
                "apiGroups": ["mcpg.dev"],
                "apiVersions": ["v1alpha2"],
                "operations": ["CREATE", "UPDATE"],
                "resources": [kind.plural],
                "scope": "Namespaced" if one["name"] in NAMESPACED else "Cluster",
            }
        ]
        assert one["clientConfig"]["service"]["path"] == f"/validate-mcpg-dev-v1alpha2-{kind.name.lower()}"
        assert (one["sideEffects"], one["timeoutSeconds"], one["admissionReviewVersions"]) == ("None", 10, ["v1"])


def test_namespaces_can_opt_out_of_the_namespaced_kinds_alone_and_objects_of_none():
    for one in webhooks():
        assert ("namespaceSelector" in one) is (one["name"] in NAMESPACED)
        assert "objectSelector" not in one
        assert "matchPolicy" not in one
    selector = webhooks()[0]["namespaceSelector"]["matchExpressions"]
    assert selector == [{"key": "mcpg.dev/skip-validation", "operator": "DoesNotExist"}]


def test_an_unchanged_spec_is_not_sent_where_no_rule_reads_anything_else():
    conditions = {one["name"]: [condition["name"] for condition in one["matchConditions"]] for one in webhooks()}
    annotated = {"mcpggateways.mcpg.dev", "mcpgclusters.mcpg.dev"}
    for name, found in conditions.items():
        assert found == (["not-being-deleted"] if name in annotated else ["not-being-deleted", "spec-changes"])


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
def test_the_failure_policy_is_the_one_that_is_chosen(policy):
    assert {one["failurePolicy"] for one in webhooks(failure_policy=policy)} == {policy}


def test_whom_to_trust_is_entered_or_left_to_somebody_else():
    assert all("caBundle" not in one["clientConfig"] for one in webhooks())
    bundles = {one["clientConfig"]["caBundle"] for one in webhooks(authorities=b"PEM")}
    assert bundles == {base64.b64encode(b"PEM").decode()}


def test_the_service_and_an_address_are_two_ways_to_the_same_paths():
    assert webhooks()[0]["clientConfig"]["service"] == {
        "namespace": "mcpg-system", "name": "mcpg-operator-webhook", "port": 443, "path": "/validate-mcpg-dev-v1alpha2-mcpggateway",
    }  # fmt: skip
    found = configuration("a", UrlTarget(base="https://127.0.0.1:9443"))["webhooks"][0]
    assert found["clientConfig"] == {"url": "https://127.0.0.1:9443/validate-mcpg-dev-v1alpha2-mcpggateway"}


def test_the_shipped_file_is_fresh():
    shipped = Path(__file__).resolve().parents[3] / "charts/mcpg-operator/webhook.yaml"
    assert shipped.read_bytes() == render_configuration("mcpg-operator-validation", SERVICE), "run `make policies`"
    assert yaml.safe_load(shipped.read_bytes()) == configuration("mcpg-operator-validation", SERVICE)


def test_the_command_writes_it_to_a_file_or_to_standard_output(tmp_path, capsys):
    assert main(["webhook"]) == 0
    assert capsys.readouterr().out == render_configuration("mcpg-operator-validation", SERVICE).decode()
    (tmp_path / "ca.pem").write_bytes(b"PEM")
    words = [
        "--name=a",
        "--operator-namespace=b",
        "--webhook-service=c",
        f"--ca-file={tmp_path / 'ca.pem'}",
        "--failure-policy=Ignore",
    ]
    assert main(["webhook", f"--file={tmp_path / 'webhook.yaml'}", *words]) == 0
    target = ServiceTarget(namespace="b", name="c")
    wanted = render_configuration("a", target, authorities=b"PEM", failure_policy="Ignore")
    assert (tmp_path / "webhook.yaml").read_bytes() == wanted
