"""What is enclosed beside the plugins of a bundle, and when it counts: under a summary by a key that the reader gave, never else.

The reader's trust goes key → summary → terms → everything that the plugins were judged by. So each summary must be over exactly
the terms, the plugin with all of its manifests, and the attestations that the bundle carries; and every plugin of the terms
must be there. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from supplychain.carry.plugin_bundle.inventory import SUMMARY_TYPE
from supplychain.carry.plugin_bundle.keyless import SIGSTORE_SUMMARY_TYPE, judge_summary
from supplychain.carry.plugin_bundle.terms import TERMS_TYPE, Terms
from supplychain.errors import (
    BundleFileInvalidError,
    EnvelopeInvalidError,
    RejectedCandidate,
    SummaryMismatchError,
    SummaryMissingError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.carry.plugin_bundle.inventory import Carried, Inventory
    from supplychain.carry.plugin_bundle.keyless import KeylessTrust
    from supplychain.carry.plugin_bundle.summary import ProvenSummary
    from supplychain.carry.plugin_bundle.terms import PluginTerms
    from supplychain.digest import ManifestDigest
    from supplychain.ed25519 import PublicKey
    from supplychain.reference import OciReference
    from supplychain.revocation import RevocationList
    from supplychain.trust_root import TrustRoot

__all__ = ["POLICY_URI", "ProvenTerms", "digest_of", "enclosed_terms", "resource_uri", "subjects_of", "terms_inputs"]

POLICY_URI: Final = "https://mcpg.dev/supplychain/bundle/terms/v1"
"""`policy.uri` of every summary; which policy it is, its digest says."""


def resource_uri(reference: OciReference) -> str:
    """Name a plugin in a summary."""
    return f"oci://{reference}"


def enclosed_terms(inventory: Inventory) -> tuple[Terms, str]:
    """Read the terms, unproven, with their digest in hex.

    Raises:
        BundleFileInvalidError: there are none, several, or they cannot be read.
    """
    found = inventory.enclosed.get(TERMS_TYPE, [])
    if len(found) != 1:
        raise BundleFileInvalidError("a bundle has one document of terms", expected="1", got=str(len(found)))
    return Terms.parse(inventory.read(found[0])), found[0]


def terms_inputs(plugin: PluginTerms) -> frozenset[str]:
    """Name the attestations that were given as a file."""
    return frozenset(one.sha256 for one in plugin.provenance or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenTerms:
    """Terms with the summaries that the reader's key signed. Made by `of`."""

    terms: Terms
    sha256: str
    summaries: tuple[ProvenSummary, ...]
    rejected: tuple[RejectedCandidate, ...]
    _inventory: Inventory

    @classmethod
    def of(cls, inventory: Inventory, *, keys: tuple[PublicKey, ...], verifier: str, keyless: KeylessTrust | None = None) -> Self:
        """Look for summaries of `verifier` that one of `keys` signed, or the identity of `keyless`.

        Raises:
            SummaryMissingError: there is none; its candidates say why.
            SummaryMismatchError: there is one over other terms.
            BundleFileInvalidError: the terms cannot be read.
        """
        proven: list[ProvenSummary] = []
        rejected: list[RejectedCandidate] = []
        found = [(kind, one) for kind in (SUMMARY_TYPE, SIGSTORE_SUMMARY_TYPE) for one in inventory.enclosed.get(kind, ())]
        for kind, sha256 in found:
            where = f"summary `sha256:{sha256}`"
            trust = keyless if kind == SIGSTORE_SUMMARY_TYPE else keys
            try:
                proven.append(judge_summary(inventory.read(sha256), trust=trust, verifier=verifier, where=where))
            except (SummaryMissingError, SummaryMismatchError, EnvelopeInvalidError) as exc:
                rejected.append(RejectedCandidate(where=where, error=exc))
        if not proven:
            wrong = next((one.error for one in rejected if isinstance(one.error, SummaryMismatchError)), None)
            if wrong is not None:
                raise wrong
            raise SummaryMissingError(
                "no summary in the bundle is signed by the verifier's key" + ("" if keyless is None else " or identity"),
                expected=", ".join([*(f"`{one.fingerprint}`" for one in keys[:4]), *([keyless.text] if keyless else [])]),
                got=f"{len(rejected)} of others" if rejected else "none at all",
                candidates=tuple(rejected),
            )
        terms, sha256 = enclosed_terms(inventory)
        if not any(one.summary.policy == sha256 for one in proven):
            raise SummaryMismatchError(
                "the summaries are over another policy, other roots or other lists",
                expected=f"`{proven[0].summary.policy[:64]}`",
                got=f"`{sha256}`",
                where="the enclosed terms",
            )
        return cls(terms=terms, sha256=sha256, summaries=tuple(proven), rejected=tuple(rejected), _inventory=inventory)

    @property
    def read(self) -> Callable[[str], bytes]:
        """What the terms name, by digest."""
        return self._inventory.read

    def trust_roots(self) -> tuple[TrustRoot, ...]:
        """The enclosed roots; errors as those of `Terms.trust_roots`."""
        return self.terms.trust_roots(self.read)

    def revocation_lists(self) -> tuple[RevocationList, ...]:
        """The enclosed lists, with names that tell them from those that the reader brings."""
        return tuple(replace(one, name=f"{one.name} (enclosed)") for one in self.terms.revocation_lists(self.read))

    def cover(self, carried: Carried) -> tuple[PluginTerms, ProvenSummary]:
        """Say what one plugin was judged by, and who says so.

        Raises:
            SummaryMissingError: no summary is about it.
            SummaryMismatchError: one is, over other digests than the bundle carries, or other terms.
        """
        resource = resource_uri(carried.reference)
        about = [one for one in self.summaries if one.summary.resource == resource]
        if not about:
            raise SummaryMissingError(
                "no summary covers this plugin", expected=f"`{carried.digest}`", where=f"`{carried.reference}`"
            )
        plugin = next((one for one in self.terms.plugins if one.reference == carried.reference), None)
        if plugin is None:
            raise SummaryMismatchError("the terms do not name this plugin", where=f"`{carried.reference}`")
        problems = [(one, self._mismatch(one, carried=carried, plugin=plugin)) for one in about]
        good = next((one for one, problem in problems if problem is None), None)
        if good is None:
            raise next(problem for _, problem in problems if problem is not None)
        return plugin, good

    def missing(self) -> tuple[PluginTerms, ...]:
        """Name the plugins of the terms that the bundle does not carry."""
        there = {(one.reference, one.digest) for one in self._inventory.plugins}
        return tuple(one for one in self.terms.plugins if (one.reference, one.digest) not in there)

    def _mismatch(self, proven: ProvenSummary, *, carried: Carried, plugin: PluginTerms) -> SummaryMismatchError | None:
        summary = proven.summary
        inputs = self._inventory.attestations(carried.digest) | terms_inputs(plugin)
        subjects = {carried.digest.hex, *(one.hex for one in self._inventory.children(carried.digest))}
        checks: tuple[tuple[str, object, object], ...] = (
            ("the summary is over another policy, other roots or other lists", summary.policy, self.sha256),
            ("the summary is over other digests", sorted(summary.subjects), sorted(subjects)),
            ("the summary is over other attestations", sorted(summary.inputs), sorted(inputs)),
            ("the terms are about another digest", plugin.digest, carried.digest),
        )
        for what, said, found in checks:
            if said != found:
                return SummaryMismatchError(
                    what, expected=f"`{_short(said)}`", got=f"`{_short(found)}`", where=f"`{carried.reference}`"
                )
        return None


def subjects_of(digest: ManifestDigest, children: tuple[ManifestDigest, ...], *, reference: OciReference) -> dict[str, str]:
    """Name the subjects of a summary: the plugin's own manifest or index, and what is below it."""
    return {one.hex: str(reference.pinned(one)) for one in (digest, *children)}


def digest_of(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one)[:16] for one in value[:4]) or "none"
    return str(value)[:80]
