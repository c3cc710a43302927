"""What gateways get to read."""

from __future__ import annotations

import json
import random

from mcpg_operator.controllers.revocation_list.copies import CONTENT_HASH, COPY_LABELS, content_hash, copy_manifest, render
from mcpg_operator.revocations import LIST
from supplychain.revocation import from_spec, parse_revocation_list
from tests.operators.world import World


def revocations(count: int, *, reason: str = "compromised build in region 1, see the notice"):
    numbers = random.Random(count)
    entries = [
        {"artifactSha256": numbers.randbytes(32).hex(), "reason": reason, "revokedAt": "2026-01-31T12:00:00Z"}
        for _ in range(count)
    ]
    return from_spec({"revocations": entries, "issuedAt": "2026-01-31T12:00:00Z"}, name=LIST)


def test_a_short_list_is_in_canonical_form():
    wanted = revocations(3)
    assert render(wanted) == wanted.render()


def test_a_long_list_says_the_same_in_fewer_bytes():
    wanted = revocations(5_000)
    rendered = render(wanted)
    assert rendered is not None
    assert len(rendered) <= 1_000_000 < len(wanted.render())
    assert json.loads(rendered) == json.loads(wanted.render())


def test_gateways_read_what_is_rendered():
    for count in (0, 3, 5_000):
        wanted = revocations(count)
        rendered = render(wanted)
        assert rendered is not None
        found = parse_revocation_list(rendered, name="a file")
        assert (found.entries, found.problems) == (wanted.entries, ())


def test_a_list_beyond_what_a_configmap_holds_is_not_cut():
    assert render(revocations(8_000)) is None


def test_a_copy_is_valid_for_the_api_server_and_bears_our_labels():
    world = World()
    rendered = render(revocations(5_000))
    assert rendered is not None
    found = world.cluster.apply(copy_manifest("team", rendered), manager="test")
    assert found.annotations[CONTENT_HASH] == content_hash(rendered)
    assert found.labels[CONTENT_HASH] == content_hash(rendered)[:32]
    assert COPY_LABELS.items() <= found.labels.items()
