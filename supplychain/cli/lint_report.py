"""The report of `supplychain lint`: one line for each problem, or one document in another form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from supplychain.cli.version import version
from supplychain.output.account import Checked, Flaw, LintAccount, RuleText, count
from supplychain.output.lint_schema import SCHEMA_ID
from supplychain.output.style import PLAIN, Style, clean
from supplychain.rules import Problem, Severity
from supplychain.rules.reading import at

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from supplychain.cli.console import Console
    from supplychain.errors import UnreadableFileError
    from supplychain.rules.manifest_file import Located, Misplaced

__all__ = ["Line", "render", "render_json", "render_text"]

_MODULES: Final = {
    "sarif": "supplychain.output.sarif",
    "junit": "supplychain.output.junit",
    "html": "supplychain.output.html",
}
"""Each has `render_lint(LintAccount)`; only the one that is asked for is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One problem and where it stands."""

    file: str
    line: int
    problem: Problem
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    begins: int = 1
    """Where the object begins, from 1."""

    @classmethod
    def of(cls, located: Located, problem: Problem) -> Self:
        """A problem of an object."""
        kind, namespace, name = _names(located)
        line = located.line_of(problem.field)
        return cls(file=located.file, line=line, problem=problem, kind=kind, namespace=namespace, name=name, begins=located.line)

    @classmethod
    def of_misplaced(cls, found: Misplaced) -> Self:
        """A problem of a file."""
        return cls(file=found.file, line=found.line, problem=found.problem)

    @property
    def failing(self) -> bool:
        """Whether the object would be refused."""
        return self.problem.severity is Severity.ERROR


def render(
    lines: Sequence[Line],
    *,
    objects: Sequence[Located],
    unreadable: Sequence[UnreadableFileError],
    exit_code: int,
    args: argparse.Namespace,
    console: Console,
) -> str:
    """Write the report in the form that `--output` names."""
    if args.output == "json":
        return render_json(lines, objects=len(objects), exit_code=exit_code)
    if args.output == "text":
        shown = [line for line in lines if line.failing or args.strict or not console.quiet]
        style = console.style(console.out) if args.output_file is None else PLAIN
        return render_text(shown, objects=len(objects), style=style, quiet=console.quiet)
    from importlib import import_module

    from supplychain.cli.repeat import call
    from supplychain.rules.catalogue import entries

    account = LintAccount(
        objects=tuple(_checked(one) for one in objects),
        flaws=tuple(_flaw(line, strict=args.strict) for line in lines),
        rules={one.name: RuleText(about=one.about, failing=one.severity is Severity.ERROR) for one in entries()},
        exit_code=exit_code,
        version=version(),
        at=console.now(),
        notes=tuple(str(error) for error in unreadable),
        call=call(args),
    )
    text: str = import_module(_MODULES[args.output]).render_lint(account)
    return text


def _checked(located: Located) -> Checked:
    kind, namespace, name = _names(located)
    return Checked(file=located.file, line=located.line, kind=kind, namespace=namespace, name=name)


def _flaw(line: Line, *, strict: bool) -> Flaw:
    problem = line.problem
    return Flaw(
        object=Checked(file=line.file, line=line.begins, kind=line.kind, namespace=line.namespace, name=line.name),
        line=line.line,
        rule=problem.rule,
        failing=line.failing or strict,
        field=problem.field,
        message=problem.message,
        expected=problem.expected,
        got=problem.got,
        hint=problem.hint,
    )


def render_text(lines: Sequence[Line], *, objects: int, style: Style, quiet: bool) -> str:
    """One line for each problem as `file:line: field: message [Rule]`, and a summary unless `quiet`."""
    shown = [_line(one, style) for one in lines]
    if not quiet:
        errors = sum(one.failing for one in lines)
        counts = f"{count(errors, 'error')}, {count(len(lines) - errors, 'warning')}"
        shown.append(f"{count(objects, 'object')}: {counts}")
    return "".join(f"{one}\n" for one in shown)


def _line(one: Line, style: Style) -> str:
    field = f"{one.problem.field}: " if one.problem.field else ""
    severity = "" if one.failing else style.warning("warning: ")
    rule = style.dim(f"[{one.problem.rule}]")
    return f"{clean(one.file)}:{one.line}: {clean(field)}{severity}{clean(one.problem.message)} {rule}"


def render_json(lines: Sequence[Line], *, objects: int, exit_code: int) -> str:
    """Write the document; equal problems give equal bytes."""
    document = {
        "schema": SCHEMA_ID,
        "generator": {"name": "supplychain", "version": version()},
        "exitCode": exit_code,
        "objects": objects,
        "problems": [_problem(one) for one in lines],
    }
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _problem(one: Line) -> dict[str, Any]:
    problem = one.problem
    return {
        "file": one.file,
        "line": one.line,
        "kind": one.kind,
        "namespace": one.namespace,
        "name": one.name,
        "rule": problem.rule,
        "severity": problem.severity.value,
        "family": problem.family.value,
        "field": problem.field or None,
        "message": problem.message,
        "what": problem.what,
        "expected": problem.expected,
        "got": problem.got,
        "hint": problem.hint,
    }


def _names(located: Located) -> tuple[str | None, str | None, str | None]:
    """Kind, namespace and name, as far as they are text."""
    kind, namespace, name = (_text(at(located.body, key)) for key in ("kind", "metadata.namespace", "metadata.name"))
    return kind, namespace, name


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
