"""`MCPGPluginMirror`: where an in-cluster registry is, and which upstream names it stands for.

The rewrite itself, and the soundness of its parts, belong to `supplychain.mirror.rewrite`; here is the document's shape.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from supplychain.api.common import Model, Text, checked, refuse
from supplychain.mirror.rewrite import MirrorRule

__all__ = ["MirrorAuth", "MirrorEndpoint", "MirrorSecretRef", "MirrorService", "MirrorUpstream", "PluginMirrorSpec"]

_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+", re.ASCII)


def _duration(text: str) -> None:
    if _DURATION.fullmatch(text) is None:
        refuse("no duration", expected="such as `1h` or `90m`", got=f"`{text[:80]}`")


class MirrorService(Model):
    """The Service in front of the registry."""

    namespace: Text
    name: Text
    port: int = Field(ge=1, le=65535)
    path_prefix: str = Field("", description="First part of the repository name on the mirror.")


class MirrorEndpoint(Model):
    """How the mirror is reached."""

    service: MirrorService
    insecure: bool = Field(default=False, description="Plain HTTP, or TLS with a certificate that nobody signed.")


class MirrorUpstream(Model):
    """The names that the mirror stands for."""

    registry: Text
    namespace: Text


class MirrorSecretRef(Model):
    """The Secret with the mirror's credentials."""

    secret_name: Text
    key: Text = Field(".dockerconfigjson", description="Data key within the Secret.")


class MirrorAuth(Model):
    """Credentials for the mirror; those of the plugin are never used here."""

    secret_ref: MirrorSecretRef


class PluginMirrorSpec(Model):
    """The `spec` of an `MCPGPluginMirror`."""

    endpoint: MirrorEndpoint
    upstream: MirrorUpstream
    auth: MirrorAuth | None = None
    resync_interval: Annotated[str, checked(_duration)] | None = Field(None, description="A hint; nothing depends on it.")

    def rule(self, name: str, *, endpoint: str | None = None) -> MirrorRule:
        """Make the rewrite rule of the mirror called `name`; `endpoint` replaces the Service's host and port.

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
            endpoint=endpoint,
        )
        rule.check()
        return rule
