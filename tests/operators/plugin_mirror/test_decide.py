"""Each rule about a mirror's status."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.controllers.plugin_mirror.decide import decide
from mcpg_operator.controllers.plugin_mirror.observe import Observation
from mcpg_operator.resources import PLUGIN_MIRROR, Resource
from mcpg_operator.services import Outcome
from supplychain.errors import ApplyForbiddenError, InvalidCredentialsError, InvalidManifestError, UnreadableFileError
from supplychain.mirror import MirrorRule
from supplychain.mirror.probe import Finding, Probe

HOST = "harbor.oci.svc.cluster.local:5000"
RULE = MirrorRule(
    name="harbor", service="harbor", namespace="oci", port=5000, upstream_registry="ghcr.io", upstream_namespace="acme"
)


def seen(**changes: Any) -> Observation:
    parts: dict[str, Any] = {
        "resource": Resource(PLUGIN_MIRROR, {"metadata": {"name": "harbor"}}),
        "proxied": 3,
        "rule": RULE,
        "service_found": True,
        "probe": Probe(finding=Finding.REACHABLE, message="registry answers"),
    }
    return Observation(**{**parts, **changes})


def answer(finding: Finding) -> Probe:
    return Probe(finding=finding, message="what the probe says")


def test_a_mirror_that_answers_is_ready():
    found = decide(seen())
    assert found.ready == Condition(type="Ready", status=Truth.TRUE, reason="Reconciled", message="registry answers")
    assert found.fields == {"proxiedReferences": 3, "endpointHost": HOST, "reachable": True}
    assert found.outcome is Outcome.SUCCESS


def test_a_wrong_spec_says_nothing_about_the_mirror():
    found = decide(seen(rule=None, service_found=None, probe=None, trouble=InvalidManifestError("the port is wrong")))
    assert found.ready == Condition(type="Ready", status=Truth.FALSE, reason="InvalidSpec", message="the port is wrong")
    assert found.fields == {"proxiedReferences": 3}
    assert found.outcome is Outcome.PERMANENT_ERROR


def test_a_missing_service_makes_the_mirror_unreachable():
    found = decide(seen(service_found=False, probe=None))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "MirrorServiceNotFound")
    assert found.ready.message == "Service `oci/harbor` does not exist"
    assert found.fields["reachable"] is False
    assert found.outcome is Outcome.DEPENDENCY_PENDING


def test_an_endpoint_override_needs_no_service():
    assert decide(seen(service_found=None)).ready.status is Truth.TRUE


@pytest.mark.parametrize(
    "finding",
    [
        Finding.CONNECTION_REFUSED,
        Finding.NAME_UNKNOWN,
        Finding.TLS_FAILED,
        Finding.TIMED_OUT,
        Finding.LEADS_ELSEWHERE,
        Finding.NO_REGISTRY,
        Finding.CONNECTION_FAILED,
    ],
)
def test_each_way_of_being_away_is_told_apart(finding):
    found = decide(seen(probe=answer(finding)))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "MirrorUnreachable")
    assert found.ready.message == f"{finding}: what the probe says"
    assert found.fields["reachable"] is False


@pytest.mark.parametrize("finding", [Finding.CREDENTIALS_REFUSED, Finding.CREDENTIALS_UNPROVEN])
def test_credentials_that_do_not_help_are_no_unreachable_mirror(finding):
    found = decide(seen(probe=answer(finding)))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "MirrorAuthFailed")
    assert found.fields["reachable"] is True


def test_every_finding_has_its_rule():
    known = {"Reconciled", "MirrorUnreachable", "MirrorAuthFailed"}
    assert {decide(seen(probe=answer(finding))).ready.reason for finding in Finding} == known


@pytest.mark.parametrize("finding", [Finding.REACHABLE, Finding.CONNECTION_REFUSED])
def test_an_unusable_secret_is_told_beside_whether_the_mirror_answers(finding):
    error = InvalidCredentialsError("the Secret lacks the key", where="Secret `mcpg-system/pull`")
    found = decide(seen(probe=answer(finding), secret_error=error))
    assert (found.ready.reason, found.ready.message) == ("PullSecretInvalid", str(error))
    assert found.fields["reachable"] is (finding is Finding.REACHABLE)


def test_a_missing_right_is_no_missing_service():
    found = decide(seen(service_found=None, probe=None, trouble=ApplyForbiddenError("may not get services")))
    assert found.ready.reason == "ApplyForbidden"
    assert "may not get services" in found.ready.message
    assert "reachable" not in found.fields


def test_a_ca_file_that_cannot_be_used_keeps_from_asking():
    found = decide(seen(probe=None, trouble=UnreadableFileError("no certificates in PEM")))
    assert found.ready.reason == "MirrorUnreachable"
    assert "no certificates" in found.ready.message
    assert "reachable" not in found.fields
