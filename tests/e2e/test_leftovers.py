"""What nobody needs any more: copies beside sets go after the grace time, Secrets at home as soon as no set could need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.render.plugin_set import BINDING, UNUSED_SINCE
from mcpg_operator.resources import DEPLOYMENT, PLUGIN, PLUGIN_SET, ROLE_BINDING, SECRET
from tests.e2e.world import RESYNC
from tests.support.cluster.objects import condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.world import World
    from tests.support.cluster.operator_process import OperatorProcess

GRACE = 4
HELD = "mcpg_operator_secrets_held_back"


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[OperatorProcess]:
    """It waits for seconds where others wait for minutes."""
    with world.operator(flags=(f"--unused-copy-grace-secs={GRACE}", "--retain-digests=0")) as process:
        yield process
        defects = process.defects()
    assert not defects, defects[:3]


def mark(world: World, namespace: str, name: str) -> str | None:
    found = world.api.get(SECRET, name, namespace=namespace)
    assert found is not None, "the copy went without a mark"
    notes: dict[str, str] = found["metadata"].get("annotations", {})
    return notes.get(UNUSED_SINCE)


def deployment(namespace: str, secret: str) -> dict[str, Any]:
    """A workload without pods whose next pod would mount the Secret."""
    labels = {"app": "gateway"}
    pod = {
        "containers": [{"name": "main", "image": "none.invalid/none"}],
        "volumes": [{"name": "plugin", "secret": {"secretName": secret}}],
    }
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "gateway", "namespace": namespace}, "spec": spec}


@pytest.mark.usefixtures("operator")
def test_a_superseded_copy_goes_after_the_grace_time_of_the_settings(world: World) -> None:
    tenant = world.namespace("superseded")
    world.add("moving")
    world.add_set(tenant, "main", "moving")
    world.set_ready(tenant, "main")
    [old] = world.resolved(tenant, "main")["dev.acme.moving"]["secrets"]
    world.api.create(deployment(tenant, old["name"]))
    world.install("moving", world.publish("moving", version="1.3.0"))
    world.until(lambda: world.status("moving").get("version") == "1.3.0", what="the new version to be verified")
    world.until(lambda: mark(world, tenant, old["name"]), what="the old copy to be marked")
    marked = mark(world, tenant, old["name"])
    end = datetime.fromisoformat(marked or "") + timedelta(seconds=GRACE + 2 * RESYNC)
    world.until(lambda: datetime.now(UTC) > end, what="the grace time to pass, and two looks more")
    assert mark(world, tenant, old["name"]) == marked, "a workload still mentions it"
    world.api.delete(DEPLOYMENT, "gateway", namespace=tenant)
    world.until(lambda: world.api.get(SECRET, old["name"], namespace=tenant) is None, what="the old copy to go")
    world.set_ready(tenant, "main")
    [new] = world.resolved(tenant, "main")["dev.acme.moving"]["secrets"]
    assert world.api.get(SECRET, new["name"], namespace=tenant) is not None


def test_one_set_that_cannot_be_read_holds_back_its_own_plugins_alone(world: World, operator: OperatorProcess) -> None:
    tenant = world.namespace("barred")
    stranger = {"kind": "ServiceAccount", "name": "stranger", "namespace": tenant}
    world.api.create(
        {
            "apiVersion": ROLE_BINDING.api_version,
            "kind": ROLE_BINDING.name,
            "metadata": {"name": BINDING, "namespace": tenant},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": BINDING},
            "subjects": [stranger],
        }
    )
    for name in ("needed", "foreign"):
        world.add(name)
    world.add_set(tenant, "main", "needed")
    world.until(lambda: condition(world.the_set(tenant, "main")) == ("False", "NameConflict"), what="the set to be barred")
    for name in ("needed", "foreign"):
        world.api.delete(PLUGIN, name)
    world.until(lambda: world.stored_for("foreign") == [], what="the Secrets that no set names to go")
    assert len(world.stored_for("needed")) == 1
    world.until(lambda: ("Warning", "SweepHeldBack") in world.events("main"), what="the set to be told")
    world.until(lambda: operator.metrics()[HELD] == 1, what="the metric")
    world.api.delete(PLUGIN_SET, "main", namespace=tenant)
    world.until(lambda: world.stored_for("needed") == [], what="the Secrets of the set to go with it")
    world.until(lambda: operator.metrics()[HELD] == 0, what="the metric to fall")
