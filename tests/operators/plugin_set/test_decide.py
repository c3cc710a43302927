"""The rules, as tables: one test for each, so that a rule that is gone has a name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mcpg_operator.controllers.plugin_set.decide import (
    Candidate,
    Failure,
    compose,
    judge,
    keepable,
    pending,
    strip,
    warnings,
)
from mcpg_operator.controllers.plugin_set.observe import Observation
from mcpg_operator.ledger import Standing, Stored, Verified
from mcpg_operator.render.resolved_set import Part, ResolvedSet
from mcpg_operator.resources import PLUGIN, Resource
from supplychain.api import PluginSetSpec, parse_spec
from supplychain.digest import ArtifactHash
from supplychain.revocation import RevocationSet, from_spec
from tests.operators.plugin_set.world import entry, verified

STORED = Stored(secret="mcpg-plugin-audit", digests={"mcpg-plugin-audit": "0" * 64}, size=7)
GOOD = verified("audit", stored=STORED, uid="1")
PARTS = (Part(name="mcpg-plugin-audit", sha256="0" * 64, size=7),)


def _spec(*entries: dict[str, Any], **more: Any) -> PluginSetSpec:
    return parse_spec(PluginSetSpec, {"entries": list(entries), **more}, where="here")


def _revocations(*hashes: ArtifactHash) -> RevocationSet:
    spec = {"revocations": [{"artifactSha256": one.hex, "reason": "bad"} for one in hashes]}
    return RevocationSet((from_spec(spec, name="cluster-default"),))


def _observation(
    standing: Verified | None = GOOD, *, uid: str = "1", generation: int = 1, exists: bool = True, revoked: tuple[Any, ...] = ()
) -> Observation:
    plugin = Resource(PLUGIN, {"metadata": {"name": "audit", "uid": uid, "generation": generation}, "spec": {}})
    return Observation(
        plugins={"audit": plugin} if exists else {},
        standings={} if standing is None else {"audit": standing},
        revocations=_revocations(*revoked),
    )


def _one(observation: Observation, **more: Any) -> Candidate | Failure:
    return judge(_spec(entry("audit"), **more), observation)["dev.example.audit"]


def _reason(observation: Observation, **more: Any) -> str:
    verdict = _one(observation, **more)
    return verdict.reason if isinstance(verdict, Failure) else "resolved"


def test_a_verified_plugin_is_resolved():
    assert _reason(_observation()) == "resolved"


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        pytest.param(_observation(exists=False), "PluginNotFound", id="no plugin"),
        pytest.param(_observation(None, exists=False), "PluginNotFound", id="neither plugin nor standing"),
        pytest.param(_observation(None), "Pending", id="not judged"),
        pytest.param(_observation(replace(GOOD, plugin_id="dev.example.b")), "PluginIdMismatch", id="another id"),
        pytest.param(_observation(replace(GOOD, standing=Standing.REVOKED)), "PluginRevoked", id="standing revoked"),
        pytest.param(_observation(revoked=(GOOD.artifact_hash,)), "PluginRevoked", id="on the list"),
        pytest.param(_observation(replace(GOOD, standing=Standing.REFUSED)), "PluginNotReady", id="refused"),
        pytest.param(_observation(replace(GOOD, standing=Standing.UNAVAILABLE)), "PluginNotReady", id="could not look"),
        pytest.param(_observation(replace(GOOD, plugin_id="")), "PluginNotReady", id="verified without an id"),
        pytest.param(_observation(uid="2"), "PluginNotReady", id="made anew"),
        pytest.param(_observation(generation=2), "PluginNotReady", id="edited"),
        pytest.param(_observation(replace(GOOD, stored=None)), "ArtefactSecretMissing", id="nothing stored"),
        pytest.param(_observation(replace(GOOD, package=None)), "ArtefactSecretMissing", id="no package"),
        pytest.param(_observation(replace(GOOD, artifact_hash=None)), "ArtefactSecretMissing", id="no hash"),
    ],
)
def test_each_way_of_failing_has_its_reason(observation: Observation, reason: str):
    assert _reason(observation) == reason


@pytest.mark.parametrize(
    ("first", "second", "observation"),
    [
        pytest.param(
            "PluginIdMismatch",
            "PluginRevoked",
            _observation(replace(GOOD, plugin_id="a.b", standing=Standing.REVOKED)),
            id="id first",
        ),
        pytest.param(
            "PluginRevoked",
            "PluginNotReady",
            _observation(replace(GOOD, standing=Standing.REVOKED), generation=2),
            id="then revoked",
        ),
        pytest.param(
            "PluginRevoked", "PluginNotReady", _observation(generation=2, revoked=(GOOD.artifact_hash,)), id="also by the list"
        ),
        pytest.param(
            "PluginNotReady",
            "ArtefactSecretMissing",
            _observation(replace(GOOD, standing=Standing.REFUSED, stored=None)),
            id="then not ready",
        ),
    ],
)
def test_the_first_rule_that_fails_names_the_reason(first: str, second: str, observation: Observation):
    assert _reason(observation) == first != second


def test_a_grant_that_the_descriptor_does_not_ask_for_fails_the_entry_and_is_named():
    grants = {"dev.example.audit": ["audit_write", "network_outbound"]}
    asking = verified("audit", stored=STORED, uid="1", capabilities=("audit_write",))
    verdict = _one(_observation(asking), capabilityGrants=grants)
    assert isinstance(verdict, Failure)
    assert (verdict.reason, verdict.message) == (
        "GrantNotRequired",
        "the plugin's descriptor does not require `network_outbound`",
    )


def test_grants_are_those_of_the_entry():
    grants = {"dev.example.audit": ["audit_write"]}
    asking = verified("audit", stored=STORED, uid="1", capabilities=("audit_write",))
    verdict = _one(_observation(asking), capabilityGrants=grants)
    assert isinstance(verdict, Candidate)
    assert [one.kind for one in verdict.grants.granted] == ["audit_write"]
    assert warnings({"x": verdict}) == ()


def test_a_disabled_entry_has_no_verdict():
    assert judge(_spec(entry("audit", enabled=False)), _observation()) == {}


def test_verdicts_come_in_the_order_of_the_set():
    spec = _spec(entry("b"), entry("audit"), entry("a"))
    assert [*judge(spec, _observation())] == ["dev.example.b", "dev.example.audit", "dev.example.a"]


@pytest.mark.parametrize(
    ("standing", "expected"), [(None, True), (GOOD, False), (replace(GOOD, standing=Standing.REFUSED), False)]
)
def test_only_a_plugin_that_is_not_judged_makes_a_set_wait(standing: Verified | None, expected: bool):
    assert pending(judge(_spec(entry("audit")), _observation(standing))) is expected


# --- what stays --------------------------------------------------------------------------------------------------------------


def _old() -> ResolvedSet:
    verdicts = judge(_spec(entry("audit")), _observation())
    return compose(_spec(entry("audit")), verdicts, {"dev.example.audit": PARTS}, {})


@pytest.mark.parametrize(
    ("observation", "stays"),
    [
        pytest.param(_observation(), True, id="verified"),
        pytest.param(_observation(exists=False), True, id="plugin gone"),
        pytest.param(_observation(None), True, id="not judged"),
        pytest.param(_observation(replace(GOOD, standing=Standing.REFUSED)), True, id="refused"),
        pytest.param(_observation(replace(GOOD, standing=Standing.REVOKED)), False, id="plugin revoked"),
        pytest.param(_observation(revoked=(GOOD.artifact_hash,)), False, id="artifact on the list"),
        pytest.param(_observation(None, revoked=(GOOD.artifact_hash,)), False, id="artifact on the list, plugin not judged"),
        pytest.param(_observation(revoked=(ArtifactHash.of(b"x"),)), True, id="another artifact on the list"),
    ],
)
def test_an_old_entry_stays_unless_it_is_revoked(observation: Observation, stays: bool):
    old = _old()
    assert keepable(old.entries[0], observation) is stays
    stripped = strip(old, observation)
    assert (stripped is old) is stays
    assert stripped.complete is stays
    assert [one.id for one in stripped.entries] == (["dev.example.audit"] if stays else [])


def test_a_document_is_complete_when_every_enabled_entry_is_in_it_in_whatever_form():
    spec = _spec(entry("audit"), entry("gone"), entry("off", enabled=False))
    verdicts = judge(spec, _observation())
    parts = {"dev.example.audit": PARTS}
    assert compose(spec, verdicts, parts, {}).complete is False
    kept = {"dev.example.gone": _old().entries[0]}
    assert compose(spec, verdicts, parts, kept).complete is True


def test_a_bad_minute_does_not_change_the_text_of_the_document():
    failing = judge(_spec(entry("audit")), _observation(replace(GOOD, standing=Standing.UNAVAILABLE)))
    old = _old()
    kept = {one.id: one for one in old.entries}
    assert compose(_spec(entry("audit")), failing, {}, kept).text == old.text


def test_another_time_of_judgement_does_not_change_the_text_of_the_document():
    later = replace(GOOD, at=datetime(2030, 1, 1, tzinfo=UTC), message="judged again", reason="Other")
    verdicts = judge(_spec(entry("audit")), _observation(later))
    assert compose(_spec(entry("audit")), verdicts, {"dev.example.audit": PARTS}, {}).text == _old().text
