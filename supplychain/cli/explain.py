"""`supplychain explain`: what a reason means, why its check exists and what to do; and the judgement of an identity pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplychain.cli.flags import Subparsers, add_command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from supplychain.cli.console import Console
    from supplychain.identity_judgement import PatternJudgement
    from supplychain.reasons import Explanation, Group
    from supplychain.rules.catalogue import Entry

__all__ = ["add_to", "run"]

SCHEMA_ID: Final = "mcpg.dev/supplychain-explanation/v1"
_PATTERN: Final = "pattern"
_WRONG: Final = 2
_WIDTH: Final = 110
_KEY_WIDTH: Final = 12

_DESCRIPTION = """\
Explain a reason that a report names: what it means, why the check exists, what to do. Without a reason: list all of them.
A rule that `lint` or admission names is explained as well; docs/rules.md lists them.
`explain pattern RE2` judges a pattern for `--certificate-identity-regexp`, with examples that match and that almost match,
or with a subject that an attacker could use.
"""
_EPILOG = """\
exit codes: 0 explained, or the pattern is accepted; 2 no such reason, or the pattern is refused

examples:
  supplychain explain IdentityMismatch
  supplychain explain NamespaceNotAccepted
  supplychain explain pattern '^https://github\\.com/acme/plugins/\\.github/workflows/release\\.yml@refs/tags/v.+$'
"""


class _Offered(tuple[str, ...]):
    """Words that the shell completes; any other word is taken too, and answered in our own words."""

    __slots__ = ()

    def __contains__(self, word: object) -> bool:
        return True


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    from supplychain.reasons import GROUPS, explained

    parser = add_command(
        commands, "explain", summary="explain a reason, or judge an identity pattern", description=_DESCRIPTION, epilog=_EPILOG
    )
    offered = _Offered([*(one.reason for group in GROUPS for one in explained(group)), _PATTERN])
    parser.add_argument("words", nargs="*", choices=offered, metavar="REASON | pattern RE2", help="default: list all reasons")
    parser.add_argument("--output", choices=("text", "json"), default="text", help="default: text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Explain what was asked for."""
    match args.words:
        case []:
            return _list(args, console)
        case [word, text] if word.casefold() == _PATTERN:
            return _judge(text, args, console)
        case [word] if word.casefold() != _PATTERN:
            return _explain(word, args, console)
        case _:
            console.error("explain takes nothing, one reason, or `pattern` and one pattern in quotes")
            return _WRONG


def _list(args: argparse.Namespace, console: Console) -> int:
    from supplychain.reasons import GROUPS, explained

    if args.output == "json":
        _print_json(console, reasons=[_plain(one) for group in GROUPS for one in explained(group)])
        return 0
    lines: list[str] = []
    width = max(len(one.reason) for group in GROUPS for one in explained(group))
    for group in GROUPS:
        lines += [f"{_title(group)}: {group.note}", *(f"  {one.reason:<{width}}  {one.meaning}" for one in explained(group)), ""]
    console.print("\n".join([*lines, "`supplychain explain REASON` says more about one of them.", ""]))
    return 0


def _explain(word: str, args: argparse.Namespace, console: Console) -> int:
    from supplychain.output.style import clean
    from supplychain.reasons import find, nearest

    found = find(word)
    if found is None:
        from supplychain.rules.catalogue import find_rule

        if (rule := find_rule(word)) is not None:
            return _explain_rule(rule, args, console)
        names = " or ".join(f"`{name}`" for name in nearest(word))
        asked = f"did you mean {names}?" if names else "`supplychain explain` lists all"
        console.error(f"no reason is called `{clean(word)}`; {asked}")
        return _WRONG
    if args.output == "json":
        _print_json(console, reasons=[_plain(found)])
        return 0
    lines = [f"{found.reason}  ({_title(found.group)})"]
    lines += _wrapped("meaning", found.meaning)
    lines += _wrapped("why", found.why)
    lines += _wrapped("what to do", found.what_to_do)
    if found.change is not None:
        lines += _wrapped("would pass", f"with {found.change}; the policy stays as strict as it is")
    console.print("\n".join([*lines, ""]))
    return 0


def _explain_rule(rule: Entry, args: argparse.Namespace, console: Console) -> int:
    if args.output == "json":
        plain = {"rule": rule.name, "kind": rule.kind, "severity": rule.severity.value, "family": rule.family.value}
        _print_json(console, rules=[{**plain, "about": rule.about}])
        return 0
    effect = "warns" if rule.severity.value == "Warning" else "refuses"
    lines = [f"{rule.name}  (rule of {rule.kind or 'every kind'}, {effect})", *_wrapped("about", rule.about)]
    console.print("\n".join([*lines, ""]))
    return 0


def _judge(text: str, args: argparse.Namespace, console: Console) -> int:
    from supplychain.identity_judgement import judge_pattern

    judgement = judge_pattern(text)
    if args.output == "json":
        _print_json(console, pattern=_plain_judgement(judgement))
    else:
        console.print("\n".join([*_judgement_lines(judgement, console), ""]))
    return 0 if judgement.refusal is None else _WRONG


def _judgement_lines(judgement: PatternJudgement, console: Console) -> Iterator[str]:
    from supplychain.output.style import clean
    from supplychain.report import Verdict

    style = console.style(console.out)
    if (refusal := judgement.refusal) is not None:
        yield f"{style.verdict('REFUSED', Verdict.REFUSED)}  {clean(judgement.text)}"
        yield from _row("reason", f"{refusal.reason}: {clean(refusal.what)}")
        yield from _row("expected", clean(refusal.expected or ""))
        yield from _row("attacker", "(the empty subject)" if refusal.example == "" else clean(refusal.example or ""))
        yield from _row("hint", clean(refusal.hint))
        return
    yield f"{style.verdict('ACCEPTED', Verdict.TRUSTED)}  {clean(judgement.text)}"
    for name in judgement.names:
        parts = (("host", name.host), ("owner", name.owner), ("repository", name.repository))
        yield from _row("names", ", ".join(f"{part} `{clean(value)}`" for part, value in parts if value is not None))
    for subject in judgement.matching:
        yield from _row("matches", clean(subject))
    for miss in judgement.almost:
        yield from _row("matches not", f"{clean(miss.subject)}  ({miss.differs})")
    for warning in judgement.warnings:
        yield from _row("warning", style.warning(clean(warning)))


def _plain(one: Explanation) -> dict[str, Any]:
    return {
        "reason": one.reason,
        "exitCode": one.group.exit_code,
        "meaning": one.meaning,
        "why": one.why,
        "whatToDo": one.what_to_do,
        "wouldPassWith": one.change,
    }


def _plain_judgement(judgement: PatternJudgement) -> dict[str, Any]:
    refusal = judgement.refusal
    return {
        "text": judgement.text,
        "accepted": refusal is None,
        "names": [name._asdict() for name in judgement.names],
        "matching": list(judgement.matching),
        "almostMatching": [miss._asdict() for miss in judgement.almost],
        "warnings": list(judgement.warnings),
        "refusal": None
        if refusal is None
        else {
            "reason": refusal.reason,
            "message": refusal.what,
            "expected": refusal.expected,
            "attacker": refusal.example,
            "hint": refusal.hint,
        },
    }


def _print_json(console: Console, **document: Any) -> None:
    import json

    console.print(json.dumps({"schema": SCHEMA_ID, **document}, indent=2) + "\n")


def _title(group: Group) -> str:
    return group.title + (f", exit code {group.exit_code}" if group.exit_code is not None else "")


def _row(key: str, text: str) -> Iterator[str]:
    if text:
        yield f"  {key:<{_KEY_WIDTH}} {text}"


def _wrapped(key: str, text: str) -> Iterator[str]:
    from textwrap import wrap

    first, *others = wrap(text, _WIDTH - _KEY_WIDTH, break_long_words=False, break_on_hyphens=False)
    yield from _row(key, first)
    for line in others:
        yield from _row("", line)
