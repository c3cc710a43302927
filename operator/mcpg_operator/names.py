"""Names, labels and annotations of what the operator writes, valid for the longest and strangest inputs.

Label values have at most 63 characters of a small alphabet, object names are DNS subdomains of at most 253 (Kubernetes: object
names and IDs; labels and selectors). What does not fit is cut and gets a hash, and the exact text goes into an annotation.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

__all__ = [
    "COMPONENT",
    "EVIDENCE_TYPE",
    "MANAGED_BY",
    "MANAGER",
    "OPERATOR",
    "PLUGIN_TYPE",
    "SHARD_TYPE",
    "digest_label",
    "label_value",
    "manager",
    "object_name",
    "short_hash",
]

OPERATOR: Final = "mcpg-operator"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
COMPONENT: Final = "app.kubernetes.io/component"
MANAGER: Final = {MANAGED_BY: OPERATOR}
"""The label that every object of ours bears."""

PLUGIN_TYPE: Final = "mcpg.dev/plugin"
"""Type of a Secret with one verified plugin: its files, or the index of their shards."""
SHARD_TYPE: Final = "mcpg.dev/plugin-shard"
EVIDENCE_TYPE: Final = "mcpg.dev/plugin-evidence"

_LABEL: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_LONGEST_LABEL: Final = 63
_LONGEST_NAME: Final = 253
_HASH: Final = 16
_HASHED: Final = re.compile(r"(?:.*-)?[0-9a-f]{16}", re.ASCII)
"""What could be the end of a text that was cut and hashed: it is hashed as well, so that nobody can choose another's name."""


def short_hash(text: str) -> str:
    """Give 16 hex characters of the text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]


def label_value(text: str) -> str:
    """Write any text as a label value: itself where that is valid, else its usable beginning, a dash, and a hash of all of it."""
    if _LABEL.fullmatch(text) is not None:
        return text
    usable = re.sub(r"[^A-Za-z0-9_.-]", "-", text, flags=re.ASCII)[: _LONGEST_LABEL - _HASH - 1].strip("-_.")
    return f"{usable}-{short_hash(text)}" if usable else short_hash(text)


def digest_label(hex_digest: str) -> str:
    """Give the first 32 characters of a digest: a whole SHA-256 is one character too long for a label."""
    return hex_digest[:32]


def object_name(prefix: str, text: str, *, suffix: str = "") -> str:
    """Build `<prefix>-<text>[-<suffix>]` as a DNS subdomain; a text that does not fit is cut and hashed."""
    end = f"-{suffix}" if suffix else ""
    whole = f"{prefix}-{text}{end}"
    usable = len(whole) <= _LONGEST_NAME and _HASHED.fullmatch(text) is None
    if usable and re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", whole):
        return whole
    room = _LONGEST_NAME - len(prefix) - len(end) - _HASH - 2
    begin = re.sub(r"[^a-z0-9]+", "-", text.lower(), flags=re.ASCII)[:room].strip("-")
    return "-".join(filter(None, (prefix, begin, short_hash(text)))) + end


def manager(controller: str) -> str:
    """Name the field manager of one controller for server-side apply."""
    return f"{OPERATOR}/{controller}-controller"
