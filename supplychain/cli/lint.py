"""`supplychain lint`: every rule of admission, on files, before a cluster sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from supplychain.cli import flags
from supplychain.cli.exit_codes import code_of, worst
from supplychain.errors import InvalidPolicyError, UnreadableFileError
from supplychain.report import Verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from supplychain.cli.console import Console
    from supplychain.cli.lint_report import Line
    from supplychain.rules import Strictness
    from supplychain.rules.manifest_file import Located, Misplaced

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Judge manifests of all eight kinds (MCPGPlugin, MCPGPluginMirror, MCPGPluginSet, MCPGRevocationList, MCPGGateway, MCPGRoute,
MCPGCluster, MCPGTenant) as a cluster would when they are applied: every field, and every rule between objects. All problems are
reported, each with file, line and field. No cluster and no network is needed.

FILE is a file of YAML documents or JSON, `-` for stdin, or a folder of such files. Objects are looked up among all of the files;
what is not among them gets a warning, as it would at admission.
"""
_EPILOG = """\
exit codes: 0 nothing is wrong, 1 something is (with --strict: warnings too), 2 a file or a flag is wrong

examples:
  supplychain lint -f gateway.yaml
  supplychain lint -f manifests/ --strict --output json
  kubectl get mcpgtenants,mcpgplugins -o yaml > cluster.yaml && supplychain lint -f team-a/ --context cluster.yaml
  helm template ./chart | supplychain lint -f -
"""
_SUFFIXES: Final = (".json", ".yaml", ".yml")


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(
        commands, "lint", summary="judge manifests as admission would", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument("targets", nargs="*", metavar="FILE", help="the same as -f FILE")
    parser.add_argument(
        "-f", "--manifest", metavar="FILE", action="append", default=[], help="manifests, `-` for stdin, or a folder; repeatable"
    )
    parser.add_argument(
        "--context",
        metavar="FILE",
        action="append",
        default=[],
        help="objects that are in the cluster already: looked up and compared with, not judged; repeatable",
    )
    parser.add_argument(
        "--namespace", metavar="NAME", default="default", help="namespace of objects that name none; default: default"
    )
    flags.add_report(parser, schema="supplychain report-schema lint")
    group = parser.add_argument_group("strictness (the operator has flags of the same names)")
    group.add_argument("--strict", action="store_true", help="warnings fail, too")
    group.add_argument("--require-coordinator-tls", action="store_true", help="refuse coordinators in plain text")
    group.add_argument(
        "--require-digest-or-cosign", action="store_true", help="refuse plugins named by a tag and signed by nobody in particular"
    )
    group.add_argument(
        "--operator-namespace", metavar="NAME", default="mcpg-system", help="it can belong to no tenant; default: mcpg-system"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Judge everything, print one report, and return the exit code."""
    from supplychain.cli.lint_report import render
    from supplychain.cli.reporting import deliver
    from supplychain.output.account import count

    paths = [*args.manifest, *args.targets]
    if not paths:
        raise InvalidPolicyError("nothing to judge", expected="`-f FILE`")
    if [*paths, *args.context].count("-") > 1:
        raise InvalidPolicyError("standard input can be read once only")
    unreadable: list[UnreadableFileError] = []
    found = list(_read(paths, unreadable))
    known = list(_read(args.context, unreadable))
    lines, objects = _judge(found, known, args=args)
    failing = [line for line in lines if line.failing or args.strict]
    verdicts = [Verdict.REFUSED] * bool(failing) + [Verdict.INVALID] * bool(unreadable)
    verdict = worst([*verdicts, Verdict.TRUSTED]) if verdicts or objects else Verdict.INVALID
    code = code_of(verdict)
    for error in unreadable:
        console.refuse(error)
    if not objects and not lines and not unreadable:
        console.error("no object of `mcpg.dev` is among the files, so nothing was judged")
    text = render(lines, objects=objects, unreadable=unreadable, exit_code=code, args=args, console=console)
    errors = sum(line.failing for line in lines)
    said = f"{count(len(objects), 'object')}: {count(errors, 'error')}, {count(len(lines) - errors, 'warning')}"
    return deliver(text, args=args, console=console, code=code, summary=said)


def _read(paths: Iterable[str], unreadable: list[UnreadableFileError]) -> Iterator[Located | Misplaced]:
    from supplychain.cli.policies import read_file
    from supplychain.limits import Limits
    from supplychain.rules.manifest_file import read_manifests

    for path in paths:
        try:
            for file in _files(path):
                yield from read_manifests(file if file != "-" else "<stdin>", read_file(file, limit=Limits().document))
        except UnreadableFileError as error:
            unreadable.append(error)


def _files(path: str) -> list[str]:
    if path == "-" or not Path(path).is_dir():
        return [path]
    files = sorted(str(one) for one in Path(path).iterdir() if one.suffix in _SUFFIXES and one.is_file())
    if not files:
        raise UnreadableFileError(
            "the folder has no manifests", expected=" or ".join(f"`*{one}`" for one in _SUFFIXES), where=path
        )
    return files


def _judge(
    found: list[Located | Misplaced], known: list[Located | Misplaced], *, args: argparse.Namespace
) -> tuple[list[Line], list[Located]]:
    """Judge every object of ours; the second value is all of them."""
    from supplychain.cli.lint_report import Line
    from supplychain.rules import Documents, Problem, check
    from supplychain.rules.catalogue import DUPLICATE_OBJECT
    from supplychain.rules.manifest_file import Located, Misplaced
    from supplychain.rules.plugin_set import GRANTS_UNCHECKED

    lines = [Line.of_misplaced(one) for one in (*found, *known) if isinstance(one, Misplaced)]
    objects = [one.within(args.namespace) for one in found if isinstance(one, Located)]
    before = {one.identity: one for one in (one.within(args.namespace) for one in known if isinstance(one, Located))}
    # What is applied replaces what is there.
    world = Documents(one.body for one in (before | {one.identity: one for one in objects}).values())
    seen: dict[tuple[str, str, str], Located] = {}
    judged = [one for one in objects if one.ours]
    for one in judged:
        first = seen.setdefault(one.identity, one)
        if first is not one and all(one.identity[::2]):
            what = f"the same object as in `{first.file}`, line {first.line}"
            lines.append(Line.of(one, Problem(rule=DUPLICATE_OBJECT, field="metadata.name", what=what)))
        old = before[one.identity].body if one.identity in before else None
        problems = check(one.body, old=old, world=world, strictness=_strictness(args))
        placed = [Line.of(one, problem) for problem in problems if problem.rule != GRANTS_UNCHECKED]
        lines.extend(sorted(placed, key=lambda line: line.line))
    return lines, judged


def _strictness(args: argparse.Namespace) -> Strictness:
    from supplychain.rules import Strictness

    return Strictness(
        require_coordinator_tls=args.require_coordinator_tls,
        require_digest_or_cosign=args.require_digest_or_cosign,
        operator_namespace=args.operator_namespace,
    )
