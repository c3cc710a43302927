"""Looks at everything that the verdict on one plugin depends on."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator import revocations
from mcpg_operator.controllers.plugin.live import Names, live_index, needs_root, supplements, without_place
from mcpg_operator.controllers.plugin.model import Memory, Observation
from mcpg_operator.keeping import Asked
from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR
from supplychain.errors import EvidenceLimitError, InputError, InvalidCredentialsError, MirrorUnresolvedError
from supplychain.freshness import age_lists
from supplychain.manifests import plugin_request
from supplychain.mirror.credentials import parse_pull_secret

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from mcpg_operator.controllers.plugin.fetch import Arrival
    from mcpg_operator.controllers.plugin.model import Running
    from mcpg_operator.keeping import Keeper
    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from mcpg_operator.trust import Trust
    from supplychain.artifact import Material
    from supplychain.manifest_index import Document, ManifestIndex
    from supplychain.manifests import ManifestRequest

__all__ = ["ALLOW_ROLLBACK", "Observer"]

ALLOW_ROLLBACK: Final = "mcpg.dev/allow-rollback"
"""Annotation of an MCPGPlugin: the one older version that may be accepted again."""


_COUNTED: Final = frozenset({PLUGIN.name, PLUGIN_MIRROR.name})
"""Kinds whose generation moves with every change of the spec."""
_REQUESTS: Final = 2048
"""Requests that are remembered; building one costs milliseconds, because the identity pattern is proved each time."""
_PROVENANCES: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    request: ManifestRequest | None
    error: InputError | EvidenceLimitError | None = None
    place_error: InputError | None = None


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Looks at one plugin after the other; threads may share it."""

    services: Services
    keeper: Keeper
    trust: Trust
    _requests: OrderedDict[str, tuple[Hashable, _Read]] = field(default_factory=OrderedDict)
    """The last request of each plugin, with the versions of the objects that it was made of."""
    _provenances: OrderedDict[Hashable, tuple[Material, ...]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def observe(self, plugin: Resource, *, memory: Memory, arrival: Arrival | None, running: Running | None) -> Observation:
        """Look once.

        Raises:
            ClusterUnavailableError: the API server gave no answer, so nothing is known.
        """
        seen = Observation(
            plugin=plugin,
            now=self.services.now(),
            asked=None,
            request=None,
            memory=memory,
            arrival=arrival,
            running=running,
            revocations=age_lists(
                revocations.in_force(self.services), budget=self.services.settings.budget, at=self.services.now()
            ),
        )
        read = self._read(plugin)
        if read.request is None:
            return replace(seen, error=read.error)
        annotation = plugin.annotations.get(ALLOW_ROLLBACK)
        return replace(
            seen,
            request=read.request,
            place_error=read.place_error,
            root_error=self.trust.outdated if needs_root(read.request) else None,
            asked=self._asked(plugin, read),
            terms=self._terms(read.request),
            attempt=self._attempt(plugin, read),
            version=str(plugin.spec["version"]),
            allowed_rollback=annotation if isinstance(annotation, str) else None,
            kept=self.keeper.load(plugin.name),
        )

    def forget(self, name: str) -> None:
        """Drop what is remembered about a plugin that is gone."""
        with self._lock:
            self._requests.pop(name, None)

    def _read(self, plugin: Resource) -> _Read:
        """Put the request together, unless everything it was made of last time is as it was."""
        index, missing, unreachable = live_index(plugin, self.services)
        if missing is not None:
            return _Read(request=None, error=missing)
        versions = tuple((one.kind, one.name, *_version(one)) for one in index.documents)
        with self._lock:
            known = self._requests.get(plugin.name)
        if known is not None and known[0] == versions and unreachable is None:
            return known[1]
        read = self._built(index, unreachable)
        with self._lock:
            self._requests[plugin.name] = (versions, read)
            self._requests.move_to_end(plugin.name)
            while len(self._requests) > _REQUESTS:
                self._requests.popitem(last=False)
        return read

    def _built(self, index: ManifestIndex, unreachable: InputError | None) -> _Read:
        more = supplements(index, self.services)
        try:
            if unreachable is None:
                try:
                    request = plugin_request(index.documents[0], index=index, supplements=more)
                    if request.pull_secret is not None:
                        parse_pull_secret(request.pull_secret.data, where=request.pull_secret.where)
                    return _Read(request=self._shared(request))
                except (MirrorUnresolvedError, InvalidCredentialsError) as exc:
                    unreachable = exc
            bare = without_place(index)
            request = plugin_request(bare.documents[0], index=bare, supplements=more)
            return _Read(request=self._shared(request), place_error=unreachable)
        except (InputError, EvidenceLimitError) as exc:
            return _Read(request=None, error=exc)

    def _shared(self, request: ManifestRequest) -> ManifestRequest:
        """Let equal provenance be one value: thousands of plugins may name one ConfigMap, and each reading is a copy."""
        given = request.request.provenance
        if given is None:
            return request
        key = tuple(hashlib.sha256(one.data).digest() for one in given)
        with self._lock:
            found = self._provenances.setdefault(key, given)
            self._provenances.move_to_end(key)
            while len(self._provenances) > _PROVENANCES:
                self._provenances.popitem(last=False)
        return request if found != given else replace(request, request=replace(request.request, provenance=found))

    def _asked(self, plugin: Resource, read: _Read) -> Asked:
        assert read.request is not None  # noqa: S101 — the caller looked
        return Asked(
            image=str(plugin.spec["oci"]["image"]),
            mirror=Names.of(plugin).mirror,
            location=None if read.place_error is not None else read.request.location.name,
            platform=self.services.settings.platform,
        )

    def _terms(self, request: ManifestRequest) -> str:
        """Stand for everything but the artifact that a verdict rests on."""
        policy = request.request.policy
        settings = self.services.settings
        cosign, slsa = policy.cosign, policy.slsa
        given = request.request.provenance
        return _fingerprint(
            {
                "policy": [policy.plugin_id, policy.version, policy.plugin_class],
                "keys": sorted(key.raw.hex() for key in policy.keys),
                "cosign": None if cosign is None else [cosign.identity.text, cosign.issuer],
                "slsa": None if slsa is None else [slsa.source_uri, slsa.source_tag, slsa.builder_ids, slsa.allow_unsigned],
                "provenance": None if given is None else [hashlib.sha256(one.data).hexdigest() for one in given],
                "platform": settings.platform,
                "second": not settings.single_verifier,
                "root": self.trust.fingerprint if needs_root(request) else None,
                "tag": request.upstream.tag,
            }
        )

    def _attempt(self, plugin: Resource, read: _Read) -> str:
        """Stand for what a pull would try; a failure of another attempt says nothing about it."""
        request = read.request
        if request is None or read.place_error is not None:
            return _fingerprint([plugin.uid, plugin.generation, None if read.place_error is None else str(read.place_error)])
        secret = None if request.pull_secret is None else hashlib.sha256(request.pull_secret.data).hexdigest()
        return _fingerprint([plugin.uid, plugin.generation, str(request.location), request.insecure, secret])


def _version(document: Document) -> tuple[Hashable, ...]:
    """Tell one version of an object from another; our own status writes are no new version of a plugin.

    Of Secrets and ConfigMaps nobody counts the generations: one that a person writes there stays, whatever changes.
    """
    metadata: Mapping[str, Any] = document.body.get("metadata", {})
    generation = metadata.get("generation") if document.kind in _COUNTED else None
    return metadata.get("uid"), generation or metadata.get("resourceVersion")


def _fingerprint(value: Any) -> str:
    return sys.intern(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest())
