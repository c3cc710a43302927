"""Targets opened as plugin sources: a registry, an image layout, a package file."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

from supplychain.errors import InvalidReferenceError
from supplychain.reference import OciReference

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection
    from types import TracebackType

    from supplychain.limits import Limits
    from supplychain.manifests import PullSecret
    from supplychain.mirror.files import PackageFileSource
    from supplychain.mirror.layout import LayoutSource
    from supplychain.mirror.registry import RegistrySource
    from supplychain.mirror.transport import RegistryClient
    from supplychain.ports import ImageSource, PluginSource

__all__ = ["LayoutTarget", "PackageTarget", "RegistryTarget", "Sources", "Target", "parse_target"]

_Closable = TypeVar("_Closable", "LayoutSource", "PackageFileSource")
_LAYOUT: Final = "oci-layout:"
_LAYOUT_TARGET = re.compile(
    r"(?P<path>.+?)(?:@(?P<digest>sha256:[0-9a-fA-F]{64})|:(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}))?", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutTarget:
    """An OCI image layout, and what is meant in it; with neither tag nor digest, its only plugin."""

    path: Path
    tag: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageTarget:
    """A package file."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTarget:
    """A reference in a registry, with what a manifest says about reaching it."""

    reference: OciReference
    avoid: frozenset[str] = frozenset()
    """Hosts that must get no packet."""
    insecure: bool = False
    pull_secret: PullSecret | None = None
    anonymous: bool = False
    """Never use the credentials of this user."""


Target: TypeAlias = LayoutTarget | PackageTarget | RegistryTarget


def parse_target(text: str) -> Target:
    """Read a target.

    Raises:
        InvalidReferenceError: it is none of the three.
    """
    if text.startswith(_LAYOUT):
        found = _LAYOUT_TARGET.fullmatch(text.removeprefix(_LAYOUT))
        if found is None:
            raise InvalidReferenceError("the layout's path is missing", got=f"`{text}`")
        return LayoutTarget(path=Path(found["path"]), tag=found["tag"], digest=found["digest"])
    if text.endswith(".zip"):
        return PackageTarget(path=Path(text))
    try:
        return RegistryTarget(reference=OciReference.parse(text))
    except InvalidReferenceError as exc:
        hint = _path_hint(text)
        raise InvalidReferenceError(exc.what, expected=exc.expected, got=exc.got, where=exc.where, hint=hint) from exc


def _path_hint(text: str) -> str | None:
    path = Path(text)
    try:
        if (path / "oci-layout").is_file():
            return f"this is an image layout; write `oci-layout:{text}`"
        if path.is_dir():
            return "this is a directory; name a package file in it, or an image layout as `oci-layout:PATH`"
        if path.is_file():
            return "this is a file, but its name does not end in `.zip`; pack a bare library with `supplychain pack`"
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return None
    return None


class Sources:
    """Opens targets with the registry flags. Clients are shared between targets of the same credentials."""

    def __init__(self, args: argparse.Namespace, *, limits: Limits) -> None:
        self.limits = limits
        self._config: str | None = args.registry_config
        self._insecure = frozenset(args.insecure_registry)
        self._ca_file: str | None = args.ca_file
        self._clients: dict[tuple[PullSecret | None, bool, frozenset[str]], RegistryClient] = {}
        self._lock = threading.Lock()
        self._open = ExitStack()

    def open(self, target: Target, *, progress: Callable[[int, int], None] | None = None) -> PluginSource:
        """Open one target; it stays usable until these sources are closed.

        Raises:
            InputError: the target, the credentials or the CA file are unusable.
        """
        if isinstance(target, PackageTarget):
            from supplychain.mirror.files import PackageFileSource

            return self._keep(PackageFileSource(target.path, limits=self.limits))
        return self.image(target, progress=progress)

    def image(self, target: LayoutTarget | RegistryTarget, *, progress: Callable[[int, int], None] | None = None) -> ImageSource:
        """Open a target that has manifests; as `open`."""
        if isinstance(target, RegistryTarget):
            return self.registry(target, progress=progress)
        from supplychain.digest import ManifestDigest
        from supplychain.mirror.layout import LayoutSource

        digest = ManifestDigest.parse(target.digest) if target.digest is not None else None
        return self._keep(LayoutSource(target.path, tag=target.tag, digest=digest, limits=self.limits))

    def registry(self, target: RegistryTarget, *, progress: Callable[[int, int], None] | None = None) -> RegistrySource:
        """Open a registry target."""
        from supplychain.mirror.registry import RegistrySource

        client = self._client(target)
        return RegistrySource(target.reference, client=client, limits=self.limits, avoid=target.avoid, progress=progress)

    def warnings(self) -> tuple[str, ...]:
        """What is worth knowing after all pulls."""
        hosts = sorted({host for client in self._clients.values() for host in client.anonymous})
        return tuple(f"no credentials for `{host}`, which asked for some; it was asked anonymously" for host in hosts)

    def close(self) -> None:
        """Close every source and client."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _keep(self, source: _Closable) -> _Closable:
        with self._lock:
            self._open.push(source)
        return source

    def _client(self, target: RegistryTarget) -> RegistryClient:
        insecure = self._insecure | ({target.reference.registry} if target.insecure else frozenset())
        key = (target.pull_secret, target.anonymous, insecure)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._open.enter_context(self._connect(target, insecure=insecure))
            return self._clients[key]

    def _connect(self, target: RegistryTarget, *, insecure: Collection[str]) -> RegistryClient:
        from supplychain.mirror.credentials import ANONYMOUS, load_docker_config, parse_pull_secret
        from supplychain.mirror.transport import RegistryClient

        if target.pull_secret is not None:
            credentials = parse_pull_secret(target.pull_secret.data, where=target.pull_secret.where)
        elif target.anonymous:
            credentials = ANONYMOUS
        else:
            credentials = load_docker_config(self._config)
        return RegistryClient(credentials=credentials, limits=self.limits, insecure=insecure, ca_file=self._ca_file)
