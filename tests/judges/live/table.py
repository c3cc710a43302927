"""The answers as a page. It holds no time, digest or address, so that it stays as it is until an answer changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.judges.live.cases import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.judges.live.comparison import Row

__all__ = ["render"]

_HEAD = """\
# Live comparison with cosign

<!-- generated: python -m tests.judges.live > docs/cosign-comparison.md -->

A private Sigstore (Fulcio, Rekor v1 and v2, a timestamp authority, a CT log) and two registries run on loopback. cosign 3 signs
and attests there in every form that it can write. Each row changes one thing about that evidence or about the question; the right
answer and its reason were written down first, then both were asked: `cosign verify` or `verify-attestation`, and
`supplychain check cosign` or the provenance layer, with both verifiers.
"""


def render(rows: tuple[Row, ...]) -> str:
    """Write the page."""
    return "\n".join([_HEAD, *_summary(rows), *_differences(rows), *_tables(rows)]) + "\n"


def _summary(rows: tuple[Row, ...]) -> Iterator[str]:
    wrong = {party: sum(_answer(row, party) != row.case.right for row in rows) for party in ("cosign", "ours")}
    good = sum(row.case.right for row in rows)
    yield (
        f"{len(rows)} cases, {good} to accept and {len(rows) - good} to refuse. "
        f"Wrong answers: cosign {wrong['cosign']}, ours {wrong['ours']}."
    )
    yield ""


def _differences(rows: tuple[Row, ...]) -> Iterator[str]:
    yield "## Where an answer is not the right one"
    yield ""
    yield "| case | right | who | what it does |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        for party, reason in (("cosign", row.case.cosign), ("ours", row.case.ours)):
            if _answer(row, party) != row.case.right:
                yield f"| {row.case.name} | {_word(row.case.right)} | {party} | {reason} |"
    yield ""


def _tables(rows: tuple[Row, ...]) -> Iterator[str]:
    by_name = {row.case.name: row for row in rows}
    for section, cases in SECTIONS.items():
        yield f"## {section}"
        yield ""
        yield "| case | right | because | cosign | ours | our reason |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for case in cases:
            row = by_name[case.name]
            cosign, ours = (
                _marked(_answer(row, party) == case.right, getattr(row, party).verdict) for party in ("cosign", "ours")
            )
            yield f"| {case.name} | {_word(case.right)} | {case.why} | {cosign} | {ours} | {row.ours.reason} |"
        yield ""


def _answer(row: Row, party: str) -> bool:
    accepted: bool = getattr(row, party).accepted
    return accepted


def _word(right: bool) -> str:
    return "accept" if right else "refuse"


def _marked(right: bool, verdict: str) -> str:
    return verdict if right else f"**{verdict}**"
