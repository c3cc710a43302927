"""Reports as JUnit XML, for the test pages of CI systems; valid by the schema of Jenkins' xUnit plugin (junit-10.xsd).

A suite for each target, a case for each layer: passed; refused is a failure; what could not be evaluated, and a wrong request, is
an error; what was not asked for or not reached is skipped. For manifests a suite for each file, a case for each object that
passes, and one for each problem that fails one. ASCII only, so that no encoding of standard output can break it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.output.style import clean
from supplychain.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from supplychain.output.account import Account, Checked, Flaw, LintAccount
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact, LayerResult, Problem

__all__ = ["render", "render_lint"]

_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_FORBIDDEN: Final = re.compile("[\ufffe\uffff]")
"""What XML 1.0 cannot hold and `clean` leaves."""
_TAGS: Final = {Outcome.REFUSED: "failure", Outcome.UNAVAILABLE: "error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One `testcase`; `tag` is `failure`, `error` or `skipped`, None where it passed."""

    name: str
    classname: str
    tag: str | None = None
    type: str | None = None
    message: str | None = None
    detail: str = ""
    out: str = ""


def render(account: Account) -> str:
    """Write the judgements of one call."""
    suites = [
        _suite(one.target, tuple(_cases(one)), at=one.at, properties={"verdict": one.word, "scope": one.scope.value})
        for one in account.judgements
    ]
    known = dict(_flat(account.extra))
    if known or account.notes or account.failures:
        at = max((one.at for one in account.judgements), default=None)
        cases = tuple(_failed("what was judged", account.category, "error", one) for one in account.failures)
        suites.append(_suite("about this call", cases, at=at, properties=known, out=_text(account.notes)))
    return _document("supplychain", suites)


def render_lint(account: LintAccount) -> str:
    """Write the problems of manifests."""
    suites = [
        _suite(file, tuple(_lint_cases(objects, flaws)), at=account.at, properties={})
        for file, (objects, flaws) in account.by_file().items()
    ]
    if account.notes:
        suites.append(_suite("about this call", (), at=account.at, properties={}, out=_text(account.notes)))
    return _document("supplychain lint", suites)


def _flat(values: Mapping[str, Fact], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Write facts as properties, those within others under both names."""
    for key, value in values.items():
        inner = dict(enumerate(value, start=1)) if isinstance(value, tuple) else value
        if isinstance(inner, Mapping):
            yield from _flat({str(name): one for name, one in inner.items()}, f"{prefix}{key}.")
        elif inner is not None:
            yield f"{prefix}{key}", str(inner)


def _cases(judgement: Judgement) -> Iterator[_Case]:
    if judgement.error is not None:
        yield _failed(judgement.step, judgement.target, _TAGS[judgement.stopped], judgement.error)
    for result in judgement.layers:
        yield _case(result, target=judgement.target)


def _case(result: LayerResult, *, target: str) -> _Case:
    name = result.layer.value
    warnings = _text(f"warning: {text}" for text in result.warnings)
    if result.problem is not None:
        return _failed(name, target, _TAGS[result.outcome], result.problem, result=result)
    if result.outcome is Outcome.PASSED:
        return _Case(name=name, classname=target, out=warnings)
    message = "not configured" if result.outcome is Outcome.NOT_CONFIGURED else "not reached"
    return _Case(name=name, classname=target, tag="skipped", message=message, out=warnings)


def _failed(name: str, target: str, tag: str, problem: Problem, *, result: LayerResult | None = None) -> _Case:
    facts = (("expected", problem.expected), ("got", problem.got), ("where", problem.where), ("hint", problem.hint))
    lines = [f"{key}: {text}" for key, text in facts if text]
    lines += [
        f"would pass with: {one.change} ({'weakens the policy: ' if one.weakens else ''}{one.effect})" for one in problem.remedies
    ]
    for candidate in () if result is None else result.candidates:
        said = "" if candidate.problem is None else f": {candidate.problem.reason}: {candidate.problem.message}"
        lines.append(f"looked at {candidate.where}{said}")
    return _Case(
        name=name,
        classname=target,
        tag=tag,
        type=problem.reason,
        message=f"{problem.reason}: {problem.message}",
        detail=_text(lines),
    )


def _lint_cases(objects: Sequence[Checked], flaws: Sequence[Flaw]) -> Iterator[_Case]:
    failed = {flaw.object for flaw in flaws if flaw.failing}
    for one in objects:
        if one not in failed:
            warnings = (f"warning: {_flaw_line(flaw)}" for flaw in flaws if flaw.object == one)
            yield _Case(name=one.title, classname=one.file, out=_text(warnings))
    for flaw in flaws:
        if flaw.failing:
            facts = (("expected", flaw.expected), ("got", flaw.got), ("hint", flaw.hint))
            yield _Case(
                name=f"{flaw.object.title}: {flaw.field or flaw.rule}",
                classname=flaw.object.file,
                tag="failure",
                type=flaw.rule,
                message=f"{flaw.rule}: {flaw.message}",
                detail=_text([_flaw_line(flaw), *(f"{key}: {text}" for key, text in facts if text)]),
            )


def _flaw_line(flaw: Flaw) -> str:
    return f"{flaw.object.file}:{flaw.line}: {flaw.field}: {flaw.message} [{flaw.rule}]"


def _text(lines: Iterable[str]) -> str:
    """Put lines together, none of which can forge another one."""
    return "\n".join(map(clean, lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suite:
    """One `testsuite`, written, with its counts."""

    text: str
    tests: int
    failures: int
    errors: int


def _document(name: str, suites: Sequence[_Suite]) -> str:
    counts = {
        "name": name,
        "tests": str(sum(one.tests for one in suites)),
        "failures": str(sum(one.failures for one in suites)),
        "errors": str(sum(one.errors for one in suites)),
    }
    body = "".join(one.text for one in suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{_attributes(counts)}>\n{body}</testsuites>\n'


def _suite(name: str, cases: Sequence[_Case], *, at: datetime | None, properties: Mapping[str, str], out: str = "") -> _Suite:
    failures, errors, skipped = (sum(case.tag == tag for case in cases) for tag in ("failure", "error", "skipped"))
    attributes = {
        "name": name,
        "tests": str(len(cases)),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": str(skipped),
    }
    if at is not None:
        attributes["timestamp"] = at.replace(tzinfo=None).isoformat(timespec="seconds")
    held = "".join(f"      <property{_attributes({'name': key, 'value': value})}/>\n" for key, value in properties.items())
    written = f"    <properties>\n{held}    </properties>\n" if held else ""
    written += "".join(map(_write, cases))
    written += f"    <system-out>{_escape(out, lines=True)}</system-out>\n" if out else ""
    text = f"  <testsuite{_attributes(attributes)}>\n{written}  </testsuite>\n"
    return _Suite(text=text, tests=len(cases), failures=failures, errors=errors)


def _write(case: _Case) -> str:
    inner = ""
    if case.tag is not None:
        said = {key: value for key, value in (("type", case.type), ("message", case.message)) if value is not None}
        inner += f"      <{case.tag}{_attributes(said)}>{_escape(case.detail, lines=True)}</{case.tag}>\n"
    if case.out:
        inner += f"      <system-out>{_escape(case.out, lines=True)}</system-out>\n"
    attributes = _attributes({"name": case.name, "classname": case.classname, "time": "0"})
    return f"    <testcase{attributes}>\n{inner}    </testcase>\n" if inner else f"    <testcase{attributes}/>\n"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f' {key}="{_escape(value)}"' for key, value in values.items())


def _escape(text: str, *, lines: bool = False) -> str:
    """Write text of strangers; `lines` lets the line ends stand that this module put between them."""
    shown = "\n".join(clean(line) for line in text.split("\n")) if lines else clean(text)
    shown = _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)
    return "".join(_ESCAPES.get(character, character) for character in shown).encode("ascii", "xmlcharrefreplace").decode()
