"""The two forms of a gateway's configuration, behind one adapter.

| | `seed` | `flat` |
| --- | --- | --- |
| list of plugins | `plugins.entries` | `plugins` |
| the caller in a policy | `$identity` | `identity` |
| credentials of the coordinator | left as `cred://cluster/…` | rewritten to files and variables |
| a tool that is bound in the configuration | ruled like any other | its policy stands at the binding |
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.tree import at, section
from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ANNOTATION", "Dialect", "bound_surfaces", "dialect_of"]

ANNOTATION: Final = "mcpg.dev/config-dialect"
_SURFACES: Final = ("tools", "prompts", "resources", "resource_templates")


class Dialect(StrEnum):
    """Which form a gateway reads."""

    SEED = "seed"
    FLAT = "flat"

    @property
    def identity(self) -> str:
        """What a policy calls the caller's identity."""
        return "$identity" if self is Dialect.SEED else "identity"

    @property
    def rules_at_bindings(self) -> bool:
        """Whether a tool that is bound in the configuration has its policy there; a rule for it would stop the gateway."""
        return self is Dialect.FLAT

    @property
    def resolves_cluster_credentials(self) -> bool:
        """Whether the gateway knows `cred://cluster/…` by itself."""
        return self is Dialect.SEED

    def plugins(self, config: Mapping[str, Any]) -> list[Any]:
        """Give the plugins of a configuration.

        Raises:
            InvalidManifestError: they have another form than the dialect's.
        """
        found = config.get("plugins")
        path = "plugins"
        if self is Dialect.SEED:
            if found is not None and not isinstance(found, dict):
                raise _malformed(path, expected="a mapping with `entries`, as the dialect `seed` has it")
            found, path = at(found, "entries"), "plugins.entries"
        if found is None:
            return []
        if not isinstance(found, list):
            raise _malformed(path, expected=f"a list, as the dialect `{self}` has it")
        return found

    def set_plugins(self, config: dict[str, Any], entries: list[Any]) -> None:
        """Replace the plugins and all that stands beside them."""
        config["plugins"] = {"entries": entries} if self is Dialect.SEED else entries

    def add_plugin(self, config: dict[str, Any], entry: Mapping[str, Any]) -> None:
        """Append a plugin to those that are there."""
        entries = [*self.plugins(config), dict(entry)]
        if self is Dialect.SEED:
            section(config, "plugins")["entries"] = entries
        else:
            config["plugins"] = entries


def dialect_of(annotations: Mapping[str, str], config: Mapping[str, Any], *, default: Dialect) -> Dialect:
    """Choose the dialect: by annotation, else by the form that the author used, else the operator's.

    Raises:
        InvalidManifestError: the annotation names no dialect.
    """
    named = annotations.get(ANNOTATION)
    if named is not None:
        if named not in tuple(Dialect):
            words = " or ".join(f"`{one}`" for one in Dialect)
            raise InvalidManifestError(
                "unknown dialect", expected=words, got=f"`{named[:40]}`", where=f"annotation `{ANNOTATION}`"
            )
        return Dialect(named)
    written = config.get("plugins")
    if isinstance(written, list):
        return Dialect.FLAT
    return Dialect.SEED if isinstance(written, dict) else default


def bound_surfaces(config: Mapping[str, Any], name: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every surface that is bound in the configuration, or those of one name, with its kind such as `tools`."""
    capabilities = at(config, "mcp", "capabilities")
    for kind in _SURFACES:
        found = at(capabilities, kind)
        for one in found if isinstance(found, list) else []:
            if isinstance(one, dict) and isinstance(one.get("name"), str) and name in {None, one["name"]}:
                yield kind, one


def _malformed(path: str, *, expected: str) -> InvalidManifestError:
    return InvalidManifestError("the plugins have another form", expected=expected, where=f"field `spec.config.{path}`")
