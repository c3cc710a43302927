"""Targets opened as plugin sources: a registry, an image layout, a bundle, a package file."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

from supplychain.errors import InvalidReferenceError
from supplychain.reference import OciReference

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection
    from types import TracebackType

    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.carry.protocols import ContentSource
    from supplychain.carry.registry_content import RegistryContentSource
    from supplychain.carry.registry_destination import RegistryContentDestination
    from supplychain.limits import Limits
    from supplychain.manifests import PullSecret
    from supplychain.mirror.credentials import Credentials
    from supplychain.mirror.files import PackageFileSource
    from supplychain.mirror.layout import LayoutSource
    from supplychain.mirror.registry import RegistrySource
    from supplychain.mirror.transport import RegistryClient
    from supplychain.ports import ImageSource, PluginSource

__all__ = ["BundleTarget", "LayoutTarget", "PackageTarget", "RegistryTarget", "Sources", "Target", "parse_target"]

_Closable = TypeVar("_Closable", "LayoutSource", "PackageFileSource")
_LAYOUT: Final = "oci-layout:"
_BUNDLE: Final = "bundle:"
_BUNDLE_TARGET = re.compile(r"(?P<path>.+?\.mcpg\.tar\.zst(?:\.[0-9]{3})?):(?P<wanted>.+)", re.DOTALL)
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
class BundleTarget:
    """A bundle file, or its parts, and what is meant in it; with neither reference nor digest, its only plugin."""

    path: Path
    wanted: str | None = None
    """A reference, or `sha256:` and hex."""


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


Target: TypeAlias = BundleTarget | LayoutTarget | PackageTarget | RegistryTarget


def parse_target(text: str) -> Target:
    """Read a target.

    Raises:
        InvalidReferenceError: it is none of the four.
    """
    if text.startswith(_BUNDLE):
        return _bundle_target(text.removeprefix(_BUNDLE))
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


def _bundle_target(text: str) -> BundleTarget:
    """Read `PATH[:REFERENCE]`; only behind a name that ends as bundles and their parts do, a colon begins a reference."""
    found = _BUNDLE_TARGET.fullmatch(text)
    if found is None and not text:
        raise InvalidReferenceError("the bundle's path is missing", got=f"`{_BUNDLE}`")
    return BundleTarget(path=Path(text)) if found is None else BundleTarget(path=Path(found["path"]), wanted=found["wanted"])


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
        self._bundles: dict[Path, Bundle] = {}
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

    def image(
        self, target: BundleTarget | LayoutTarget | RegistryTarget, *, progress: Callable[[int, int], None] | None = None
    ) -> ImageSource:
        """Open a target that has manifests; as `open`, and a bundle is refused here where its form is broken."""
        if isinstance(target, RegistryTarget):
            return self.registry(target, progress=progress)
        if isinstance(target, BundleTarget):
            from supplychain.carry.plugin_bundle.content import find_plugin_in
            from supplychain.carry.plugin_bundle.source import BundleSource

            bundle = self.bundle(target.path)
            return BundleSource(bundle, find_plugin_in(bundle, target.wanted))
        from supplychain.digest import ManifestDigest
        from supplychain.mirror.layout import LayoutSource

        digest = ManifestDigest.parse(target.digest) if target.digest is not None else None
        return self._keep(LayoutSource(target.path, tag=target.tag, digest=digest, limits=self.limits))

    def registry(self, target: RegistryTarget, *, progress: Callable[[int, int], None] | None = None) -> RegistrySource:
        """Open a registry target."""
        from supplychain.mirror.registry import RegistrySource

        client = self._client(target)
        return RegistrySource(target.reference, client=client, limits=self.limits, avoid=target.avoid, progress=progress)

    def bundle(self, path: Path) -> Bundle:
        """Open a bundle file, once for all targets in it; it stays open until these sources are closed.

        Raises:
            UnreadableFileError: there is no such file.
            BundleFileError, BundlePartMissingError: it is refused, or incomplete.
        """
        from supplychain.carry.plugin_bundle.opened import Bundle

        with self._lock:
            if path not in self._bundles:
                self._bundles[path] = self._open.enter_context(Bundle(path, limits=self.limits))
            return self._bundles[path]

    def content(self, target: BundleTarget | RegistryTarget) -> tuple[ContentSource, OciReference]:
        """Open the repository of a target as content that can be carried, with the reference in it."""
        if isinstance(target, BundleTarget):
            from supplychain.carry.plugin_bundle.content import BundleContent, find_plugin_in

            bundle = self.bundle(target.path)
            carried = find_plugin_in(bundle, target.wanted)
            return BundleContent(bundle=bundle, name=carried.reference.name), carried.reference
        return self.reader(target), target.reference

    def reader(self, target: RegistryTarget, *, progress: Callable[[int, int], None] | None = None) -> RegistryContentSource:
        """Open the repository of a target for reading by digests."""
        from supplychain.carry.registry_content import RegistryContentSource

        reference = target.reference
        return RegistryContentSource(
            reference.registry,
            reference.repository,
            client=self._client(target),
            limits=self.limits,
            avoid=target.avoid,
            progress=progress,
        )

    def destination(self, target: RegistryTarget) -> RegistryContentDestination:
        """Open the repository of a target for writing; the caller closes it. Nothing is sent before it is used."""
        from supplychain.carry.registry_destination import RegistryContentDestination
        from supplychain.mirror.push_session import PushSession

        reference = target.reference
        connect = partial(
            PushSession,
            reference.registry,
            reference.repository,
            credentials=self._credentials(target),
            insecure=reference.registry in self._insecure_for(target),
            ca_file=self._ca_file,
            plain_credentials=False,
            limits=self.limits,
        )
        return RegistryContentDestination(
            reference.registry,
            reference.repository,
            connect=connect,
            reader=self.reader(target),
            limits=self.limits,
            avoid=target.avoid,
        )

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, without those that write."""
        return sum(client.requests for client in self._clients.values())

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
        insecure = self._insecure_for(target)
        key = (target.pull_secret, target.anonymous, insecure)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._open.enter_context(self._connect(target, insecure=insecure))
            return self._clients[key]

    def _insecure_for(self, target: RegistryTarget) -> frozenset[str]:
        return self._insecure | ({target.reference.registry} if target.insecure else frozenset())

    def _connect(self, target: RegistryTarget, *, insecure: Collection[str]) -> RegistryClient:
        from supplychain.mirror.transport import RegistryClient

        return RegistryClient(credentials=self._credentials(target), limits=self.limits, insecure=insecure, ca_file=self._ca_file)

    def _credentials(self, target: RegistryTarget) -> Credentials:
        from supplychain.mirror.credentials import ANONYMOUS, load_docker_config, parse_pull_secret

        if target.pull_secret is not None:
            return parse_pull_secret(target.pull_secret.data, where=target.pull_secret.where)
        return ANONYMOUS if target.anonymous else load_docker_config(self._config)
