"""All cases, by the sections of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.judges.live import cases_bundle, cases_honest, cases_legacy, cases_policy, cases_provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.judges.live.case import Case

__all__ = ["CASES", "SECTIONS"]

SECTIONS: Mapping[str, tuple[Case, ...]] = {
    "What cosign writes": cases_honest.CASES,
    "Signers": cases_policy.IDENTITIES,
    "Trust roots": cases_policy.ROOTS,
    "Missing, foreign and several objects": cases_policy.OTHERS,
    "Registry objects around a bundle": cases_policy.PLACES,
    "Bundles with one part changed": cases_bundle.CASES,
    "Older objects with one part changed": cases_legacy.CASES,
    "Provenance": cases_provenance.CASES,
}
CASES = tuple(case for cases in SECTIONS.values() for case in cases)
