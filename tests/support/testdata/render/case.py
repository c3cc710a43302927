"""One gateway that is rendered, as the tables write it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.rendering import UID, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.render.resolved_set import Entry

__all__ = ["LIST", "RenderCase", "case", "cluster", "credential", "refused", "route", "with_set"]

LIST = '{\n  "issued_at": "2026-01-31T08:00:00Z",\n  "revocations": [],\n  "version": 1\n}'
"""A list that revokes nothing."""


@dataclass(frozen=True, kw_only=True)
class RenderCase:
    """Its name, what it shows, and the inputs."""

    name: str
    title: str
    document: Mapping[str, Any] = field(repr=False)
    refused: bool = False
    bootable: bool = True
    """Whether a gateway starts with it; what an author got wrong by himself stays wrong."""


def case(
    name: str,
    title: str,
    *,
    spec: Mapping[str, Any] | None = None,
    gateway: str = "shop",
    annotations: Mapping[str, str] | None = None,
    bootable: bool = True,
    **inputs: Any,
) -> RenderCase:
    """Write a case about gateway `shop` in `team-a`."""
    metadata = {"name": gateway, "namespace": "team-a", "uid": UID, **({"annotations": annotations} if annotations else {})}
    document = {"gateway": {"metadata": metadata, "spec": dict(spec or {})}, **inputs}
    return RenderCase(name=name, title=title, document=document, bootable=bootable)


def refused(name: str, title: str, **inputs: Any) -> RenderCase:
    """Write a case that cannot be rendered."""
    made = case(name, title, **inputs)
    return RenderCase(name=name, title=title, document=made.document, refused=True)


def with_set(*entries: Entry, complete: bool = True) -> dict[str, Any]:
    """The document of a set, as an input."""
    return {"plugins": json.loads(resolved(*entries, complete=complete).text)}


def cluster(backend: str = "redis", **more: Any) -> dict[str, Any]:
    """A usable MCPGCluster, as an input."""
    config = {"url": "rediss://redis.data.svc:6380/0"} if backend == "redis" else {}
    return {"cluster": {"backend": backend, "config": config, "configHash": "c0" * 32, **more}}


def credential(name: str, value: str = "swordfish\n", version: str = "41") -> dict[str, str]:
    """One credential of a coordinator."""
    return {"name": name, "value": value, "uid": "7d3a1c52-0000-4000-8000-00000000c0de", "resourceVersion": version}


def route(
    name: str,
    *tools: str,
    namespace: str = "team-a",
    attribute: str | None = None,
    tenant: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A route that names the gateway."""
    found: dict[str, Any] = {"namespace": namespace, "name": name, "tools": list(tools)}
    if attribute is not None:
        found["attribute"] = attribute
    if tenant is not None:
        found["tenant"] = dict(tenant)
    return found
