"""Answering a registry's challenges, and remembering the answers per registry and repository.

The rules of what goes where are in `auth`; here they are applied. Credentials are asked for only when a registry demands them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import httpx

from supplychain.errors import RegistryAuthError
from supplychain.mirror import auth
from supplychain.mirror.auth import Challenge, Channel
from supplychain.mirror.connections import HttpRequest
from supplychain.mirror.credentials import BasicCredential, BearerCredential, RefreshCredential
from supplychain.mirror.hosts import is_loopback

if TYPE_CHECKING:
    from supplychain.mirror.credentials import Credential, Credentials

__all__ = ["Authorizer", "Peer"]

_CLIENT_ID: Final = "mcpg-supplychain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Whom we talk to: one repository of one registry, and how its answers travel."""

    registry: str
    repository: str
    channel: Channel


AskRealm: TypeAlias = Callable[[HttpRequest], bytes]
"""Sends the request and returns the body of a good answer; errors are of our tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    header: str = field(repr=False)
    until: float
    secret: bool
    """Whether a credential stands behind it, so that it must not travel in clear."""


class Authorizer:
    """The Authorization headers of one client; threads may share it."""

    def __init__(self, credentials: Credentials, *, clock: Callable[[], float], plain_credentials: bool) -> None:
        self._credentials = credentials
        self._clock = clock
        self._plain_credentials = plain_credentials
        self._lock = threading.Lock()
        self._grants: dict[tuple[str, str], _Grant] = {}
        self._anonymous: set[str] = set()

    @property
    def anonymous(self) -> frozenset[str]:
        """Registries that asked who we are and for which there was no credential."""
        with self._lock:
            return frozenset(self._anonymous)

    def known(self, peer: Peer) -> str | None:
        """Return the header that worked before, while it lives and may travel this way."""
        with self._lock:
            grant = self._grants.get((peer.registry, peer.repository))
        if grant is None or grant.until <= self._clock() or (grant.secret and not self._may_send(peer)):
            return None
        return grant.header

    def answer(self, challenges: list[str], *, peer: Peer, ask: AskRealm) -> str:
        """Answer the `WWW-Authenticate` headers of the registry itself; what was known before is forgotten.

        Raises:
            RegistryAuthError: there is no answer to give.
            InvalidCredentialsError: the credentials for this repository are unusable.
        """
        where = f"registry `{peer.registry}`"
        challenge = auth.parse_challenges(challenges)
        if challenge is None:
            raise RegistryAuthError("the registry asks for an authorization of an unknown kind", where=where)
        credential = self._credentials.find(peer.registry, peer.repository)
        if credential is None:
            with self._lock:
                self._anonymous.add(peer.registry)
        elif not self._may_send(peer):
            hint = "use a registry that speaks TLS"
            raise RegistryAuthError("credentials are not sent over plain http", where=where, hint=hint)
        grant = self._grant(challenge, credential=credential, peer=peer, ask=ask)
        with self._lock:
            self._grants[peer.registry, peer.repository] = grant
        return grant.header

    def _may_send(self, peer: Peer) -> bool:
        return peer.channel is not Channel.PLAIN or self._plain_credentials or is_loopback(peer.registry)

    def _grant(self, challenge: Challenge, *, credential: Credential | None, peer: Peer, ask: AskRealm) -> _Grant:
        if isinstance(credential, BearerCredential):
            return _Grant(header=f"Bearer {credential.token}", until=math.inf, secret=True)
        if challenge.realm is None:
            if not isinstance(credential, BasicCredential):
                got = "none" if credential is None else "a token"
                raise RegistryAuthError(
                    "the registry asks for a user name and password", got=got, where=f"registry `{peer.registry}`"
                )
            return _Grant(header=auth.basic_header(credential), until=math.inf, secret=True)
        realm = self._realm(challenge.realm, peer=peer, with_credential=credential is not None)
        fields = {"scope": auth.pull_scope(challenge.scope, repository=peer.repository)}
        if challenge.service is not None:
            fields["service"] = challenge.service
        match credential:
            case RefreshCredential():
                form = {**fields, "grant_type": "refresh_token", "client_id": _CLIENT_ID, "refresh_token": credential.token}
                request = HttpRequest(url=realm, form=form)
            case BasicCredential():
                headers = {"Authorization": auth.basic_header(credential)}
                request = HttpRequest(url=realm.copy_merge_params(fields), headers=headers)
            case _:
                request = HttpRequest(url=realm.copy_merge_params(fields))
        asked_at = self._clock()
        token = auth.parse_token(ask(request), where=f"token realm `{realm.scheme}://{realm.host}`")
        return _Grant(header=token.header, until=asked_at + token.seconds, secret=credential is not None)

    def _realm(self, text: str, *, peer: Peer, with_credential: bool) -> httpx.URL:
        where = f"registry `{peer.registry}`"
        try:
            url = httpx.URL(text)
            host = url.netloc.decode("ascii")
        except (httpx.InvalidURL, ValueError) as exc:
            raise RegistryAuthError("the token realm is no URL", where=where) from exc
        if not url.host or url.userinfo:
            raise RegistryAuthError("the token realm is no URL of a host", where=where)
        auth.check_realm(
            url.scheme,
            host,
            registry=peer.registry,
            channel=peer.channel,
            with_credential=with_credential,
            plain_credentials=self._plain_credentials,
        )
        return url
