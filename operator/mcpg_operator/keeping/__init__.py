"""Verified plugins and the evidence about them, kept in Secrets so that they can be judged again without a registry.

`Keeper` stores what the verification accepted and opens it again as a source that the very same verification judges, once
`Layers` has proven that all of it belongs together. `Sweeper` takes away what nothing refers to any more. Nothing that is kept is
trusted for being kept.
"""

from __future__ import annotations

from mcpg_operator.keeping.keeper import Acceptance, Keeper
from mcpg_operator.keeping.kept import Asked, KeptPlugin
from mcpg_operator.keeping.recording import RecordingSource
from mcpg_operator.keeping.secrets import payload_hash
from mcpg_operator.keeping.shelf import Shelf
from mcpg_operator.keeping.source import KeptSource
from mcpg_operator.keeping.sweep import Sweeper

__all__ = [
    "Acceptance",
    "Asked",
    "Keeper",
    "KeptPlugin",
    "KeptSource",
    "RecordingSource",
    "Shelf",
    "Sweeper",
    "payload_hash",
]
