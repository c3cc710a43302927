"""Renaming upstream references onto an in-cluster mirror.

The rule is the one of `MCPGPluginMirror`: `<upstream registry>/<upstream namespace>/` in front is exchanged for the mirror's host
and path prefix; tag and digest stay. What the rule does not cover is an error, never the upstream name: a plugin that asks for a
mirror is served by the mirror or not at all. Pure; whether the mirror answers is for others to find out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from supplychain.errors import InvalidManifestError, InvalidReferenceError, MirrorUnresolvedError
from supplychain.mirror.hosts import bare_address
from supplychain.reference import OciReference

__all__ = ["MirrorRule", "rewrite"]

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRule:
    """Where a mirror is and which upstream names it stands for; any text is taken, `problems` says what is wrong with it."""

    name: str
    """The mirror's own name, for messages."""
    service: str
    """The Service's name, namespace and port."""
    namespace: str
    port: int
    upstream_registry: str
    upstream_namespace: str
    path_prefix: str = ""
    """Becomes the first part of the repository name; slashes at both ends do not count."""
    insecure: bool = False
    cluster_domain: str = "cluster.local"
    endpoint: str | None = None
    """`host[:port]` in place of the Service's name, for those who reach the mirror from outside the cluster."""

    @property
    def host(self) -> str:
        """The registry host of every rewritten reference; the port is always written where the Service is used."""
        if self.endpoint is not None:
            return self.endpoint
        return f"{self.service}.{self.namespace}.svc.{self.cluster_domain}:{self.port}"

    @property
    def registry(self) -> str:
        """The upstream host as it is compared: lower case, without slashes at its end."""
        return self.upstream_registry.rstrip("/").lower()

    @property
    def repository(self) -> str:
        """The upstream repository prefix as it is compared, without slashes at either end."""
        return self.upstream_namespace.strip("/")

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that makes the rule unusable, each as one clause that begins with the field; empty when it is sound."""
        return (*self._endpoint_problems(), *self._upstream_problems())

    def check(self) -> None:
        """Refuse an unusable rule.

        Raises:
            InvalidManifestError: the rule has problems; the message holds all of them.
        """
        if self.problems:
            raise InvalidManifestError("the mirror is unusable: " + "; ".join(self.problems), where=f"mirror `{self.name}`")

    def _endpoint_problems(self) -> list[str]:
        found = []
        for field, text in (("name", self.service), ("namespace", self.namespace)):
            if _LABEL.fullmatch(text) is None:
                found.append(f"`endpoint.service.{field}` is no DNS label: `{text[:80]}`")
        if not 0 < self.port <= _MAX_PORT:
            found.append(f"`endpoint.service.port` is not within 1 and {_MAX_PORT}: {self.port}")
        prefix = self.path_prefix.strip("/")
        if prefix and not _is_repository(prefix):
            found.append(f"`endpoint.service.pathPrefix` is no repository path: `{self.path_prefix[:80]}`")
        if not all(_LABEL.fullmatch(label) for label in self.cluster_domain.split(".")):
            found.append(f"the cluster domain is no DNS name: `{self.cluster_domain[:80]}`")
        if self.endpoint is not None and not _is_host(self.endpoint):
            found.append(f"the endpoint override is no registry host: `{self.endpoint[:80]}`")
        return found

    def _upstream_problems(self) -> list[str]:
        found = []
        registry = self.upstream_registry.rstrip("/")
        if "://" in registry:
            found.append(f"`upstream.registry` has a scheme: `{registry[:80]}`")
        elif registry != registry.lower():
            found.append(f"`upstream.registry` has upper-case letters: `{registry[:80]}`")
        elif not ("." in registry or ":" in registry) or not _is_host(registry):
            found.append(f"`upstream.registry` is no registry host with a dot or a port: `{registry[:80]}`")
        if not self.repository:
            found.append("`upstream.namespace` is empty")
        elif not _is_repository(self.repository):
            found.append(f"`upstream.namespace` is no repository path: `{self.upstream_namespace[:80]}`")
        if not found and self.endpoint is not None and bare_address(self.endpoint) == bare_address(registry):
            found.append(f"the endpoint override is the upstream registry itself: `{self.endpoint[:80]}`")
        return found


def rewrite(text: str, *, mirror: MirrorRule) -> OciReference:
    """Name on the mirror what `text` names upstream.

    Hosts are compared ignoring case, repositories literally and by whole segments. No implied registry is filled in.

    Raises:
        MirrorUnresolvedError: the mirror does not cover `text`.
        InvalidReferenceError: it covers `text`, which is no full reference.
        InvalidManifestError: it covers `text`, but the mirror itself is unusable.
    """
    registry, _, name = text.partition("/")
    prefix = f"{mirror.repository}/"
    rest = name.removeprefix(prefix)
    if not mirror.repository or registry.lower() != mirror.registry or rest in (name, ""):
        raise MirrorUnresolvedError(
            f"mirror `{mirror.name}` does not cover the reference",
            expected=f"`{mirror.registry}/{prefix}…`",
            got=f"`{text[:200]}`",
            hint="; ".join(mirror.problems) or None,
        )
    mirror.check()
    OciReference.parse(text)
    return OciReference.parse("/".join(filter(None, (mirror.host, mirror.path_prefix.strip("/"), rest))))


def _is_repository(text: str) -> bool:
    return _parses(f"registry.invalid/{text}:tag")


def _is_host(text: str) -> bool:
    return "/" not in text and _parses(f"{text}/repository:tag")


def _parses(text: str) -> bool:
    try:
        OciReference.parse(text)
    except InvalidReferenceError:
        return False
    return True
