"""The program as a release engineer has it: beside nothing but what it depends on.

httpx loads click, rich and h2 where it finds them, and the development environment has all three: 60 ms that no user pays.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_TOOLS = Path(sys.executable).parent


@cache
def program(place: Path) -> Path:
    """Install the base lock file below `place` and return its console script; where that fails, the one beside this Python."""
    python = place / "base" / "bin" / "python"
    pip: list[str | Path] = [_TOOLS / "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    try:
        subprocess.run([_TOOLS / "uv", "venv", "--quiet", "--python", sys.executable, place / "base"], check=True)
        subprocess.run([*pip, "--require-hashes", "-r", _ROOT / "requirements" / "base.lock"], check=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        print(f"  ({exc}: measured in the development environment, where httpx finds more to load)")
        return _TOOLS / "supplychain"
    [packages] = (place / "base").glob("lib/python*/site-packages")
    (packages / "supplychain.pth").write_text(f"{_ROOT}\n")  # what an editable install comes to
    script = place / "base" / "bin" / "supplychain"
    script.write_text(f"#!{python}\nfrom supplychain.__main__ import console\nconsole()\n")
    script.chmod(0o755)
    return script
