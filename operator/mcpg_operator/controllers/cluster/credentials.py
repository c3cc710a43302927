"""The credentials of a coordinator, out of Secrets of the operator's namespace.

A Secret that the operator made for itself, such as the key of its seals or a plugin's evidence, is never a credential: a bound
namespace receives a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpg_operator.names import MANAGER
from mcpg_operator.render.gateway import Credential
from mcpg_operator.resources import SECRET

if TYPE_CHECKING:
    from mcpg_operator.runtime.store import Store
    from supplychain.api.cluster import ClusterSpec

__all__ = ["Credentials", "find_credentials"]

_OWN_TYPES = "mcpg.dev/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What was found, in the order of the references, and what was not, each with its reason."""

    found: tuple[Credential, ...] = ()
    missing: tuple[str, ...] = ()


def find_credentials(spec: ClusterSpec, store: Store, *, home: str) -> Credentials:
    """Look up every credential of a coordinator in the namespace `home`."""
    found: list[Credential] = []
    missing: list[str] = []
    for one in spec.credential_refs:
        result = _find(one.name, one.secret_name, one.key or one.name, store=store, home=home)
        if isinstance(result, Credential):
            found.append(result)
        else:
            missing.append(result)
    return Credentials(found=tuple(found), missing=tuple(missing))


def _find(name: str, secret_name: str, key: str, *, store: Store, home: str) -> Credential | str:
    """Give the credential, or say why there is none; no text holds anything of a Secret's data."""
    secret = store.get(SECRET, secret_name, home)
    place = f"Secret `{home}/{secret_name}`"
    if secret is None:
        return f"`{name}`: {place} does not exist"
    own = MANAGER.items() <= secret.labels.items() or str(secret.body.get("type") or "").startswith(_OWN_TYPES)
    if own:
        return f"`{name}`: {place} is the operator's own and is given to nobody"
    data = secret.data()
    if data is None:
        return f"`{name}`: the data of {place} cannot be read"
    if key not in data:
        return f"`{name}`: {place} lacks the key `{key}`"
    return Credential(name=name, value=data[key], uid=secret.uid, resource_version=secret.resource_version)
