"""The objects of `testdata/admission`, as a person brings them to an API server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mcpg_operator.resources import kind_of
from tests.support.cluster import ApiError

if TYPE_CHECKING:
    from tests.support.cluster import RunningCluster

__all__ = ["CASES", "as_stored", "create", "read"]

CASES = sorted(path.parent for path in (Path(__file__).resolve().parents[2] / "testdata/admission").glob("*/object.yaml"))


def read(case: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return yaml.safe_load((case / "object.yaml").read_text()), json.loads((case / "expected.json").read_text())


def as_stored(document: Any) -> Any:
    """What the API server makes of an object before anybody else sees it: it drops nulls."""
    if isinstance(document, dict):
        return {key: as_stored(value) for key, value in document.items() if value is not None}
    return [as_stored(one) for one in document] if isinstance(document, list) else document


def create(cluster: RunningCluster, document: dict[str, Any]) -> ApiError | None:
    kind = kind_of(document)
    space = f"/namespaces/{document['metadata'].get('namespace', 'default')}" if kind.namespaced else ""
    path = f"/apis/{kind.api_version}{space}/{kind.plural}"
    try:
        cluster.api.request("POST", path, body=document, dryRun="All", fieldValidation="Strict")
    except ApiError as error:
        return error
    return None
