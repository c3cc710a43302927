"""The ledger tells listeners what is news, and nothing that is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mcpg_operator.ledger import Ledger, Standing, Stored, Verified
from supplychain.digest import ArtifactHash, ManifestDigest

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ENTRY = Verified(name="audit", uid="u1", generation=1, standing=Standing.VERIFIED, reason="Reconciled", message="", at=NOON)


@pytest.fixture
def told():
    return []


@pytest.fixture
def ledger(told):
    found = Ledger()
    found.listen(told.append)
    return found


def test_a_plugin_that_was_not_judged_has_no_standing(ledger):
    assert ledger.get("audit") is None
    assert ledger.all() == ()


def test_entries_are_given_by_name(ledger):
    ledger.put(replace(ENTRY, name="b"))
    ledger.put(replace(ENTRY, name="a"))
    assert [one.name for one in ledger.all()] == ["a", "b"]
    assert ledger.get("a") == replace(ENTRY, name="a")


def test_the_same_verdict_again_is_no_news(ledger, told):
    ledger.put(ENTRY)
    ledger.put(replace(ENTRY, at=NOON + timedelta(hours=1), message="the same, later"))
    assert told == ["audit"]
    assert ledger.get("audit").message == "the same, later"


@pytest.mark.parametrize(
    "change",
    [
        {"uid": "u2"},
        {"generation": 2},
        {"standing": Standing.REVOKED},
        {"reason": "PullFailed"},
        {"plugin_id": "dev.acme.other"},
        {"version": "2.0.0"},
        {"keys": (b"k" * 32,)},
        {"artifact_hash": ArtifactHash("ab" * 32)},
        {"manifest_digest": ManifestDigest.parse("sha256:" + "ab" * 32)},
        {"stored": Stored(secret="mcpg-plugin-audit-x", digests={}, size=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_a_set_depends_on_is_news(ledger, told, change):
    ledger.put(ENTRY)
    ledger.put(replace(ENTRY, **change))
    assert told == ["audit", "audit"]


def test_a_plugin_that_is_gone_is_news_once(ledger, told):
    ledger.put(ENTRY)
    ledger.drop("audit")
    ledger.drop("audit")
    assert told == ["audit", "audit"]
    assert ledger.get("audit") is None
