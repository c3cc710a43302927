"""Rules of `MCPGRevocationList` that its schema cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplychain.rules.problem import Severity
from supplychain.rules.reading import items, mapping, spec_of
from supplychain.rules.rule import Finding, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RULES"]

_SHOWN: Final = 3


def _removed(subject: Subject) -> Iterator[Finding]:
    gone = sorted(_hashes(spec_of(subject.old)) - _hashes(subject.spec)) if subject.old is not None else []
    if gone:
        shown = ", ".join(f"`{one[:16]}…`" for one in gone[:_SHOWN])
        more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
        yield Finding(
            field="spec.revocations",
            what=f"{len(gone)} artifacts are no longer revoked",
            got=f"{shown}{more}",
            hint="revoked code may be loaded again as soon as this is stored",
        )


def _hashes(spec: Any) -> set[str]:
    found = (mapping(one).get("artifactSha256") for one in items(mapping(spec).get("revocations")))
    return {one.strip().lower() for one in found if isinstance(one, str)}


RULES: Final = (
    Rule(
        name="RevocationRemoved",
        about="An update takes entries off the list.",
        find=_removed,
        severity=Severity.WARNING,
        reads=("revocations",),
    ),
)
