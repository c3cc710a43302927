"""`python -m mcpg_operator crds`."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from mcpg_operator.__main__ import main
from mcpg_operator.crds import KINDS, render
from mcpg_operator.crds.reference import render_reference


def test_one_file_a_kind(tmp_path):
    assert main(["crds", "--split-by-kind", str(tmp_path / "new/folder")]) == 0
    found = {path.name: path.read_bytes() for path in (tmp_path / "new/folder").iterdir()}
    assert found == {f"{name}.yaml": text for name, text in render().items()}


def test_the_reference_goes_into_a_file(tmp_path, capsys):
    assert main(["crds", "--docs", str(tmp_path / "resources.md")]) == 0
    assert (tmp_path / "resources.md").read_text() == render_reference()
    assert capsys.readouterr().out == ""


def test_without_a_folder_one_stream_is_printed(capsys):
    assert main(["crds"]) == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [one["spec"]["names"]["kind"] for one in documents] == [one.kind.name for one in KINDS]


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["crd"])
    assert caught.value.code == 2
    assert "crd" in capsys.readouterr().err


def test_the_program_starts_as_a_module(tmp_path):
    subprocess.run([sys.executable, "-P", "-m", "mcpg_operator", "crds", "--split-by-kind", str(tmp_path)], check=True)
    assert len(list(tmp_path.iterdir())) == len(KINDS)


def test_a_command_loads_neither_kopf_nor_the_client():
    script = (
        "import sys; from mcpg_operator.__main__ import main; main(['crds']); print({'kopf', 'lightkube'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
