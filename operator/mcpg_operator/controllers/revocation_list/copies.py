"""The ConfigMap that brings the list to the gateways of one namespace. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import MANAGER, digest_label
from mcpg_operator.resources import CONFIG_MAP
from mcpg_operator.revocations import LARGEST_CONFIG_MAP, LIST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.revocation import RevocationList

__all__ = ["CONTENT_HASH", "COPY", "COPY_LABELS", "DATA_KEY", "content_hash", "copy_manifest", "render"]

COPY: Final = "mcpg-revocation-list"
DATA_KEY: Final = "revocations.json"
CONTENT_HASH: Final = "mcpg.dev/content-hash"
"""Annotation with the whole hash, label with its beginning."""
COPY_LABELS: Final[Mapping[str, str]] = {**MANAGER, "mcpg.dev/revocation-list": LIST}
"""What makes a ConfigMap ours."""


def render(revocations: RevocationList) -> bytes | None:
    """Write the list for gateways: in canonical form, without white space where that does not fit; None where neither fits."""
    text = revocations.render()
    if len(text) > LARGEST_CONFIG_MAP:
        text = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return text if len(text) <= LARGEST_CONFIG_MAP else None


def content_hash(rendered: bytes) -> str:
    """Hex SHA-256 of what gateways get."""
    return hashlib.sha256(rendered).hexdigest()


def copy_manifest(namespace: str, rendered: bytes) -> dict[str, Any]:
    """Render the ConfigMap of one namespace."""
    digest = content_hash(rendered)
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": {
            "name": COPY,
            "namespace": namespace,
            "labels": {**COPY_LABELS, CONTENT_HASH: digest_label(digest)},
            "annotations": {CONTENT_HASH: digest},
        },
        "data": {DATA_KEY: rendered.decode()},
    }
