"""Commands that the demonstration runs and shows: as a person types them, in a folder, with what they print."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Teller", "digests"]

_SECONDS: Final = 120


class Teller:
    """Speaks for one side; every line that it says begins with the side's name."""

    def __init__(self, side: str, folder: Path, *, environment: Mapping[str, str] | None = None, programs: str = "") -> None:
        own = Path(sys.executable).parent
        self._side = side
        self._folder = folder
        self._environment = {
            "PATH": f"{own}:{programs}:{os.environ.get('PATH', os.defpath)}", "HOME": str(folder), "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1", **(environment or {}),
        }  # fmt: skip

    def say(self, text: str) -> None:
        """Say something, line by line."""
        sys.stdout.write("".join(f"{self._side:8} │ {line}\n" for line in text.splitlines()))
        sys.stdout.flush()

    def run(self, command: str, *, code: int = 0, only: str = "") -> str:
        """Run a command in the folder, say what it prints (where given, `only` lines that match from their start), return all of it.

        Raises:
            RuntimeError: it ended with another exit code.
        """
        done = subprocess.run(
            shlex.split(command), cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        self.say(f"$ {command}")
        self.say("\n".join(line for line in done.stdout.splitlines() if re.match(only, line)))
        if done.returncode != code:
            raise RuntimeError(f"{self._side}: `{command}` ended with {done.returncode}, not with {code}: {done.stdout[-3000:]}")
        if code:
            self.say(f"exit code {code}")
        return done.stdout

    def quietly(self, command: str) -> str:
        """Run a command without a word; it must end with 0."""
        return subprocess.run(
            shlex.split(command), cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, timeout=_SECONDS, check=True,
        ).stdout  # fmt: skip

    def check(self, what: str, *, holds: bool) -> None:
        """Say that something was looked at a second time.

        Raises:
            RuntimeError: it does not hold.
        """
        if not holds:
            raise RuntimeError(f"{self._side}: {what}: no")
        self.say(f"✓ {what}")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder, by name."""
    found = {}
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        with file.open("rb") as opened:
            found[file.name] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found
