"""`supplychain report-schema`: the JSON Schema of `--output json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.cli.flags import Subparsers, add_command

if TYPE_CHECKING:
    import argparse

    from supplychain.cli.console import Console

__all__ = ["add_to", "run"]


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(commands, "report-schema", summary="print the JSON Schema (2020-12) of `--output json`")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the schema."""
    import json

    from supplychain.output.schema import report_schema

    del args
    console.print(json.dumps(report_schema(), indent=2) + "\n")
    return 0
