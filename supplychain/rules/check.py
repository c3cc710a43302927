"""All that is wrong with one object, and what admission makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.rules import cluster, gateway, plugin, plugin_set, revocation_list, route, tenant
from supplychain.rules.problem import Family, Problem, Severity
from supplychain.rules.reading import at, mapping
from supplychain.rules.rule import Finding, Rule, Subject
from supplychain.rules.schema import shape_problems
from supplychain.rules.strictness import Strictness
from supplychain.rules.world import LookupFailedError

if TYPE_CHECKING:
    from supplychain.rules.reading import Document
    from supplychain.rules.world import World

__all__ = ["LOOKUP_FAILED", "RULES", "Ruling", "admit", "check"]

RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "MCPGCluster": cluster.RULES,
    "MCPGGateway": gateway.RULES,
    "MCPGPlugin": plugin.RULES,
    "MCPGPluginMirror": (),
    "MCPGPluginSet": plugin_set.RULES,
    "MCPGRevocationList": revocation_list.RULES,
    "MCPGRoute": route.RULES,
    "MCPGTenant": tenant.RULES,
}
"""By kind, in the order in which they are reported. What a schema says stands in the models."""
LOOKUP_FAILED: Final = LookupFailedError.reason

_OURS: Final = "mcpg.dev/"
_CODES: Final = ((Family.SPEC, 422), (Family.TENANT, 403), (Family.LOOKUP, 503))
_DEFAULT: Final = Strictness()


def check(
    document: Document, *, old: Document | None = None, world: World, strictness: Strictness = _DEFAULT
) -> tuple[Problem, ...]:
    """Find everything that is wrong with an object: what its schema refuses first, then the rules of its kind in order.

    A rule that needs a malformed field is silent, so that nothing is reported that follows from something else.

    Args:
        document: the object as plain JSON.
        old: the stored object that it replaces, for an update.
        world: the other objects.
        strictness: the settings of the cluster.
    """
    wrong = shape_problems(document)
    subject = Subject(document=document, old=old, world=world, strictness=strictness)
    malformed = tuple(one.field for one in wrong)
    shaped = isinstance(document.get("spec"), Mapping)
    found: list[Problem] = []
    failed: dict[tuple[str, Severity], list[str]] = {}
    known = not any(one.field in {"kind", "apiVersion"} for one in wrong)
    for rule in RULES[str(document.get("kind"))] if known else ():
        if (rule.reads and not shaped) or any(_below(place, f"spec.{field}") for field in rule.reads for place in malformed):
            continue
        try:
            found.extend(_problem(rule, one) for one in rule.find(subject) if not _follows(one, malformed))
        except LookupFailedError as error:
            failed.setdefault((str(error), rule.severity), []).append(rule.name)
    return (*wrong, *found, *(_unjudged(text, severity, rules) for (text, severity), rules in failed.items()))


def _below(place: str, field: str) -> bool:
    return place == field or place.startswith((f"{field}.", f"{field}["))


def _follows(finding: Finding, malformed: tuple[str, ...]) -> bool:
    """Whether something about the same item of a list is malformed already."""
    item = finding.field.rpartition("]")[0]
    return any(_below(place, f"{item}]") for place in malformed)


def _problem(rule: Rule, finding: Finding) -> Problem:
    return Problem(
        rule=rule.name,
        field=finding.field,
        what=finding.what,
        expected=finding.expected,
        got=finding.got,
        hint=finding.hint,
        severity=finding.severity or rule.severity,
        family=rule.family,
    )


def _unjudged(text: str, severity: Severity, rules: list[str]) -> Problem:
    words = ", ".join(f"`{rule}`" for rule in rules)
    return Problem(
        rule=LOOKUP_FAILED,
        field="spec",
        what=f"cannot be judged by {words}",
        got=text,
        hint="try again",
        severity=severity,
        family=Family.LOOKUP,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What admission answers."""

    denials: tuple[Problem, ...] = ()
    """Why the object is refused; none: it is admitted."""
    warnings: tuple[Problem, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the object may be stored."""
        return not self.denials

    @property
    def code(self) -> int:
        """The HTTP status of the answer within an AdmissionReview: tells a client whether trying again may help."""
        families = {one.family for one in self.denials}
        return next((code for family, code in _CODES if family in families), 200)

    @property
    def message(self) -> str:
        """Every denial, one a line, the field first."""
        return "\n".join(one.text for one in self.denials)


def admit(document: Document | None, *, old: Document | None = None, world: World, strictness: Strictness = _DEFAULT) -> Ruling:
    """Decide whether an object may be stored.

    Deletions pass, and so do objects that are being deleted: a rule that became stricter must not keep them for ever. An update
    that leaves the spec alone passes with warnings, so that labels, annotations and finalizers of older objects can be written.
    """
    if document is None or at(document, "metadata.deletionTimestamp"):
        return Ruling()
    problems = check(document, old=old, world=world, strictness=strictness)
    if old is not None and _judged(document) == _judged(old):
        return Ruling(warnings=problems)
    excused = {Family.LOOKUP} if strictness.admit_without_lookup else set()
    denials = tuple(one for one in problems if one.severity is Severity.ERROR and one.family not in excused)
    return Ruling(denials=denials, warnings=tuple(one for one in problems if one not in denials))


def _judged(document: Document) -> str:
    """What of an object the rules look at and its author can change; as text, since 1 is not `true`."""
    annotations = mapping(at(document, "metadata.annotations"))
    ours = {key: value for key, value in annotations.items() if key.startswith(_OURS)}
    return json.dumps([document.get("spec"), ours], sort_keys=True)
