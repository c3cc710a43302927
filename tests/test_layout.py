"""The folder `operator/` shares its name with a module of the standard library; this is what keeps the two apart."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_folder_operator_holds_no_python_of_its_own() -> None:
    assert (ROOT / "operator").is_dir()
    assert sorted(path.name for path in (ROOT / "operator").glob("*.py*")) == []


def test_the_module_operator_is_the_standard_librarys() -> None:
    assert operator.__file__ is not None
    assert Path(operator.__file__).is_relative_to(sysconfig.get_path("stdlib"))
    assert operator.attrgetter("name")(ROOT) == ROOT.name


@pytest.mark.parametrize("safe", ["", "1"])
def test_python_starts_at_the_root_of_the_repository(safe: str) -> None:
    script = "import enum, operator, sys; sys.stdout.write(operator.__file__)"
    environment = {**os.environ, "PYTHONSAFEPATH": safe, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout).is_relative_to(sysconfig.get_path("stdlib"))


def test_no_test_folder_is_named_like_a_module_of_the_standard_library() -> None:
    folders = {path.name for path in (ROOT / "tests").rglob("*") if path.is_dir()}
    assert folders & sys.stdlib_module_names == set()
