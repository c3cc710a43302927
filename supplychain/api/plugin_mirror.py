"""`MCPGPluginMirror`: where an in-cluster registry is, and which upstream names it stands for.

The rewrite itself, and the soundness of its parts, belong to `supplychain.mirror.rewrite`; here is the document's shape, in which
each part is sound by itself.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from supplychain.api.common import DataKey, Label, Model, Name
from supplychain.api.shape import COMPONENTS, LOWER_HOST, Shape
from supplychain.mirror.rewrite import MirrorRule

__all__ = ["MirrorAuth", "MirrorEndpoint", "MirrorSecretRef", "MirrorService", "MirrorUpstream", "PluginMirrorSpec"]

_DURATION: Final = "(?:[0-9]+(?:[.][0-9]+)?(?:ns|us|µs|ms|s|m|h))+"

Prefix = Annotated[
    str,
    Field(max_length=255),
    Shape(
        regex=f"/*(?:{COMPONENTS}/*)?",
        what="no repository path",
        expected="lower-case path components without empty ones between them",
    ),
]
Registry = Annotated[
    str,
    Field(max_length=255),
    Shape(
        regex=f"{LOWER_HOST}/*",
        what="no registry host",
        expected="a host with a dot or a port in lower case, without scheme and path",
    ),
]
Namespace = Annotated[
    str,
    Field(max_length=255),
    Shape(
        regex=f"/*{COMPONENTS}/*",
        what="no repository path",
        expected="at least one lower-case path component, without empty ones between them",
    ),
]
Duration = Annotated[str, Field(max_length=64), Shape(regex=_DURATION, what="no duration", expected="such as `1h` or `90m`")]


class MirrorService(Model):
    """The Service in front of the registry."""

    namespace: Label = Field(description="Namespace of the Service.")
    name: Label = Field(description="Name of the Service.")
    port: int = Field(ge=1, le=65535, description="Port of the Service; it is always written, 80 and 443 included.")
    path_prefix: Prefix = Field("", description="First part of the repository name on the mirror.")


class MirrorEndpoint(Model):
    """How the mirror is reached."""

    service: MirrorService = Field(description="The Service in front of the registry.")
    insecure: bool = Field(default=False, description="Plain HTTP, or TLS with a certificate that nobody signed.")


class MirrorUpstream(Model):
    """The names that the mirror stands for."""

    registry: Registry = Field(description="Host of the upstream registry, such as `ghcr.io`.")
    namespace: Namespace = Field(description="Repository path that the mirrored names begin with, compared by whole segments.")


class MirrorSecretRef(Model):
    """The Secret with the mirror's credentials."""

    secret_name: Name = Field(description="Secret in the operator's namespace.")
    key: DataKey = Field(".dockerconfigjson", description="Data key within the Secret.")


class MirrorAuth(Model):
    """Credentials for the mirror; those of the plugin are never used here."""

    secret_ref: MirrorSecretRef = Field(description="The Secret with the mirror's credentials.")


class PluginMirrorSpec(Model):
    """The `spec` of an `MCPGPluginMirror`."""

    endpoint: MirrorEndpoint = Field(description="How the mirror is reached.")
    upstream: MirrorUpstream = Field(description="The names that the mirror stands for.")
    auth: MirrorAuth | None = Field(None, description="Credentials for the mirror; absent: it is asked anonymously.")
    resync_interval: Duration | None = Field(None, description="A hint; nothing depends on it.")

    def rule(self, name: str, *, endpoint: str | None = None, cluster_domain: str = "cluster.local") -> MirrorRule:
        """Make the rewrite rule of the mirror called `name`; `endpoint` replaces the Service's host and port.

        The Service's host ends in `cluster_domain`, the DNS domain of the cluster.

        Raises:
            InvalidManifestError: the parts make no sound rule.
        """
        service = self.endpoint.service
        rule = MirrorRule(
            name=name,
            service=service.name,
            namespace=service.namespace,
            port=service.port,
            upstream_registry=self.upstream.registry,
            upstream_namespace=self.upstream.namespace,
            path_prefix=service.path_prefix,
            insecure=self.endpoint.insecure,
            cluster_domain=cluster_domain,
            endpoint=endpoint,
        )
        rule.check()
        return rule
