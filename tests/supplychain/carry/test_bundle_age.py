"""Bundles that were verified long ago, and bundles as targets of `diff` and `revoke`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from supplychain.cli.main import main
from supplychain.digest import ArtifactHash
from tests.supplychain.carry.test_bundle_verify import OTHER, MemoryDestination
from tests.supplychain.cli.test_diff import plugin, secret
from tests.support.builders import public_key
from tests.support.bundling import NAME, make_bundle
from tests.support.carrying import plugin as stored
from tests.support.scenario import AT, LIBRARY

DAY = timedelta(days=1)


@pytest.fixture
def desk(tmp_path: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.chdir(tmp_path)
    return MemoryDestination(tmp_path, capsys)


@pytest.mark.parametrize("own", [(), ("--key", "release.pub")])
def test_a_verdict_past_its_budget_makes_a_bundle_unavailable(desk: Any, own: tuple[str, ...]) -> None:
    make_bundle(desk.path, at=AT - 9 * DAY)
    assert desk.verify(*own, "--max-age", "verification=10d") == 0
    [found] = [one for one in desk.report["extra"]["freshness"] if one["kind"] == "verification"]
    assert found["state"] == "Stale"
    assert desk.verify(*own, "--max-age", "verification=9d") == 3
    assert desk.reasons == ["VerificationExpired"]
    assert [one["verdict"] for one in desk.report["reports"]] == ["Unavailable"]


def test_without_the_readers_key_nobody_asks_how_old_a_summary_is(desk: Any) -> None:
    make_bundle(desk.path, at=AT - 9 * DAY)
    assert desk.verify("--key", "release.pub", "--max-age", "verification=1d", key=False) == 0


def test_a_bundle_is_a_target_of_diff_and_of_revoke(desk: Any, capsys: Any) -> None:
    make_bundle(desk.path)
    (desk.folder / "other.pub").write_bytes(public_key(seed=b"another seed of thirty-two bytes"))
    (desk.folder / "list.json").write_text('{"version": 1, "revocations": []}')
    target = f"bundle:{desk.path}"
    assert main(["diff", target, "--key", "release.pub", "other.pub"], clock=lambda: AT) == 1
    assert "ed25519      Passed → Refused" in capsys.readouterr().out
    assert main(["revoke", target, "--reason", "x", "--list", "list.json", "--dry-run"], clock=lambda: AT) == 0
    assert capsys.readouterr().out.startswith(f"artifact {ArtifactHash.of(LIBRARY)}\n")


def test_a_whole_bundle_is_compared_plugin_by_plugin(desk: Any, capsys: Any) -> None:
    make_bundle(desk.path, (NAME, stored()[0]), (OTHER, stored()[0]))
    both = plugin("one", image=NAME, identity=None) + plugin("two", image=OTHER, identity=None)
    (desk.folder / "old.yaml").write_text(both + secret())
    (desk.folder / "new.yaml").write_text(both.replace("dev.mcpg.example.echo", "dev.mcpg.example.other", 1) + secret())
    assert main(["diff", "--policy", "old.yaml", "new.yaml", f"bundle:{desk.path}"], clock=lambda: AT) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("  ")]
    assert [line.split("  ")[0] for line in lines[:2]] == ["CHANGES", "SAME"], lines
    assert lines[2] == "2 compared: 1 same, 1 changes, 0 unknown"
