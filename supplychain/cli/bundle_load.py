"""`supplychain bundle load`: a bundle that is trusted as a whole, written to a mirror, and judged as the mirror serves it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from supplychain.cli.bundle_verify import sit
from supplychain.errors import SupplyChainError
from supplychain.report import Verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from supplychain.carry.plugin_bundle.inventory import Carried as InBundle
    from supplychain.carry.plugin_bundle.judging import Asked
    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.carry.sync import Carried, Carrier, Order
    from supplychain.cli.bundle_policy import Brief
    from supplychain.cli.bundle_verify import Sitting
    from supplychain.cli.console import Console
    from supplychain.cli.sources import RegistryTarget, Sources
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact

__all__ = ["run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transfer:
    order: Order
    destination: RegistryTarget
    carried: InBundle


def run(args: argparse.Namespace, console: Console) -> int:
    """Judge, load, judge again, print one report, and return the worst exit code."""
    from supplychain.cli.reporting import emit

    at = console.now()
    with ExitStack() as stack:
        sitting = sit(args, console, at=at, stack=stack)
        judgements: Sequence[Judgement] = sitting.judgements
        extra = sitting.extra
        if judgements and all(one.verdict is Verdict.TRUSTED for one in judgements):
            judgements, extra = _load(sitting, args=args, at=at, stack=stack)
        return emit(judgements, args=args, console=console, notes=sitting.notes, extra=extra)


def _load(
    sitting: Sitting, *, args: argparse.Namespace, at: datetime, stack: ExitStack
) -> tuple[Sequence[Judgement], Mapping[str, Fact]]:
    from supplychain.carry.sync import Carrier, ended
    from supplychain.cli.sources import Sources
    from supplychain.cli.sync_run import summary
    from supplychain.verifier import PluginVerifier

    bundle, brief, root = sitting.bundle, sitting.brief, sitting.root
    assert bundle is not None  # noqa: S101 — there are verdicts, so there was something to judge
    assert brief is not None  # noqa: S101
    assert root is not None  # noqa: S101
    try:
        transfers = _transfers(brief, bundle, args=args)
        sources = stack.enter_context(Sources(args, limits=bundle.limits))
    except SupplyChainError as error:
        return [ended(bundle.where, error, at=at)], sitting.extra
    verifier = PluginVerifier(
        root=root, revocations=brief.revocations, limits=bundle.limits, second_opinion=not args.single_verifier
    )
    carrier = Carrier(verifier=verifier, limits=bundle.limits, at=at, dry_run=args.dry_run)
    done = [_carry(transfer, bundle=bundle, carrier=carrier, sources=sources, at=at) for transfer in transfers]
    found = [
        replace(
            one,
            target=one.target.replace(" (upstream)", " (bundle)"),
            inputs={**one.inputs, "trustRoots": root.facts()} if one.inputs.get("trustRoots") else one.inputs,
        )
        for carried in done
        for one in carried.judgements
    ]
    return found, {**sitting.extra, "load": summary(done, requests=sources.requests, dry_run=args.dry_run)}


def _transfers(brief: Brief, bundle: Bundle, *, args: argparse.Namespace) -> list[_Transfer]:
    """Say where each plugin goes, in an order in which the bundle is read as seldom as possible.

    Raises:
        InputError: nothing says where, or two plugins would become one.
    """
    from supplychain.cli.sync_plan import refuse_clash
    from supplychain.errors import InvalidPolicyError

    found = [_transfer(one, brief=brief, args=args) for one in brief.asked if one.carried is not None]
    names = [str(one.destination.reference) for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidPolicyError("two plugins would have one name on the mirror", got=f"`{twice}`", hint="name two prefixes")
    refuse_clash(one.order for one in found)
    return sorted(found, key=lambda one: _first_package(one.carried, bundle))


def _transfer(one: Asked, *, brief: Brief, args: argparse.Namespace) -> _Transfer:
    from supplychain.carry.sync import Order
    from supplychain.cli.sources import RegistryTarget
    from supplychain.cli.sync_plan import renamed, rules_of

    assert one.carried is not None  # noqa: S101 — `_transfers` leaves out what was never found
    assert one.request is not None  # noqa: S101
    reference = one.carried.reference
    named = brief.locations.get(str(reference))
    if named is not None and named.reference.name != reference.name:
        # the manifest names a mirror; where no Secret says who may write there, it is this user
        destination = replace(named, anonymous=False)
    else:
        target = renamed(str(reference), rules=rules_of(args))
        destination = RegistryTarget(reference=target, avoid=frozenset({reference.registry}) - {target.registry})
    judged = replace(reference, digest=one.carried.digest)
    order = Order(name=one.name, upstream=judged, mirror=destination.reference, request=one.request)
    return _Transfer(order=order, destination=destination, carried=one.carried)


def _first_package(carried: InBundle, bundle: Bundle) -> str:
    from supplychain.carry.plugin_bundle.source import closure_of
    from supplychain.mirror.manifests import PLUGIN_LAYER_TYPE

    closure = closure_of(bundle, carried)
    return min(blob.sha256 for blob in closure.blobs if blob.media_type == PLUGIN_LAYER_TYPE)


def _carry(transfer: _Transfer, *, bundle: Bundle, carrier: Carrier, sources: Sources, at: datetime) -> Carried:
    from supplychain.carry.plugin_bundle.content import BundleContent
    from supplychain.carry.sync import Carried, ended

    source = BundleContent(bundle=bundle, name=transfer.carried.reference.name)
    try:
        mirror = sources.reader(transfer.destination)
        with sources.destination(transfer.destination) as destination:
            return carrier.carry(transfer.order, source=source, destination=destination, mirror=mirror)
    except SupplyChainError as error:
        carried = Carried(order=transfer.order)
        carried.judgements.append(ended(transfer.order.name, error, at=at))
        return carried
