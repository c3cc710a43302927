"""`python -m tests.docs PAGE …`: what the commands of task pages print, for whoever writes them, and what differs."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from tests.docs.running import PAGES, run
from tests.support.cluster import RunningCluster, definitions, rights


def main(names: list[str]) -> int:
    """Run the named pages, or all of them; returns the exit code."""
    failed = False
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpg-docs-")))

        @cache
        def cluster() -> RunningCluster:
            (folder / "cluster").mkdir()
            running = stack.enter_context(RunningCluster.running(folder / "cluster", definitions=definitions()))
            running.api.apply(rights())
            return running

        for name in names or PAGES:
            (folder / name).mkdir()
            printed, found = run(name, folder / name, cluster)
            for one in printed:
                text = "".join(f"{line}\n" for line in one.lines)
                sys.stdout.write(f"$ {one.command.text}\n{text}[{one.code}]\n")
            for difference in found:
                failed = True
                sys.stdout.write(f"DIFFERS {difference}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
