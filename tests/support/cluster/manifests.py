"""What an administrator installs before the operator: the shipped definitions and rights, unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.cluster.api import documents

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAMESPACE", "OPERATOR", "definitions", "rights"]

NAMESPACE: Final = "mcpg-system"
"""Where the operator lives."""
OPERATOR: Final = "mcpg-operator"
"""Its ServiceAccount."""
_CHART: Final = Path(__file__).resolve().parents[3] / "charts" / "mcpg-operator"


def definitions() -> list[Mapping[str, Any]]:
    """Read the shipped CustomResourceDefinitions."""
    return [one for file in sorted((_CHART / "crds").glob("*.yaml")) for one in documents(file)]


def rights() -> list[Mapping[str, Any]]:
    """Read the operator's ServiceAccount, roles and bindings, after the namespace that they need."""
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *documents(_CHART / "rbac.yaml")]
