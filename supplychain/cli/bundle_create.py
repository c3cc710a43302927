"""`supplychain bundle create`: judged, put together, written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import InvalidPolicyError, InvalidReferenceError, SupplyChainError
from supplychain.report import Verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from datetime import datetime

    from supplychain.carry.plugin_bundle.blob_file import BlobFile
    from supplychain.carry.plugin_bundle.keyless import KeylessSigner
    from supplychain.carry.plugin_bundle.maker import BundleMaker, Signer
    from supplychain.cli.console import Console
    from supplychain.cli.request import Plan, Question
    from supplychain.cli.sources import Sources
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact

__all__ = ["run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    judgements: list[Judgement]
    extra: Mapping[str, Fact]
    failures: tuple[SupplyChainError, ...] = ()
    notes: tuple[str, ...] = ()


def run(args: argparse.Namespace, console: Console) -> int:
    """Judge everything, write the bundle if all is trusted, print one report, and return the worst exit code."""
    from supplychain.carry.sync import ended
    from supplychain.cli.freshness import aged_lists
    from supplychain.cli.reporting import emit
    from supplychain.cli.request import plan, target_names

    at = console.now()
    try:
        signer = _signer(args)
        planned = plan(args)
        planned = replace(planned, revocations=aged_lists(args, planned.revocations, at=at))
    except SupplyChainError as error:
        names = target_names(args) or ("(no target)",)
        return emit([ended(name, error, at=at) for name in names], args=args, console=console)
    for note in planned.notes:
        console.note(note)
    made = _make(planned, signer=signer, args=args, console=console, at=at)
    notes = (*planned.notes, *made.notes)
    code = emit(made.judgements, args=args, console=console, notes=notes, failures=made.failures, extra=made.extra)
    for failure in made.failures:
        console.refuse(failure)
    return code


def _make(
    planned: Plan, *, signer: Signer | KeylessSigner | None, args: argparse.Namespace, console: Console, at: datetime
) -> _Made:
    from supplychain.carry.plugin_bundle.blob_file import BlobFile
    from supplychain.carry.plugin_bundle.maker import BundleMaker
    from supplychain.cli.policies import log_lookup
    from supplychain.cli.sources import Sources
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.verifier import PluginVerifier

    root = TrustRootChoice(args, limit=planned.limits.document, at=at, dated=True)
    with ExitStack() as stack:
        verifier = PluginVerifier(
            root=root,
            revocations=planned.revocations,
            limits=planned.limits,
            second_opinion=not args.single_verifier,
            lookup=stack.enter_context(log_lookup(args, limits=planned.limits)),
        )
        sources = stack.enter_context(Sources(args, limits=planned.limits))
        blob_file = stack.enter_context(BlobFile())
        maker = BundleMaker(verifier=verifier, blob_file=blob_file, at=at)
        judgements = [one for question in planned.questions for one in _take(question, maker=maker, sources=sources, at=at)]
        judgements = [replace(one, inputs={**one.inputs, "trustRoots": root.facts()}) if one.inputs.get("trustRoots") else one
                      for one in judgements]  # fmt: skip
        for text in (*sources.warnings(), *root.warnings(), *(f"left behind: {one}" for one in maker.left_behind)):
            console.note(text)
        extra: Mapping[str, Fact] = {}
        if not judgements or any(one.verdict is not Verdict.TRUSTED for one in judgements):
            return _Made(judgements=judgements, extra=extra)
        try:
            extra = {"bundle": _write(maker, planned, signer=signer, root=root, blob_file=blob_file, args=args)}
        except SupplyChainError as failure:
            return _Made(judgements=judgements, extra=extra, failures=(failure,))
    return _Made(judgements=judgements, extra=extra, notes=tuple(f"left behind: {one}" for one in maker.left_behind))


def _take(question: Question, *, maker: BundleMaker, sources: Sources, at: datetime) -> list[Judgement]:
    from supplychain.carry.sync import ended
    from supplychain.cli.sources import BundleTarget, RegistryTarget

    try:
        if isinstance(question.asked, SupplyChainError):
            raise question.asked
        target = question.asked.target
        if not isinstance(target, (BundleTarget, RegistryTarget)):
            raise InvalidReferenceError(
                "only what has a name in a registry can be carried", expected="an OCI reference", got=f"`{question.name}`"
            )
        source, location = sources.content(target)
        named = question.asked.upstream or location
        return maker.take(source, location=location, named=named, request=question.asked.request)
    except SupplyChainError as error:
        return [ended(question.name, error, at=at)]


def _write(
    maker: BundleMaker,
    planned: Plan,
    *,
    signer: Signer | KeylessSigner | None,
    root: TrustRootChoice,
    blob_file: BlobFile,
    args: argparse.Namespace,
) -> dict[str, Fact]:
    from supplychain.carry.plugin_bundle.volume_writer import VolumeWriter
    from supplychain.carry.plugin_bundle.writer import bundle_stream

    lists = () if planned.revocations is None else planned.revocations.lists
    roots = tuple(one.root for one in root.loaded)
    closures = [one.closure for one in maker.packed]
    names = [str(one.reference) for one in closures]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidPolicyError("a plugin is named twice", got=f"`{twice}`", hint="a bundle carries each reference once")
    stream, size = bundle_stream(closures, enclosed=maker.enclosed(roots=roots, lists=lists, signer=signer), blob_file=blob_file)
    with VolumeWriter(Path(args.out), part_size=args.part_size) as volume:
        for piece in stream:
            volume.write(piece)
        sha256, files = volume.commit()
    return {
        "files": tuple(str(one) for one in files),
        "sha256": sha256,
        "tarSize": size,
        "plugins": len(closures),
        "trustRoots": len(roots),
        "revocationLists": len(lists),
        "signed": signer is not None,
        "verifier": None if signer is None else signer.verifier,
    }


def _signer(args: argparse.Namespace) -> Signer | KeylessSigner | None:
    from supplychain.cli.bundle_keyless import keyless_signer
    from supplychain.cli.policies import refuse_blank

    refuse_blank(args, ("out", "verifier_id"))
    keyless = keyless_signer(args)
    if args.sign_key is None:
        return keyless
    from supplychain.carry.plugin_bundle.maker import Signer
    from supplychain.files import read_bounded
    from supplychain.limits import Limits
    from supplychain.signing import parse_private_key

    data = read_bounded(args.sign_key, limit=Limits().document)
    return Signer(private_key=parse_private_key(data, name=args.sign_key), verifier=args.verifier_id)
