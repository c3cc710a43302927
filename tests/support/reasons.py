"""Renders `docs/reasons.md` from the error tree: `python -m tests.support.reasons > docs/reasons.md`."""

import sys

from supplychain import errors
from supplychain.reasons import GROUPS, explained

_HEAD = """# Reasons

Every problem carries one of these words: in the report, in JSON, and later in conditions, events and metrics. They are part
of the public contract and do not change their meaning. `supplychain explain REASON` prints the same text, and this page is
generated from it.
"""


def classes(family: type[errors.SupplyChainError]) -> list[type[errors.SupplyChainError]]:
    """Every error below `family`, the family itself first, in the order of their definition."""
    found = [family]
    for child in family.__subclasses__():
        found += classes(child)
    return found


def render() -> str:
    parts = [_HEAD]
    for group in GROUPS:
        code = f" (exit code {group.exit_code})" if group.exit_code is not None else ""
        head = "| reason | when | why the check exists | what to do |\n| --- | --- | --- | --- |\n"
        parts.append(f"\n## {group.title}{code}\n\n{group.note}\n\n{head}")
        for one in explained(group):
            cells = (f"`{one.reason}`", one.meaning, one.why, one.what_to_do)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render())
