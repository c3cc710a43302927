"""Trust roots and revocation lists that are older than they may be: closed for what is new, nothing taken from what runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mcpg_operator.resources import PLUGIN, Key
from supplychain.digest import ArtifactHash
from tests.operators.plugin.world import KEYLESS, LIBRARY, Operator, build_package, operator
from tests.support import scenario

HASH = ArtifactHash.of(LIBRARY)
DAY = 86400.0
YOUNG, OLD = "2026-01-30T00:00:00Z", "2025-11-01T00:00:00Z"


def metric(op: Operator, name: str, subject: str) -> float | None:
    return op.world.metrics.registry.get_sample_value(f"mcpg_operator_{name}_timestamp_seconds", {"subject": subject})


def ready(op: Operator, **changes: Any) -> Operator:
    op.publish()
    op.provenance().apply(**{"trust": KEYLESS, **changes}).settle()
    assert op.ready() == ("True", "Reconciled")
    return op


def dated(as_of: list[date]) -> Any:
    return lambda: replace(scenario.trust_root(), as_of=as_of[-1])


# --- revocation lists


def listed(*hashes: Any, issued_at: str | None = YOUNG, days: float = 30) -> Operator:
    return operator(max_revocation_list_age=days * DAY).revoke(*hashes, **({"issuedAt": issued_at} if issued_at else {}))


@pytest.mark.parametrize("issued_at", [OLD, None, "2030-01-01T00:00:00Z", "soon"])
def test_an_old_list_lets_nothing_new_in_and_asks_no_registry(issued_at):
    op = listed(issued_at=issued_at)
    op.publish()
    op.apply().settle()
    assert op.ready() == ("False", "RevocationListStale")
    assert op.registry.requests == []
    assert op.secrets() == []
    op.revoke(issuedAt=YOUNG).settle()
    assert op.ready() == ("True", "Reconciled")


def test_what_was_verified_stays_when_the_list_grows_old_and_after_a_restart():
    op = ready(listed())
    assert op.conditions()["Fresh"] == ("True", "Reconciled")
    op.resync(40 * DAY)
    assert op.ready() == ("True", "Reconciled")
    assert op.conditions()["Fresh"] == ("False", "RevocationListStale")
    assert op.conditions()["Revoked"] == ("Unknown", "RevocationListStale")
    assert not [one for one in op.world.events() if one[0] == "Warning"], "the list itself tells of it, once"
    said = op.message("Fresh")
    assert said.startswith("nothing new is let in since 2026-03-12T")
    assert "what was verified before stays" in said
    assert "good until 2026-03-01T00:00:00Z" in said
    again = op.restart()
    assert again.ready() == ("True", "Reconciled")
    again.resync()
    writes = len(again.world.cluster.writes)
    assert again.message("Fresh") == said, "a condition names times, so that it does not change while nothing else does"
    again.resync()
    assert len(again.world.cluster.writes) == writes
    again.revoke(issuedAt="2026-03-12T00:00:00Z").settle()
    again.resync()
    assert again.conditions()["Fresh"][0] == "True"
    assert again.conditions()["Revoked"] == ("False", "Reconciled")


def test_a_pinned_plugin_says_so_as_well():
    op = listed()
    digest = op.publish()
    ready(op, oci={"image": f"registry.example/acme/plugins/echo@{digest}"})
    op.resync(40 * DAY)
    assert (op.ready(), op.conditions()["Fresh"]) == (("True", "Reconciled"), ("False", "RevocationListStale"))


def test_a_tag_that_moves_is_not_followed_while_the_list_is_old():
    op = ready(listed(), trust={})
    op.world.later(40 * DAY)
    op.publish(build_package(artifact=LIBRARY + b"new"))
    op.resync()
    assert op.library() == LIBRARY
    op.revoke(issuedAt="2026-03-12T00:00:00Z").settle()
    op.resync()
    assert op.library() == LIBRARY + b"new"


def test_what_an_old_list_names_is_revoked_all_the_same():
    op = ready(listed())
    op.revoke(HASH, issuedAt=OLD).settle()
    assert op.ready() == ("False", "ArtefactRevoked")


def test_a_list_that_grows_old_while_something_is_downloaded_lets_it_not_in():
    op = listed()
    op.publish()
    op.held = True
    op.apply().settle()
    op.revoke(issuedAt=OLD)
    op.world.woken.clear()
    while op.lanes.work_once():
        pass
    op.settle()
    assert op.ready() == ("False", "RevocationListStale")
    assert op.secrets() == []


def test_a_list_that_cannot_be_read_is_the_graver_trouble():
    op = listed(issued_at=OLD).revoke("nonsense", issuedAt=OLD)
    op.publish()
    op.apply().settle()
    assert op.ready() == ("False", "RevocationListInvalid")


# --- the trust root


def rooted(as_of: list[date], days: float = 30) -> Operator:
    op = operator(max_trust_root_age=days * DAY)
    op.root = dated(as_of)
    return op


def test_an_old_root_lets_nothing_new_in_and_a_confirmed_one_does():
    as_of = [date(2025, 11, 1)]
    op = rooted(as_of)
    op.publish()
    op.provenance().apply(trust=KEYLESS).settle()
    assert op.ready() == ("False", "TrustRootUnavailable")
    assert "good until 2025-12-02T00:00:00Z" in op.message("Ready")
    assert op.registry.requests == []
    op.refresh_trust()
    assert metric(op, "fresh_until", "trust-root") == datetime(2025, 12, 2, tzinfo=UTC).timestamp()
    assert metric(op, "confirmed", "trust-root") == datetime(2025, 11, 1, tzinfo=UTC).timestamp()
    as_of.append(date(2026, 1, 31))
    op.refresh_trust()
    assert op.ready() == ("True", "Reconciled"), "the same root, confirmed anew, is news"


def test_a_root_of_unknown_age_lets_nothing_new_in():
    op = operator(max_trust_root_age=DAY)
    op.publish()
    op.provenance().apply(trust=KEYLESS).settle()
    assert op.ready() == ("False", "TrustRootUnavailable")
    op.refresh_trust()
    assert metric(op, "confirmed", "trust-root") is None
    assert metric(op, "fresh_until", "trust-root") is None


def test_what_was_verified_stays_when_the_root_grows_old_and_after_a_restart():
    op = ready(rooted([date(2026, 1, 31)]))
    op.resync(40 * DAY)
    assert (op.ready(), op.conditions()["Fresh"]) == (("True", "Reconciled"), ("False", "TrustRootUnavailable"))
    assert ("Warning", "TrustRootUnavailable") in op.world.events()
    again = op.restart()
    assert (again.ready(), again.conditions()["Fresh"]) == (("True", "Reconciled"), ("False", "TrustRootUnavailable"))
    assert again.entry().package is not None


@pytest.mark.parametrize("which", ["the root", "the list"])
def test_a_tag_that_moves_while_something_grows_old_takes_nothing_away(which):
    as_of = [date(2026, 1, 31)]
    op = ready(rooted(as_of) if which == "the root" else listed(), trust={"cosignIdentity": KEYLESS["cosignIdentity"]})
    op.publish(build_package(artifact=LIBRARY + b"new"))
    op.held = True
    op.resync()
    op.world.later(40 * DAY)
    while op.lanes.work_once():
        pass
    op.settle()
    assert (op.ready(), op.library()) == (("True", "Reconciled"), LIBRARY)
    assert op.conditions()["Fresh"] == ("False", "TrustRootUnavailable" if which == "the root" else "RevocationListStale")
    op.held = False
    as_of.append(date(2026, 3, 12))
    op.refresh_trust()
    op.revoke(issuedAt="2026-03-12T00:00:00Z").settle()
    op.resync()
    assert (op.ready(), op.library()) == (("True", "Reconciled"), LIBRARY + b"new")


def test_a_plugin_that_needs_no_root_does_not_care_how_old_it_is():
    op = rooted([date(2020, 1, 1)])
    op.publish()
    op.apply().settle()
    assert op.ready() == ("True", "Reconciled")
    assert op.roots == 0


def test_a_root_that_grows_old_while_something_is_downloaded_lets_it_not_in():
    op = rooted([date(2026, 1, 31)])
    op.publish()
    op.held = True
    op.provenance().apply(trust=KEYLESS).settle()
    op.world.later(60 * DAY)
    while op.lanes.work_once():
        pass
    op.world.woken.append(Key(PLUGIN, "echo"))
    op.settle()
    assert op.ready()[0] == "False"
    assert op.secrets() == []


def test_without_the_settings_nothing_is_too_old():
    op = operator().revoke(issuedAt="1999-01-01T00:00:00Z")
    op.root = dated([date(1999, 1, 1)])
    ready(op)
    assert op.conditions()["Fresh"] == ("True", "Reconciled")
    op.refresh_trust()
    assert metric(op, "confirmed", "trust-root") == datetime(1999, 1, 1, tzinfo=UTC).timestamp()
    assert metric(op, "fresh_until", "trust-root") is None


def test_days_pass_for_roots_in_files_too(tmp_path):
    import os

    from mcpg_operator.trust import Trust
    from supplychain.errors import TrustRootUnavailableError
    from supplychain.freshness import Budget

    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    path = tmp_path / "trusted_root.json"
    path.write_bytes(scenario.SIGSTORE.trusted_root())
    os.utime(path, (now.timestamp(), now.timestamp()))
    clock = [now]
    trust = Trust(path=path, now=lambda: clock[-1], budget=Budget(trust_root=timedelta(days=9)))
    assert trust.freshness is None
    assert trust().each[0].as_of == date(2026, 1, 31)
    clock.append(now + timedelta(days=10))
    with pytest.raises(TrustRootUnavailableError):
        trust()
    assert trust.whatever_age().each
    assert trust.refresh() is True
    assert trust.refresh() is False
    os.utime(path, (clock[-1].timestamp(), clock[-1].timestamp()))
    assert trust.refresh() is True
    assert trust().each[0].as_of == date(2026, 2, 10)


def test_a_file_whose_time_nobody_can_read_is_of_unknown_age(tmp_path, monkeypatch):
    from mcpg_operator import trust as module

    path = tmp_path / "trusted_root.json"
    path.write_bytes(scenario.SIGSTORE.trusted_root())

    class Beyond:
        st_mtime = 1e30

    monkeypatch.setattr(type(path), "stat", lambda *_, **__: Beyond())
    assert module._written_on(path) is None
