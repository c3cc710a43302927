"""Changes that would make a refusal pass, written so that a person can copy them.

Values come from certificates and statements of strangers: each is quoted for the shell and for YAML, and one that nobody could
read or copy safely is never offered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from supplychain.errors import Remedy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["evidence", "policy"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@+=-]+", re.ASCII)
_MAX_LENGTH: Final = 1024


def evidence(change: str) -> Remedy:
    """Ask for other evidence; the policy stays as it is."""
    return Remedy(change=change, effect="changes the evidence")


def policy(
    flags: Sequence[tuple[str, str]],
    *,
    effect: str,
    weakens: bool,
    manifest: Mapping[str, str] | None = None,
    instead_of: tuple[str, ...] = (),
) -> tuple[Remedy, ...]:
    """Offer flags with their values, and `MCPGPlugin` fields that say the same; nothing where a value cannot be copied.

    `instead_of` names flags that have to go. List these changes before those of the evidence: an error puts what weakens last.
    """
    if not all(0 < len(value) <= _MAX_LENGTH and value.isprintable() for _, value in flags):
        return ()
    change = " ".join(f"{name}{_joint(value)}{_for_shell(value)}" for name, value in flags)
    if instead_of:
        change = f"{change} instead of {', '.join(instead_of)}" if change else f"no {', '.join(instead_of)}"
    fields = None if manifest is None else ", ".join(f"{name}: {_for_yaml(value)}" for name, value in manifest.items())
    return (Remedy(change=change, effect=effect, weakens=weakens, manifest=fields),)


def _joint(value: str) -> str:
    """What stands before a value: one that begins like a flag would be taken for a flag behind a space."""
    return "=" if len(value) > 1 and value.startswith("-") else " "


def _for_shell(value: str) -> str:
    return value if _PLAIN.fullmatch(value) is not None else "'" + value.replace("'", "'\"'\"'") + "'"


def _for_yaml(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
