"""Verification summaries: who verified what, when, by which policy, signed (SLSA verification summary v1, in-toto, DSSE).

Follows slsa.dev/verification_summary/v1 in an in-toto Statement v1. One summary is about one plugin: its subjects are the
manifest or index that was verified and every manifest below it, `policy.digest` is that of the enclosed terms (the whole of
policy, trust roots and revocation lists), `inputAttestations` are all attestations that were there to be judged. It is signed
with Ed25519 over the DSSE pre-authentication encoding. A summary counts only for the pair of key and `verifier.id` that the
reader names.

Fields that the specification does not name are ignored in the predicate, as it demands; everything else is read strictly.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.dsse import parse_envelope, pre_authentication_encoding
from supplychain.ed25519 import verify_detached
from supplychain.errors import SignatureInvalidError, SummaryMismatchError, SummaryMissingError
from supplychain.findings import utc
from supplychain.in_toto import PAYLOAD_TYPE, STATEMENT_V1, parse_statement
from supplychain.mirror.artifact_form import canonical
from supplychain.signing import public_key_of, sign
from supplychain.wire import Fields, MalformedError, parse_time, translating

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from supplychain.dsse import Envelope
    from supplychain.ed25519 import PublicKey
    from supplychain.proof import ProvenEnvelope
    from supplychain.report import VerificationReport

__all__ = [
    "PREDICATE_TYPE",
    "ProvenSummary",
    "Summary",
    "build_level",
    "claim_in",
    "parse_summary",
    "read_claim",
    "sign_summary",
    "verify_summary",
]

PREDICATE_TYPE: Final = "https://slsa.dev/verification_summary/v1"
SLSA_VERSION: Final = "1.0"
_PASSED: Final = "PASSED"
_MAX_INPUTS: Final = 4096
_MAX_LEVELS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a verifier says. Digests are SHA-256, hex."""

    verifier: str
    """A URI."""
    verified_at: datetime
    """UTC."""
    resource: str
    """The plugin's reference as an `oci:` URI."""
    subjects: Mapping[str, str]
    """Digest of each manifest and index, with the name it goes by."""
    policy_uri: str
    policy: str
    """The digest of the terms."""
    inputs: frozenset[str]
    """Digests of the attestations."""
    levels: tuple[str, ...]

    def render(self) -> bytes:
        """Write the statement, canonically."""
        return canonical(
            {
                "_type": STATEMENT_V1,
                "predicateType": PREDICATE_TYPE,
                "subject": [{"name": name, "digest": {"sha256": digest}} for digest, name in sorted(self.subjects.items())],
                "predicate": {
                    "verifier": {"id": self.verifier},
                    "timeVerified": utc(self.verified_at),
                    "resourceUri": self.resource,
                    "policy": {"uri": self.policy_uri, "digest": {"sha256": self.policy}},
                    "inputAttestations": [{"digest": {"sha256": digest}} for digest in sorted(self.inputs)],
                    "verificationResult": _PASSED,
                    "verifiedLevels": list(self.levels),
                    "slsaVersion": SLSA_VERSION,
                },
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenSummary:
    """A summary that a trusted key or a trusted identity signed, and one of both."""

    summary: Summary
    key: PublicKey | None = None
    envelope: ProvenEnvelope | None = None
    """What proves the identity, and when it signed."""

    @property
    def as_of(self) -> datetime:
        """How old it is: its own word, or the earliest proven time where that is earlier."""
        times = () if self.envelope is None else tuple(one.at for one in self.envelope.times)
        return min(self.summary.verified_at, *times) if times else self.summary.verified_at


def build_level(report: VerificationReport) -> str:
    """Say which SLSA build level a trusted report shows, never more than it proved.

    Provenance that a builder's certificate proves is level 2; what a key signed, or nobody, only shows that there is provenance.
    """
    from supplychain.report import Layer, Outcome  # noqa: PLC0415 — values of the type that the caller already has

    found = next((one for one in report.layers if one.layer is Layer.SLSA and one.outcome is Outcome.PASSED), None)
    if found is None:
        return "SLSA_BUILD_LEVEL_0"
    return "SLSA_BUILD_LEVEL_2" if found.facts.get("certificateSha256") is not None else "SLSA_BUILD_LEVEL_1"


def sign_summary(summary: Summary, *, private_key: Ed25519PrivateKey) -> bytes:
    """Write and sign the envelope."""
    payload = summary.render()
    signature = sign(pre_authentication_encoding(PAYLOAD_TYPE, payload), private_key=private_key)
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {
                    "keyid": public_key_of(private_key, name="the signing key").fingerprint,
                    "sig": base64.b64encode(signature).decode(),
                }
            ],
        }
    )


def verify_summary(data: bytes, *, keys: tuple[PublicKey, ...], verifier: str, where: str) -> ProvenSummary:
    """Read a summary of `verifier` that one of `keys` signed.

    Raises:
        SummaryMissingError: no such key signed it, so it is nothing at all to this reader.
        SummaryMismatchError: one did, and it is no summary, or not that verifier's.
        EnvelopeInvalidError: it is no DSSE envelope.
    """
    envelope = parse_envelope(data, strict=True)
    key = None
    for signature in envelope.signatures:
        try:
            key = verify_detached(envelope.signed_bytes, signature=signature.sig, keys=keys, where=where)
            break
        except SignatureInvalidError:
            continue
    if key is None:
        raise SummaryMissingError(
            "the summary is not signed by the verifier's key",
            expected=", ".join(f"`{one.fingerprint}`" for one in keys[:4]),
            got=", ".join(f"`{one.keyid[:80]}`" for one in envelope.signatures[:4]),
            where=where,
        )
    return ProvenSummary(summary=parse_summary(envelope.payload_type, envelope.payload, verifier=verifier, where=where), key=key)


def parse_summary(payload_type: str, payload: bytes, *, verifier: str, where: str) -> Summary:
    """Read what a trusted signer signed.

    Raises:
        SummaryMismatchError: it is no summary, or not that of `verifier`.
    """
    summary = _parsed(payload_type, payload, where=where)
    if summary.verifier != verifier:
        raise SummaryMismatchError(
            "the key signed for another verifier", expected=f"`{verifier}`", got=f"`{summary.verifier[:200]}`", where=where
        )
    return summary


def read_claim(data: bytes) -> tuple[Summary, tuple[str, ...]]:
    """Read what an envelope claims, and by which keys; nobody proved any of it.

    Raises:
        SummaryMismatchError, EnvelopeInvalidError: it is no summary in an envelope.
    """
    envelope = parse_envelope(data, strict=True)
    return claim_in(envelope), tuple(one.keyid for one in envelope.signatures)


def claim_in(envelope: Envelope) -> Summary:
    """Read the payload of an envelope; errors as those of `read_claim`."""
    return _parsed(envelope.payload_type, envelope.payload, where="an enclosed summary")


def _parsed(payload_type: str, payload: bytes, *, where: str) -> Summary:
    statement = parse_statement(payload_type, payload, error=SummaryMismatchError, where=where)
    with translating(SummaryMismatchError, "the signed statement is no verification summary", where=where):
        if (statement.type, statement.predicate_type) != (STATEMENT_V1, PREDICATE_TYPE):
            raise MalformedError(f"its type is `{statement.predicate_type[:100]}`")
        fields = Fields(statement.predicate, "predicate")
        result = fields.text("verificationResult")
        if result != _PASSED:
            raise MalformedError(f"its result is `{result[:40]}`")
        policy = fields.fields("policy")
        levels = fields.items("verifiedLevels", limit=_MAX_LEVELS)
        if not levels or not all(isinstance(level, str) and level != "FAILED" for level in levels):
            raise MalformedError("`predicate.verifiedLevels` names no level")
        return Summary(
            verifier=fields.fields("verifier").text("id"),
            verified_at=parse_time(fields.text("timeVerified")),
            resource=fields.text("resourceUri"),
            subjects={_sha256(subject.digests, "subject"): subject.name for subject in statement.subjects},
            policy_uri=policy.text("uri"),
            policy=_digest(policy),
            inputs=frozenset(_digest(one) for one in fields.objects("inputAttestations", limit=_MAX_INPUTS)),
            levels=tuple(levels),
        )


def _digest(fields: Fields) -> str:
    return _sha256(fields.fields("digest").rest(), fields.where)


def _sha256(digests: Mapping[str, object], where: str) -> str:
    digest = digests.get("sha256")
    if not isinstance(digest, str):
        raise MalformedError(f"`{where}.digest` names no SHA-256")
    return digest
