"""Reviews as an API server sends them, about objects that somebody applies."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mcpg_operator.resources import PLUGIN, Resource, kind_of
from mcpg_operator.runtime.store import Store
from supplychain.rules.check import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.resources import Kind

__all__ = ["UID", "example", "filled", "review", "stored"]

CASES = Path(__file__).resolve().parents[3] / "testdata/admission"
UID = "705ab4f5-6393-11e8-b7cc-42010a800002"


def example(case: str = "plugin_every_field_accepted", **metadata: Any) -> dict[str, Any]:
    """One object of `testdata/admission`, with more metadata."""
    found: dict[str, Any] = yaml.safe_load((CASES / case / "object.yaml").read_text())
    found["metadata"] |= metadata
    return found


def review(
    document: Mapping[str, Any] | None,
    old: Mapping[str, Any] | None = None,
    *,
    kind: Kind = PLUGIN,
    operation: str = "",
    **request: Any,
) -> bytes:
    """A review of one object."""
    metadata = (document or old or {}).get("metadata", {})
    body = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": kind.group, "version": kind.version, "kind": kind.name},
            "resource": {"group": kind.group, "version": kind.version, "resource": kind.plural},
            "operation": operation or ("DELETE" if document is None else "CREATE" if old is None else "UPDATE"),
            "name": metadata.get("name"),
            **({"namespace": metadata.get("namespace", "default")} if kind.namespaced else {}),
            "userInfo": {"username": "kubernetes-admin", "groups": ["system:masters"]},
            "object": copy.deepcopy(document),
            "oldObject": copy.deepcopy(old),
            "dryRun": False,
            **request,
        },
    }
    return json.dumps(body).encode()


def filled(*documents: Mapping[str, Any]) -> Store:
    """A store that knows these objects, and that there are no others of our kinds."""
    store = Store()
    found = [stored(one) for one in documents]
    for kind in {kind_of({"apiVersion": "mcpg.dev/v1alpha2", "kind": name}) for name in RULES} | {_namespace()}:
        store.replace(kind, [one for one in found if one.kind == kind])
    return store


def stored(document: Mapping[str, Any]) -> Resource:
    """An object as the API server gives it."""
    metadata = {"uid": f"uid-{document['metadata']['name']}", "resourceVersion": "1", "generation": 1, **document["metadata"]}
    return Resource(kind_of(document), {**document, "metadata": metadata})


def _namespace() -> Kind:
    return kind_of({"apiVersion": "v1", "kind": "Namespace"})
