"""Live objects as the documents that the verifier's request builder reads: one builder for command line and cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.resources import CONFIG_MAP, PLUGIN_MIRROR, SECRET
from supplychain.api.shape import SUBDOMAIN
from supplychain.artifact import Platform
from supplychain.errors import InvalidCredentialsError, MirrorUnresolvedError, SigningKeyMissingError
from supplychain.manifest_index import Document, ManifestIndex
from supplychain.manifests import Supplements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcpg_operator.resources import Kind, Resource
    from mcpg_operator.services import Services
    from supplychain.errors import InputError
    from supplychain.manifests import ManifestRequest

__all__ = ["LiveDocument", "Names", "live_index", "mirror_secret", "needs_root", "platform_of", "supplements", "without_place"]

_SUBDOMAIN: Final = re.compile(SUBDOMAIN)
_LONGEST_NAME: Final = 253
_DOMAIN: Final = "cluster.local"
"""What the request builder takes for the cluster's DNS domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDocument(Document):
    """An object of the cluster; messages name it instead of a file."""

    @property
    def place(self) -> str:
        """Kind and name."""
        return f"{self.kind} `{self.namespace}/{self.name}`" if self.namespace else f"{self.kind} `{self.name}`"

    @classmethod
    def of(cls, resource: Resource) -> LiveDocument:
        """Wrap an object."""
        return cls(
            file="cluster",
            number=1,
            kind=resource.kind.name,
            name=resource.name,
            namespace=resource.namespace,
            body=resource.body,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a plugin's spec names, as far as it can be read; it may have any shape. What no object can be called is left out."""

    mirror: str | None
    pull_secret: str | None
    signing_key: str | None
    provenance: str | None

    @classmethod
    def of(cls, plugin: Resource) -> Names:
        """Read them."""
        return cls(
            mirror=_name(plugin.spec, "oci", "mirrorRef", "name"),
            pull_secret=_name(plugin.spec, "oci", "pullSecretRef", "name"),
            signing_key=_name(plugin.spec, "trust", "signingKeyRef", "secretName"),
            provenance=_name(plugin.spec, "trust", "slsaProvenance", "configMapName"),
        )


def mirror_secret(mirror: Resource) -> str | None:
    """Name the Secret with a mirror's credentials."""
    return _name(mirror.spec, "auth", "secretRef", "secretName")


def platform_of(text: str) -> Platform:
    """Read `os/arch[/libc]`."""
    system, _, rest = text.partition("/")
    architecture, _, libc = rest.partition("/")
    return Platform(os=system or "linux", architecture=architecture or "amd64", libc=libc or None)


def live_index(plugin: Resource, services: Services) -> tuple[ManifestIndex, InputError | None, InputError | None]:
    """Collect what the plugin names. The second value says why no verdict is possible, the third why no pull is.

    Raises:
        ClusterUnavailableError: something could not be read.
    """
    names = Names.of(plugin)
    place = f"MCPGPlugin `{plugin.name}`"
    found: list[LiveDocument] = [LiveDocument.of(plugin)]
    missing: InputError | None = None
    unreachable: InputError | None = None
    mirror = None
    if names.mirror is not None:
        mirror = services.store.get(PLUGIN_MIRROR, names.mirror) or services.cluster.get(PLUGIN_MIRROR, names.mirror)
        if mirror is None:
            unreachable = MirrorUnresolvedError(
                f"MCPGPluginMirror `{names.mirror}` does not exist", where=f"{place}, field `spec.oci.mirrorRef`"
            )
        else:
            found.append(LiveDocument.of(mirror))
    secret = names.pull_secret if names.mirror is None else None if mirror is None else mirror_secret(mirror)
    for kind, name in _wanted(names, secret):
        resource = _read(kind, name, services)
        if resource is not None:
            found.append(LiveDocument.of(resource))
        elif name == names.signing_key and kind is SECRET:
            missing = SigningKeyMissingError(
                f"Secret `{services.settings.namespace}/{name}` does not exist",
                where=f"{place}, field `spec.trust.signingKeyRef`",
                hint="create the Secret with the publisher's public key in the operator's namespace",
            )
        if resource is None and kind is SECRET and name == secret:
            unreachable = InvalidCredentialsError(
                f"pull Secret `{services.settings.namespace}/{name}` does not exist",
                where=f"{place}, field `spec.oci`"
                if names.mirror is None
                else f"MCPGPluginMirror `{names.mirror}`, field `spec.auth`",
                hint="create it; nothing is ever pulled anonymously in its place",
            )
    return ManifestIndex(documents=tuple(found)), missing, unreachable


def without_place(index: ManifestIndex) -> ManifestIndex:
    """Leave out where the plugin is read from: what remains says what must be true of it."""
    plugin, *others = index.documents
    spec = plugin.body.get("spec")
    oci = spec.get("oci") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(oci, dict):
        return index
    bare = {key: value for key, value in oci.items() if key not in {"mirrorRef", "pullSecretRef"}}
    changed = LiveDocument(
        file=plugin.file,
        number=plugin.number,
        kind=plugin.kind,
        name=plugin.name,
        namespace=plugin.namespace,
        body={**plugin.body, "spec": {**spec, "oci": bare}},
    )
    return ManifestIndex(documents=(changed, *others))


def supplements(index: ManifestIndex, services: Services) -> Supplements:
    """Give what the operator's settings add to the documents."""
    settings = services.settings
    return Supplements(
        platform=platform_of(settings.platform),
        namespace=settings.namespace,
        allow_unsigned_provenance=settings.allow_unsigned_provenance,
        mirror_endpoints=_endpoints(index, domain=settings.cluster_domain, given=settings.mirror_endpoints),
    )


def needs_root(request: ManifestRequest) -> bool:
    """Whether a layer of the policy is judged by a Sigstore trust root."""
    return request.request.policy.cosign is not None or request.request.policy.slsa is not None


def _endpoints(index: ManifestIndex, *, domain: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """Write the mirror's Service with the cluster's own DNS domain."""
    found = dict(given)
    for mirror in index.of_kind(PLUGIN_MIRROR.name):
        service = mirror.body.get("spec", {})
        name, namespace = _text(service, "endpoint", "service", "name"), _text(service, "endpoint", "service", "namespace")
        port = _at(service, "endpoint", "service", "port")
        if domain != _DOMAIN and name and namespace and type(port) is int:
            found.setdefault(mirror.name, f"{name}.{namespace}.svc.{domain}:{port}")
    return found


def _wanted(names: Names, pull_secret: str | None) -> Iterator[tuple[Kind, str]]:
    for name in dict.fromkeys((names.signing_key, pull_secret)):
        if name is not None:
            yield SECRET, name
    if names.provenance is not None:
        yield CONFIG_MAP, names.provenance


def _read(kind: Kind, name: str, services: Services) -> Resource | None:
    """Read from the store, and ask where it knows nothing: what is missing must be missing in truth."""
    namespace = services.settings.namespace
    found = services.store.get(kind, name, namespace)
    return found if found is not None else services.cluster.get(kind, name, namespace=namespace)


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _name(value: Any, *path: str) -> str | None:
    """Read the name of an object; any other text must not get into the path of a request."""
    found = _text(value, *path)
    return found if found is not None and len(found) <= _LONGEST_NAME and _SUBDOMAIN.fullmatch(found) is not None else None


def _text(value: Any, *path: str) -> str | None:
    found = _at(value, *path)
    return found if isinstance(found, str) and found else None
