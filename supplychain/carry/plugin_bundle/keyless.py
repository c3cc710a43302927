"""Verification summaries that an identity signed and not a key: made as Sigstore bundles, judged by the project's own core.

The reader names the identity, its issuer and the trust root; what is enclosed has no say in any of it. An own clock proves
nothing: a summary is as old as the log or the timestamp authority says, or older where it says so itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from supplychain.artifact import EvidenceForm, Material
from supplychain.carry.plugin_bundle.summary import ProvenSummary, claim_in, parse_summary, verify_summary
from supplychain.errors import EvidenceError, EvidenceUnsupportedError, SummaryMissingError, TransparencyLogUnavailableError
from supplychain.evidence import verify_envelope
from supplychain.identity import SignerIdentity
from supplychain.in_toto import claimed_envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.carry.plugin_bundle.summary import Summary
    from supplychain.cosign import CosignPolicy
    from supplychain.ed25519 import PublicKey
    from supplychain.keyless_signing import KeylessSession
    from supplychain.trust_root import AnyTrustRoot

__all__ = ["SIGSTORE_SUMMARY_TYPE", "KeylessSigner", "KeylessTrust", "judge_summary", "keyless_claim"]

SIGSTORE_SUMMARY_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeylessSigner:
    """Signs summaries as the identity of a session; `root` is that of the same instance."""

    session: KeylessSession = field(repr=False)
    root: AnyTrustRoot
    verifier: str

    @property
    def media_type(self) -> str:
        """How the sealed summary is called in a bundle."""
        return SIGSTORE_SUMMARY_TYPE

    def seal(self, summary: Summary) -> bytes:
        """Write and sign, and prove what came back: a signature without log entry or time is worth nothing to a reader.

        Raises:
            TransparencyLogUnavailableError: the instance did not sign, or its answer does not prove that it did.
        """
        data = self.session.sign(summary.render())
        try:
            verify_envelope(_material(data, where="the new summary"), root=self.root, second_opinion=False)
        except (EvidenceError, EvidenceUnsupportedError) as exc:
            raise TransparencyLogUnavailableError("the Sigstore instance signed and did not prove it", got=str(exc)) from exc
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class KeylessTrust:
    """Whom the reader believes: an identity with its issuer, by the reader's own trust root."""

    policy: CosignPolicy
    root: Callable[[], AnyTrustRoot]
    second_opinion: bool = True

    def verify(self, data: bytes, *, verifier: str, where: str) -> ProvenSummary:
        """Read a summary of `verifier` that the identity signed.

        Raises:
            SummaryMissingError: nobody proved it, or somebody else signed it.
            SummaryMismatchError: the identity signed, and it is no summary, or not that verifier's.
            TrustRootUnavailableError, InputError: the reader's trust root cannot be had.
        """
        try:
            proven = verify_envelope(_material(data, where=where), root=self.root(), second_opinion=self.second_opinion)
        except (EvidenceError, EvidenceUnsupportedError) as exc:
            raise SummaryMissingError(
                "the summary is not proven by the trust root of the reader", expected=self.text, got=str(exc), where=where
            ) from exc
        signer = proven.signer
        assert isinstance(signer, SignerIdentity)  # noqa: S101 — a key would have to be named
        if signer.issuer != self.policy.issuer or not self.policy.identity.matches(signer.subject):
            got = f"`{signer.subject}` by `{signer.issuer}`"
            raise SummaryMissingError("the summary is signed by another identity", expected=self.text, got=got, where=where)
        summary = parse_summary(proven.payload_type, proven.payload, verifier=verifier, where=where)
        return ProvenSummary(summary=summary, envelope=proven)

    @property
    def text(self) -> str:
        """Name whom the reader believes."""
        return f"`{self.policy.identity.text}` by `{self.policy.issuer}`"


def judge_summary(data: bytes, *, trust: KeylessTrust | tuple[PublicKey, ...] | None, verifier: str, where: str) -> ProvenSummary:
    """Judge a summary by what the reader brought for its form; errors as those of `verify_summary` and `KeylessTrust.verify`.

    Raises:
        SummaryMissingError: also where the reader brought nothing for this form.
    """
    if not trust:
        raise SummaryMissingError(
            "the summary is signed in a form for which nobody is trusted",
            expected="`--verifier-key` for keys, `--verifier-certificate-identity` for identities",
            where=where,
        )
    if isinstance(trust, tuple):
        return verify_summary(data, keys=trust, verifier=verifier, where=where)
    return trust.verify(data, verifier=verifier, where=where)


def keyless_claim(data: bytes) -> Summary:
    """Read what a Sigstore bundle claims; nobody proved any of it.

    Raises:
        SummaryMismatchError, BundleInvalidError, EnvelopeInvalidError: it is no summary in a bundle.
    """
    return claim_in(claimed_envelope(_material(data, where="an enclosed summary")))


def _material(data: bytes, *, where: str) -> Material:
    return Material(form=EvidenceForm.BUNDLE, data=data, where=where)
