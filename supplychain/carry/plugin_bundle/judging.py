"""Judging what a bundle carries in one pass through its file: each package is judged while it is the only one on disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from supplychain.carry.fetched import FetchedSource
from supplychain.carry.plugin_bundle.source import BundleCargo, closure_of
from supplychain.carry.sync import ended
from supplychain.errors import SupplyChainError
from supplychain.output.judgement import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from supplychain.carry.plugin_bundle.inventory import Carried
    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.policy import VerificationRequest
    from supplychain.spool import Spool
    from supplychain.verifier import PluginVerifier

__all__ = ["Asked", "judge_bundle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One plugin of a bundle and what is asked about it, or why it cannot be asked."""

    name: str
    carried: Carried | None = None
    request: VerificationRequest | None = None
    error: SupplyChainError | None = None


@dataclass(slots=True, kw_only=True)
class _Case:
    """One manifest to be judged when its package comes by."""

    source: FetchedSource
    fetched: BundleCargo
    request: VerificationRequest
    judgement: Judgement | None = None


@dataclass(slots=True, kw_only=True)
class _Docket:
    """All cases, in the order in which they are reported, and by the packages that they wait for."""

    order: list[_Case | Judgement] = field(default_factory=list)
    waiting: dict[str, list[_Case]] = field(default_factory=dict)


def judge_bundle(
    bundle: Bundle,
    asked: Sequence[Asked],
    *,
    verifier: PluginVerifier,
    at: datetime,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Judgement]:
    """Judge every plugin for its own platform, all manifests of an index, and read the file to its end.

    Raises:
        BundleFileError, UnavailableError: the file is broken; nothing that was judged before counts then.
    """
    docket = _Docket()
    for one in asked:
        try:
            if one.error is not None:
                raise one.error
            _enter(docket, bundle, one)
        except SupplyChainError as error:
            docket.order.append(ended(one.name, error, at=at))
    for spool in bundle.packages():
        for case in docket.waiting.get(spool.sha256, ()):
            progress(case.request.target)
            case.judgement = _judge(case, spool, verifier=verifier, at=at)
    return [one if isinstance(one, Judgement) else _settled(one) for one in docket.order]


def _enter(docket: _Docket, bundle: Bundle, one: Asked) -> None:
    assert one.carried is not None  # noqa: S101 — either both or an error
    assert one.request is not None  # noqa: S101
    closure = closure_of(bundle, one.carried)
    for plugin, platform in closure.plugins:
        fetched = BundleCargo(closure, bundle=bundle)
        source = FetchedSource(fetched=fetched, plugin=plugin, platform=platform, limits=bundle.limits)
        name = one.name if platform is None else f"{one.name} {platform}"
        case = _Case(
            source=source, fetched=fetched, request=replace(one.request, target=name, platform=platform or one.request.platform)
        )
        docket.order.append(case)
        docket.waiting.setdefault(source.layer.sha256, []).append(case)


def _judge(case: _Case, spool: Spool, *, verifier: PluginVerifier, at: datetime) -> Judgement:
    case.fetched.at_hand = spool
    try:
        with verifier.verify(case.source, request=case.request, at=at) as verification:
            return Judgement.of_report(verification.report)
    finally:
        case.fetched.at_hand = None


def _settled(case: _Case) -> Judgement:
    assert case.judgement is not None  # noqa: S101 — every package that is waited for came by, or the pass raised
    return case.judgement
