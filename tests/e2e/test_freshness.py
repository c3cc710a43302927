"""Lists and roots that are too old on a real cluster: the door is closed, and nobody inside is put out."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import REVOCATION_LIST
from tests.support.cluster.objects import condition, revocation_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

HOUR = timedelta(hours=1)
UNTIL = 'mcpg_operator_fresh_until_timestamp_seconds{subject="%s"}'


@pytest.fixture(scope="module")
def strict(world: World) -> Iterator[OperatorProcess]:
    issue(world, timedelta())
    with world.operator(flags=("--max-revocation-list-age-secs=7200", "--max-trust-root-age-secs=864000")) as process:
        yield process
        defects = process.defects()
    assert not defects, defects[:3]


def issue(world: World, ago: timedelta, *hashes: str) -> float:
    """Let the list say that it was issued so long ago; gives from when on it is too old."""
    at = (datetime.now(UTC) - ago).replace(microsecond=0)
    wanted: dict[str, Any] = revocation_list(*hashes)
    wanted["spec"]["issuedAt"] = at.isoformat().replace("+00:00", "Z")
    world.api.apply(wanted)
    return (at + 2 * HOUR).timestamp()


def the_list(world: World) -> dict[str, Any]:
    return world.api.get(REVOCATION_LIST, "cluster-default") or {}


def test_an_old_list_closes_the_door_and_puts_nobody_out(world: World, strict: OperatorProcess) -> None:
    first = world.add("inside")
    until = issue(world, 3 * HOUR)
    world.until(lambda: condition(the_list(world), "Fresh") == ("False", "RevocationListStale"), what="the list to be too old")
    assert condition(the_list(world)) == ("True", "Reconciled")
    world.until(lambda: strict.metrics().get(UNTIL % "revocations") == until, what="the metric to follow")
    world.install("outside", world.publish("outside"))
    world.refused("outside", "RevocationListStale")
    stale = ("False", "RevocationListStale")
    world.until(lambda: condition(world.plugin("inside"), "Fresh") == stale, what="the plugin to say so")
    strict.restart()
    strict.wait_until_ready()
    world.until(lambda: world.is_ready("inside"), what="the verified plugin to be Ready after the restart")
    assert not world.is_ready("outside")
    issue(world, timedelta())
    world.ready("outside")
    world.until(lambda: condition(world.plugin("inside"), "Fresh")[0] == "True", what="the plugin to be fresh again")
    issue(world, 3 * HOUR, first.release.artifact_hash)
    world.until(lambda: world.status("inside").get("revokedBySha") is True, what="an old list to revoke all the same")
    issue(world, timedelta())


def test_an_old_root_closes_the_door_and_puts_nobody_out(world: World, strict: OperatorProcess) -> None:
    world.add("rooted")
    written = (datetime.now(UTC) - timedelta(days=30)).timestamp()
    os.utime(world.trust_root, (written, written))
    limit = datetime.now(UTC).timestamp()
    world.until(lambda: 0 < strict.metrics().get(UNTIL % "trust-root", 0) < limit, seconds=60, what="the operator to look at it")
    world.install("unrooted", world.publish("unrooted"))
    world.refused("unrooted", "TrustRootUnavailable")
    assert world.is_ready("rooted")
    os.utime(world.trust_root)
    world.ready("unrooted", seconds=60)
