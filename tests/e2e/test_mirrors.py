"""Mirrors on a real cluster: everything comes from them, and nothing ever goes upstream."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mcpg_operator.resources import PLUGIN_MIRROR
from tests.support.cluster.gate import Gate
from tests.support.cluster.objects import condition, mirror, service
from tests.support.cluster.publishing import make_release, publish, pull_secret
from tests.support.registries import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess
    from tests.support.cluster.publishing import Published

HARBOR, VAULT, ABSENT = "harbor", "vault", "absent"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Gate]:
    """The host that plugins name; whoever connects to it is counted and gets no word."""
    with Gate.opened(None) as gate:
        yield gate


@pytest.fixture(scope="module")
def operator(world: World, upstream: Gate) -> Iterator[OperatorProcess]:
    """Names of Services do not resolve outside a cluster, so it is told where two of the mirrors are."""
    vault = world.registries.basic.host
    flags = (f"--mirror-endpoint={HARBOR}={world.gate.host}", f"--mirror-endpoint={VAULT}={vault}")
    with world.operator(flags=(*flags, f"--insecure-registry={upstream.host}")) as process:
        namespace = world.namespace("mirrors")
        world.api.apply(service(namespace, HARBOR))
        world.api.apply(mirror(HARBOR, registry=upstream.host, upstream="acme", namespace=namespace, prefix="copies"))
        yield process
        defects = process.defects()
    assert not defects, defects[:3]


def mirrored(world: World, upstream: Gate, name: str) -> Published:
    """Publish into the mirror alone; plugins name the upstream."""
    found = publish(make_release(name), host=world.registries.referrers.host, repository=f"copies/{name}")
    return replace(found, host=upstream.host, repository=f"acme/{name}")


def status_of(world: World, name: str) -> dict:
    return dict((world.api.get(PLUGIN_MIRROR, name) or {}).get("status", {}))


def ready(world: World, name: str) -> tuple[str, str] | None:
    return condition(world.api.get(PLUGIN_MIRROR, name))


@pytest.mark.usefixtures("operator")
def test_a_plugin_comes_from_its_mirror_with_all_its_evidence(world: World, upstream: Gate) -> None:
    published = mirrored(world, upstream, "copied")
    world.install("copied", published, mirrorRef={"name": HARBOR})
    status = world.ready("copied")
    assert (status["cosignVerified"], status["slsaVerified"]) == (True, True)
    assert world.library("copied") == published.release.library
    world.until(lambda: ready(world, HARBOR) == ("True", "Reconciled"), what="the mirror to be Ready")
    world.until(lambda: status_of(world, HARBOR).get("proxiedReferences") == 1, what="the plugin to be counted")
    assert status_of(world, HARBOR)["reachable"] is True
    assert upstream.connections == 0


@pytest.mark.usefixtures("operator")
def test_while_a_mirror_is_away_what_came_from_it_stays_and_nothing_goes_upstream(world: World, upstream: Gate) -> None:
    known = mirrored(world, upstream, "known")
    world.install("known", known, image=known.tagged, mirrorRef={"name": HARBOR})
    world.ready("known")
    world.gate.shut()
    try:
        world.until(lambda: ready(world, HARBOR) == ("False", "MirrorUnreachable"), seconds=60, what="the mirror to be missed")
        world.install("unknown", mirrored(world, upstream, "unknown"), mirrorRef={"name": HARBOR})
        world.refused("unknown", "RegistryUnavailable")
        world.until(lambda: condition(world.plugin("known"), "Fresh")[0] == "False", what="the look at the tag to fail")
        assert world.said("known")[0] == "True"
    finally:
        world.gate.open()
    world.ready("unknown", seconds=60)
    world.until(lambda: ready(world, HARBOR) == ("True", "Reconciled"), seconds=60, what="the mirror to be back")
    world.until(lambda: condition(world.plugin("known"), "Fresh")[0] == "True", what="the tag to be looked at again")
    assert upstream.connections == 0


@pytest.mark.usefixtures("operator")
def test_a_mirror_that_does_not_exist_or_does_not_cover_the_image_sends_nobody_upstream(world: World, upstream: Gate) -> None:
    world.install("astray", mirrored(world, upstream, "astray"), mirrorRef={"name": ABSENT})
    world.refused("astray", "MirrorUnresolved")
    stray = replace(mirrored(world, upstream, "stray"), repository="elsewhere/stray")
    world.install("stray", stray, mirrorRef={"name": HARBOR})
    world.refused("stray", "MirrorUnresolved")
    world.api.apply(mirror(ABSENT, registry=upstream.host, upstream="acme", namespace="mirrors"))
    world.until(lambda: ready(world, ABSENT) == ("False", "MirrorServiceNotFound"), what="the Service to be missed")
    assert world.said("astray")[0] == "False"
    assert upstream.connections == 0


@pytest.mark.usefixtures("operator")
def test_the_credentials_of_a_mirror_are_used_and_shown_to_nobody(
    world: World, upstream: Gate, operator: OperatorProcess
) -> None:
    vault = world.registries.basic.host
    world.api.apply(mirror(VAULT, registry=upstream.host, upstream="acme", namespace="mirrors", secret="vault-login"))
    world.until(lambda: ready(world, VAULT) == ("False", "PullSecretInvalid"), what="the Secret to be missed")
    world.api.apply(pull_secret("vault-login", vault, password="TEST-ONLY-wrong"))
    world.until(lambda: ready(world, VAULT) == ("False", "MirrorAuthFailed"), seconds=60, what="the password to be refused")
    world.api.apply(pull_secret("vault-login", vault))
    world.until(lambda: ready(world, VAULT) == ("True", "Reconciled"), seconds=60, what="the password to be taken")
    log = operator.text()
    assert PASSWORD not in log
    assert "TEST-ONLY-wrong" not in log
    assert PASSWORD not in world.cluster.kubectl("get", "mcpgpluginmirrors,mcpgplugins,events", "-A", "-o", "json")
    assert upstream.connections == 0
