"""The API server over plain HTTP, for tests: JSON in, JSON out, no model of any kind in between."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml

from mcpg_operator.resources import CRD, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MANAGER", "Api", "ApiError", "Manifests", "documents"]

MANAGER: Final = "a-person"
"""The field manager of what tests write."""
Manifests = str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]]
"""YAML text, a YAML file, one object, or several."""
_MERGE: Final = "application/merge-patch+json"


class ApiError(Exception):
    """The API server said no, or not now."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        try:
            body = response.json()
        except ValueError:
            body = {"message": response.text[:500]}
        self.reason = body.get("reason", "")
        self.message = body.get("message", "")
        super().__init__(f"{response.request.method} {response.request.url.path}: {self.status} {self.reason}: {self.message}")


class Api:
    """Talks as one user, by client certificate or by token, from any thread."""

    def __init__(
        self, url: str, *, ca_file: Path, certificate: tuple[Path, Path] | None = None, token: str | None = None
    ) -> None:
        context = ssl.create_default_context(cafile=str(ca_file))
        if certificate is not None:
            context.load_cert_chain(*certificate)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=url, verify=context, headers=headers, timeout=30, trust_env=False)
        self._plurals: dict[str, dict[str, Kind]] = {}

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def request(self, method: str, path: str, *, body: Any = None, kind: str = "application/json", **params: str) -> Any:
        """Make one request and give its JSON, or its text where it is none.

        Raises:
            ApiError: the answer is no success.
        """
        # Server-side apply reads the body as YAML, which knows no pairs of escapes for one character.
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        response = self._client.request(method, path, content=content, params=params, headers={"Content-Type": kind})
        if not response.is_success:
            raise ApiError(response)
        return response.json() if "json" in response.headers.get("Content-Type", "") else response.text

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Any | None:
        """Read one object; None where there is none."""
        try:
            return self.request("GET", _path(kind, namespace, name))
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str | None = None, fields: str | None = None
    ) -> list[dict[str, Any]]:
        """Read all objects of a kind that the selectors choose, of all namespaces unless one is named."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        return self.request("GET", _path(kind, namespace), **{name: text for name, text in selectors.items() if text})["items"]

    def create(self, manifest: Mapping[str, Any]) -> Any:
        """Create an object that must not exist."""
        kind, namespace, _ = self._target(manifest)
        return self.request("POST", _path(kind, namespace), body=manifest, fieldManager=MANAGER)

    def replace(self, manifest: Mapping[str, Any]) -> Any:
        """Replace an object."""
        return self.request("PUT", _path(*self._target(manifest)), body=manifest, fieldManager=MANAGER)

    def merge(self, kind: Kind, name: str, change: Mapping[str, Any], *, namespace: str | None = None, part: str = "") -> Any:
        """Change some members of an object (JSON merge patch), or of its `part`, such as `status`."""
        path = _path(kind, namespace, name) + (f"/{part}" if part else "")
        return self.request("PATCH", path, body=change, kind=_MERGE, fieldManager=MANAGER)

    def delete(self, kind: Kind, name: str, *, namespace: str | None = None) -> bool:
        """Delete an object, its dependents in the background; False where there was none."""
        try:
            self.request("DELETE", _path(kind, namespace, name), propagationPolicy="Background")
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            return False
        return True

    def apply(self, manifests: Manifests, *, manager: str = MANAGER) -> tuple[Any, ...]:
        """Apply objects on the server side, in their order, by force; gives them as they then are."""
        return tuple(self._apply(one, manager=manager) for one in documents(manifests))

    def serves(self, kind: Kind) -> bool:
        """Whether the kind can be read and written: a definition that was just created takes a moment."""
        return self._discover(kind.api_version).get(kind.name) is not None

    def _apply(self, manifest: Mapping[str, Any], *, manager: str) -> Any:
        path = _path(*self._target(manifest))
        return self.request("PATCH", path, body=manifest, kind="application/apply-patch+yaml", fieldManager=manager, force="true")

    def _target(self, manifest: Mapping[str, Any]) -> tuple[Kind, str | None, str]:
        version, name = manifest["apiVersion"], manifest["kind"]
        kind = self._plurals.get(version, {}).get(name) or self._discover(version).get(name)
        if kind is None:
            raise LookupError(f"the API server does not serve {version} {name}")
        metadata = manifest["metadata"]
        return kind, metadata.get("namespace", "default") if kind.namespaced else None, metadata.get("name", "")

    def _discover(self, version: str) -> dict[str, Kind]:
        """Ask which kinds a version has; none where it is not served (at this moment)."""
        group, _, short = version.rpartition("/")
        try:
            found = self.request("GET", f"/apis/{version}" if group else f"/api/{short}")["resources"]
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            found = []
        self._plurals[version] = {
            one["kind"]: Kind(name=one["kind"], plural=one["name"], group=group, version=short, namespaced=one["namespaced"])
            for one in found
            if "/" not in one["name"]
        }
        return self._plurals[version]


def documents(manifests: Manifests) -> Iterator[Mapping[str, Any]]:
    """Take the objects one by one, out of whatever form they have."""
    if isinstance(manifests, Path):
        manifests = manifests.read_text()
    if isinstance(manifests, str):
        yield from (one for one in yaml.safe_load_all(manifests) if one)
    elif isinstance(manifests, Mapping):
        yield manifests
    else:
        yield from manifests


def defined(manifest: Mapping[str, Any]) -> Iterator[Kind]:
    """Which kinds a CustomResourceDefinition defines; none for any other object."""
    if manifest["kind"] != CRD.name:
        return
    spec = manifest["spec"]
    for version in spec["versions"]:
        yield Kind(
            name=spec["names"]["kind"], plural=spec["names"]["plural"], group=spec["group"],
            version=version["name"], namespaced=spec["scope"] == "Namespaced",
        )  # fmt: skip


def _path(kind: Kind, namespace: str | None = None, name: str = "") -> str:
    words = ["", "apis" if kind.group else "api", kind.api_version]
    if namespace:
        words += ["namespaces", namespace]
    return "/".join([*words, kind.plural, *([name] if name else [])])
