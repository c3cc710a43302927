"""Which capabilities a plugin requires, as far as a review can know: out of the kept evidence, read once."""

from __future__ import annotations

import base64
import copy
from dataclasses import replace
from typing import Any

import pytest

from mcpg_operator.admission.descriptors import Descriptors
from mcpg_operator.admission.live import Live
from mcpg_operator.keeping.evidence import encode
from mcpg_operator.keeping.secrets import evidence_name
from mcpg_operator.resources import PLUGIN, SECRET, Resource
from supplychain.errors import ClusterUnavailableError
from tests.operators.admission.test_reviewer import PLUGIN_OBJECT, SET, Admitting, space, tenant
from tests.operators.plugin.test_records import kept

TEXT = (
    b"{schema: mcpg.dev/plugin/v1, id: dev.acme.audit, name: A, class: audit_sink, runtime: native-cdylib-v1, "
    b"protocol_version: '1.0', required_capabilities: [audit_write]}"
)
PULLED: dict[str, Any] = copy.deepcopy(PLUGIN_OBJECT)
PULLED["status"] |= {"resolvedDigest": "a" * 64, "manifestDigest": f"sha256:{'b' * 64}"}


def evidence(text=TEXT, *, plugin="audit", uid="uid-audit"):
    data = encode(replace(kept(), plugin=plugin, uid=uid, descriptor=text))
    return {
        "metadata": {"name": evidence_name("audit"), "namespace": "mcpg-system"},
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }


class Knowing(Admitting):
    def __init__(self, *found, plugin=PULLED):
        super().__init__(tenant(), plugin, space("payments"))
        for one in found:
            self.cluster.put(SECRET, one)

    def grant(self, *kinds):
        document = copy.deepcopy(SET)
        document["spec"]["capabilityGrants"] = {"dev.acme.audit": list(kinds)}
        return self.judge(document)


def test_what_a_plugin_requires_can_be_granted_and_nothing_else():
    world = Knowing(evidence())
    assert world.grant("audit_write").warnings == ()
    given = world.grant("network_outbound")
    assert (given.allowed, given.code) == (False, 422)
    assert "network_outbound" in given.message


def test_evidence_is_read_once_for_each_pull():
    world = Knowing(evidence())
    for _ in range(3):
        assert world.grant("audit_write").allowed
    assert len([one for one in world.cluster.reads if one[1] == SECRET]) == 1
    world.store.put(Resource(PLUGIN, {**PULLED, "metadata": {"name": "audit", "uid": "another"}}))
    assert any("has not been pulled" in one for one in world.grant("audit_write").warnings), "evidence about another object"


@pytest.mark.parametrize(
    "found",
    [(), (evidence(b"rubbish"),), (evidence(plugin="other"),), (evidence(uid="other"),), ({**evidence(), "data": {}},)],
)
def test_without_usable_evidence_the_grants_are_admitted_with_a_warning(found):
    given = Knowing(*found).grant("network_outbound")
    assert given.allowed
    assert any("has not been pulled" in one for one in given.warnings)


def test_of_a_plugin_that_was_not_pulled_nobody_looks_for_evidence():
    world = Knowing(evidence(), plugin=PLUGIN_OBJECT)
    assert world.grant("network_outbound").allowed
    assert world.cluster.reads == []


def test_evidence_that_cannot_be_read_denies_and_says_to_retry():
    world = Knowing(evidence())
    world.cluster.fail_with(ClusterUnavailableError("down"))
    given = world.grant("audit_write")
    assert (given.allowed, given.code) == (False, 503)
    assert world.failures == [("MCPGPluginSet", "Secret")]


def test_only_so_many_stay_in_memory(monkeypatch):
    monkeypatch.setattr("mcpg_operator.admission.descriptors._MOST", 1)
    world = Knowing(evidence())
    descriptors = Descriptors(world.store, Live(world.cluster), namespace="mcpg-system")
    assert descriptors.known("audit") == (False, None)
    assert descriptors.load("audit") is not None
    assert descriptors.known("audit")[0]
    second = copy.deepcopy(PULLED)
    second["status"]["resolvedDigest"] = "c" * 64
    second["metadata"] = {"name": "audit", "uid": "uid-audit"}
    world.store.put(Resource(PLUGIN, second))
    assert descriptors.load("audit") is not None
    assert len(descriptors._memory) == 1
    assert descriptors.known("nobody") == (True, None)
    assert descriptors.load("nobody") is None
