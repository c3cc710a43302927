"""Looks at everything that an MCPGCluster's status depends on; nothing of it costs a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.controllers.cluster.credentials import Credentials, find_credentials
from mcpg_operator.indexes import gateways_of_cluster
from mcpg_operator.resources import PLUGIN
from mcpg_operator.revocations import in_force
from supplychain.api import parse_spec
from supplychain.api.cluster import ClusterSpec
from supplychain.errors import ClusterUnavailableError, InputError

if TYPE_CHECKING:
    from mcpg_operator.ledger import Verified
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services

__all__ = ["Observation", "observe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One coordinator, its plugin and credentials, and who uses it."""

    resource: Resource
    gateways: tuple[str, ...]
    """`<namespace>/<name>` of every gateway that names it."""
    spec: ClusterSpec | None = None
    """None where it cannot be read, as `trouble` says."""
    trouble: InputError | None = None
    plugin: Resource | None = None
    """The plugin that it names, None where there is none."""
    verified: Verified | None = None
    """From the ledger; None: not judged since the operator started."""
    revoked: bool = False
    """Whether the list in force names the plugin's artifact."""
    credentials: Credentials = Credentials()  # noqa: RUF009 — frozen
    strict: bool = False
    """Whether plain text that nobody opted into is refused."""


def observe(services: Services, resource: Resource) -> Observation:
    """Look once.

    Raises:
        ClusterUnavailableError: the first full list of the revocations is not in, so that silence would prove nothing.
    """
    gateways = tuple(f"{one.namespace}/{one.name}" for one in gateways_of_cluster(services.store, resource.name))
    try:
        spec = parse_spec(ClusterSpec, resource.spec, where=f"`{resource.key}`")
    except InputError as exc:
        return Observation(resource=resource, gateways=gateways, trouble=exc)
    revocations = in_force(services)
    if revocations is None:
        raise ClusterUnavailableError("the operator has not seen the whole cluster yet", got="no full list of revocations")
    name = None if spec.plugin_ref is None else spec.plugin_ref.name
    verified = None if name is None else services.ledger.get(name)
    artifact = None if verified is None else verified.artifact_hash
    return Observation(
        resource=resource,
        gateways=gateways,
        spec=spec,
        plugin=None if name is None else services.store.get(PLUGIN, name),
        verified=verified,
        revoked=artifact is not None and revocations.find(artifact) is not None,
        credentials=find_credentials(spec, services.store, home=services.settings.namespace),
        strict=services.settings.require_coordinator_tls,
    )
