"""Every object of every case in `testdata/render`, as a real API server judges it."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mcpg_operator.names import manager
from mcpg_operator.render.gateway import GatewayInputs, Handling, render_gateway
from mcpg_operator.resources import DEPLOYMENT, PROMETHEUS_RULE, SERVICE_MONITOR, kind_of
from tests.support.cluster import ApiError
from tests.support.cluster.monitoring import MONITORING
from tests.support.rendering import inputs_of
from tests.support.testdata.render import RENDER_CASES, RENDER_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cluster import RunningCluster

CASES = [one for one in RENDER_CASES if not one.refused]
NAMESPACE = "team-a"
GATEWAYS = manager("gateway")


def children(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((RENDER_FOLDER / name / "expected.yaml").read_bytes()))[1:]


def smallest(**facts: Any) -> GatewayInputs:
    (case,) = [one for one in CASES if one.name == "smallest"]
    return dataclasses.replace(inputs_of(case.document), namespace="restricted", **facts)


@pytest.fixture(scope="module", autouse=True)
def monitoring(cluster: RunningCluster) -> Iterator[None]:
    cluster.namespace(NAMESPACE)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "restricted", "labels": labels}})
    cluster.define(MONITORING)
    yield
    cluster.undefine(SERVICE_MONITOR, PROMETHEUS_RULE)
    cluster.drop_namespace(NAMESPACE)
    cluster.drop_namespace("restricted")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_api_server_takes_every_child_of_a_case(cluster, case):
    for child in children(case.name):
        kind = kind_of(child)
        group = f"apis/{kind.api_version}" if kind.group else f"api/{kind.api_version}"
        place = f"/{group}/namespaces/{NAMESPACE}/{kind.plural}/{child['metadata']['name']}"
        answer = cluster.api.request(
            "PATCH", place, body=child, kind="application/apply-patch+yaml",
            fieldManager=GATEWAYS, force="true", dryRun="All", fieldValidation="Strict",
        )  # fmt: skip
        assert answer["metadata"]["name"] == child["metadata"]["name"]


def test_kubectl_takes_them_all_in_one_go(cluster):
    manifests = [child for case in CASES for child in children(case.name)]
    text = "\n---\n".join(json.dumps(one, ensure_ascii=False) for one in manifests)
    shown = cluster.kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", input=text)
    lines = [line for line in shown.splitlines() if line.endswith("serverside-applied (server dry run)")]
    assert len(lines) == len(manifests), shown[-2000:]
    assert "Warning" not in shown, [line for line in shown.splitlines() if "Warning" in line]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_strictest_namespace_admits_the_pods(cluster, case):
    (deployment,) = [one for one in children(case.name) if one["kind"] == "Deployment"]
    template = deployment["spec"]["template"]
    spec = {**template["spec"], "serviceAccountName": "default"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": "one", "namespace": "restricted"},
        "spec": spec,
    }
    if "priorityClassName" in spec:
        assert cluster.api.request("GET", f"/apis/scheduling.k8s.io/v1/priorityclasses/{spec['priorityClassName']}")
    cluster.wait_until(lambda: account(cluster), what="the namespace's account")
    answer = cluster.api.request("POST", "/api/v1/namespaces/restricted/pods", body=pod, dryRun="All", fieldValidation="Strict")
    assert answer["spec"]["containers"][0]["image"]


def account(cluster):
    return cluster.api.request("GET", "/api/v1/namespaces/restricted/serviceaccounts/default")


def apply(cluster, inputs, *, change=lambda deployment: None):
    """Apply the Deployment of a gateway for real; gives it as it then is."""
    rendered = render_gateway(inputs)
    (deployment,) = [copy.deepcopy(one) for one in rendered.children if one["kind"] == "Deployment"]
    del deployment["metadata"]["ownerReferences"]
    change(deployment)
    return cluster.api.apply(deployment, manager=GATEWAYS)[0]["spec"]


def test_the_strategy_changes_back_and_forth(cluster):
    assert apply(cluster, smallest())["strategy"]["type"] == "RollingUpdate"
    assert apply(cluster, smallest(handling=Handling.RECREATE))["strategy"] == {"type": "Recreate"}
    assert apply(cluster, smallest())["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    stopped = apply(cluster, smallest(handling=Handling.STOP))
    assert (stopped["replicas"], stopped["strategy"]) == (0, {"type": "Recreate"})
    cluster.api.delete(DEPLOYMENT, "shop-gateway", namespace="restricted")


def test_numbers_that_are_not_written_out_could_not_be_taken_away(cluster):
    """Why the usual numbers stand in the Deployment: the API server fills them in, and nobody owns what it fills in."""
    apply(cluster, smallest(), change=lambda one: one["spec"]["strategy"].pop("rollingUpdate"))
    with pytest.raises(ApiError, match="may not be specified when strategy `type` is 'Recreate'"):
        apply(cluster, smallest(handling=Handling.RECREATE))
    cluster.api.delete(DEPLOYMENT, "shop-gateway", namespace="restricted")


def test_the_number_of_pods_falls_back_to_one_where_no_second_owner_got_it_first(cluster):
    """Why the controller hands the number over before the autoscaler is rendered."""
    (case,) = [one for one in CASES if one.name == "autoscaler_switched_on"]
    inputs = dataclasses.replace(inputs_of(case.document), namespace="restricted")
    apply(cluster, dataclasses.replace(smallest(), clamp=None), change=lambda one: one["spec"].update(replicas=5))
    assert apply(cluster, inputs)["replicas"] == 1
    cluster.api.delete(DEPLOYMENT, "shop-gateway", namespace="restricted")


def test_a_list_with_a_character_that_yaml_does_not_allow_still_reaches_the_pods(cluster):
    listed = json.dumps(
        {"version": 1, "revocations": [{"artifact_sha256": "0" * 64, "reason": "odd \x7f\ufffe"}]}, ensure_ascii=False
    )
    rendered = render_gateway(smallest(revocations=listed.encode()))
    (config_map,) = [one for one in rendered.children if one["metadata"]["name"] == "shop-revocations"]
    del config_map["metadata"]["ownerReferences"]
    (written,) = cluster.api.apply(config_map, manager=GATEWAYS)
    assert base64.b64decode(written["binaryData"]["list.json"]).decode() == listed
    spoilt = {key: value for key, value in config_map.items() if key != "binaryData"} | {"data": {"list.json": listed}}
    with pytest.raises(ApiError, match="control characters are not allowed"):
        cluster.api.apply(spoilt, manager=GATEWAYS)
