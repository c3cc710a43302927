"""What `make demo-cluster` shows happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpg_operator.resources import NAMESPACE
from tests.support.cluster.demo import operating, play, stock
from tests.support.cluster.nodes import running_nodes

if TYPE_CHECKING:
    from tests.e2e.world import World


def test_the_demo_shows_plugins_getting_ready_and_a_revoked_one_leaving(world: World) -> None:
    host = world.registries.referrers.host
    stock(host)
    told: list[str] = []
    try:
        with running_nodes(world.cluster), operating(world.cluster, host) as operator:
            play(world.cluster, told.append)
            assert operator.defects() == []
    finally:
        for name in ("team-a", "oci-mirror"):
            world.api.delete(NAMESPACE, name)
    text = "\n".join(told)
    for line in ("acme-audit  Ready=True", "acme-meter  Ready=True", "acme-tampered  Ready=False VerificationFailed"):
        assert line in text
    assert "the gateways of team-a load: dev.acme.audit, dev.acme.meter\n" in text
    assert "replicas" in text.split("refused.yaml")[1].split("$ kubectl")[0]
    assert "later no pod loads it" in text
    assert "acme-audit   False ArtefactRevoked" in text
    assert "team-a/shop  False PluginRevoked" in text
    assert text.endswith("the gateways of team-a load: dev.acme.meter")
