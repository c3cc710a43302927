"""One report for every command that judges: `--output` chooses its form, `--output-file` where it goes."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Final

from supplychain.cli.exit_codes import code_of, verdict_of, worst
from supplychain.errors import OutputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from supplychain.cli.console import Console
    from supplychain.errors import SupplyChainError
    from supplychain.output.account import Account
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact

__all__ = ["deliver", "emit"]

_MODULES: Final = {
    "json": "supplychain.output.json_report",
    "sarif": "supplychain.output.sarif",
    "junit": "supplychain.output.junit",
    "html": "supplychain.output.html",
}
"""Each has `render(Account)`; only the one that is asked for is loaded."""


def emit(
    judgements: Sequence[Judgement],
    *,
    args: argparse.Namespace,
    console: Console,
    notes: Sequence[str] = (),
    failures: Sequence[SupplyChainError] = (),
    extra: Mapping[str, Fact] | None = None,
) -> int:
    """Write the judgements in the wanted form and return the exit code of the call.

    `failures` are those to save or to move what was judged: a call with one never ends with 0. `extra` is what the command knows
    besides: a member of that name in JSON, lines below the targets elsewhere; its keys are camelCase.
    """
    from supplychain.findings import problem
    from supplychain.output.account import Account, count

    verdict = worst(one.verdict for one in judgements)
    code = code_of(verdict)
    if failures and code != 1:
        code = code_of(verdict_of(failures[0]))
    account = Account(
        judgements=tuple(judgements),
        verdict=verdict,
        exit_code=code,
        version="",
        notes=(*notes, *(f"not done: {failure}" for failure in failures if args.output == "json")),
        failures=tuple(problem(failure) for failure in failures),
        extra=extra or {},
    )
    text = _text(account, args=args, console=console) if args.output == "text" else _written(account, args=args)
    summary = f"{account.word.upper()}  {count(len(judgements), 'target')}"
    return deliver(text, args=args, console=console, code=code, summary=summary)


def deliver(text: str, *, args: argparse.Namespace, console: Console, code: int, summary: str) -> int:
    """Print a report, or write it to `--output-file` and print one line; return the exit code that is left."""
    if args.output_file is None:
        console.print(text)
        return code
    from supplychain.files import write_atomically
    from supplychain.output.style import clean

    try:
        write_atomically(args.output_file, text.encode())
    except OutputError as error:
        console.refuse(error)
        return code if code == 1 else code_of(verdict_of(error))  # a refusal outweighs everything else
    if not console.quiet:
        console.print(f"{summary}, {args.output} report in {clean(args.output_file)}\n")
    return code


def _text(account: Account, *, args: argparse.Namespace, console: Console) -> str:
    from supplychain.output.style import PLAIN
    from supplychain.output.text import Detail, render, render_extra

    style = console.style(console.out) if args.output_file is None else PLAIN
    text = render(account.judgements, style=style, detail=console.detail)
    return text if console.detail is Detail.QUIET else text + render_extra(account.extra)


def _written(account: Account, *, args: argparse.Namespace) -> str:
    """Write every form but text, and add what those show: the version, the call, and the commands that repeat it."""
    from supplychain.cli.repeat import call, category, repeats
    from supplychain.cli.version import version

    complete = replace(
        account,
        version=version(),
        category=category(args),
        manifest=_only_manifest(args),
        call=call(args),
        repeats=repeats(args, account.judgements) if args.output == "html" else (),
    )
    render: Callable[[Account], str] = import_module(_MODULES[args.output]).render
    return render(complete)


def _only_manifest(args: argparse.Namespace) -> str | None:
    """Find the one file that asked for everything."""
    files = getattr(args, "manifest", None)
    return files[0] if isinstance(files, list) and len(files) == 1 and files[0] != "-" else None
