"""Renders `docs/rules.md` from the rules: `python -m tests.support.rules_page > docs/rules.md`."""

import sys

from supplychain.rules import RULES, Family, Severity
from supplychain.rules.catalogue import Entry, entries

_HEAD = """\
# Rules

What admission refuses or warns of, `supplychain lint` reports, and the controllers check again. The words are part of the public contract and
do not change their meaning; `supplychain explain RULE` prints the same text, and this page is generated from it. What one field may hold by
itself is in [resources](resources.md): it is reported as `Schema`, or under a [reason](reasons.md) of its own such as
`InvalidIdentityPattern`, and most of it is refused by the API server itself.

A rule that refuses answers 422 where the author can mend the object, 403 where only whoever runs the cluster can (marked *tenant*), and 503,
as `LookupFailed`, where something could not be looked up. What does not exist (yet) is never a refusal: manifests may come in any order.
"""


def render() -> str:
    parts = [_HEAD]
    for kind in (None, *sorted(kind for kind, rules in RULES.items() if rules)):
        rows = [_row(one) for one in entries() if one.kind == kind]
        title = "Every kind" if kind is None else f"`{kind}`"
        parts.append(f"\n## {title}\n\n| rule | | what it is about |\n| --- | --- | --- |\n{''.join(rows)}")
    return "".join(parts)


def _row(one: Entry) -> str:
    effect = "warns" if one.severity is Severity.WARNING else "refuses"
    tenant = " (*tenant*)" if one.family is Family.TENANT else ""
    return f"| `{one.name}` | {effect}{tenant} | {one.about} |\n"


if __name__ == "__main__":
    sys.stdout.write(render())
