"""Runs the command that each case's README shows, and compares the report with what the case must come to."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.cli.main import main
from tests.support.testdata.cases import FOLDER
from tests.support.testdata.release import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

CASES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def command(folder: Path) -> list[str]:
    """The words after `supplychain` of the one command in the README."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    block = text.partition("```console\n")[2].partition("```")[0]
    program, *words = shlex.split(block.replace("\\\n", " "))
    assert program == "supplychain"
    return words


def found_of(report: dict[str, Any]) -> dict[str, Any]:
    """What a report says, in the words of `expected.json`."""
    [target] = report["reports"]
    found: dict[str, Any] = {"verdict": target["verdict"]}
    if target.get("error"):
        return found | {"reason": target["error"]["reason"]}
    found["layers"] = {layer["layer"]: _layer(layer) for layer in target["layers"]}
    return found


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    found = {"outcome": layer["outcome"]}
    if layer.get("problem"):
        found["reason"] = layer["problem"]["reason"]
    rejected = [candidate["problem"]["reason"] for candidate in layer.get("candidates", []) if candidate.get("problem")]
    return found | ({"candidates": rejected} if rejected else {})


@pytest.mark.parametrize("name", CASES)
def test_the_case_gets_its_verdict(name, monkeypatch, capsys):
    folder = FOLDER / name
    monkeypatch.chdir(REPOSITORY)
    code = main([*command(folder), "--output", "json"], clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    printed = capsys.readouterr()
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    exit_code, failure = expected.pop("exitCode"), expected.pop("failure", None)
    assert found_of(json.loads(printed.out)) == expected
    assert code == exit_code
    assert failure is None or printed.err.startswith(f"error: {failure}")


@pytest.mark.parametrize("name", CASES)
def test_the_case_says_what_it_is_about(name):
    title, threat, *_ = (FOLDER / name / "README.md").read_text(encoding="utf-8").split("\n\n")
    assert title.startswith("# ")
    assert len(threat) > 40
    assert name.rpartition("_")[2] in ("trusted", "refused", "unavailable", "invalid")
