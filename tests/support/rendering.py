"""Plugins, inputs and names for tests of what gateways are rendered to. Everything follows from seeds and is test material."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mcpg_operator.render.gateway import (
    ClusterBlock,
    Credential,
    Defaults,
    GatewayInputs,
    Handling,
    RouteClaim,
    TenantScope,
)
from mcpg_operator.render.gateway.dialect import Dialect
from mcpg_operator.render.resolved_set import Entry, Part, ResolvedSet, parse_resolved_set, render_entry
from supplychain.api import parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.descriptor import parse_descriptor
from supplychain.digest import ArtifactHash
from supplychain.limits import Limits
from supplychain.rules.tenancy import Identity
from tests.support.builders import build_descriptor, public_key, sign
from tests.support.stored_plugins import elf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["DEFAULTS", "OPERATOR_IMAGE", "UID", "Library", "inputs_of", "lay_out", "library", "plugin", "resolved"]

UID = "7d3a1c52-0000-4000-8000-000000000001"
OPERATOR_IMAGE = "registry.example/mcpg/operator@sha256:" + "0f" * 32
DEFAULTS: Mapping[str, Any] = {
    "dialect": "seed",
    "repository": "ghcr.io/mcpg-dev/source-code/gateway",
    "tag": "v1.0.0-dev",
    "operatorImage": OPERATOR_IMAGE,
}


@dataclass(frozen=True)
class Library:
    """The files of one plugin."""

    plugin_id: str
    content: bytes
    descriptor: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def files(self) -> dict[str, bytes]:
        """As a gateway finds them."""
        return {
            "plugin.so": self.content,
            "plugin.so.sig": sign(self.content),
            "plugin.so.plugin.yaml": self.descriptor,
        }


@lru_cache(maxsize=64)
def library(plugin_id: str, plugin_class: str = "tool_gate", capabilities: str = "[]", size: int = 4096) -> Library:
    """Make the files of a plugin; another id gives another library."""
    seed = int.from_bytes(hashlib.sha256(plugin_id.encode()).digest()[:4])
    descriptor = build_descriptor(id=plugin_id, **{"class": plugin_class}, required_capabilities=json.loads(capabilities))
    return Library(plugin_id=plugin_id, content=elf(size, seed=seed), descriptor=descriptor)


def plugin(
    plugin_id: str, plugin_class: str = "tool_gate", *, shards: int = 0, capabilities: tuple[Any, ...] = (), **facts: Any
) -> Entry:
    """Write the entry of a plugin as a set resolves it; its Secrets have made-up content names."""
    made = library(plugin_id, plugin_class, json.dumps(capabilities))
    descriptor = parse_descriptor(made.descriptor)
    stem = hashlib.sha256(plugin_id.encode()).hexdigest()
    secret = f"mcpg-plugin-{stem[:8]}-{stem[:32]}"
    parts = [Part(name=secret, sha256=stem, size=len(made.content) + 400)]
    parts += [
        Part(name=f"mcpg-shard-{hashlib.sha256(f'{plugin_id} {number}'.encode()).hexdigest()[:32]}", sha256=stem, size=921_600)
        for number in range(shards)
    ]
    known: dict[str, Any] = {
        "entry_id": plugin_id,
        "plugin": plugin_id.rpartition(".")[2].lower(),
        "version": "1.2.3",
        "descriptor": descriptor,
        "artifact_hash": ArtifactHash(made.sha256),
        "artifact_name": "plugin.so",
        "artifact_size": len(made.content) if not shards else shards * 2_500_000,
        "secret": secret,
        "parts": parts,
        "keys": (public_key(),),
        "grants": descriptor.required_capabilities,
        "config": None,
        "enforce": True,
    }
    return render_entry(**{**known, **facts})


def resolved(*entries: Entry, complete: bool = True) -> ResolvedSet:
    """Put entries together as a set does."""
    return ResolvedSet(entries=entries, complete=complete)


def lay_out(inputs: GatewayInputs, root: Path) -> None:
    """Lay every file out below `root` that the pod of a gateway would have, but for its configuration."""
    entries = list(inputs.plugins.entries) if inputs.plugins is not None else []
    if inputs.cluster is not None and inputs.cluster.plugin is not None:
        entries.append(inputs.cluster.plugin)
    for one in entries:
        made = library(one.id, one.plugin_class, json.dumps(one.required))
        folder = root / "etc/mcpg/plugins" / one.id
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in made.files.items():
            (folder / name).write_bytes(data)
    if inputs.revocations is not None:
        _write(root / "etc/mcpg/revocations/list.json", inputs.revocations)
    for credential in inputs.cluster.credentials if inputs.cluster is not None else ():
        _write(root / "etc/mcpg/credentials/cluster" / credential.name, credential.value.removesuffix(b"\n"))


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def inputs_of(document: Mapping[str, Any]) -> GatewayInputs:
    """Read the inputs of a case as they stand in a file."""
    metadata = document["gateway"]["metadata"]
    given = {**DEFAULTS, **document.get("defaults", {})}
    dns: dict[str, Any] = {"dns": tuple(given["dns"])} if "dns" in given else {}
    defaults = Defaults(
        dialect=Dialect(given["dialect"]),
        repository=given["repository"],
        tag=given["tag"],
        operator_image=given["operatorImage"],
        limits=replace(Limits(), **given.get("limits", {})),
        **dns,
    )
    return GatewayInputs(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata.get("uid", UID),
        spec=parse_spec(GatewaySpec, document["gateway"]["spec"], where="spec"),
        annotations=metadata.get("annotations", {}),
        defaults=defaults,
        plugins=parse_resolved_set(json.dumps(document["plugins"])) if "plugins" in document else None,
        revocations=document["revocations"].encode() if "revocations" in document else None,
        cluster=_cluster(document["cluster"]) if "cluster" in document else None,
        routes=tuple(map(_route, document.get("routes", ()))),
        tenant=_tenant(document.get("tenant")),
        monitoring=document.get("monitoring", False),
        handling=Handling(document.get("handling", "serve")),
        clamp=document.get("clamp"),
    )


def _cluster(given: Mapping[str, Any]) -> ClusterBlock:
    credentials = [
        Credential(name=one["name"], value=one["value"].encode(), uid=one["uid"], resource_version=one["resourceVersion"])
        for one in given.get("credentials", ())
    ]
    return ClusterBlock(
        backend=given["backend"],
        config=given.get("config", {}),
        config_hash=given["configHash"],
        credentials=tuple(credentials),
        plugin=Entry(given["plugin"]) if "plugin" in given else None,
    )


def _route(given: Mapping[str, Any]) -> RouteClaim:
    return RouteClaim(
        namespace=given["namespace"],
        name=given["name"],
        tools=tuple(given["tools"]),
        attribute=given.get("attribute"),
        tenant=_tenant(given.get("tenant")),
    )


def _tenant(given: Mapping[str, Any] | None) -> TenantScope | None:
    if given is None:
        return None
    wanted = given.get("identityAttribute")
    return TenantScope(name=given["name"], identity=None if wanted is None else Identity(**wanted))
