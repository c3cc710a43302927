"""Pushing a package to a registry through oras, and nothing else through it.

oras-py 0.2 is used for its upload protocol alone. What it does wrong is taken out of its hands: it never sets a time-out, sleeps
through 131 s of retries, sends its token to whatever host an upload location names, follows what comes, re-encodes manifests,
reads whole blobs into memory, and cannot name `localhost/…`. Here every request has time-outs, fails at once with a typed error,
carries credentials to the registry's own origin only, follows no redirect, and streams the package from its spool. The digest
returned is computed over the manifest's bytes, and the registry is asked afterwards whether it holds exactly these.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urljoin

from oras.container import Container
from oras.provider import Registry
from oras.utils import append_url_params

from supplychain.digest import ConfigDigest, LayerDigest, ManifestDigest
from supplychain.errors import DigestMismatchError, InvalidReferenceError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror.artifact_form import MANIFEST_TYPE, plugin_config, plugin_manifest
from supplychain.mirror.credentials import ANONYMOUS, Credentials
from supplychain.mirror.files import spool_file
from supplychain.mirror.hosts import api_host
from supplychain.mirror.layout_writer import attach_to_layout, write_layout
from supplychain.mirror.push_session import PushSession, read_answer, refusal
from supplychain.package import unpack
from supplychain.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    import requests
    from typing_extensions import Buffer

    from supplychain.files import StrPath
    from supplychain.reference import OciReference


__all__ = ["attach_to_layout", "push", "write_layout"]

_PIECE: Final = 1024 * 1024
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_log = logging.getLogger(__name__)


def push(
    package: Path | Spool,
    *,
    reference: OciReference,
    credentials: Credentials = ANONYMOUS,
    insecure: bool = False,
    ca_file: StrPath | None = None,
    plain_credentials: bool = False,
    limits: Limits | None = None,
) -> ManifestDigest:
    """Push a package with its config and manifest under the tag of `reference`; return the digest that the registry holds.

    A digest in `reference` must be the one that results. `credentials` are asked only when the registry demands them, and go over
    plain http to a registry off loopback only with `plain_credentials`.

    Raises:
        InvalidReferenceError: `reference` has no tag.
        UnreadableFileError: the package or the CA file cannot be read.
        VerificationError: the package is refused, or the registry holds other bytes afterwards.
        UnavailableError: the registry cannot take it.
    """
    limits = limits if limits is not None else Limits()
    with ExitStack() as opened:
        spool = package if isinstance(package, Spool) else opened.enter_context(spool_file(package, limit=limits.package))
        config, manifest = _documents(spool, limits=limits)
        digest = ManifestDigest.of(manifest)
        _check_reference(reference, digest=digest)
        session = PushSession(
            reference.registry,
            reference.repository,
            credentials=credentials,
            insecure=insecure,
            ca_file=ca_file,
            plain_credentials=plain_credentials,
            limits=limits,
        )
        upload = _Upload(opened.enter_context(session), reference=reference)
        upload.all(package=spool, config=config, manifest=manifest)
    _log.info("pushed %s as %s", reference, digest)
    return digest


def _check_reference(reference: OciReference, *, digest: ManifestDigest) -> None:
    if reference.tag is None:
        raise InvalidReferenceError("a push needs a tag", got=f"`{reference}`", hint="write `host/repository:tag`")
    if reference.digest not in {None, digest}:
        raise DigestMismatchError(
            "the package gives another manifest", expected=f"`{reference.digest}`", got=f"`{digest}`", where=f"`{reference}`"
        )


def _documents(package: Spool, *, limits: Limits) -> tuple[bytes, bytes]:
    """Make the config and the manifest of a package that our own reader accepts."""
    opened = unpack(package, limits=limits)
    with opened.artifact:
        config = plugin_config(opened)
    return config, plugin_manifest(layer=LayerDigest(package.sha256), size=package.size, config=config)


class _Upload(Registry):  # type: ignore[misc]  # oras has no types
    """oras' registry client on our session; only what uploads need is used of it."""

    def __init__(self, session: PushSession, *, reference: OciReference) -> None:
        super().__init__(hostname=reference.registry, insecure=session.plain)
        self._ours = session
        # the container's own parser takes `localhost/x` for Docker Hub, so the host is set and not parsed
        self._container = Container(f"registry.invalid/{reference.repository}:{reference.tag}")
        self._container.registry = api_host(reference.registry)

    def do_request(  # noqa: PLR0917 — oras' signature
        self,
        url: str,
        method: str = "GET",
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        json: None = None,  # noqa: ARG002 — the same
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 — the same; every answer is streamed here
    ) -> requests.Response:
        """Replace oras' own way of asking, with its retries and its authorization."""
        return self._ours.request(method, url, data=data, headers=headers)

    def all(self, *, package: Spool, config: bytes, manifest: bytes) -> None:
        """Send what a manifest names before the manifest itself, as registries demand."""
        self.blob(package.view, digest=f"sha256:{package.sha256}")
        self.blob(config, digest=str(ConfigDigest.of(config)))
        self.manifest(manifest, digest=ManifestDigest.of(manifest))

    def blob(self, data: Buffer, *, digest: str) -> None:
        """Upload a blob unless the registry has it."""
        if self.blob_exists({"digest": digest}, self._container):
            return
        start = f"{self.prefix}://{self._container.upload_blob_url()}"
        with self.do_request(start, "POST", headers={"Content-Length": "0"}) as opened:
            location = opened.headers.get("Location")
            if opened.status_code != _ACCEPTED or not location:
                raise refusal(opened)
        try:
            url = append_url_params(urljoin(start, location), {"digest": digest})
        except ValueError as exc:
            raise RegistryUnavailableError("the registry names an unusable upload location", where=f"`{start}`") from exc
        with _Body(data) as body:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(body))}
            with self.do_request(url, "PUT", data=body if len(body) else b"", headers=headers) as done:
                if done.status_code != _CREATED:
                    raise refusal(done)

    def manifest(self, data: bytes, *, digest: ManifestDigest) -> None:
        """Send the manifest under its tag, and prove that tag and digest both lead to it."""
        tagged = f"{self.prefix}://{self._container.manifest_url()}"
        with self.do_request(tagged, "PUT", data=data, headers={"Content-Type": MANIFEST_TYPE}) as done:
            if done.status_code != _CREATED:
                raise refusal(done)
        for url in (tagged, f"{self.prefix}://{self._container.manifest_url(str(digest))}"):
            with self.do_request(url, headers={"Accept": MANIFEST_TYPE}) as answer:
                if answer.status_code != _OK:
                    raise refusal(answer)
                held = read_answer(answer, bound=len(data))
            if held != data:
                where = f"`{self._container.registry}/{self._container.api_prefix}`"
                raise DigestMismatchError(
                    "the registry holds another manifest than was pushed",
                    expected=f"`{digest}`",
                    got=f"`{ManifestDigest.of(held)}`",
                    where=where,
                )


class _Body:
    """Bytes as requests streams them, from the start each time they are asked for."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._view.release()  # an error that keeps the request would keep the spool's disk space

    def __len__(self) -> int:
        return len(self._view)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._view), _PIECE):
            yield bytes(self._view[start : start + _PIECE])
