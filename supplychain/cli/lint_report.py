"""The report of `supplychain lint`: one line for each problem, or one JSON document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from supplychain.cli.version import version
from supplychain.output.style import Style, clean
from supplychain.rules import Problem, Severity
from supplychain.rules.reading import at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplychain.rules.manifest_file import Located, Misplaced

__all__ = ["SCHEMA_ID", "Line", "render_json", "render_text"]

SCHEMA_ID: Final = "mcpg.dev/supplychain-lint/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One problem and where it stands."""

    file: str
    line: int
    problem: Problem
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None

    @classmethod
    def of(cls, located: Located, problem: Problem) -> Self:
        """A problem of an object."""
        body = located.body
        kind, namespace, name = (_text(at(body, key)) for key in ("kind", "metadata.namespace", "metadata.name"))
        line = located.line_of(problem.field)
        return cls(file=located.file, line=line, problem=problem, kind=kind, namespace=namespace, name=name)

    @classmethod
    def of_misplaced(cls, found: Misplaced) -> Self:
        """A problem of a file."""
        return cls(file=found.file, line=found.line, problem=found.problem)

    @property
    def failing(self) -> bool:
        """Whether the object would be refused."""
        return self.problem.severity is Severity.ERROR


def render_text(lines: Sequence[Line], *, objects: int, style: Style, quiet: bool) -> str:
    """One line for each problem as `file:line: field: message [Rule]`, and a summary unless `quiet`."""
    shown = [_line(one, style) for one in lines]
    if not quiet:
        errors = sum(one.failing for one in lines)
        counts = f"{_count(errors, 'error')}, {_count(len(lines) - errors, 'warning')}"
        shown.append(f"{_count(objects, 'object')}: {counts}")
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


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
