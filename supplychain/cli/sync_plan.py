"""What `mirror sync` is to carry, from where to where: from manifests as the cluster has them, a plain list, or targets."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from supplychain.carry.sync import Order
from supplychain.cli.request import plan
from supplychain.cli.sources import BundleTarget, RegistryTarget
from supplychain.errors import InvalidManifestError, InvalidPolicyError, InvalidReferenceError, SupplyChainError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from supplychain.cli.request import Asked, Plan, Question
    from supplychain.cli.sources import Sources
    from supplychain.mirror.rewrite import MirrorRule
    from supplychain.reference import OciReference

__all__ = ["Transfer", "Unplanned", "refuse_clash", "renamed", "rules_of", "sync_plan", "transfers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One plugin to carry, and how both sides are reached."""

    name: str
    order: Order
    source: BundleTarget | RegistryTarget
    destination: RegistryTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """One plugin of the plan that cannot be carried, and why."""

    name: str
    error: SupplyChainError


def sync_plan(args: argparse.Namespace) -> Plan:
    """Read the plan: the very questions that `verify` would ask.

    Raises:
        InputError: a flag, a file or their combination is wrong for all plugins alike.
    """
    if not args.manifest:
        return plan(args)
    if args.targets:
        raise InvalidPolicyError("a plan and TARGETs beside it", hint="put the references into the plan, or leave `-f` out")
    listed = [_listed(path, args=args) for path in args.manifest]
    plain = [names for names in listed if names is not None]
    if not plain:
        return plan(args)
    if len(plain) != len(listed):
        raise InvalidPolicyError(
            "plain lists and Kubernetes documents in one plan",
            hint="sync them one after the other: the policy of a list is in the flags, that of documents in them",
        )
    given = copy.copy(args)
    given.targets, given.manifest = [name for names in plain for name in names], []
    return plan(given)


def transfers(planned: Plan, *, args: argparse.Namespace, sources: Sources) -> list[Transfer | Unplanned]:
    """Say for each question where the plugin goes: to the mirror that its manifest names, else where `--to` says.

    Raises:
        InputError: `--to` and `--from` are unusable, or two plugins would become one on the mirror.
    """
    rules = rules_of(args)
    found = [_transfer(question, rules=rules, sources=sources) for question in planned.questions]
    seen: dict[str, Transfer] = {}
    for one in found:
        if isinstance(one, Unplanned):
            continue
        name = str(one.destination.reference)
        other = seen.setdefault(name, one)
        if other is not one and other.source != one.source:
            raise _clash(name)
    refuse_clash(one.order for one in found if isinstance(one, Transfer))
    return found


def refuse_clash(orders: Iterable[Order]) -> None:
    """Refuse orders that would move one tag to different plugins, also where digests make their names differ.

    Raises:
        InvalidPolicyError: two of them would.
    """
    seen: dict[str, list[OciReference]] = {}
    for order in orders:
        if order.mirror.tag is None:
            continue
        place, own = f"{order.mirror.name}:{order.mirror.tag}", order.upstream
        others = seen.setdefault(place, [])
        if any(_differ(own, one) for one in others):
            raise _clash(place)
        others.append(own)


def _differ(own: OciReference, other: OciReference) -> bool:
    return own.name != other.name or (None not in {own.digest, other.digest} and own.digest != other.digest)


def _clash(name: str) -> InvalidPolicyError:
    return InvalidPolicyError("two plugins would have one name on the mirror", got=f"`{name}`", hint="name two prefixes")


def _transfer(question: Question, *, rules: Sequence[MirrorRule], sources: Sources) -> Transfer | Unplanned:
    asked = question.asked
    if isinstance(asked, SupplyChainError):
        return Unplanned(name=question.name, error=asked)
    try:
        return _ordered(question.name, asked, rules=rules, sources=sources)
    except SupplyChainError as error:
        return Unplanned(name=question.name, error=error)


def _ordered(name: str, asked: Asked, *, rules: Sequence[MirrorRule], sources: Sources) -> Transfer:
    """Say what is carried from where to where, and how both sides are reached."""
    source = asked.target
    if not isinstance(source, BundleTarget | RegistryTarget):
        raise InvalidReferenceError("only what is in a registry or a bundle can be synced", got=f"`{asked.request.target}`")
    if isinstance(source, RegistryTarget) and asked.upstream is not None and asked.upstream != source.reference:
        # the manifest names a mirror; where no Secret says who may write there, it is this user
        upstream, destination = asked.upstream, replace(source, anonymous=False)
        source = RegistryTarget(reference=upstream)
    else:
        upstream = source.reference if isinstance(source, RegistryTarget) else sources.content(source)[1]
        destination = RegistryTarget(reference=renamed(str(upstream), rules=rules), avoid=frozenset({upstream.registry}))
    order = Order(name=name, upstream=upstream, mirror=destination.reference, request=asked.request)
    return Transfer(name=name, order=order, source=source, destination=destination)


def renamed(text: str, *, rules: Sequence[MirrorRule]) -> OciReference:
    """Give a plugin its name on the mirror, by the first rule that covers it.

    Raises:
        InvalidPolicyError: there is no rule at all.
        MirrorUnresolvedError: none covers it.
    """
    from supplychain.errors import MirrorUnresolvedError
    from supplychain.mirror.rewrite import rewrite

    if not rules:
        raise InvalidPolicyError(
            "nothing says where the plugin goes",
            expected="`spec.oci.mirrorRef` in its manifest, or `--from` and `--to`",
            got=f"`{text}`",
        )
    for rule in rules[:-1]:
        try:
            return rewrite(text, mirror=rule)
        except MirrorUnresolvedError:
            continue
    return rewrite(text, mirror=rules[-1])


def rules_of(args: argparse.Namespace) -> tuple[MirrorRule, ...]:
    """Build the rewrite rules of `--from` and `--to`, as an `MCPGPluginMirror` would be."""
    from supplychain.mirror.rewrite import MirrorRule

    if not args.to and not args.upstream:
        return ()
    if not args.to or not args.upstream:
        raise InvalidPolicyError("`--from` and `--to` belong together", expected="`--from HOST/PATH --to HOST[/PATH]`")
    host, _, prefix = args.to.partition("/")
    rules = []
    for text in args.upstream:
        registry, _, namespace = text.partition("/")
        rules.append(
            MirrorRule(
                name=f"--to {args.to}",
                service="mirror",
                namespace="mirror",
                port=443,
                upstream_registry=registry,
                upstream_namespace=namespace,
                path_prefix=prefix,
                endpoint=host,
            )
        )
        rules[-1].check()
    return tuple(rules)


def _listed(path: str, *, args: argparse.Namespace) -> list[str] | None:
    """Read a plain list, `plugins: [reference, …]`; None for anything that says its `kind`, and for standard input."""
    from supplychain.cli.flags import limits_of
    from supplychain.cli.policies import read_file
    from supplychain.strict_yaml import StrictYamlError, loads

    if path == "-":
        return None
    limit = limits_of(args).document
    try:
        document = loads(read_file(path, limit=limit), limit=limit)
    except StrictYamlError:
        return None  # several documents, or none at all: whoever reads manifests says what is wrong
    if not isinstance(document, dict) or set(document) != {"plugins"}:
        return None
    names = document["plugins"]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        expected = "`plugins: [host/repository:tag, …]`"
        raise InvalidManifestError("a plain plan lists references", expected=expected, where=f"`{path}`")
    return [str(name) for name in names]
