"""A missing component is never silent: it skips with the way to get it, or fails where everything must be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.components import component, evidence_directory

if TYPE_CHECKING:
    from pathlib import Path


def test_a_missing_component_skips_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_COMPONENTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-tool is not built: run `make tools`"):
        component("no-such-tool")


def test_a_missing_component_fails_where_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_COMPONENTS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-tool is not built: run `make tools`"):
        component("no-such-tool")


def test_a_program_on_the_path_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "no-such-tool"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert component("no-such-tool") == program


def test_missing_evidence_skips_and_names_the_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REQUIRE_COMPONENTS", raising=False)
    monkeypatch.setenv("EVIDENCE_DIR", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match=f"no foreign evidence in {tmp_path}"):
        evidence_directory()
    (tmp_path / "MANIFEST.json").touch()
    assert evidence_directory() == tmp_path


def test_a_missing_program_of_the_system_names_its_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REQUIRE_COMPONENTS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match=r"chromium is not installed: run `tools/browser\.sh` as root"):
        component("chromium")
