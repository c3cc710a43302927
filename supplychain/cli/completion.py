"""`supplychain completion`: a completion script for the shell, generated from the parser itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from supplychain.cli.flags import Subparsers, add_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
    console.print(_SHELLS[args.shell](dict(_commands(args.parser))))
    return 0


def _commands(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """Walk the parser: each command path with the words that may follow it, flags and subcommands alike."""
    words: list[str] = []
    for action in parser._actions:  # noqa: SLF001 — argparse has no public way to list its own arguments
        words.extend(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 — as above
            for name, child in action.choices.items():
                words.append(name)
                yield from _commands(child, f"{prefix} {name}".strip())
        elif action.choices is not None and not action.option_strings:
            words.extend(str(choice) for choice in action.choices)
    yield prefix, sorted(set(words))


def _bash(commands: Mapping[str, list[str]]) -> str:
    cases = "\n".join(f'    "{path}") words="{" ".join(words)}" ;;' for path, words in sorted(commands.items()))
    return f"""\
# bash completion for supplychain
_supplychain() {{
  local path="" word candidate words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    candidate="${{path:+$path }}$word"
    case "$candidate" in
    {" | ".join(f'"{path}"' for path in sorted(commands) if path)}) path="$candidate" ;;
    esac
  done
  case "$path" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _supplychain supplychain
"""


def _zsh(commands: Mapping[str, list[str]]) -> str:
    return "#compdef supplychain\nautoload -U +X bashcompinit && bashcompinit\n" + _bash(commands)


def _fish(commands: Mapping[str, list[str]]) -> str:
    lines = ["# fish completion for supplychain"]
    for path, words in sorted(commands.items()):
        seen = "".join(f"; and __fish_seen_subcommand_from {word}" for word in path.split())
        condition = seen.removeprefix("; and ") or "__fish_use_subcommand"
        for word in words:
            option = f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" if word.startswith("-") else f"-a {word}"
            lines.append(f"complete -c supplychain -n '{condition}' {option}")
    return "\n".join(lines) + "\n"


_SHELLS: Final[Mapping[str, Callable[[Mapping[str, list[str]]], str]]] = {"bash": _bash, "fish": _fish, "zsh": _zsh}
