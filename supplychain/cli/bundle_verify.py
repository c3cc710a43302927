"""`supplychain bundle verify`: everything in a bundle judged, with nothing but the bundle and what the reader brings."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli import flags
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from datetime import datetime

    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.cli.bundle_policy import Brief
    from supplychain.cli.console import Console
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact

__all__ = ["Sitting", "run", "sit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """What came of judging a bundle; `bundle` and `brief` are None where it came to nothing."""

    judgements: tuple[Judgement, ...]
    extra: Mapping[str, Fact]
    notes: tuple[str, ...] = ()
    bundle: Bundle | None = None
    brief: Brief | None = None
    root: TrustRootChoice | None = None


def run(args: argparse.Namespace, console: Console) -> int:
    """Judge the bundle, print one report, and return the worst exit code."""
    from supplychain.cli.reporting import emit

    at = console.now()
    with ExitStack() as stack:
        sitting = sit(args, console, at=at, stack=stack)
        return emit(sitting.judgements, args=args, console=console, notes=sitting.notes, extra=sitting.extra)


def sit(args: argparse.Namespace, console: Console, *, at: datetime, stack: ExitStack) -> Sitting:
    """Open and judge the bundle; it stays open as long as `stack`. Every error of our tree becomes a judgement."""
    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.carry.sync import ended
    from supplychain.cli.bundle_keyless import keyless_trust
    from supplychain.cli.bundle_policy import brief_of, root_choice, verifier_keys

    try:
        limits = flags.limits_of(args)
        keys = verifier_keys(args, limits=limits)
        keyless = keyless_trust(args, limits=limits, at=at)
        bundle = stack.enter_context(Bundle(Path(args.bundle), limits=limits))
        brief = brief_of(args, bundle, keys=keys, limits=limits, at=at, keyless=keyless)
        root = root_choice(args, proven=brief.proven, limits=limits, at=at)
        for note in brief.notes:
            console.note(note)
        judgements = _judge(args, bundle, brief=brief, root=root, console=console, at=at)
        for warning in root.warnings():
            console.note(warning)
        extra = _facts(args, bundle, brief=brief, root=root, at=at)
        return Sitting(judgements=judgements, extra=extra, notes=brief.notes, bundle=bundle, brief=brief, root=root)
    except SupplyChainError as error:
        return Sitting(judgements=(ended(f"bundle:{args.bundle}", error, at=at),), extra={})


def _judge(
    args: argparse.Namespace, bundle: Bundle, *, brief: Brief, root: TrustRootChoice, console: Console, at: datetime
) -> tuple[Judgement, ...]:
    from supplychain.carry.plugin_bundle.judging import judge_bundle
    from supplychain.cli.progress import Progress, wanted
    from supplychain.verifier import PluginVerifier

    verifier = PluginVerifier(
        root=root, revocations=brief.revocations, limits=bundle.limits, second_opinion=not args.single_verifier
    )
    with Progress(console.err, enabled=wanted(console.err, quiet=console.quiet)) as progress:
        progress.start(bundle.where)
        found = judge_bundle(bundle, brief.asked, verifier=verifier, at=at)
        progress.finish(bundle.where)
    return tuple(
        replace(one, inputs={**one.inputs, "trustRoots": root.facts()}) if one.inputs.get("trustRoots") else one for one in found
    )


def _facts(args: argparse.Namespace, bundle: Bundle, *, brief: Brief, root: TrustRootChoice, at: datetime) -> Mapping[str, Fact]:
    from supplychain.cli.bundle_facts import bundle_facts, list_facts, root_facts, summary_facts
    from supplychain.cli.bundle_policy import own_policy
    from supplychain.cli.freshness import freshness_facts
    from supplychain.freshness import Dated, Subject

    lists = () if brief.revocations is None else brief.revocations.lists
    summaries = () if brief.proven is None else brief.proven.summaries
    dated = [Dated(subject=Subject.VERIFICATION, name=one.summary.resource, as_of=one.as_of) for one in summaries]
    said: dict[str, Fact] = {
        **bundle_facts(bundle),
        "policy": "own" if own_policy(args) else "enclosed",
        "summaries": tuple(summary_facts(one, at=at) for one in summaries),
        "trustRoots": tuple(root_facts(one.root, at=at) for one in root.loaded),
        "revocationLists": tuple(list_facts(one, at=at) for one in lists),
    }
    freshness = freshness_facts(
        args, at=at, roots=root.dated, revocations=brief.revocations, verifications=dated if summaries else None
    )
    return {"bundle": said, **freshness}
