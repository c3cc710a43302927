"""`supplychain mirror sync`: plugins with their evidence from upstream to a mirror, verified on both sides."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from supplychain.cli import flags, plan_flags
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from supplychain.carry.sync import Carried
    from supplychain.cli.console import Console
    from supplychain.cli.request import Plan
    from supplychain.cli.sources import Sources
    from supplychain.cli.sync_run import SyncRun
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.freshness import Dated
    from supplychain.mirror.rekor import RekorLookup
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact

__all__ = ["add_to", "run_sync"]

_DESCRIPTION = """\
Copy plugins by digest from where they are published to a mirror: manifest or whole index, configs, packages, and all signature
and provenance objects. Each is judged by the full policy before anything is written, and again from what the mirror serves;
only then does its tag move there. What the mirror has is not sent again, so a run that broke off is simply started again.

The plan is what the cluster has (MCPGPlugin, MCPGPluginMirror, Secrets …): a plugin goes to the mirror that its `mirrorRef`
names. Or it is a plain list, `plugins: [reference, …]`, or TARGETs; the policy is then in the flags, and `--from` and `--to` say
where the plugins go. Upstream is only read.
"""
_EPILOG = """\
exit codes: 0 all arrived, 1 something is refused, 2 wrong request, 3 could not be evaluated; the worst counts (1, then 2, then 3)

examples:
  supplychain mirror sync -f cluster.yaml --mirror-endpoint internal=mirror.example.com --jobs 4
  supplychain mirror sync ghcr.io/acme/audit:1.2.3 --key release.pub --from ghcr.io/acme --to mirror.example.com/acme
  supplychain mirror sync -f plan.yaml --key release.pub --from ghcr.io/acme --to mirror.example.com/acme --state sync.state
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parent = flags.add_command(commands, "mirror", summary="carry plugins to a mirror")
    actions = parent.add_subparsers(title="actions", metavar="ACTION", required=True)
    parser = flags.add_command(
        actions, "sync", summary="copy plugins to a mirror, verified on both sides", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("-f", "--manifest", metavar="PLAN", action="append", default=[], help="the plan; repeatable")
    plan_flags.add_documents(parser)
    parser.add_argument(
        "--from", dest="upstream", metavar="HOST/PATH", action="append", default=[], help="what `--to` stands for; repeatable"
    )
    parser.add_argument("--to", metavar="HOST[/PATH]", help="mirror of plugins that name none")
    parser.add_argument(
        "--state",
        metavar="FILE",
        help="keep there what was verified; while digests, policy and trust roots stay the same, a plugin then costs one look",
    )
    parser.add_argument("--recheck", action="store_true", help="verify everything again, whatever `--state` says")
    parser.add_argument("--dry-run", action="store_true", help="verify upstream, say what would be written, and write nothing")
    parser.add_argument(
        "--jobs", type=plan_flags.jobs, default=4, metavar="N", help="plugins carried at the same time; default: 4"
    )
    flags.add_report(parser)
    flags.add_platform(parser)
    plan_flags.add_plugin(parser)
    flags.add_cosign(parser)
    flags.add_provenance(parser, required=False)
    flags.add_trust(parser)
    flags.add_freshness(parser)
    flags.add_registry(parser)
    flags.add_limits(parser)
    parser.set_defaults(run=run_sync, save=None)


def run_sync(args: argparse.Namespace, console: Console) -> int:
    """Carry everything, print one report, and return the worst exit code."""
    from supplychain.carry.sync import ended
    from supplychain.cli.freshness import aged_lists
    from supplychain.cli.policies import log_lookup
    from supplychain.cli.reporting import emit
    from supplychain.cli.request import target_names
    from supplychain.cli.sync_plan import sync_plan

    at = console.now()
    try:
        planned = sync_plan(args)
        planned = replace(planned, revocations=aged_lists(args, planned.revocations, at=at))
        lookup = log_lookup(args, limits=planned.limits)
        for note in planned.notes:
            console.note(note)
        judgements, failures, extra = _carry(planned, lookup=lookup, args=args, console=console, at=at)
    except SupplyChainError as error:
        return emit([ended(name, error, at=at) for name in target_names(args) or ("(no plan)",)], args=args, console=console)
    code = emit(judgements, args=args, console=console, notes=planned.notes, failures=failures, extra=extra)
    for failure in failures:
        console.refuse(failure)
    return code


def _carry(
    planned: Plan,
    *,
    lookup: AbstractContextManager[RekorLookup | None],
    args: argparse.Namespace,
    console: Console,
    at: datetime,
) -> tuple[list[Judgement], list[SupplyChainError], Mapping[str, Fact]]:
    from supplychain.carry.sync import Carried
    from supplychain.cli.freshness import freshness_facts
    from supplychain.cli.parallel import map_in_order
    from supplychain.cli.sources import Sources
    from supplychain.cli.sync_plan import transfers
    from supplychain.cli.sync_run import summary
    from supplychain.cli.trust import TrustRootChoice

    root = TrustRootChoice(args, limit=planned.limits.document, at=at)
    with ExitStack() as stack:
        entered = stack.enter_context(lookup)
        sources = stack.enter_context(Sources(args, limits=planned.limits))
        todo = transfers(planned, args=args, sources=sources)
        run = _sync_run(planned, sources=sources, root=root, lookup=entered, args=args, console=console, at=at, stack=stack)
        results = map_in_order(run.carry, todo, jobs=args.jobs)
        run.finish()
        for warning in (*sources.warnings(), *root.warnings()):
            console.note(warning)
        requests = sources.requests
    carried = [one for one in results if isinstance(one, Carried)]
    judgements = [judgement for one in results for judgement in (one.judgements if isinstance(one, Carried) else [one])]
    facts = dict(summary(carried, requests=requests, dry_run=args.dry_run))
    if args.output == "text" and not console.verbose:
        del facts["plugins"]
    fresh = freshness_facts(args, at=at, roots=root.dated, revocations=planned.revocations, verifications=_kept(carried))
    return judgements, run.failures, {"sync": facts, **fresh}


def _sync_run(
    planned: Plan,
    *,
    sources: Sources,
    root: TrustRootChoice,
    lookup: RekorLookup | None,
    args: argparse.Namespace,
    console: Console,
    at: datetime,
    stack: ExitStack,
) -> SyncRun:
    from supplychain.carry.stamp_file import StampFile
    from supplychain.carry.sync import Carrier
    from supplychain.cli.freshness import budget_of
    from supplychain.cli.progress import Progress, wanted
    from supplychain.cli.sync_run import SyncRun
    from supplychain.proof_memory import ProofMemory
    from supplychain.verifier import PluginVerifier

    verifier = PluginVerifier(
        root=root,
        revocations=planned.revocations,
        limits=planned.limits,
        second_opinion=not args.single_verifier,
        lookup=lookup,
        proofs=ProofMemory(libraries=True),
    )
    return SyncRun(
        carrier=Carrier(verifier=verifier, limits=planned.limits, at=at, dry_run=args.dry_run),
        sources=sources,
        root=root,
        progress=stack.enter_context(Progress(console.err, enabled=wanted(console.err, quiet=console.quiet))),
        at=at,
        stamps=stack.enter_context(StampFile(args.state)) if args.state else None,
        recheck=args.recheck,
        max_age=budget_of(args).verification,
    )


def _kept(carried: Sequence[Carried]) -> tuple[Dated, ...] | None:
    """The oldest verdict of an earlier run that still counts; None where all are of this call."""
    from supplychain.carry.sync import Arrival
    from supplychain.freshness import Dated, Subject

    times = [one.judgements[0].at for one in carried if one.arrival is Arrival.UNCHANGED]
    if not times:
        return None
    return (Dated(subject=Subject.VERIFICATION, name="the oldest verdict that was kept", as_of=min(times)),)
