"""What an answered challenge leaves behind: where it may travel later, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from supplychain.errors import RegistryAuthError
from supplychain.mirror.auth import Channel
from supplychain.mirror.authorize import Authorizer, Peer
from supplychain.mirror.credentials import BasicCredential, BearerCredential, Credential, Credentials

if TYPE_CHECKING:
    from supplychain.mirror.connections import HttpRequest

PEER = Peer(registry="registry.example:1", repository="acme/echo", channel=Channel.VERIFIED)
ME = BasicCredential(username="me", password="pass-word")


class Known(Credentials):
    def __init__(self, credential: Credential | None) -> None:
        super().__init__()
        object.__setattr__(self, "_known", credential)

    def find(self, registry: str, repository: str) -> Credential | None:
        found: Credential | None = getattr(self, "_known")  # noqa: B009 — the class is frozen
        return found


def authorizer(credential: Credential | None, *, plain_credentials: bool = False) -> Authorizer:
    return Authorizer(Known(credential), clock=lambda: 1000.0, plain_credentials=plain_credentials)


def token(_request: HttpRequest) -> bytes:
    return b'{"token": "t"}'


def challenge(realm: str = "https://registry.example:1/token") -> list[str]:
    return [f'Bearer realm="{realm}"']


@pytest.mark.parametrize("credential", [ME, BearerCredential(token="b")])
def test_what_a_credential_stands_behind_never_travels_in_clear_later(credential: Credential) -> None:
    one = authorizer(credential)
    header = one.answer(challenge(), peer=PEER, ask=token)
    assert one.known(PEER) == header
    assert one.known(replace(PEER, channel=Channel.PLAIN)) is None


def test_what_nobody_stands_behind_may_travel_in_clear() -> None:
    one = authorizer(None)
    header = one.answer(challenge(), peer=PEER, ask=token)
    assert one.known(replace(PEER, channel=Channel.PLAIN)) == header
    assert one.anonymous == {"registry.example:1"}


def test_credentials_go_to_no_other_host_over_a_channel_that_nobody_verified() -> None:
    peer = replace(PEER, channel=Channel.UNVERIFIED)
    with pytest.raises(RegistryAuthError):
        authorizer(ME).answer(challenge("https://evil.example/token"), peer=peer, ask=token)
    assert authorizer(None).answer(challenge("https://other.example/token"), peer=peer, ask=token) == "Bearer t"


def test_credentials_go_in_clear_where_the_user_allows_it() -> None:
    peer = replace(PEER, channel=Channel.PLAIN)
    realm = challenge("http://registry.example:2/token")
    assert authorizer(ME, plain_credentials=True).answer(realm, peer=peer, ask=token) == "Bearer t"
    with pytest.raises(RegistryAuthError, match="not sent over plain http"):
        authorizer(ME).answer(realm, peer=peer, ask=token)
