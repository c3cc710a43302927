"""Where tests find what the repository does not hold: real programs, and evidence of other projects.

A missing piece skips the test with one line that says how to get it; with `REQUIRE_COMPONENTS=1` in the environment it fails.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["component", "evidence_directory", "find"]

_ROOT = Path(__file__).resolve().parents[2]
_MODULES = dict.fromkeys(("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"), "kubernetes")
"""Programs that share a folder under `tools/`; the others have one of their own name."""
_PACKAGED = frozenset({"chromium", "fish", "zsh"})
"""Programs that Debian packages, and nothing here builds."""


def find(name: str) -> Path | None:
    """Look for the program `name`: built from `tools/` first, else on the PATH."""
    built = _ROOT / ".tools" / "bin" / name
    if os.access(built, os.X_OK):
        return built
    found = shutil.which(name)
    return Path(found) if found is not None else None


def component(name: str) -> Path:
    """Find the program `name`, or skip (or fail) the test that needs it."""
    found = find(name)
    if found is None and name in _PACKAGED:
        _missing(f"{name} is not installed: run `tools/browser.sh` as root, or install it yourself")
    if found is None:
        _missing(f"{name} is not built: run `make tools` (or `tools/build.sh {_MODULES.get(name, name)}`)")
    return found


def evidence_directory() -> Path:
    """Find the foreign evidence: `$EVIDENCE_DIR`, else `shared/evidence` beside the repository."""
    given = os.environ.get("EVIDENCE_DIR")
    directory = Path(given) if given else _ROOT.parent / "shared" / "evidence"
    if not (directory / "MANIFEST.json").is_file():
        _missing(f"no foreign evidence in {directory}: set EVIDENCE_DIR to a directory with its MANIFEST.json")
    return directory


def _missing(what: str) -> NoReturn:
    if os.environ.get("REQUIRE_COMPONENTS") == "1":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
