"""What `supplychain materialise` is to write: one plugin by flags, or several by a file or by orders."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from supplychain.cli.flags import limits_of, platform_of
from supplychain.cli.policies import public_keys, read_file, refuse_blank, refuse_stray
from supplychain.cli.request import list_notes, read_lists, revocation_set
from supplychain.digest import ArtifactHash
from supplychain.ed25519 import parse_keys
from supplychain.errors import InvalidPolicyError, InvalidReferenceError, SigningKeyMissingError
from supplychain.policy import TrustPolicy, VerificationRequest
from supplychain.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    import argparse

    from supplychain.artifact import Platform
    from supplychain.ed25519 import PublicKey
    from supplychain.limits import Limits
    from supplychain.revocation import RevocationSet

__all__ = ["Order", "Plan", "read_plan"]

_CONTENT: Final = re.compile(r"[0-9a-f]{32}")
_REQUIRED: Final = frozenset({"source", "target", "digest"})
_KEYS: Final = ("keys", "publicKeys")
"""Names of files, or the keys themselves; one of the two is required."""
_OPTIONAL: Final = frozenset({"pluginId", "pluginClass", "content"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One plugin: where it is mounted, where it shall be, and what it must be."""

    source: Path
    target: Path
    digest: ArtifactHash
    content: str | None
    request: VerificationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All plugins of one call, with what they share."""

    orders: tuple[Order, ...]
    revocations: RevocationSet | None
    notes: tuple[str, ...]
    limits: Limits
    mode: int
    """Permission bits of every file."""


def read_plan(args: argparse.Namespace) -> Plan:
    """Read every file the flags name and say what is to be done.

    Raises:
        InputError: a flag, a file or their combination is wrong.
    """
    limits = limits_of(args)
    platform = platform_of(args)
    refuse_blank(args, ("source", "target", "digest", "content", "plugin_id", "plugin_class", "plan"))
    flags = ("source", "target", "digest", "content", "key", "plugin_id", "plugin_class")
    if args.order:
        refuse_stray(args, ("plan", *flags), needs="plugins without `--order`")
        orders = _orders_of_texts(args.order, platform=platform, limits=limits)
    elif args.plan is not None:
        refuse_stray(args, flags, needs="one plugin without `--plan`")
        orders = _orders_of_file(args.plan, platform=platform, limits=limits)
    else:
        orders = (_order_of_flags(args, platform=platform, limits=limits),)
    lists = read_lists(args, limits=limits)
    return Plan(orders=orders, revocations=revocation_set(lists), notes=list_notes(lists), limits=limits, mode=args.mode)


def _order_of_flags(args: argparse.Namespace, *, platform: Platform, limits: Limits) -> Order:
    needed = {"--source": args.source, "--target": args.target, "--digest": args.digest}
    if missing := [f"`{flag}`" for flag, value in needed.items() if value is None]:
        raise InvalidPolicyError(
            "not enough is said", expected=", ".join(missing) + ", or `--plan FILE` or `--order JSON` for several plugins"
        )
    return _order(
        {
            "source": args.source,
            "target": args.target,
            "digest": args.digest,
            "content": args.content,
            "pluginId": args.plugin_id,
            "pluginClass": args.plugin_class,
        },
        keys=public_keys(args, limits=limits),
        platform=platform,
        where=None,
    )


def _orders_of_file(path: str, *, platform: Platform, limits: Limits) -> tuple[Order, ...]:
    try:
        document = loads(read_file(path, limit=limits.document), limit=limits.document)
    except StrictJsonError as exc:
        raise InvalidPolicyError("the plan is no usable JSON", got=str(exc), where=f"`{path}`") from exc
    if not isinstance(document, list) or not document:
        raise InvalidPolicyError("the plan names no plugin", expected="a JSON list with at least one object", where=f"`{path}`")
    places = [f"`{path}` at `[{number}]`" for number in range(len(document))]
    return _orders(list(zip(document, places, strict=True)), platform=platform, limits=limits)


def _orders_of_texts(texts: list[str], *, platform: Platform, limits: Limits) -> tuple[Order, ...]:
    items = []
    for number, text in enumerate(texts, start=1):
        where = f"`--order` number {number}"
        try:
            items.append((loads(text.encode(errors="surrogateescape"), limit=limits.document), where))
        except StrictJsonError as exc:
            raise InvalidPolicyError("the order is no usable JSON", got=str(exc), where=where) from exc
    return _orders(items, platform=platform, limits=limits)


def _orders(items: list[tuple[Any, str]], *, platform: Platform, limits: Limits) -> tuple[Order, ...]:
    orders = []
    taken: set[str] = set()
    for item, where in items:
        _expect_form(item, where=where)
        order = _order(item, keys=_keys(item, where=where, limits=limits), platform=platform, where=where)
        place = os.path.realpath(order.target)
        if place in taken:
            raise InvalidPolicyError("two plugins have the same target", got=f"`{order.target}`", where=where)
        taken.add(place)
        orders.append(order)
    return tuple(orders)


def _keys(item: dict[str, Any], *, where: str, limits: Limits) -> tuple[PublicKey, ...]:
    if "publicKeys" in item:
        return tuple(key for text in item["publicKeys"] for key in parse_keys(text.encode(), name=f"publicKeys of {where}"))
    return tuple(key for name in item["keys"] for key in parse_keys(read_file(name, limit=limits.document), name=name))


def _expect_form(item: Any, *, where: str) -> None:
    given = [name for name in _KEYS if isinstance(item, dict) and name in item]
    if len(given) != 1 or not _REQUIRED <= set(item) - set(given) <= _REQUIRED | _OPTIONAL:
        expected = f"the fields {_names(_REQUIRED)}, one of {_names(_KEYS)}, and no others than {_names(_OPTIONAL)}"
        got = _names(item) if isinstance(item, dict) else type(item).__name__
        raise InvalidPolicyError("malformed plan", expected=expected, got=got or "none", where=where)
    keys = item[given[0]]
    texts = [value for name, value in item.items() if name not in given] + (keys if isinstance(keys, list) else [None])
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise InvalidPolicyError(
            "malformed plan", expected=f"texts, and a list of texts as `{given[0]}`, none of them blank", where=where
        )


def _order(item: dict[str, Any], *, keys: tuple[PublicKey, ...], platform: Platform, where: str | None) -> Order:
    if not keys:
        raise SigningKeyMissingError("no key to check the detached signature with", where=where)
    content = item.get("content")
    if content is not None and _CONTENT.fullmatch(content) is None:
        raise InvalidPolicyError("unusable content", expected="32 lower-case hex characters", got=f"`{content}`", where=where)
    try:
        digest = ArtifactHash.parse(item["digest"])
    except InvalidReferenceError as exc:
        raise InvalidPolicyError(
            "unusable digest", expected="`sha256:` and 64 hex characters", got=f"`{item['digest'][:80]}`", where=where
        ) from exc
    return Order(
        source=Path(item["source"]),
        target=Path(item["target"]),
        digest=digest,
        content=content,
        request=VerificationRequest(
            target=item["source"],
            policy=TrustPolicy(keys=keys, plugin_id=item.get("pluginId"), plugin_class=item.get("pluginClass")),
            platform=platform,
        ),
    )


def _names(names: Any) -> str:
    return ", ".join(f"`{name[:40]}`" for name in sorted(names))
