"""The generated policies alone, without any webhook, before a real API server: they judge as the rules do, as far as they can."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.admission.expressions import EXPRESSIONS
from mcpg_operator.admission.policy import policies
from mcpg_operator.resources import CLUSTER, kind_of
from supplychain.rules.check import check
from supplychain.rules.strictness import Strictness
from supplychain.rules.world import Documents
from tests.e2e.admission_cases import CASES, as_stored, create, read
from tests.support.cluster import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cluster import RunningCluster

STRICT = Strictness(require_coordinator_tls=True, require_digest_or_cosign=True)
API = "/apis/admissionregistration.k8s.io/v1"


WRONG = read(next(case for case in CASES if case.name == "cluster_empty_config_accepted"))[0]
PLURALS = {"ValidatingAdmissionPolicy": "policies", "ValidatingAdmissionPolicyBinding": "policybindings"}


def remove(cluster: RunningCluster, manifests: list[dict[str, Any]]) -> None:
    for one in reversed(manifests):
        cluster.api.request("DELETE", f"{API}/validatingadmission{PLURALS[one['kind']]}/{one['metadata']['name']}")
    cluster.wait_until(lambda: create(cluster, WRONG) is None, what="the policies to count no more")


def test_an_object_from_before_a_policy_can_be_labelled_and_deleted(cluster: RunningCluster) -> None:
    document = copy.deepcopy(WRONG)
    document["metadata"]["name"] = "before-the-policy"
    cluster.api.apply(document)
    manifests = policies(STRICT)
    try:
        cluster.api.apply(manifests)
        cluster.wait_until(lambda: create(cluster, WRONG), what="the policies to count")
        cluster.api.merge(CLUSTER, "before-the-policy", {"metadata": {"finalizers": ["acme.dev/hold"], "labels": {"a": "b"}}})
        with pytest.raises(ApiError, match="the backend needs a configuration"):
            cluster.api.merge(CLUSTER, "before-the-policy", {"spec": {"backend": "nats"}})
        assert cluster.api.delete(CLUSTER, "before-the-policy")
        cluster.api.merge(CLUSTER, "before-the-policy", {"metadata": {"finalizers": None}})
        cluster.wait_until(lambda: cluster.api.get(CLUSTER, "before-the-policy") is None)
    finally:
        remove(cluster, manifests)


@pytest.fixture(scope="module")
def judged(cluster: RunningCluster) -> Iterator[RunningCluster]:
    """The cluster with the strictest policies, and no webhook."""
    manifests = policies(STRICT)
    cluster.api.apply(manifests)
    cluster.wait_until(lambda: create(cluster, WRONG), what="the policies to count")
    yield cluster
    remove(cluster, manifests)


def broken(document: dict[str, Any]) -> set[str]:
    """Fields of the rules that the policies know and the object breaks."""
    problems = check(document, world=Documents([]), strictness=STRICT)
    wanted = EXPRESSIONS.get(kind_of(document), ())
    return {
        one.rule
        for one in wanted
        if any(found.rule == one.rule and (one.rule != "Schema" or found.field in {"spec", one.field}) for found in problems)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_policies_judge_as_the_rules_do_as_far_as_they_can(judged: RunningCluster, case: Path) -> None:
    document, expected = read(case)
    error = create(judged, document)
    if expected["schema"]["verdict"] == "Refused":
        assert error is not None
        return
    found = broken(as_stored(document))
    assert (error is not None) is bool(found), (str(error), found)
    if error is not None:
        assert "ValidatingAdmissionPolicy" in error.message
        assert error.status in {403, 422}


def test_no_expression_is_of_another_type_than_its_kind(judged: RunningCluster) -> None:
    def checked() -> dict[str, Any] | None:
        found = {
            one["metadata"]["name"]: one.get("status", {})
            for one in judged.api.request("GET", f"{API}/validatingadmissionpolicies")["items"]
        }
        ours = {name: status for name, status in found.items() if name.startswith("mcpg-operator-")}
        return ours if all("typeChecking" in status for status in ours.values()) else None

    found = judged.wait_until(checked, what="the type checks") or {}
    assert len(found) == len(EXPRESSIONS)
    warned = [status["typeChecking"] for status in found.values() if status["typeChecking"]]
    assert not warned, json.dumps(warned, indent=1)
