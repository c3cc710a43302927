"""Plugins that come through a mirror which demands a password: by HTTP Basic, and by tokens."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mcpg_operator.resources import PLUGIN_MIRROR
from supplychain.errors import RegistryAuthError
from tests.support.cluster.gate import Gate
from tests.support.cluster.objects import condition, mirror, service
from tests.support.cluster.publishing import make_release, publish, pull_secret
from tests.support.registries import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.cluster.publishing import Published
    from tests.support.registries import Registry

WRONG, UPSTREAM = "TEST-ONLY-wrong", "TEST-ONLY-upstream"
KINDS = ("basic", "token")
_LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Gate]:
    """The host that plugins name; whoever connects to it is counted and gets no word."""
    with Gate.opened(None) as gate:
        yield gate


@pytest.fixture(scope="module")
def operator(world: World, upstream: Gate) -> Iterator[OperatorProcess]:
    """It is told where the mirrors are, because names of Services do not resolve outside a cluster."""
    flags = [f"--mirror-endpoint={kind}={registry(world, kind).host}" for kind in KINDS]
    with world.operator(flags=(*flags, f"--insecure-registry={upstream.host}")) as process:
        namespace = world.namespace("logins")
        for kind in KINDS:
            world.api.apply(service(namespace, kind))
            made = mirror(
                kind, registry=upstream.host, upstream="acme", namespace=namespace, prefix="copies", secret=f"{kind}-login"
            )
            world.api.apply(made)
        yield process
        defects = process.defects()
    assert not defects, defects[:3]


def registry(world: World, kind: str) -> Registry:
    found: Registry = getattr(world.registries, kind)
    return found


def mirrored(world: World, upstream: Gate, kind: str, name: str) -> Published:
    """Publish into the mirror alone, as somebody who may; plugins name the upstream."""
    found, repository = registry(world, kind), f"copies/{name}"
    authorization = _LOGIN
    if found.tokens is not None:
        token = found.tokens.give((f"repository:{repository}:pull,push",), authorization=_LOGIN)
        authorization = f"Bearer {token}"
        found.tokens.asked.clear()
    made = publish(make_release(name), host=found.host, repository=repository, form="fallback", authorization=authorization)
    return replace(made, host=upstream.host, repository=f"acme/{name}")


def login(world: World, kind: str, password: str) -> None:
    world.api.apply(pull_secret(f"{kind}-login", registry(world, kind).host, password=password))


def ready(world: World, name: str) -> tuple[str, str] | None:
    return condition(world.api.get(PLUGIN_MIRROR, name))


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_comes_through_a_mirror_that_demands_a_password(
    world: World, upstream: Gate, operator: OperatorProcess, kind: str
) -> None:
    name = f"by-{kind}"
    published = mirrored(world, upstream, kind, name)
    login(world, kind, WRONG)
    # The plugin's own credentials are for the upstream; nobody sends them anywhere.
    world.api.apply(pull_secret("upstream-login", upstream.host, password=UPSTREAM))
    world.install(name, published, mirrorRef={"name": kind}, pullSecretRef={"name": "upstream-login"})
    status = world.refused(name, RegistryAuthError.reason)
    assert "artefactSecretName" not in status
    world.until(lambda: ready(world, kind) == ("False", "MirrorAuthFailed"), seconds=60, what="the mirror to say the same")
    assert published.release.library not in world.all_bytes()
    login(world, kind, PASSWORD)
    status = world.ready(name, seconds=60)
    assert (status["cosignVerified"], status["slsaVerified"]) == (True, True)
    assert world.library(name) == published.release.library
    world.until(lambda: ready(world, kind) == ("True", "Reconciled"), seconds=60, what="the password to be taken")
    tokens = registry(world, kind).tokens
    if tokens is not None:
        scopes = {one for asked, right in tokens.asked if right for one in asked}
        assert f"repository:copies/{name}:pull" in scopes
        assert not any("push" in one for one in scopes)
    assert upstream.connections == 0
    said = operator.text() + world.cluster.kubectl("get", "mcpgpluginmirrors,mcpgplugins,events", "-A", "-o", "json")
    for secret in (PASSWORD, WRONG, UPSTREAM, _LOGIN.removeprefix("Basic ")):
        assert secret not in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_password_that_is_changed_keeps_out_what_is_new_and_takes_nothing_away(
    world: World, upstream: Gate, operator: OperatorProcess, kind: str
) -> None:
    old, new = f"old-{kind}", f"new-{kind}"
    known = mirrored(world, upstream, kind, old)
    login(world, kind, PASSWORD)
    world.install(old, known, image=known.tagged, mirrorRef={"name": kind})
    world.ready(old, seconds=60)
    login(world, kind, WRONG)
    world.install(new, mirrored(world, upstream, kind, new), mirrorRef={"name": kind})
    world.refused(new, RegistryAuthError.reason)
    world.until(
        lambda: condition(world.plugin(old), "Fresh") == ("False", RegistryAuthError.reason),
        seconds=60,
        what="the look at the tag to fail for the same reason",
    )
    assert world.is_ready(old)
    login(world, kind, PASSWORD)
    world.ready(new, seconds=60)
    world.until(lambda: condition(world.plugin(old), "Fresh")[0] == "True", seconds=60, what="the tag to be looked at again")
    assert upstream.connections == 0
    assert WRONG not in operator.text()
