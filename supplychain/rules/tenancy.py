"""Which tenant owns a namespace, what it allows there, and what its callers must show.

One place for admission, controllers and renderers. The label `mcpg.dev/tenant` of a namespace decides nothing: whoever may edit
the namespace could write it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supplychain.errors import InvalidReferenceError
from supplychain.reference import OciReference
from supplychain.rules.reading import at, items, mapping, name_of, spec_of, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplychain.rules.reading import Document

__all__ = [
    "TENANT_ATTRIBUTE",
    "Identity",
    "admits",
    "admits_image",
    "allows",
    "identity_of",
    "owner_of",
    "owners",
    "quota_of",
    "replica_cap",
]

TENANT_ATTRIBUTE: Final = "tenant"
"""The attribute of a caller that a route's `attributes.tenant` is about."""

_NO_DATE: Final = "9999"
"""Sorts behind every creation time: what is not stored yet owns nothing that something stored does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The attribute that callers of a tenant's tools must have, with its value."""

    key: str
    value: str


def owner_of(namespace: str, tenants: Iterable[Document]) -> Document | None:
    """The tenant that owns a namespace: of several that declare it the oldest, then the one with the smaller name."""
    return min((one for one in tenants if namespace in items(spec_of(one).get("namespaces"))), key=_age, default=None)


def owners(tenants: Iterable[Document]) -> dict[str, Document]:
    """Every declared namespace with the tenant that owns it."""
    found: dict[str, Document] = {}
    for tenant in sorted(tenants, key=_age):
        for namespace in texts(spec_of(tenant).get("namespaces")):
            found.setdefault(namespace, tenant)
    return found


def _age(tenant: Document) -> tuple[str, str]:
    created = at(tenant, "metadata.creationTimestamp")
    return (created if isinstance(created, str) and created else _NO_DATE, name_of(tenant))


def allows(tenant: Document, plugin: Document) -> bool:
    """Whether a tenant allows an MCPGPlugin: by its resource name, its own `pluginId`, `*`, or the place of its image.

    Not by the id that a set gives it: that one is written by whom the list is to restrain.
    """
    spec = spec_of(plugin)
    return admits(tenant, names={name_of(plugin), _text(spec.get("pluginId"))}, image=_text(at(spec, "oci.image")))


def admits(tenant: Document, *, names: Iterable[str], image: str) -> bool:
    """Whether a tenant allows whatever is called by one of `names` or comes from `image`; blank texts match nothing."""
    wanted = {name for name in names if name.strip()}
    for entry in items(spec_of(tenant).get("allowedPlugins")):
        name, prefix = _text(mapping(entry).get("name")), _text(mapping(entry).get("registryPrefix"))
        if name == "*" or name in wanted or (prefix.strip() and admits_image(prefix, image)):
            return True
    return False


def admits_image(prefix: str, image: str) -> bool:
    """Whether an image lies below a prefix, compared on a boundary: `ghcr.io/acme` is not the prefix of `ghcr.io/acme-evil/x`."""
    try:
        text = str(OciReference.parse(image))
    except InvalidReferenceError:
        return False
    host, slash, path = prefix.partition("/")
    prefix = host.lower() + slash + path
    if not text.startswith(prefix):
        return False
    # Behind a bare host, a colon would begin a port, and so another registry.
    boundary = "/:@" if slash else "/"
    return prefix.endswith("/") or text[len(prefix) : len(prefix) + 1] in {"", *boundary}


def identity_of(tenant: Document | None) -> Identity | None:
    """What callers of a tenant's tools must show; None without a tenant, and for one that asks nothing."""
    wanted = mapping(spec_of(tenant).get("identityAttribute"))
    key, value = _text(wanted.get("key")), _text(wanted.get("value"))
    return Identity(key=key, value=value) if key.strip() else None


def quota_of(tenant: Document | None, name: str) -> int | None:
    """One quota by its wire name, such as `maxRoutes`; None where it is unlimited."""
    value = mapping(spec_of(tenant).get("quotas")).get(name)
    return value if type(value) is int else None


def replica_cap(tenant: Document | None) -> int | None:
    """How many replicas one gateway of the tenant may have; None where it is unlimited."""
    return quota_of(tenant, "maxReplicasPerGateway")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
