"""How strictly rules are applied that a cluster's owner may choose."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Strictness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """The choices; the defaults are those of the operator's flags."""

    require_coordinator_tls: bool = False
    """Refuse a coordinator in plain text that did not opt in, instead of warning of it."""
    require_digest_or_cosign: bool = False
    """Refuse a plugin that is named by a tag and signed by nobody, instead of warning of it."""
    operator_namespace: str = "mcpg-system"
    """No tenant may own it."""
    admit_without_lookup: bool = False
    """Admit, with a warning, what could not be judged because a look-up failed."""
