"""Renders `docs/reasons.md` from the error tree: `python -m tests.support.reasons > docs/reasons.md`."""

import sys

from supplychain import errors

_FAMILIES = (
    (
        errors.VerificationError,
        "Refused (exit code 1)",
        "The evidence was examined and is bad. The same bytes get the same answer.",
    ),
    (errors.InputError, "Wrong request (exit code 2)", "Something in the request has to change. Trying again cannot help."),
    (
        errors.UnavailableError,
        "Could not be evaluated (exit code 3)",
        "Nothing was found to be bad; something could not be looked at.",
    ),
)

_HEAD = """# Reasons

Every problem carries one of these words: in the report, in JSON, and later in conditions, events and metrics. They are part
of the public contract and do not change their meaning. This page is generated from the error tree.
"""


def classes(family: type[errors.SupplyChainError]) -> list[type[errors.SupplyChainError]]:
    """Every error below `family`, the family itself first, in the order of their definition."""
    found = [family]
    for child in family.__subclasses__():
        found += classes(child)
    return found


def render() -> str:
    parts = [_HEAD]
    for family, title, note in _FAMILIES:
        parts.append(f"\n## {title}\n\n{note}\n\n| reason | when | what to do |\n| --- | --- | --- |\n")
        for error in classes(family):
            when = " ".join((error.__doc__ or "").split("\n\n")[0].split())
            hint = error.default_hint.replace("|", "\\|") or "see the finer reasons below"
            parts.append(f"| `{error.reason}` | {when} | {hint} |\n")
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render())
