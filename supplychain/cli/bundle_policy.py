"""By what a bundle is judged: the reader's own policy, or the enclosed one under a key that the reader gave."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supplychain.errors import InvalidPolicyError, SummaryMismatchError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from supplychain.carry.plugin_bundle.enclosed import ProvenTerms
    from supplychain.carry.plugin_bundle.inventory import Carried
    from supplychain.carry.plugin_bundle.judging import Asked
    from supplychain.carry.plugin_bundle.keyless import KeylessTrust
    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.cli.sources import RegistryTarget
    from supplychain.cli.trust import LoadedRoot, TrustRootChoice
    from supplychain.ed25519 import PublicKey
    from supplychain.freshness import Budget
    from supplychain.limits import Limits
    from supplychain.revocation import RevocationList, RevocationSet

__all__ = ["Brief", "brief_of", "own_policy", "root_choice", "verifier_keys"]

_POLICY_FLAGS = (
    "plugin_id",
    "plugin_version",
    "plugin_class",
    "certificate_identity",
    "certificate_identity_regexp",
    "certificate_oidc_issuer",
    "source_uri",
    "source_tag",
    "source_versioned_tag",
    "source_branch",
    "builder_id",
    "workflow_input",
    "provenance",
    "rekor_entry",
    "provenance_key",
    "allow_unsigned_provenance",
    "namespace",
    "mirror_endpoint",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Everything that is asked about a bundle."""

    asked: tuple[Asked, ...]
    revocations: RevocationSet | None
    proven: ProvenTerms | None
    """What is enclosed, where it counts."""
    notes: tuple[str, ...] = ()
    locations: dict[str, RegistryTarget] = field(default_factory=dict)
    """Where a manifest says that a plugin is read, by the reference that the bundle carries."""


def own_policy(args: argparse.Namespace) -> bool:
    """Whether the reader brought a policy."""
    return bool(args.manifest or args.key)


def verifier_keys(args: argparse.Namespace, *, limits: Limits) -> tuple[PublicKey, ...]:
    """Read every `--verifier-key`, and refuse a request that names no policy at all.

    Raises:
        InvalidPolicyError: nothing says by what to judge, or a flag would be ignored in silence.
        InvalidKeyError: a file holds no key.
    """
    from supplychain.cli.bundle_keyless import names_identity
    from supplychain.cli.flags import PLATFORM
    from supplychain.cli.policies import read_file, refuse_blank, refuse_stray
    from supplychain.ed25519 import parse_keys

    refuse_blank(args, ("verifier_id",))
    if args.rekor_lookup:
        raise InvalidPolicyError("`--rekor-lookup` has no effect here: a bundle is judged without any network")
    if not own_policy(args):
        needs = "your own policy, `-f FILE` or `--key FILE`"
        refuse_stray(args, _POLICY_FLAGS, needs=needs)
        if args.platform != PLATFORM:
            raise InvalidPolicyError("`--platform` has no effect here; the terms say for which each is judged", expected=needs)
        if not (args.verifier_key or names_identity(args)):
            raise InvalidPolicyError(
                "nothing says by which policy to judge; the enclosed one does not vouch for itself",
                expected="your own policy (`-f` or `--key FILE`), `--verifier-key FILE` or `--verifier-certificate-identity`",
                hint="give the verifier's public key if you trust whoever verified, else the policy that you want to see met",
            )
    paths = args.verifier_key
    return tuple(key for path in paths for key in parse_keys(read_file(path, limit=limits.document), name=path))


def brief_of(
    args: argparse.Namespace,
    bundle: Bundle,
    *,
    keys: tuple[PublicKey, ...],
    limits: Limits,
    at: datetime,
    keyless: KeylessTrust | None = None,
) -> Brief:
    """Put together what is asked about a bundle.

    Raises:
        InputError: a flag or a file is wrong, or a reference is not carried.
        BundleFileError: what is enclosed is asked for, and does not count.
    """
    from supplychain.carry.plugin_bundle.content import find_plugin_in
    from supplychain.cli.freshness import aged_lists, budget_of
    from supplychain.cli.request import list_notes, read_lists, revocation_set

    proven = _proven(args, bundle, keys=keys, keyless=keyless)
    chosen = list(dict.fromkeys(find_plugin_in(bundle, text) for text in args.targets)) or bundle.inventory.plugins
    notes: tuple[str, ...] = ()
    locations: dict[str, RegistryTarget] = {}
    if own_policy(args):
        asked, lists, notes, locations = _own(args, bundle, chosen)
        if proven is not None:
            asked = [_covered(one, proven) for one in asked]
    else:
        assert proven is not None  # noqa: S101 — `verifier_keys` demands one of both
        asked = list(_enclosed(proven, chosen, whole=not args.targets))
        lists = read_lists(args, limits=limits)
        notes = list_notes(lists)
    if proven is not None:
        asked = [_young(one, proven, budget=budget_of(args), at=at) for one in asked]
        lists = (*lists, *proven.revocation_lists())
    else:
        notes = (*notes, "what is enclosed (policy, trust roots, revocation lists) does not count: there is no `--verifier-key`")
    revocations = aged_lists(args, revocation_set(lists), at=at)
    return Brief(asked=tuple(asked), revocations=revocations, proven=proven, notes=notes, locations=locations)


def root_choice(args: argparse.Namespace, *, proven: ProvenTerms | None, limits: Limits, at: datetime) -> TrustRootChoice:
    """Choose what Sigstore evidence is judged by: the reader's roots, else enclosed ones that count, else the embedded one."""
    from supplychain.cli.trust import LoadedRoot, TrustRootChoice

    args = argparse.Namespace(**{**vars(args), "offline": True})
    if args.trust_root or proven is None or not proven.terms.roots:
        return TrustRootChoice(args, limit=limits.document, at=at, dated=True)
    roots = proven.trust_roots()

    class _Enclosed(TrustRootChoice):
        """The roots of the bundle in the place of those of the flags."""

        def _one(self, wanted: str) -> Iterator[LoadedRoot]:  # noqa: ARG002 — there is one choice
            for root in roots:
                yield LoadedRoot(root=root, source="bundle")

    return _Enclosed(args, limit=limits.document, at=at)


def _proven(
    args: argparse.Namespace, bundle: Bundle, *, keys: tuple[PublicKey, ...], keyless: KeylessTrust | None
) -> ProvenTerms | None:
    from supplychain.carry.plugin_bundle.enclosed import ProvenTerms

    if not keys and keyless is None:
        return None
    return ProvenTerms.of(bundle.inventory, keys=keys, verifier=args.verifier_id, keyless=keyless)


def _own(
    args: argparse.Namespace, bundle: Bundle, chosen: list[Carried]
) -> tuple[list[Asked], tuple[RevocationList, ...], tuple[str, ...], dict[str, RegistryTarget]]:
    from supplychain.carry.plugin_bundle.content import find_plugin_in
    from supplychain.carry.plugin_bundle.judging import Asked
    from supplychain.cli.request import plan
    from supplychain.cli.sources import RegistryTarget

    names = [] if args.manifest else [str(one.reference) for one in chosen]
    planned = plan(argparse.Namespace(**{**vars(args), "targets": names}))
    asked: list[Asked] = []
    unread: list[Asked] = []
    met: set[Carried] = set()
    locations: dict[str, RegistryTarget] = {}
    for question in planned.questions:
        try:
            if isinstance(question.asked, SupplyChainError):
                raise question.asked
            target = question.asked.target
            assert isinstance(target, RegistryTarget)  # noqa: S101 — manifests and references name nothing else
            carried = find_plugin_in(bundle, str(question.asked.upstream or target.reference))
        except SupplyChainError as error:
            if not args.targets:
                asked.append(Asked(name=question.name, error=error))
            elif error is question.asked:
                unread.append(Asked(name=question.name, error=error))
            continue
        if carried in chosen:
            met.add(carried)
            locations[str(carried.reference)] = target
            asked.append(Asked(name=question.name, carried=carried, request=question.asked.request))
    missed = [_unasked(one) for one in chosen if one not in met]
    asked += [*(unread if missed else ()), *missed]  # one that is unread may be what is missed
    lists = () if planned.revocations is None else planned.revocations.lists
    return asked, lists, planned.notes, locations


def _unasked(one: Carried) -> Asked:
    from supplychain.carry.plugin_bundle.judging import Asked

    what = "the bundle carries a plugin that no manifest asks about"
    hint = "name the plugins that you want after the bundle, or add its manifest"
    return Asked(name=str(one.reference), error=InvalidPolicyError(what, got=f"`{one.reference}`", hint=hint))


def _covered(one: Asked, proven: ProvenTerms) -> Asked:
    """Demand a summary, too, where the reader gave a key besides the policy."""
    from supplychain.carry.plugin_bundle.judging import Asked

    if one.carried is None:
        return one
    try:
        proven.cover(one.carried)
    except SupplyChainError as error:
        return Asked(name=one.name, error=error)
    return one


def _young(one: Asked, proven: ProvenTerms, *, budget: Budget, at: datetime) -> Asked:
    """Do not rely on a summary that is older than the flags allow."""
    from supplychain.carry.plugin_bundle.judging import Asked
    from supplychain.freshness import check_verdict

    if one.carried is None:
        return one
    _, proof = proven.cover(one.carried)
    try:
        check_verdict(proof.summary.resource, as_of=proof.as_of, budget=budget, at=at)
    except SupplyChainError as error:
        return Asked(name=one.name, error=error)
    return one


def _enclosed(proven: ProvenTerms, chosen: list[Carried], *, whole: bool) -> Iterator[Asked]:
    from supplychain.carry.plugin_bundle.judging import Asked

    for carried in chosen:
        try:
            plugin, _ = proven.cover(carried)
            yield Asked(name=plugin.target, carried=carried, request=plugin.request(proven.read))
        except SupplyChainError as error:
            yield Asked(name=str(carried.reference), error=error)
    for missing in proven.missing() if whole else ():
        what = "the bundle lacks a plugin that its terms name"
        yield Asked(
            name=missing.target, error=SummaryMismatchError(what, expected=f"`{missing.digest}`", where=f"`{missing.reference}`")
        )
