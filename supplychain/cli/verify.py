"""`supplychain verify`: the verdict of all layers on one or several plugins."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli import flags
from supplychain.cli.exit_codes import verdict_of
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from supplychain.cli.console import Console
    from supplychain.cli.progress import Progress
    from supplychain.cli.request import Asked, Plan, Question
    from supplychain.cli.save import Shelf
    from supplychain.cli.sources import Sources
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.mirror.rekor import RekorLookup
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact
    from supplychain.verifier import PluginVerifier

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Judge plugins in five steps, each a gate for the next: the descriptor is what was asked for, the publisher's Ed25519 key
signed the library, no revocation list names it, the trusted identity signed the manifest (cosign keyless), a trusted builder
made it from the trusted source (SLSA provenance). The first two are mandatory; the others are judged where asked for.

TARGET is an OCI reference, oci-layout:PATH[:TAG|@DIGEST], bundle:PATH[:REFERENCE], or a .zip file. With -f, the manifest says
what must be true and where the plugin is; one TARGET beside it only says where the one plugin is read from.
"""
_EPILOG = """\
exit codes: 0 trusted, 1 refused, 2 wrong request, 3 could not be evaluated; of several targets the worst (1, then 2, then 3)

examples:
  supplychain verify ghcr.io/acme/audit:1.2.3 --key release.pub --plugin-id dev.acme.audit
  supplychain verify -f plugin.yaml -f secrets.yaml --jobs 4 --output json
  supplychain verify audit.zip --key release.pub --revocations list.json --save ./verified
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(
        commands, "verify", summary="judge plugins by all layers", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument(
        "-f", "--manifest", metavar="FILE", action="append", default=[], help="Kubernetes documents, `-` for stdin; repeatable"
    )
    parser.add_argument("--namespace", metavar="NAME", help="where Secrets and ConfigMaps of the manifests count; default: any")
    parser.add_argument(
        "--mirror-endpoint",
        metavar="NAME=HOST",
        action="append",
        default=[],
        help="reach the mirror NAME from outside its cluster",
    )
    parser.add_argument("--jobs", type=flags.jobs, default=1, metavar="N", help="targets judged at the same time; default: 1")
    parser.add_argument("--save", metavar="DIR", help="write the verified files there; of several targets, into a folder each")
    flags.add_report(parser)
    flags.add_platform(parser)
    plugin = parser.add_argument_group("plugin (layers 1 to 3)")
    plugin.add_argument("--key", metavar="FILE", action="append", help="Ed25519 public keys of the publisher; repeatable")
    plugin.add_argument("--plugin-id", metavar="ID", help="wanted id")
    plugin.add_argument("--plugin-version", metavar="VERSION", help="wanted version, compared with the tag's")
    plugin.add_argument("--class", dest="plugin_class", metavar="CLASS", help="wanted class")
    plugin.add_argument(
        "--revocations", metavar="FILE", action="append", default=[], help="revocation list, its JSON or the resource; repeatable"
    )
    flags.add_cosign(parser)
    flags.add_provenance(parser, required=False)
    flags.add_trust(parser)
    flags.add_freshness(parser)
    flags.add_registry(parser)
    flags.add_limits(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Judge everything, print one report, and return the worst exit code."""
    from supplychain.cli.freshness import aged_lists
    from supplychain.cli.policies import log_lookup
    from supplychain.cli.reporting import emit
    from supplychain.cli.request import plan

    at = console.now()
    try:
        planned = plan(args)
        planned = replace(planned, revocations=aged_lists(args, planned.revocations, at=at))
        lookup = log_lookup(args, limits=planned.limits)
    except SupplyChainError as error:
        return emit(_unplanned(args, error, at=at), args=args, console=console)
    for note in planned.notes:
        console.note(note)
    judgements, failures, extra = _judge(planned, lookup=lookup, args=args, console=console, at=at)
    code = emit(judgements, args=args, console=console, notes=planned.notes, failures=failures, extra=extra)
    for failure in failures:
        console.refuse(failure)
    return code


def _unplanned(args: argparse.Namespace, error: SupplyChainError, *, at: datetime) -> list[Judgement]:
    from supplychain.cli.request import target_names
    from supplychain.findings import problem
    from supplychain.output.judgement import Judgement, Scope

    names = target_names(args) or ("(no target)",)
    return [
        Judgement.of_problem(problem(error), scope=Scope.PLUGIN, target=name, at=at, verdict=verdict_of(error)) for name in names
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Court:
    """What all targets of one call share."""

    verifier: PluginVerifier
    sources: Sources
    root: TrustRootChoice
    progress: Progress
    at: datetime
    shelf: Shelf | None

    def judge(self, question: Question) -> tuple[Judgement, SupplyChainError | None]:
        """Judge one target, save it if it is trusted, and release its bytes. The second value is a failure to save."""
        from supplychain.findings import problem
        from supplychain.output.judgement import Judgement, Scope

        self.progress.start(question.name)
        try:
            if isinstance(question.asked, SupplyChainError):
                raise question.asked
            return self._verify(question.asked, name=question.name)
        except SupplyChainError as error:
            verdict = verdict_of(error)
            wrong = Judgement.of_problem(problem(error), scope=Scope.PLUGIN, target=question.name, at=self.at, verdict=verdict)
            return wrong, None
        finally:
            self.progress.finish(question.name)

    def _verify(self, asked: Asked, *, name: str) -> tuple[Judgement, SupplyChainError | None]:
        from supplychain.output.judgement import Judgement

        source = self.sources.open(asked.target, progress=self.progress.follow(name))
        if asked.named is not None:
            from supplychain.cli.pinned import PinnedSource

            source = PinnedSource(source=source, named=asked.named, version=asked.request.policy.version)
        with self.verifier.verify(source, request=asked.request, at=self.at) as verification:
            judgement = Judgement.of_report(verification.report)
            if judgement.inputs.get("trustRoots"):
                judgement = replace(judgement, inputs={**judgement.inputs, "trustRoots": self.root.facts()})
            if self.shelf is not None and verification.report.trusted:
                try:
                    self.shelf.save(verification.verified())
                except SupplyChainError as failure:
                    return judgement, failure
            return judgement, None


def _judge(
    planned: Plan,
    *,
    lookup: AbstractContextManager[RekorLookup | None],
    args: argparse.Namespace,
    console: Console,
    at: datetime,
) -> tuple[list[Judgement], list[SupplyChainError], Mapping[str, Fact]]:
    from supplychain.cli.freshness import freshness_facts
    from supplychain.cli.parallel import map_in_order
    from supplychain.cli.progress import Progress, wanted
    from supplychain.cli.save import Shelf
    from supplychain.cli.sources import Sources
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.verifier import PluginVerifier

    root = TrustRootChoice(args, limit=planned.limits.document, at=at)
    with ExitStack() as stack:
        verifier = PluginVerifier(
            root=root,
            revocations=planned.revocations,
            limits=planned.limits,
            second_opinion=not args.single_verifier,
            lookup=stack.enter_context(lookup),
        )
        sources = stack.enter_context(Sources(args, limits=planned.limits))
        progress = stack.enter_context(Progress(console.err, enabled=wanted(console.err, quiet=console.quiet)))
        court = _Court(
            verifier=verifier,
            sources=sources,
            root=root,
            progress=progress,
            at=at,
            shelf=Shelf(Path(args.save), several=len(planned.questions) > 1) if args.save else None,
        )
        results = map_in_order(court.judge, planned.questions, jobs=args.jobs)
        for warning in (*sources.warnings(), *root.warnings()):
            console.note(warning)
    extra = freshness_facts(args, at=at, roots=root.dated, revocations=planned.revocations)
    return [judgement for judgement, _ in results], [failure for _, failure in results if failure is not None], extra
