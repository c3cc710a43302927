"""Completion scripts: what `completion_words` knows, in the languages of three shells.

Nothing is run while somebody types: the scripts hold every word. Names of commands, flags and choices are ours and plain; texts
about them are quoted for the shell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.cli.completion_words import PREFIXES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from supplychain.cli.completion_words import Command, Values

__all__ = ["bash", "fish", "zsh"]

_BASH = """\
# bash completion for supplychain
_supplychain() {{
  local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="" at="" kind="" words="" word candidate i
  # bash takes words apart at `=` and `:`
  [[ "$cur" == [=:] ]] && cur=""
  prev="${{COMP_WORDS[COMP_CWORD-1]}}"
  [[ "${{COMP_WORDS[COMP_CWORD]}}" == "=" ]] || {{ [[ "$prev" == "=" ]] && prev="${{COMP_WORDS[COMP_CWORD-2]}}"; }}
  for ((i = 1; i < COMP_CWORD; i++)); do
    candidate="${{at:+$at }}${{COMP_WORDS[i]}}"
    case "$candidate" in
    {paths}) at="$candidate" ;;
    esac
  done
  case "$at $prev" in
{values}
  *)
    case "$at" in
{arguments}
    esac
    if [[ "$cur" == -* || -z "$kind" ]]; then
      kind=choice
      case "$at" in
{words}
      esac
    fi ;;
  esac
  [[ "$prev" == ":" || "${{COMP_WORDS[COMP_CWORD]}}" == ":" ]] && kind=file
  COMPREPLY=()
  case "$kind" in
  choice) _supplychain_offer -W "$words" -- "$cur" ;;
  folder) _supplychain_offer -d -- "$cur"; compopt -o filenames 2> /dev/null ;;
  file) _supplychain_offer -f -- "$cur"; compopt -o filenames 2> /dev/null ;;
  target)
    _supplychain_offer -f -- "$cur"
    compopt -o filenames 2> /dev/null
    if [[ "${{#COMPREPLY[@]}}" -eq 0 ]]; then
      _supplychain_offer -W "{prefixes}" -- "$cur"
      compopt +o filenames -o nospace 2> /dev/null
    fi ;;
  esac
}}
_supplychain_offer() {{ # one a line, so that names may have spaces; without mapfile, which bash 3.2 lacks
  local one
  while IFS= read -r one; do COMPREPLY+=("$one"); done < <(compgen "$@")
}}
complete -F _supplychain supplychain
"""
_ZSH = """\
#compdef supplychain
_supplychain() {{
  local at="" kind="" prev="$words[CURRENT-1]" candidate
  local -a offered
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    candidate="${{at:+$at }}$words[i]"
    case "$candidate" in
    {paths}) at="$candidate" ;;
    esac
  done
  if [[ "$words[CURRENT]" == --*=* ]]; then
    prev="${{words[CURRENT]%%=*}}"
    compset -P 1 '*='
  fi
  case "$at $prev" in
{values}
  *)
    case "$at" in
{arguments}
    esac
    if [[ "$words[CURRENT]" == -* || -z "$kind" ]]; then
      kind=flags
      case "$at" in
{words}
      esac
    fi ;;
  esac
  case "$kind" in
  choice) compadd -a offered ;;
  flags) _describe -V supplychain offered ;;
  folder) _files -/ ;;
  file) _files ;;
  target)
    if compset -P '({alternatives})'; then _files; else compadd -S '' -- {prefixes}; _files; fi ;;
  esac
}}
if [[ "$funcstack[1]" == "_supplychain" ]]; then _supplychain "$@"; else compdef _supplychain supplychain; fi
"""
_FISH = """\
# fish completion for supplychain
function __supplychain_at -d 'whether the command so far is this one'
  set -l at
  for word in (commandline -opc)[2..-1]
    contains -- (string join ' ' $at $word) {paths}; and set -a at $word
  end
  test "$at" = "$argv"
end"""


def bash(commands: Sequence[Command]) -> str:
    """Write the script for bash 3.2 and later."""
    words = (f'      "{" ".join(one.path)}") words="{" ".join(_words(one))}" ;;' for one in commands)
    return _BASH.format(
        paths=_paths(commands),
        values="\n".join(_cases(commands, 'words="{}"')),
        arguments="\n".join(_arguments(commands, 'words="{}"')),
        words="\n".join(words),
        prefixes=" ".join(PREFIXES),
    )


def zsh(commands: Sequence[Command]) -> str:
    """Write the script for zsh 5, with what each word is about."""
    words = []
    for one in commands:
        told = dict(one.subcommands) | {name: flag.about for flag in one.flags for name in flag.names}
        listed = " ".join(_single(f"{name}:{about.replace(':', ' -')}") for name, about in told.items())
        words.append(f'      "{" ".join(one.path)}") offered=({listed}) ;;')
    return _ZSH.format(
        paths=_paths(commands),
        values="\n".join(_cases(commands, "offered=({})")),
        arguments="\n".join(_arguments(commands, "offered=({})")),
        words="\n".join(words),
        prefixes=" ".join(PREFIXES),
        alternatives="|".join(PREFIXES),
    )


def fish(commands: Sequence[Command]) -> str:
    """Write the script for fish 3, with what each word is about."""
    known = " ".join(_single(" ".join(one.path)) for one in commands if one.path)
    lines = [_FISH.format(paths=known), "complete -c supplychain -f"]
    for one in commands:
        start = f"complete -c supplychain -n {_single(' '.join(('__supplychain_at', *one.path)))}"
        lines += [f"{start} -a {_single(name)} -d {_single(about)}" for name, about in one.subcommands.items()]
        lines += [f"{start} {_fish_values(values)}" for values in one.arguments if values.kind is not Kind.FREE]
        for flag in one.flags:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            takes = "" if flag.values is None else f" -r {_fish_values(flag.values)}"
            lines.append(f"{start} {names}{takes} -d {_single(flag.about)}")
    return "\n".join(lines) + "\n"


def _fish_values(values: Values) -> str:
    match values.kind:
        case Kind.CHOICE:
            return f"-f -a {_single(' '.join(values.words))}"
        case Kind.FOLDER:
            return "-f -a '(__fish_complete_directories)'"
        case Kind.FILE:
            return "-F"
        case Kind.TARGET:
            return f"-F -a {_single(' '.join(PREFIXES))}"
        case _:
            return "-f"


def _paths(commands: Sequence[Command]) -> str:
    return " | ".join(f'"{" ".join(one.path)}"' for one in commands if one.path)


def _words(command: Command) -> list[str]:
    return sorted({*command.subcommands, *(name for flag in command.flags for name in flag.names)})


def _cases(commands: Sequence[Command], form: str) -> Iterator[str]:
    """What may follow each flag that takes a value."""
    for one in commands:
        for flag in one.flags:
            if flag.values is not None:
                names = " | ".join(f'"{" ".join(one.path)} {name}"' for name in flag.names)
                yield f"  {names}) {_assigned(flag.values, form)} ;;"


def _arguments(commands: Sequence[Command], form: str) -> Iterator[str]:
    """What may stand where no flag does; a command with subcommands takes nothing else."""
    for one in commands:
        values = [argument for argument in one.arguments if argument.kind is not Kind.FREE]
        if values and not one.subcommands:
            yield f'    "{" ".join(one.path)}") {_assigned(values[0], form)} ;;'


def _assigned(values: Values, form: str) -> str:
    words = " " + form.format(" ".join(values.words)) if values.words else ""
    return f"kind={values.kind.value}{';' if words else ''}{words}"


def _single(text: str) -> str:
    """Quote for fish and zsh alike: neither reads anything in single quotes but the quote, and fish the backslash."""
    return "'" + text.replace("\\", "").replace("'", "’") + "'"
