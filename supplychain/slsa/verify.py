"""The verdict on an artifact's provenance: one statement, proven to come from a trusted builder, about exactly this artifact.

Every statement is judged by itself, so that neither order nor a malformed neighbour decides anything. Its kind and subject are
looked at first, because that is cheap; it counts only after every check on the proven payload, next to its certificate. A bare
envelope proves nothing; its claims are judged all the same, to tell evidence that is wrong from evidence that is incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from supplychain.artifact import EvidenceForm
from supplychain.candidates import Candidates
from supplychain.errors import (
    BuilderMismatchError,
    EvidenceError,
    EvidenceUnsupportedError,
    ProvenanceInvalidError,
    ProvenanceMissingError,
    SourceMismatchError,
    StatementInvalidError,
    SubjectMismatchError,
    TransparencyLogUnavailableError,
    UnavailableError,
    VerificationError,
    WorkflowInputMismatchError,
)
from supplychain.evidence import verify_envelope, verify_logged_envelope
from supplychain.identity import KeyHolder
from supplychain.in_toto import claimed_envelope
from supplychain.limits import Limits
from supplychain.slsa.builders import judge_builder, judge_unsigned
from supplychain.slsa.certificate import BuildCertificate
from supplychain.slsa.facts import BuildFacts, check_certificate, check_policy
from supplychain.slsa.provenance import read_claims
from supplychain.slsa.statement import check_subject, cross_check, is_provenance, read_statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.artifact import Material
    from supplychain.digest import ArtifactHash
    from supplychain.errors import RejectedCandidate
    from supplychain.in_toto import Statement
    from supplychain.ports import LogLookup
    from supplychain.proof import ProvenEnvelope
    from supplychain.slsa.builders import Builder
    from supplychain.slsa.policy import SlsaPolicy
    from supplychain.slsa.provenance import BuildClaims
    from supplychain.trust_root import AnyTrustRoot

__all__ = ["Provenance", "verify_provenance"]

_LIMITS: Final = Limits()
_NEAREST: Final = (
    WorkflowInputMismatchError,
    SourceMismatchError,
    BuilderMismatchError,
    EvidenceError,
    SubjectMismatchError,
    StatementInvalidError,
)
_UNSIGNED: Final = "the provenance is not signed by anybody; whoever could write the file could make it up"
_KEY_SIGNED: Final = "signed by a configured key; that key's holder alone stands for builder and source"
_OWN_WORKFLOW: Final = (
    "built by an ordinary workflow of the source repository, which could have written anything (SLSA build level 2)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The statement that counted, and what was looked at before it. `proven` is None where an unsigned one was allowed."""

    proven: ProvenEnvelope | None
    facts: BuildFacts
    where: str
    rejected: tuple[RejectedCandidate, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What every statement is asked."""

    digests: Mapping[str, str]
    policy: SlsaPolicy
    second_opinion: bool
    lookup: LogLookup | None


def verify_provenance(
    materials: tuple[Material, ...],
    *,
    artifact_hash: ArtifactHash,
    policy: SlsaPolicy,
    root: AnyTrustRoot,
    second_opinion: bool = True,
    truncated: bool = False,
    sha512: str | None = None,
    lookup: LogLookup | None = None,
    limits: Limits = _LIMITS,
) -> Provenance:
    """Find one statement about the artifact that satisfies the policy.

    `truncated` says that there was more evidence than `materials`. `sha512` is the artifact's, in hex, for statements that name
    it by that alone; the caller computes it over the same bytes. With `lookup`, log entries that bare envelopes lack are looked
    up, but only for statements about this artifact.

    Raises:
        ProvenanceError, EvidenceError: there is none; the error says why, or names the nearest miss.
        EvidenceLimitError: there is more evidence than the limits allow to look at, and nothing in it counted.
        EvidenceUnsupportedError: there are only statements of a form that cannot be judged, or without log proof.
        TransparencyLogUnavailableError: the same, and the lookup did not help.
    """
    digests = {"sha256": artifact_hash.hex} | ({"sha512": sha512} if sha512 is not None else {})
    question = _Question(digests=digests, policy=policy, second_opinion=second_opinion, lookup=lookup)
    missing = ProvenanceMissingError("no provenance was found", where=f"artifact `{artifact_hash}`")
    candidates = Candidates("statements", missing=missing, invalid=ProvenanceInvalidError, nearest=_NEAREST)
    unsigned: Provenance | None = None
    for material in materials[: limits.statements]:
        found = _look_at(material, question, root=root, candidates=candidates)
        if found is not None and found.proven is not None:
            return replace(found, rejected=candidates.rejected)
        unsigned = unsigned or found
    if unsigned is not None:
        return replace(unsigned, rejected=candidates.rejected)
    raise candidates.conclude(truncated=truncated or len(materials) > limits.statements)


def _look_at(material: Material, question: _Question, *, root: AnyTrustRoot, candidates: Candidates) -> Provenance | None:
    """Judge one statement by itself; None where it does not count, which `candidates` then explains."""
    try:
        statement = _claimed_statement(material)
        if not is_provenance(statement):
            candidates.pass_over(material.where, _other_attestation(statement, material))
            return None
        check_subject(statement, digests=question.digests, where=material.where)
        proven = _prove(material, statement, question, root=root)
        warnings: tuple[str, ...] = (_UNSIGNED,)
        if proven is None:
            facts = _judge_bare(statement, question, where=material.where)
        else:
            facts, warnings = _judge_proven(proven, question, where=material.where)
    except (VerificationError, UnavailableError) as error:
        candidates.reject(material.where, error)
        return None
    return Provenance(proven=proven, facts=facts, where=material.where, warnings=warnings)


def _prove(material: Material, statement: Statement, question: _Question, *, root: AnyTrustRoot) -> ProvenEnvelope | None:
    """Prove an envelope; None where it is bare and the policy lets it count as it is.

    What cannot be judged is refused all the same where even its claims are not the ones that were asked for.
    """
    if material.form is EvidenceForm.ENVELOPE and question.policy.allow_unsigned:
        return None
    keys, second_opinion = question.policy.keys, question.second_opinion
    try:
        if question.lookup is None or material.form is not EvidenceForm.ENVELOPE or material.log_entries:
            return verify_envelope(material, root=root, keys=keys, second_opinion=second_opinion)
        artifact = question.digests["sha256"]
        return verify_logged_envelope(
            material, root=root, lookup=question.lookup, artifact=artifact, keys=keys, second_opinion=second_opinion
        )
    except (EvidenceUnsupportedError, TransparencyLogUnavailableError):
        try:
            _judge_bare(statement, question, where=material.where)
        except VerificationError as error:
            from supplychain.remedies import evidence  # noqa: PLC0415 — only for a refusal

            error.offer((evidence(error.default_change),))  # no policy could make claims pass that nobody signed
            raise
        raise


def _claimed_statement(material: Material) -> Statement:
    envelope = claimed_envelope(material)
    return read_statement(envelope.payload_type, envelope.payload, where=material.where)


def _other_attestation(statement: Statement, material: Material) -> StatementInvalidError:
    return StatementInvalidError(
        "an attestation of another kind",
        expected="SLSA provenance",
        got=f"predicate type `{statement.predicate_type[:200]}`",
        where=material.where,
    )


def _judge_bare(statement: Statement, question: _Question, *, where: str, signed: bool = False) -> BuildFacts:
    """Judge what a statement claims, where no certificate can confirm it."""
    claims = read_claims(statement, where=where)
    builder = judge_unsigned(
        claimed=claims.builder_id, build_type=claims.build_type, allowed=question.policy.builders, source=claims.source
    )
    check_policy(claims, policy=question.policy, where=where)
    subject = check_subject(statement, digests=question.digests, where=where)
    return _facts(statement, claims, builder, subject=subject, signed=signed)


def _judge_proven(proven: ProvenEnvelope, question: _Question, *, where: str) -> tuple[BuildFacts, tuple[str, ...]]:
    policy = question.policy
    # (1) The payload is SLSA provenance about exactly this artifact.
    statement = read_statement(proven.payload_type, proven.payload, where=where)
    subject = check_subject(statement, digests=question.digests, where=where)
    claims = read_claims(statement, where=where)
    if question.second_opinion:
        cross_check(statement, proven.payload, where=where)
    # (2) A trusted builder at a release signed it, on a machine of GitHub's.
    if isinstance(proven.signer, KeyHolder):
        return _judge_bare(statement, question, where=where, signed=True), (_KEY_SIGNED,)
    certificate = BuildCertificate.read(proven.signer, issuer=policy.issuer)
    builder = judge_builder(certificate, claimed=claims.builder_id, build_type=claims.build_type, allowed=policy.builders)
    # (3) Statement and certificate tell of the same job.
    check_certificate(claims, certificate=certificate, where=where)
    # (4) The source and the inputs are the ones that were asked for.
    check_policy(claims, policy=policy, where=where)
    warnings = (_OWN_WORKFLOW,) if certificate.signer == certificate.caller else ()
    return _facts(statement, claims, builder, subject=subject, signed=True), warnings


def _facts(statement: Statement, claims: BuildClaims, builder: Builder, *, subject: str, signed: bool) -> BuildFacts:
    return BuildFacts(
        signed=signed,
        subject=subject,
        predicate_type=statement.predicate_type,
        build_type=claims.build_type,
        builder_id=builder.id,
        builder_kind=builder.kind.value,
        source_uri=claims.source.repository,
        source_ref=claims.ref,
        source_commit=claims.commit,
        workflow=claims.claims.get(18),
        event=claims.event,
        invocation=claims.claims.get(21),
    )
