"""`supplychain completion`: a completion script for the shell, generated from the parser itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.cli.completion_scripts import bash, fish, zsh
from supplychain.cli.completion_words import commands
from supplychain.cli.flags import Subparsers, add_command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from supplychain.cli.completion_words import Command
    from supplychain.cli.console import Console

__all__ = ["add_to", "run"]

_EPILOG = """\
examples:
  supplychain completion bash > ~/.local/share/bash-completion/completions/supplychain
  supplychain completion zsh > "${fpath[1]}/_supplychain"
  supplychain completion fish > ~/.config/fish/completions/supplychain.fish
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(commands, "completion", summary="print a completion script for your shell", epilog=_EPILOG)
    parser.add_argument("shell", choices=sorted(_SHELLS))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the script."""
    console.print(_SHELLS[args.shell](tuple(commands(args.parser))))
    return 0


_SHELLS: Final[Mapping[str, Callable[[Sequence[Command]], str]]] = {"bash": bash, "fish": fish, "zsh": zsh}
