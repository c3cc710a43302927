"""`--max-age`: read into a budget, and what a report says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from supplychain.freshness import Budget, Dated, Subject
    from supplychain.report import Fact
    from supplychain.revocation import RevocationSet

__all__ = ["aged_lists", "budget_of", "freshness_facts"]


def budget_of(args: argparse.Namespace) -> Budget:
    """Build the budget from `--max-age` and `--max-trust-root-age`; an age for one kind counts more than one for all.

    Raises:
        InvalidPolicyError: a value is none, a kind is unknown, or a kind has two ages.
    """
    from datetime import timedelta

    from supplychain.errors import InvalidPolicyError
    from supplychain.freshness import Budget, Subject

    ages: dict[Subject | None, timedelta] = {}
    for text in getattr(args, "max_age", ()):
        kind, age = _read(text)
        if kind in ages:
            raise InvalidPolicyError(
                "two greatest ages for the same", got=f"`--max-age {text}`", where="`--max-age`", hint="leave one out"
            )
        ages[kind] = age
    days = getattr(args, "max_trust_root_age", None)
    if days is not None:
        if Subject.TRUST_ROOT in ages:
            raise InvalidPolicyError(
                "two greatest ages for the trust root", where="`--max-trust-root-age`, `--max-age`", hint="leave one out"
            )
        ages[Subject.TRUST_ROOT] = timedelta(days=days)
    every = ages.get(None)
    return Budget(
        trust_root=ages.get(Subject.TRUST_ROOT, every),
        revocations=ages.get(Subject.REVOCATIONS, every),
        verification=ages.get(Subject.VERIFICATION, every),
    )


def aged_lists(args: argparse.Namespace, lists: RevocationSet | None, *, at: datetime) -> RevocationSet | None:
    """Mark the lists that are older than the flags allow.

    Raises:
        InvalidPolicyError: as `budget_of`.
    """
    budget = budget_of(args)
    if not budget.limited:
        return lists
    from supplychain.freshness import age_lists

    return age_lists(lists, budget=budget, at=at)


def freshness_facts(
    args: argparse.Namespace,
    *,
    at: datetime,
    roots: Iterable[Dated] = (),
    revocations: RevocationSet | None = None,
    verifications: Iterable[Dated] | None = None,
) -> Mapping[str, Fact]:
    """Say of everything dated how old it is and when it expires, as the member `freshness` of a report; empty without a budget.

    Args:
        args: the flags.
        at: the time of judgement.
        roots: the trust roots that were read.
        revocations: the lists that count.
        verifications: verdicts of others; None: the verdict is of this call, and so of `at`.
    """
    budget = budget_of(args)
    if not budget.limited:
        return {}
    from supplychain.freshness import Dated, Subject, dated_list, judge

    lists = () if revocations is None else revocations.lists
    now = [Dated(subject=Subject.VERIFICATION, name="this verdict", as_of=at)] if budget.verification is not None else []
    dated = (*roots, *map(dated_list, lists), *(now if verifications is None else verifications))
    return {"freshness": tuple(one.as_facts() for one in judge(dated, budget=budget, at=at))}


def _read(text: str) -> tuple[Subject | None, timedelta]:
    from supplychain.errors import InvalidPolicyError
    from supplychain.freshness import Subject, parse_duration

    kind, equals, length = text.partition("=")
    if not equals:
        return None, parse_duration(text)
    if kind not in set(Subject):
        known = ", ".join(f"`{one}`" for one in Subject)
        raise InvalidPolicyError("no kind of thing that has an age", expected=known, got=f"`{kind[:80]}`", where="`--max-age`")
    return Subject(kind), parse_duration(length)
