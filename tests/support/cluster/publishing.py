"""Plugins of any id, version and size with all their evidence, put into a real registry, and the objects that ask for them.

Signatures, provenance and keys are of the virtual Sigstore and the test publisher: TEST MATERIAL that opens nothing.
"""

from __future__ import annotations

import json
import random
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from mcpg_operator.resources import PLUGIN
from tests.support.builders import build_elf
from tests.support.cluster.manifests import NAMESPACE
from tests.support.registries import docker_config
from tests.support.sigstore.keys import pem
from tests.support.sigstore.legacy import layer_annotations
from tests.support.testdata.release import SIGSTORE, Release, default_descriptor, default_spec, signing_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.oci import Stored

__all__ = [
    "Form",
    "Published",
    "config_map",
    "key_secret",
    "library",
    "make_release",
    "publish",
    "pull_secret",
    "write_trust_root",
]

Form: TypeAlias = Literal["referrer", "fallback", "legacy"]
"""How a registry holds the cosign signature: by its referrers API, in an index under the fallback tag, or as a `.sig` image."""
_LEGACY_LAYER: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
_LEGACY_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_IMAGE: Final = "application/vnd.oci.image.manifest.v1+json"


@lru_cache(maxsize=2)
def library(label: str, *, size: int = 0, entropy: float = 1.0) -> bytes:
    """A shared library that `label` makes unique, at least `size` bytes long, of which a share of `entropy` cannot be compressed."""
    head = build_elf(payload=label.encode())
    left = max(0, size - len(head))
    noise = random.Random(label).randbytes(int(left * entropy))
    return head + noise + bytes(left - len(noise))


def make_release(
    name: str, *, version: str = "1.2.3", plugin_id: str | None = None, size: int = 0, entropy: float = 1.0, key: str = "release"
) -> Release:
    """An honest release of `dev.acme.<name>`, signed by the publisher's key of that name; change it to make one thing wrong."""
    wanted = plugin_id or f"dev.acme.{name}"
    spec = deepcopy(default_spec())
    spec.update(pluginId=wanted, version=version)
    release = Release(
        library=library(f"{wanted} {version}", size=size, entropy=entropy),
        descriptor={**default_descriptor(), "id": wanted, "name": name},
        key=signing_key(key),
        tag=f"{version}-linux-amd64",
        spec=spec,
        trusted_keys=pem(signing_key(key)),
    )
    release.spec["trust"]["signingKeyRef"] = {"secretName": f"{name}-key", "key": "release.pub"}
    release.spec["trust"]["slsaProvenance"]["configMapName"] = f"{name}-provenance"
    return release


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A release in a registry."""

    release: Release = field(repr=False)
    host: str
    repository: str
    digest: str
    """Of the manifest, with `sha256:`."""

    @property
    def tagged(self) -> str:
        """The image by its tag."""
        return f"{self.host}/{self.repository}:{self.release.tag}"

    @property
    def pinned(self) -> str:
        """The image by its digest."""
        return f"{self.host}/{self.repository}@{self.digest}"

    def plugin(self, name: str, *, image: str | None = None, **oci: Any) -> dict[str, Any]:
        """The MCPGPlugin that asks for it, pinned unless an image is given; `oci` adds `mirrorRef` or `pullSecretRef`."""
        spec = deepcopy(self.release.spec)
        spec["oci"] = {"image": image or self.pinned, **oci}
        return {"apiVersion": PLUGIN.api_version, "kind": PLUGIN.name, "metadata": {"name": name}, "spec": spec}

    def policy_objects(self) -> list[dict[str, Any]]:
        """The Secret with the publisher's key and the ConfigMap with the provenance, as far as the policy names them."""
        trust = self.release.spec["trust"]
        found = [key_secret(trust["signingKeyRef"]["secretName"], self.release.trusted_keys)]
        if "slsaProvenance" in trust and self.release.config_map:
            found.append(config_map(trust["slsaProvenance"]["configMapName"], self.release.provenance()))
        return found


def publish(
    release: Release,
    *,
    host: str,
    repository: str,
    form: Form = "referrer",
    ask: str | None = None,
    authorization: str = "",
    ca_file: Path | None = None,
) -> Published:
    """Push a release, with an Authorization header where the registry demands one, and over TLS with `ca_file`.

    `ask` is the host that plugins are to name, where it is another one than that of the registry.
    """
    stored = release.stored()
    digest = str(stored.listed[0]["digest"])
    _reform(stored, release, digest=digest, form=form)
    stored.push(host, repository, authorization=authorization, ca_file=ca_file)
    return Published(release=release, host=ask or host, repository=repository, digest=digest)


def key_secret(name: str, keys: bytes) -> dict[str, Any]:
    """The Secret of a publisher's key, in the operator's namespace."""
    return _secret(name, {"release.pub": keys.decode()})


def pull_secret(name: str, host: str, *, key: str = ".dockerconfigjson", **login: str) -> dict[str, Any]:
    """The Secret of registry credentials, in the operator's namespace."""
    return _secret(name, {key: docker_config(host, **login).decode()})


def config_map(name: str, provenance: bytes) -> dict[str, Any]:
    """The ConfigMap of a plugin's provenance, in the operator's namespace."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {"provenance.intoto.jsonl": provenance.decode()},
    }


def write_trust_root(file: Path) -> Path:
    """Write the trust root of the virtual Sigstore; returns the file."""
    file.write_bytes(SIGSTORE.trusted_root())
    return file


def _secret(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": dict(data)}


def _reform(stored: Stored, release: Release, *, digest: str, form: Form) -> None:
    """Keep the signatures in another form than as referrers, which is how a `Release` stores them."""
    if form == "referrer":
        return
    tag = digest.replace(":", "-")
    attached, stored.listed[1:] = stored.listed[1:], []
    if form == "fallback":
        stored.listed.extend(attached)
        stored.index(*attached, tag=tag)
        return
    payload = json.dumps(
        {
            "critical": {
                "identity": {"docker-reference": release.spec["oci"]["image"]},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    ).encode()
    layer = {
        **stored.blob(payload, _LEGACY_LAYER),
        "annotations": layer_annotations(SIGSTORE.sign_message(payload, log="rekor1")),
    }
    config = stored.blob(b"{}", _LEGACY_CONFIG)
    stored.manifest({"schemaVersion": 2, "mediaType": _IMAGE, "config": config, "layers": [layer]}, tag=f"{tag}.sig")
