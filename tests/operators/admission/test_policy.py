"""The policies that are made from the rules: complete, fresh, and as strict as is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mcpg_operator.__main__ import main
from mcpg_operator.admission.expressions import EXPRESSIONS
from mcpg_operator.admission.policy import policies, render_policies
from mcpg_operator.resources import CLUSTER, GATEWAY, PLUGIN, TENANT
from supplychain.rules.check import RULES
from supplychain.rules.problem import Severity
from supplychain.rules.strictness import Strictness

CHART = Path(__file__).resolve().parents[3] / "charts/mcpg-operator"
STRICT = Strictness(require_coordinator_tls=True, require_digest_or_cosign=True)
LOOKS_ELSEWHERE = {
    "MCPGCluster": {"CoordinatorInUse"},
    "MCPGGateway": {
        "ReplicaCapExceeded", "SingleNodeCoordinator", "ClusterNotBindable", "InlinePluginNotAllowed", "SignaturesNotEnforced",
        "OwnTrustAnchor", "OverlayNotAllowed",
    },
    "MCPGPluginSet": {"PluginNotAllowed", "PluginIdDiffers", "GrantNotRequired"},
    "MCPGRoute": {"NamespaceNotAccepted", "ToolNotServed", "ChainPluginMissing", "TenantContradicted", "TenantRequired"},
    "MCPGTenant": {"NamespaceTaken"},
}  # fmt: skip
"""Rules that refuse, and that need other objects."""
IN_THE_SCHEMA = {"NameNotUsable", "TenantNameTooLong"}
"""Rules that the definitions hold."""


def rendered(strictness=None):
    return {one["metadata"]["name"]: one for one in policies(strictness or Strictness()) if one["kind"].endswith("Policy")}


def test_the_shipped_file_is_fresh():
    assert (CHART / "policies.yaml").read_bytes() == render_policies(Strictness()), "run `make policies`"


def test_every_rule_that_refuses_is_a_policy_unless_it_needs_other_objects():
    known = {kind.name: {one.rule for one in expressions} for kind, expressions in EXPRESSIONS.items()}
    for kind, rules in RULES.items():
        refusing = {one.name for one in rules if one.severity is Severity.ERROR}
        assert refusing - known.get(kind, set()) - IN_THE_SCHEMA == LOOKS_ELSEWHERE.get(kind, set()), kind


def test_every_expression_names_a_rule_and_takes_its_words():
    for kind, expressions in EXPRESSIONS.items():
        names = {one.name for one in RULES[kind.name]}
        assert {one.rule for one in expressions} <= names | {"Schema"}
        for one in rendered(STRICT)[f"mcpg-operator-{kind.plural}"]["spec"]["validations"]:
            assert one["message"].startswith(("spec.", "metadata.name: "))
            assert not one["message"].endswith(".")


@pytest.mark.parametrize(("kind", "count"), [(PLUGIN, (1, 2)), (CLUSTER, (1, 2)), (GATEWAY, (1, 1)), (TENANT, (1, 1))])
def test_what_the_flags_make_stricter_is_a_policy_only_then(kind, count):
    name = f"mcpg-operator-{kind.plural}"
    found = tuple(len(rendered(one)[name]["spec"]["validations"]) for one in (Strictness(), STRICT))
    assert found == count


def test_the_namespace_of_the_operator_is_the_one_that_is_named():
    text = render_policies(Strictness(operator_namespace="acme-system")).decode()
    assert "n != 'acme-system'" in text
    assert "n != 'mcpg-system'" not in text


def test_every_policy_is_bound_and_lets_deletions_and_unchanged_specs_pass():
    documents = list(yaml.safe_load_all(render_policies(Strictness())))
    bound = {one["spec"]["policyName"] for one in documents if one["kind"].endswith("Binding")}
    assert bound == set(rendered())
    for one in rendered().values():
        assert [condition["name"] for condition in one["spec"]["matchConditions"]] == ["not-being-deleted", "spec-changes"]
        assert one["spec"]["failurePolicy"] == "Fail"


def test_the_command_writes_them_to_a_file_or_to_standard_output(tmp_path, capsys):
    assert main(["policies", "--file", str(tmp_path / "policies.yaml")]) == 0
    assert (tmp_path / "policies.yaml").read_bytes() == render_policies(Strictness())
    assert main(["policies", "--require-digest-or-cosign", "--require-coordinator-tls", "--operator-namespace=a"]) == 0
    strict = Strictness(require_coordinator_tls=True, require_digest_or_cosign=True, operator_namespace="a")
    assert capsys.readouterr().out == render_policies(strict).decode()


def test_a_kind_whose_rules_are_all_a_matter_of_choice_has_no_policy_until_they_are_chosen(monkeypatch):
    (_, chosen) = EXPRESSIONS[PLUGIN]
    monkeypatch.setattr("mcpg_operator.admission.policy.EXPRESSIONS", {PLUGIN: (chosen,)})
    assert policies(Strictness()) == []
    assert len(policies(STRICT)) == 2
