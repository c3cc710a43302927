"""The rules that need no other object as ValidatingAdmissionPolicies, which an API server judges by itself. Pure.

They hold while the webhook is down and its failure policy is `Ignore`, and they say what a schema does not: rules about free-form
objects, about fields of different depth, and those that an administrator may choose. Each names the rule that it repeats and
takes its words from there; a test has both judge the same objects. Expressions never fail: with the policy `Fail` that would
refuse every object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from mcpg_operator.admission.configuration import OPT_OUT, PlainDumper
from mcpg_operator.admission.expressions import CHANGED, EXPRESSIONS, NOT_DELETING, Expression
from supplychain.rules.check import RULES
from supplychain.rules.problem import Family

if TYPE_CHECKING:
    from mcpg_operator.resources import Kind
    from supplychain.rules.strictness import Strictness

__all__ = ["policies", "render_policies"]

_API: Final = "admissionregistration.k8s.io/v1"
_HEADER: Final = "# Made from the rules by `make policies`; edits are overwritten. Needs Kubernetes 1.30.\n"
_WIDTH: Final = 130
_REASONS: Final = {Family.SPEC: "Invalid", Family.TENANT: "Forbidden", Family.LOOKUP: "Invalid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy:
    kind: Kind
    expressions: tuple[Expression, ...]


def policies(strictness: Strictness) -> list[dict[str, Any]]:
    """Write a policy and its binding for every kind that has such rules."""
    found: list[dict[str, Any]] = []
    for kind, expressions in EXPRESSIONS.items():
        wanted = tuple(one for one in expressions if one.wanted(strictness))
        if wanted:
            found += [_policy(_Policy(kind=kind, expressions=wanted), strictness), _binding(kind)]
    return found


def render_policies(strictness: Strictness) -> bytes:
    """Write them as YAML; the same rules give the same bytes."""
    text = yaml.dump_all(policies(strictness), Dumper=PlainDumper, sort_keys=True, allow_unicode=True, width=_WIDTH)
    return (_HEADER + text).encode()


def _policy(one: _Policy, strictness: Strictness) -> dict[str, Any]:
    kind = one.kind
    variables = [variable for expression in one.expressions for variable in expression.variables]
    rule = {
        "apiGroups": [kind.group],
        "apiVersions": [kind.version],
        "operations": ["CREATE", "UPDATE"],
        "resources": [kind.plural],
        "scope": "Namespaced" if kind.namespaced else "Cluster",
    }
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [NOT_DELETING, CHANGED],
        "validations": [_validation(kind, expression, strictness) for expression in one.expressions],
    }
    if variables:
        spec["variables"] = [{"name": name, "expression": text} for name, text in dict(variables).items()]
    return {"apiVersion": _API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": _name(kind)}, "spec": spec}


def _binding(kind: Kind) -> dict[str, Any]:
    spec: dict[str, Any] = {"policyName": _name(kind), "validationActions": ["Deny"]}
    if kind.namespaced:
        selector = {"matchExpressions": [{"key": OPT_OUT, "operator": "DoesNotExist"}]}
        spec["matchResources"] = {"namespaceSelector": selector}
    return {"apiVersion": _API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": _name(kind)}, "spec": spec}


def _validation(kind: Kind, expression: Expression, strictness: Strictness) -> dict[str, Any]:
    rule = next((one for one in RULES[kind.name] if one.name == expression.rule), None)
    about = expression.about if rule is None else rule.about.partition(". ")[0].removesuffix(".")
    family = Family.SPEC if rule is None else rule.family
    return {
        "expression": expression.text(strictness),
        "message": f"{expression.field}: {about[:1].lower()}{about[1:]}",
        "reason": _REASONS[family],
    }


def _name(kind: Kind) -> str:
    return f"mcpg-operator-{kind.plural}"
