"""`python -m mcpg_operator`: one command each for what the program can do; a command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcpg_operator import settings
from supplychain.errors import InputError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mcpg_operator", description="The Kubernetes operator of MCPG plugins.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    operator = commands.add_parser("run", help="run the operator; also what happens where no command is named")
    settings.add_flags(operator)
    operator.set_defaults(run=_run)
    crds = commands.add_parser("crds", help="write the CustomResourceDefinitions")
    crds.add_argument("--split-by-kind", metavar="DIR", type=Path, help="one file a kind into this folder")
    crds.add_argument("--docs", metavar="FILE", type=Path, help="the reference of all fields, as Markdown")
    crds.set_defaults(run=_crds)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in {*commands.choices, "-h", "--help"}:
        words.insert(0, "run")
    options = parser.parse_args(words)
    code: int = options.run(options)
    return code


def _run(options: argparse.Namespace) -> int:
    from mcpg_operator.app import run

    try:
        return run(settings.read(options, os.environ))
    except SupplyChainError as exc:
        hint = f"\n  hint: {exc.hint}" if exc.hint else ""
        sys.stderr.write(f"mcpg-operator: {exc.reason}: {exc}{hint}\n")
        return 2 if isinstance(exc, InputError) else 3


def _crds(options: argparse.Namespace) -> int:
    from mcpg_operator.crds.command import write

    write(folder=options.split_by_kind, reference=options.docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
