"""Which Secrets of the operator's namespace a coordinator's credentials may come from."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mcpg_operator.controllers.cluster.credentials import Credentials, find_credentials
from mcpg_operator.names import MANAGER
from mcpg_operator.render.gateway import Credential
from mcpg_operator.resources import SECRET, Resource
from mcpg_operator.runtime.store import Store
from supplychain.api import parse_spec
from supplychain.api.cluster import ClusterSpec

HOME = "mcpg-system"


def secret(name: str, *, namespace: str = HOME, labels: Any = None, kind: Any = "Opaque", **data: str) -> Resource:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "7", "labels": labels or {}}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return Resource(SECRET, {"metadata": metadata, "data": encoded, **({} if kind is None else {"type": kind})})


def find(*secrets: Resource, refs: Any = None) -> Credentials:
    store = Store()
    for one in secrets:
        store.put(one)
    wanted = refs or [{"name": "pw", "secretName": "redis"}]
    spec = parse_spec(ClusterSpec, {"backend": "redis", "config": {"url": "rediss://x"}, "credentialRefs": wanted}, where="here")
    return find_credentials(spec, store, home=HOME)


def test_every_credential_is_found_under_its_own_key_or_under_its_name() -> None:
    refs = [
        {"name": "pw", "secretName": "redis"},
        {"name": "user", "secretName": "redis", "key": "login"},
        {"name": "ca", "secretName": "gone"},
        {"name": "tls", "secretName": "other"},
    ]
    found = find(secret("redis", pw="p", login="l"), secret("other", kind=None, tls="t"), refs=refs)
    assert found.found == (
        Credential(name="pw", value=b"p", uid="uid-redis", resource_version="7"),
        Credential(name="user", value=b"l", uid="uid-redis", resource_version="7"),
        Credential(name="tls", value=b"t", uid="uid-other", resource_version="7"),
    )
    assert found.missing == (f"`ca`: Secret `{HOME}/gone` does not exist",)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (secret("redis", namespace="team-a", pw="p"), "does not exist"),
        (secret("redis", labels=dict(MANAGER), pw="p"), "is the operator's own and is given to nobody"),
        (secret("redis", kind="mcpg.dev/seal-key", pw="p"), "is the operator's own and is given to nobody"),
        (secret("redis", other="p"), "lacks the key `pw`"),
        (Resource(SECRET, {**secret("redis").body, "data": {"pw": "no base64"}}), "cannot be read"),
    ],
)
def test_nothing_else_is_ever_given_away(one: Resource, why: str) -> None:
    found = find(one)
    assert found.found == ()
    assert len(found.missing) == 1
    assert why in found.missing[0]
