"""Plugins that a gateway's own configuration lists, in a namespace that a tenant owns.

Such a list reaches the gateway past every allowlist and every trust layer of the operator, so it may hold only what the tenant
allows, verified with keys that the tenant did not choose. The same for admission and for the gateway's controller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplychain.rules.reading import at, items, mapping, name_of
from supplychain.rules.rule import Finding
from supplychain.rules.tenancy import admits, allows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from supplychain.rules.reading import Document

__all__ = ["foreign_keys", "image_of", "inline_entries", "overlay", "unallowed", "weak_policies"]

_ENFORCE: Final = "enforce"
_REGISTRY: Final = "gateway.plugin_registry"
_IMAGE_KEYS: Final = ("image", "reference", "ref")


def inline_entries(config: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every entry of the list, in either dialect, with its field."""
    plugins = at(config, "plugins")
    wrapped = at(plugins, "entries")
    field = "spec.config.plugins" if isinstance(plugins, list) else "spec.config.plugins.entries"
    for index, entry in enumerate(items(plugins if isinstance(plugins, list) else wrapped)):
        yield f"{field}[{index}]", mapping(entry)


def unallowed(config: Any, *, tenant: Document, plugins: Iterable[Document]) -> Iterator[Finding]:
    """Entries that the tenant does not allow.

    What an entry says of its own id counts only where nothing is pulled; where it refers to another plugin, that one's counts. An
    image is judged by where it comes from, or by being the image of an MCPGPlugin that the tenant allows.
    """
    allowed = {at(one, "spec.oci.image") for one in plugins if allows(tenant, one)}
    for field, entry in inline_entries(config):
        names = [entry[key] for key in ("ref", "id") if isinstance(entry.get(key), str)][:1]
        source = at(entry, "source.oci")
        image = image_of(source)
        if source is None:
            ok = admits(tenant, names=names if _in_the_image(entry) else (), image="")
        else:
            ok = image in allowed or admits(tenant, names=(), image=image)
        if not ok:
            yield Finding(
                field=field,
                what=f"tenant `{name_of(tenant)}`, which owns the namespace, does not allow the plugin",
                got=f"`{(names or ['no id'])[0][:80]}`" + (f" from `{image[:200]}`" if image else ""),
                hint="use an MCPGPluginSet, or have the plugin added to the tenant's `allowedPlugins`",
            )


def _in_the_image(entry: Mapping[str, Any]) -> bool:
    """Whether an entry takes what the gateway's image has; a source of another form is admitted by nothing but `*`."""
    source = entry.get("source")
    return source is None or (isinstance(source, dict) and source.keys() <= {"path"})


def image_of(source: Any) -> str:
    """The image of an OCI source; empty where its form is unknown, which nothing admits but `*`."""
    found = [source, *(mapping(source).get(key) for key in _IMAGE_KEYS)]
    return next((one for one in found if isinstance(one, str)), "")


def weak_policies(config: Any) -> Iterator[Finding]:
    """Places where the configuration asks for less than a good signature."""
    for field, entry in inline_entries(config):
        policy = at(entry, "signature.policy")
        if policy is not None and policy != _ENFORCE:
            yield _weak(f"{field}.signature.policy")
    policy = at(config, f"{_REGISTRY}.default_signature_policy")
    if policy is not None and policy != _ENFORCE:
        yield _weak(f"spec.config.{_REGISTRY}.default_signature_policy")


def _weak(field: str) -> Finding:
    return Finding(field=field, what="signatures of plugins must be enforced in a tenant's namespace", expected=f"`{_ENFORCE}`")


def foreign_keys(config: Any) -> Iterator[Finding]:
    """Places where the configuration brings keys of its own to trust."""
    places = [(f"{field}.signature.trusted_keys", at(entry, "signature.trusted_keys")) for field, entry in inline_entries(config)]
    places.append((f"spec.config.{_REGISTRY}.trusted_keys", at(config, f"{_REGISTRY}.trusted_keys")))
    for field, keys in places:
        if keys:
            yield Finding(
                field=field,
                what="a tenant cannot choose the keys that its plugins are verified with",
                hint="use an MCPGPluginSet; the keys of its plugins are those of their MCPGPlugins",
            )


def overlay(config: Any) -> Iterator[Finding]:
    """A second configuration, which could add plugins when the gateway starts."""
    if at(config, "gateway.config_overlay"):
        yield Finding(
            field="spec.config.gateway.config_overlay",
            what="an overlay could add plugins that the tenant does not allow, when the gateway starts",
            expected="none in a tenant's namespace",
        )
