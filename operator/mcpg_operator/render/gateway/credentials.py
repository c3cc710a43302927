"""The credentials of a coordinator: copied into the gateway's namespace, mounted, and found by its configuration.

The gateway that reads the dialect `seed` resolves `cred://cluster/NAME` by itself. For the other one a text that is nothing else
becomes the mounted file, and `${cred://cluster/NAME}` within a text becomes a variable.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import short_hash
from mcpg_operator.render.gateway.names import manifest, names_of
from mcpg_operator.render.gateway.tree import rewritten
from mcpg_operator.resources import SECRET
from supplychain.errors import InvalidManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcpg_operator.render.gateway.inputs import ClusterBlock, Credential, GatewayInputs

__all__ = ["FOLDER", "credential_references", "credentials_hash", "render_credentials", "resolve", "variables"]

FOLDER: Final = "/etc/mcpg/credentials/cluster"
_SCHEME: Final = "cred://cluster/"
_NAME: Final = r"[A-Za-z0-9._-]{1,63}"
_WHOLE: Final = re.compile(rf"{_SCHEME}({_NAME})", re.ASCII)
_EMBEDDED: Final = re.compile(rf"\$\{{{_SCHEME}({_NAME})\}}", re.ASCII)
_PREFIX: Final = "CLUSTER_CRED_"
"""Not the gateway's own prefix, or it would take the variables for overrides of its configuration."""


def credential_references(config: Any) -> frozenset[str]:
    """Names of the credentials that a coordinator's configuration refers to."""
    found: set[str] = set()

    def look(text: str) -> str:
        whole = _WHOLE.fullmatch(text)
        found.update({whole[1]} if whole is not None else _EMBEDDED.findall(text))
        return text

    rewritten(config, look)
    return frozenset(found)


def resolve(block: dict[str, Any], cluster: ClusterBlock) -> dict[str, Any]:
    """Rewrite the references in a coordinator's configuration to what the gateway resolves without knowing of them.

    Raises:
        InvalidManifestError: one of them names no credential of the cluster.
    """
    known = {one.name for one in cluster.credentials}
    if unknown := sorted(credential_references(block) - known):
        got = ", ".join(f"`{_SCHEME}{name}`" for name in unknown)
        raise InvalidManifestError("the coordinator's configuration refers to credentials that it does not have", got=got)
    named = {credential: variable for variable, credential in variables(cluster.credentials).items()}

    def change(text: str) -> str:
        whole = _WHOLE.fullmatch(text)
        if whole is not None:
            return f"file://{FOLDER}/{whole[1]}"
        return _EMBEDDED.sub(lambda found: f"${{env.{named[found[1]]}}}", text)

    changed: dict[str, Any] = rewritten(block, change)
    return changed


def variables(credentials: Iterable[Credential]) -> dict[str, str]:
    """Variables of the container by name, each with its credential; names that would be equal get a hash."""
    plain: dict[str, list[str]] = {}
    for one in sorted(one.name for one in credentials):
        plain.setdefault(_PREFIX + re.sub(r"[^A-Z0-9]", "_", one.upper(), flags=re.ASCII), []).append(one)
    return {
        (name if len(ones) == 1 else f"{name}_{short_hash(one).upper()}"): one for name, ones in plain.items() for one in ones
    }


def embedded(config: Mapping[str, Any]) -> frozenset[str]:
    """Names of the credentials that stand within other texts, for which variables are needed."""
    found: set[str] = set()

    def look(text: str) -> str:
        found.update(_EMBEDDED.findall(text))
        return text

    rewritten(dict(config), look)
    return frozenset(found)


def render_credentials(inputs: GatewayInputs) -> dict[str, Any] | None:
    """Write the Secret with copies of all credentials; None where there are none."""
    credentials = () if inputs.cluster is None else inputs.cluster.credentials
    if not credentials:
        return None
    data = {one.name: base64.b64encode(_stripped(one.value)).decode("ascii") for one in credentials}
    return manifest(inputs, SECRET, names_of(inputs.name).credentials, {"type": "Opaque", "data": dict(sorted(data.items()))})


def credentials_hash(credentials: Iterable[Credential]) -> str:
    """SHA-256 over which versions of which Secrets are in use, hex; not over their values, which could be guessed from it."""
    versions = sorted((one.name, one.uid, one.resource_version) for one in credentials)
    return hashlib.sha256(json.dumps(versions, separators=(",", ":")).encode("ascii")).hexdigest()


def _stripped(value: bytes) -> bytes:
    """Take one line end away: people write Secrets with editors."""
    return value[:-2] if value.endswith(b"\r\n") else value.removesuffix(b"\n")
