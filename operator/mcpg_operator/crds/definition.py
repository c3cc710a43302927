"""The CustomResourceDefinition of a kind, as the document that is applied and as the file that is shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from mcpg_operator.crds.kinds import CATEGORY
from mcpg_operator.crds.schema import structural
from supplychain.api.shape import VALIDATIONS

if TYPE_CHECKING:
    from mcpg_operator.crds.kinds import Column, Definition

__all__ = ["definition", "render_definition"]

_HEADER: Final = "# Made from the models by `make crds`; edits are overwritten.\n"
_WIDTH: Final = 130


def definition(one: Definition) -> dict[str, Any]:
    """Build the definition of one kind, `apiextensions.k8s.io/v1`."""
    kind = one.kind
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": {
                "categories": [CATEGORY],
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "shortNames": [one.short_name],
                "singular": kind.name.lower(),
            },
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [
                {
                    "additionalPrinterColumns": [_column(column) for column in one.columns],
                    "name": kind.version,
                    "schema": {"openAPIV3Schema": _schema(one)},
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                }
            ],
        },
    }


def render_definition(one: Definition) -> bytes:
    """Write the definition of one kind as YAML; the same models give the same bytes."""
    text = yaml.dump(definition(one), Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=_WIDTH)
    return (_HEADER + text).encode()


def _schema(one: Definition) -> dict[str, Any]:
    return {
        "type": "object",
        "description": one.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Group and version of the kind."},
            "kind": {"type": "string", "description": "Name of the kind."},
            "metadata": {"type": "object"},
            "spec": structural(one.spec, path="spec"),
            "status": structural(one.status, path="status"),
        },
        **({VALIDATIONS: list(one.names)} if one.names else {}),
    }


def _column(column: Column) -> dict[str, Any]:
    written = {"jsonPath": column.path, "name": column.name, "type": column.type}
    return {**written, "priority": 1} if column.wide else written


class _Dumper(yaml.SafeDumper):
    """Writes every node in full: no anchors, which hide what a reader looks for."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 — the base class names it
        """Say yes for everything."""
        return True
