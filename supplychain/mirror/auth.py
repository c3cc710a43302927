"""How a registry asks for authorization, and what it is answered: challenges, scopes, token realms. Pure.

Whom a credential may be sent to:

* To the registry it belongs to, and nowhere a redirect leads.
* To the token realm that the registry itself named in a direct answer over verified TLS, if the realm is https too. Registries
  keep their realm on other hosts (`registry-1.docker.io` names `auth.docker.io`), so equal hosts cannot be demanded; who may
  speak for the registry may also say where its tokens are made.
* Where the answer came without verified TLS, anybody may have written it: then only to a realm on the registry's own host name,
  or, for a registry on loopback, on loopback.
* Over plain http only on loopback, unless the user allowed it.

The scope that is asked for is never more than `pull`, whatever the challenge suggests (distribution-spec, "Token authentication";
RFC 9110, section 11 for the header).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from supplychain import strict_json
from supplychain.errors import RegistryAuthError
from supplychain.mirror.hosts import is_loopback, split_host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplychain.mirror.credentials import BasicCredential

__all__ = [
    "Challenge",
    "Channel",
    "Token",
    "basic_header",
    "check_realm",
    "parse_challenges",
    "parse_token",
    "pull_scope",
]

_DEFAULT_LIFE: Final = 60
_LONGEST_LIFE: Final = 86400
_LARGEST_TOKEN: Final = 64 * 1024
_CHALLENGE = re.compile(r"(?:^|,)\s*(basic|bearer)(?=\s|,|$)", re.IGNORECASE)
_PARAMETER = re.compile(r'([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))', re.IGNORECASE)
_REPOSITORY_SCOPE = re.compile(r"repository:([a-zA-Z0-9._/-]{1,255}):[a-z,*]+")
_TOKEN = re.compile(r"[!-~]+")


class Channel(StrEnum):
    """How the bytes of an answer travelled."""

    VERIFIED = "https"
    UNVERIFIED = "https without verification"
    PLAIN = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way in that a registry offers; `realm` is None for Basic, where it is only a label."""

    realm: str | None
    service: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token's header value with its life in seconds."""

    header: str
    seconds: float


def parse_challenges(values: Iterable[str]) -> Challenge | None:
    """Choose from all `WWW-Authenticate` headers: Bearer with a realm before Basic; None where neither is offered."""
    basic = None
    for value in values:
        starts = list(_CHALLENGE.finditer(value))
        for position, start in enumerate(starts):
            end = starts[position + 1].start() if position + 1 < len(starts) else len(value)
            fields = {
                found[1].lower(): re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
                for found in _PARAMETER.finditer(value, start.end(), end)
            }
            if start[1].lower() == "basic":
                basic = Challenge(realm=None)
            elif fields.get("realm"):
                return Challenge(realm=fields["realm"], service=fields.get("service"), scope=fields.get("scope"))
    return basic


def pull_scope(suggested: str | None, *, repository: str) -> str:
    """Say which scope to ask for: pulling, from the repositories that the challenge names or else from `repository`."""
    found = [_REPOSITORY_SCOPE.fullmatch(word) for word in (suggested or "").split()[:8]]
    names = [match[1] for match in found if match is not None] or [repository]
    return " ".join(f"repository:{name}:pull" for name in names)


def check_realm(
    realm_scheme: str, realm_host: str, *, registry: str, channel: Channel, with_credential: bool, plain_credentials: bool
) -> None:
    """Refuse a token realm that must not be asked; the module's text has the rules.

    Raises:
        RegistryAuthError: the realm is refused.
    """
    where = f"registry `{registry}`"
    got = f"`{realm_scheme}://{realm_host}`"
    if realm_scheme != "https" and (realm_scheme != "http" or channel is Channel.VERIFIED):
        raise RegistryAuthError("the token realm is refused", expected="an https realm", got=got, where=where)
    if not with_credential:
        return
    on_loopback = is_loopback(registry) and is_loopback(realm_host)
    if channel is not Channel.VERIFIED and not on_loopback and split_host(realm_host)[0] != split_host(registry)[0]:
        raise RegistryAuthError(
            "an unverified answer names a token realm on another host, which gets no credentials", got=got, where=where
        )
    if realm_scheme == "http" and not on_loopback and not plain_credentials:
        raise RegistryAuthError("credentials are not sent over plain http", got=got, where=where)


def parse_token(data: bytes, *, where: str) -> Token:
    """Read the answer of a token realm.

    Raises:
        RegistryAuthError: it holds no usable token; nothing of it is shown.
    """
    try:
        document = strict_json.loads(data, limit=_LARGEST_TOKEN)
    except strict_json.StrictJsonError as exc:
        raise RegistryAuthError("the token realm's answer is not readable as JSON", got=str(exc), where=where) from exc
    fields = document if isinstance(document, dict) else {}
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        raise RegistryAuthError("the token realm's answer holds no token", where=where)
    seconds = fields.get("expires_in")
    if type(seconds) is not int or seconds <= 0:
        seconds = _DEFAULT_LIFE
    return Token(header=f"Bearer {token}", seconds=float(min(seconds, _LONGEST_LIFE)))


def basic_header(credential: BasicCredential) -> str:
    """Write the header value of a user name and password (RFC 7617, UTF-8)."""
    text = f"{credential.username}:{credential.password}"
    return "Basic " + base64.b64encode(text.encode()).decode("ascii")
