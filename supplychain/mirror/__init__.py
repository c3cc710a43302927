"""Where plugins come from: registries, image layouts, package files, and the mirrors in front of them.

Three sources implement `supplychain.ports.PluginSource`:

* `RegistrySource`: a reference in a registry, over a `RegistryClient` with `Credentials`
* `LayoutSource`: an OCI image layout directory
* `PackageFileSource`: a bare package file, which has no manifest and so no image signatures

`rewrite` names on a mirror (`MirrorRule`) what a reference names upstream. Everything that can start a packet is in here.

All other names are loaded when they are used: importing this package imports no HTTP library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

# At once, because it is pure and bears its module's name: bound later, the name would mean now the function, now the module.
from supplychain.mirror.rewrite import MirrorRule, rewrite

if TYPE_CHECKING:
    from supplychain.mirror.credentials import (
        ANONYMOUS,
        Credentials,
        load_docker_config,
        parse_docker_config,
        parse_pull_secret,
    )
    from supplychain.mirror.files import PackageFileSource
    from supplychain.mirror.layout import LayoutSource
    from supplychain.mirror.registry import RegistrySource
    from supplychain.mirror.transport import RegistryClient

__all__ = [
    "ANONYMOUS",
    "Credentials",
    "LayoutSource",
    "MirrorRule",
    "PackageFileSource",
    "RegistryClient",
    "RegistrySource",
    "load_docker_config",
    "parse_docker_config",
    "parse_pull_secret",
    "rewrite",
]

_HOMES: Final = {
    "ANONYMOUS": "credentials",
    "Credentials": "credentials",
    "LayoutSource": "layout",
    "PackageFileSource": "files",
    "RegistryClient": "transport",
    "RegistrySource": "registry",
    "load_docker_config": "credentials",
    "parse_docker_config": "credentials",
    "parse_pull_secret": "credentials",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
