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
    parser.add_argument(
        "report",
        nargs="?",
        choices=("verdict", "lint", "diff", "revoke"),
        default="verdict",
        help="whose report; default: verdict, of all others",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the schema."""
    import json

    from supplychain.output.change_schemas import diff_schema, revoke_schema
    from supplychain.output.lint_schema import lint_schema
    from supplychain.output.schema import report_schema

    build = {"lint": lint_schema, "diff": diff_schema, "revoke": revoke_schema}.get(args.report, report_schema)
    console.print(json.dumps(build(), indent=2) + "\n")
    return 0
