"""`supplychain diff`: which verdicts change under another policy, key, trust root or revocation list, and why."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from supplychain.cli import flags
from supplychain.cli.exit_codes import verdict_of
from supplychain.errors import InvalidPolicyError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from supplychain.carry.difference import Difference
    from supplychain.cli.console import Console
    from supplychain.cli.progress import Progress
    from supplychain.cli.request import Asked, Plan, Question
    from supplychain.cli.sources import Sources, Target
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.output.judgement import Judgement
    from supplychain.ports import PluginSource
    from supplychain.verifier import PluginVerifier

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Pull each plugin once, judge it twice, and say which verdicts change: under a new policy, another key, a renewed trust root, a
longer revocation list. Nothing is written, and nothing is trusted that `verify` would not trust.

What is exchanged is given as OLD NEW; everything else counts on both sides. Policies are manifests (MCPGPlugin, with Secrets,
mirrors, lists); without a TARGET every plugin in them is read where its manifest says. `none` stands for no list, as in
`--revocations none list.json`.
"""
_EPILOG = """\
exit codes: 0 same verdicts, 1 some verdict changes, 2 wrong request, 3 a side of some target could not be judged, and no verdict
is known to change

examples:
  supplychain diff --policy old.yaml new.yaml -f secrets.yaml
  supplychain diff --policy old.yaml new.yaml oci-layout:./echo:1.2.3
  supplychain diff -f plugins.yaml --revocations none list.json --output json
  supplychain diff --key old.pub new.pub ghcr.io/acme/audit:1.2.3
"""
_PAIRS: Final = ("policy", "key", "trust_root", "revocations")
NONE: Final = "none"
"""Stands for no revocation list."""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(
        commands, "diff", summary="say which verdicts another policy would change", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="as for `verify`")
    group = parser.add_argument_group("what is exchanged (each repeatable)")
    for name, text in (
        ("policy", "manifests of the old and of the new"),
        ("key", "Ed25519 public keys of the publisher"),
        ("trust-root", "as `verify --trust-root`; the same twice: one root for both sides"),
        ("revocations", "revocation lists; `none`: there is none"),
    ):
        group.add_argument(f"--{name}", nargs=2, metavar=("OLD", "NEW"), action="append", default=[], help=text)
    both = parser.add_argument_group("what counts on both sides")
    both.add_argument("-f", "--manifest", metavar="FILE", action="append", default=[], help="documents of both; repeatable")
    both.add_argument("--namespace", metavar="NAME", help="where Secrets and ConfigMaps of the manifests count; default: any")
    both.add_argument("--mirror-endpoint", metavar="NAME=HOST", action="append", default=[], help="as for `verify`")
    both.add_argument("--plugin-id", metavar="ID", help="wanted id")
    both.add_argument("--plugin-version", metavar="VERSION", help="wanted version")
    both.add_argument("--class", dest="plugin_class", metavar="CLASS", help="wanted class")
    both.add_argument("--offline", action="store_true", help="`public-good` is the root that ships with this version")
    both.add_argument("--single-verifier", action="store_true", help="do not ask sigstore-python for a second opinion")
    parser.add_argument("--output", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("--output-file", metavar="FILE", help="write the report there, and one line to standard output")
    parser.add_argument("--jobs", type=flags.jobs, default=1, metavar="N", help="targets judged at the same time; default: 1")
    flags.add_freshness(parser)
    flags.add_platform(parser)
    flags.add_cosign(parser)
    flags.add_provenance(parser, required=False)
    flags.add_registry(parser)
    flags.add_limits(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Judge everything twice, print what changes, and return the exit code."""
    from supplychain.carry.difference import exit_code
    from supplychain.cli.diff_report import render
    from supplychain.cli.reporting import deliver

    if not any(getattr(args, name) for name in _PAIRS):
        raise InvalidPolicyError(
            "nothing is exchanged", expected="`--policy`, `--key`, `--trust-root` or `--revocations`, each with OLD and NEW"
        )
    at = console.now()
    sides = (_side(args, 0), _side(args, 1))
    plans = [_planned(side, at=at) for side in sides]
    notes = tuple(dict.fromkeys(note for planned in plans for note in planned.notes))
    for note in notes:
        console.note(note)
    differences = _compare(args, sides, plans, console=console, at=at)
    code = exit_code(differences)
    text, summary = render(differences, args=args, console=console, code=code, notes=notes)
    return deliver(text, args=args, console=console, code=code, summary=summary)


def _side(args: argparse.Namespace, number: int) -> argparse.Namespace:
    """Give the flags of one side, as `verify` takes them."""
    found = argparse.Namespace(**vars(args))
    found.manifest = [*args.manifest, *(pair[number] for pair in args.policy)]
    found.key = [pair[number] for pair in args.key]
    found.trust_root = [pair[number] for pair in args.trust_root]
    found.revocations = [pair[number] for pair in args.revocations if pair[number] != NONE]
    if found.manifest:
        found.targets = []
    return found


def _planned(side: argparse.Namespace, *, at: datetime) -> Plan:
    from supplychain.cli.freshness import aged_lists
    from supplychain.cli.request import plan

    planned = plan(side)
    return replace(planned, revocations=aged_lists(side, planned.revocations, at=at))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One target with what both sides ask about it; None where a side does not ask."""

    name: str
    old: Question | None
    new: Question | None


def _cases(args: argparse.Namespace, plans: list[Plan]) -> list[_Case]:
    """Put the questions of both sides together, by their names."""
    from supplychain.cli.diff_targets import aimed

    found: list[dict[str, Question]] = []
    for planned in plans:
        questions = aimed(planned.questions, args.targets) if args.manifest or args.policy else planned.questions
        found.append({one.name: one for one in questions})
    old, new = found
    return [_Case(name=name, old=old.get(name), new=new.get(name)) for name in dict.fromkeys([*old, *new])]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Court:
    """What all targets of one call share."""

    verifiers: tuple[PluginVerifier, PluginVerifier]
    sources: Sources
    progress: Progress
    at: datetime

    def compare(self, case: _Case) -> Difference:
        """Judge one target by both sides; it is pulled once, unless both name other places."""
        from supplychain.carry.difference import Difference

        self.progress.start(case.name)
        places: dict[Target, PluginSource] = {}
        try:
            with ExitStack() as stack:
                open_once = partial(self._open, places=places, name=case.name, stack=stack)
                judged: list[Judgement | None] = []
                for question, verifier in zip((case.old, case.new), self.verifiers, strict=True):
                    judged.append(None if question is None else self._judge(question, verifier=verifier, open_once=open_once))
            return Difference(target=case.name, old=judged[0], new=judged[1])
        finally:
            self.progress.finish(case.name)

    def _judge(self, question: Question, *, verifier: PluginVerifier, open_once: partial[PluginSource]) -> Judgement:
        from supplychain.findings import problem
        from supplychain.output.judgement import Judgement, Scope

        try:
            if isinstance(question.asked, SupplyChainError):
                raise question.asked
            source = open_once(question.asked)
            with verifier.verify(source, request=question.asked.request, at=self.at) as verification:
                return Judgement.of_report(verification.report)
        except SupplyChainError as error:
            verdict = verdict_of(error)
            return Judgement.of_problem(problem(error), scope=Scope.PLUGIN, target=question.name, at=self.at, verdict=verdict)

    def _open(self, asked: Asked, *, places: dict[Target, PluginSource], name: str, stack: ExitStack) -> PluginSource:
        from supplychain.carry.once import OnceSource

        if asked.target not in places:
            opened = self.sources.open(asked.target, progress=self.progress.follow(name))
            places[asked.target] = stack.enter_context(OnceSource(opened))
        source = places[asked.target]
        if asked.named is None:
            return source
        from supplychain.cli.pinned import PinnedSource

        return PinnedSource(source=source, named=asked.named, version=asked.request.policy.version)


def _compare(
    args: argparse.Namespace,
    sides: tuple[argparse.Namespace, argparse.Namespace],
    plans: list[Plan],
    *,
    console: Console,
    at: datetime,
) -> list[Difference]:
    from supplychain.cli.parallel import map_in_order
    from supplychain.cli.policies import log_lookup
    from supplychain.cli.progress import Progress, wanted
    from supplychain.cli.sources import Sources
    from supplychain.verifier import PluginVerifier

    cases = _cases(args, plans)
    limits = plans[0].limits
    roots = list(_roots(sides, limit=limits.document, at=at))
    with ExitStack() as stack:
        lookup = stack.enter_context(log_lookup(args, limits=limits))
        old, new = (
            PluginVerifier(
                root=root,
                revocations=planned.revocations,
                limits=limits,
                second_opinion=not args.single_verifier,
                lookup=lookup,
            )
            for root, planned in zip(roots, plans, strict=True)
        )
        sources = stack.enter_context(Sources(args, limits=limits))
        progress = stack.enter_context(Progress(console.err, enabled=wanted(console.err, quiet=console.quiet)))
        court = _Court(verifiers=(old, new), sources=sources, progress=progress, at=at)
        found = map_in_order(court.compare, cases, jobs=args.jobs)
        for warning in dict.fromkeys((*sources.warnings(), *(one for root in roots for one in root.warnings()))):
            console.note(warning)
    return found


def _roots(sides: tuple[argparse.Namespace, argparse.Namespace], *, limit: int, at: datetime) -> Iterator[TrustRootChoice]:
    """One choice for both sides where nothing is exchanged, so that nothing is fetched twice."""
    from supplychain.cli.trust import TrustRootChoice

    old = TrustRootChoice(sides[0], limit=limit, at=at)
    yield old
    yield old if sides[0].trust_root == sides[1].trust_root else TrustRootChoice(sides[1], limit=limit, at=at)
