"""Prometheus's own parser takes every rule file that is rendered for a gateway, and refuses a broken one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.components import component

RENDERED = sorted((Path(__file__).resolve().parents[2] / "testdata" / "render").glob("*/expected.yaml"))


def rules() -> dict[str, dict[str, Any]]:
    """Give the spec of every PrometheusRule among the rendered cases, by case."""
    found = {}
    for file in RENDERED:
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            for one in document if isinstance(document, list) else [document]:
                if isinstance(one, dict) and one.get("kind") == "PrometheusRule":
                    found[file.parent.name] = one["spec"]
    return found


RULES = rules()


def judged(spec: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump(spec), encoding="utf-8")
    return subprocess.run([component("rulefmt"), file], capture_output=True, text=True, check=False)


def test_there_are_rules_to_judge() -> None:
    assert len(RULES) >= 4


@pytest.mark.parametrize("case", sorted(RULES))
def test_prometheus_takes_the_rules_of_a_gateway(case: str, tmp_path: Path) -> None:
    done = judged(RULES[case], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_prometheus_refuses_a_broken_expression(tmp_path: Path) -> None:
    broken = {"groups": [{"name": "one", "rules": [{"alert": "Broken", "expr": "sum(rate("}]}]}
    done = judged(broken, tmp_path)
    assert done.returncode == 1
    assert "parse error" in done.stderr
