"""Both verifiers on one piece of evidence: the project's own core first, then sigstore-python where it can judge.

The core judges everything. What it refuses is refused, and nobody else is asked. What it accepts must be accepted by the second
verifier too, with the same content, unless that one cannot judge this form; who judged stands in the result.

Of several trust roots each judges the evidence alone, as if there were no other: what counts is proven by one of them as a whole.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from supplychain.artifact import EvidenceForm
from supplychain.bundle import NAME as CORE
from supplychain.bundle import (
    legacy_attestation,
    legacy_signature,
    logged_envelopes,
    nearness,
    parse_bundle,
    prove_envelope,
    prove_message,
    prove_unlogged_envelope,
)
from supplychain.dsse import parse_envelope
from supplychain.errors import (
    EvidenceError,
    EvidenceUnsupportedError,
    LogEntryError,
    TransparencyLogUnavailableError,
    VerifiersDisagreeError,
)
from supplychain.proof import ProvenEnvelope, ProvenMessage, RootName
from supplychain.proof_memory import remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.artifact import Material
    from supplychain.bundle import Bundle
    from supplychain.ports import LogLookup
    from supplychain.second_opinion import Opinion
    from supplychain.trust_root import AnyTrustRoot, TrustRoot
    from supplychain.verification_key import TrustedKey

__all__ = ["verify_envelope", "verify_logged_envelope", "verify_message"]

_Proven = TypeVar("_Proven", ProvenEnvelope, ProvenMessage)
_Refusal: TypeAlias = "tuple[TrustRoot, EvidenceError | EvidenceUnsupportedError]"

_LEGACY: Final = "it reads bundles only"


def verify_envelope(
    material: Material, *, root: AnyTrustRoot, keys: tuple[TrustedKey, ...] = (), second_opinion: bool = True
) -> ProvenEnvelope:
    """Prove who signed the DSSE envelope in `material`, when, and that it was logged. The payload is not parsed.

    With `keys`, only what one of them signed counts; a bare envelope needs no log entry then.

    Raises:
        EvidenceError: refused, by every root; `VerifiersDisagreeError` where the second verifier refuses what the core accepts.
        EvidenceUnsupportedError: a form that cannot be judged.
    """
    if material.form is EvidenceForm.ENVELOPE and keys and not material.log_entries:
        return prove_unlogged_envelope(parse_envelope(material.data), keys=keys)
    prove = partial(_verify_envelope, material, root=root, keys=keys, second_opinion=second_opinion)
    return prove() if keys else remembered(material, root=root, second_opinion=second_opinion, prove=prove)


def _verify_envelope(
    material: Material, *, root: AnyTrustRoot, keys: tuple[TrustedKey, ...], second_opinion: bool
) -> ProvenEnvelope:
    refusals: list[EvidenceError | EvidenceUnsupportedError] = []
    for bundle in _bundles_of(material):
        judge = partial(_judge_envelope, material, bundle, keys=keys, second_opinion=second_opinion)
        try:
            return _by_one_of(root, bundle, judge)
        except (EvidenceError, EvidenceUnsupportedError) as error:
            refusals.append(error)
    raise min(refusals, key=lambda error: isinstance(error, EvidenceUnsupportedError))  # the first of equals


def _judge_envelope(
    material: Material, bundle: Bundle, root: TrustRoot, *, keys: tuple[TrustedKey, ...], second_opinion: bool
) -> ProvenEnvelope:
    proven = prove_envelope(bundle, root=root, keys=keys)
    alone = _only_core(material, second_opinion=second_opinion)
    if alone is not None:
        return _judged_alone(proven, alone)
    from supplychain.second_opinion import Verdict, envelope_opinion  # noqa: PLC0415 — costs nothing where nobody asks

    opinion = envelope_opinion(material.data, root=root, times=proven.times)
    if opinion.verdict is Verdict.ACCEPTED and opinion.content != (proven.payload_type, proven.payload):
        raise _disagreement("accepts other content", material)
    return _combine(proven, opinion, material)


def verify_logged_envelope(
    material: Material,
    *,
    root: AnyTrustRoot,
    lookup: LogLookup,
    artifact: str,
    keys: tuple[TrustedKey, ...] = (),
    second_opinion: bool = True,
) -> ProvenEnvelope:
    """Prove a bare envelope by a log entry that `lookup` brings. It brings candidates; each is judged as if given in a file.

    `artifact` is the SHA-256 of what the envelope is about, in hex.

    Raises:
        EvidenceError: an entry about this envelope was found, and the envelope is refused with it.
        TransparencyLogUnavailableError: no log has one, or none could be asked.
    """
    logs = tuple(dict.fromkeys(log.url for one in root.each for log in one.logs if not log.is_v2))
    refused: EvidenceError | None = None
    for found in lookup(material.data, logs=logs, artifact=artifact):
        candidate = replace(material, log_entries=(found.document,))
        try:
            _bundles_of(candidate)
        except LogEntryError:
            continue  # unreadable or about something else: anybody can put such entries where they are found
        try:
            proven = verify_envelope(candidate, root=root, keys=keys, second_opinion=second_opinion)
        except EvidenceError as error:
            refused = refused or error
            continue
        return replace(proven, notes=(*proven.notes, f"the log entry was looked up at `{found.log}`"))
    if refused is not None:
        raise refused
    raise TransparencyLogUnavailableError(
        "no log entry about this envelope was found",
        expected="one by a log of the trust root",
        got=f"none in {', '.join(f'`{log}`' for log in logs)}" if logs else "no log that can be searched",
        where=material.where,
        hint="give the entry by `--rekor-entry FILE`, or a Sigstore bundle, which carries it inside",
    )


def verify_message(
    material: Material,
    *,
    root: AnyTrustRoot,
    digest: bytes | None = None,
    message: bytes | None = None,
    keys: tuple[TrustedKey, ...] = (),
    second_opinion: bool = True,
) -> ProvenMessage:
    """Prove who signed a message, given as its SHA-256 `digest` or itself, when, and that it was logged.

    With `keys`, only what one of them signed counts.

    Raises:
        EvidenceError: refused, by every root; `VerifiersDisagreeError` where the second verifier refuses what the core accepts.
        EvidenceUnsupportedError: a form that cannot be judged, or a key that signs another digest than the given one.
    """
    bundle = _bundles_of(material)[0]

    def judge(one: TrustRoot) -> ProvenMessage:
        proven = prove_message(bundle, root=one, digest=digest, message=message, keys=keys)
        alone = _only_core(material, second_opinion=second_opinion)
        if alone is not None:
            return _judged_alone(proven, alone)
        from supplychain.second_opinion import message_opinion  # noqa: PLC0415 — costs nothing where nobody asks

        opinion = message_opinion(material.data, digest=proven.digest, root=one, times=proven.times)
        return _combine(proven, opinion, material)

    return _by_one_of(root, bundle, judge)


def _by_one_of(roots: AnyTrustRoot, bundle: Bundle, judge: Callable[[TrustRoot], _Proven]) -> _Proven:
    """Return the first root's proof that there is; a dispute of the verifiers by another root before it is noted."""
    refusals: list[_Refusal] = []
    for root in roots.each:
        try:
            proven: _Proven = judge(root)
        except (EvidenceError, EvidenceUnsupportedError) as error:
            refusals.append((root, error))
            continue
        disputes: tuple[str, ...] = tuple(
            f"by trust root `{other.name}`: {why}" for other, why in refusals if isinstance(why, VerifiersDisagreeError)
        )
        name = RootName(name=root.name, sha256=root.sha256)
        return replace(proven, trust_root=name, notes=(*proven.notes, *disputes))
    raise _nearest(refusals, bundle)


def _nearest(refusals: list[_Refusal], bundle: Bundle) -> EvidenceError | EvidenceUnsupportedError:
    """Take the refusal by the root that the evidence was most likely made for, or a dispute, and say what the others said."""
    if len(refusals) == 1:
        return refusals[0][1]
    # `max` takes the first of equals, which is the first root that was given.
    nearest, cause = max(refusals, key=lambda one: (isinstance(one[1], VerifiersDisagreeError), *nearness(bundle, one[0])))
    error = copy.copy(cause)
    error.__cause__ = cause
    others = "".join(f"; by `{root.name}`: {why.what}" for root, why in refusals if root is not nearest)
    error.what = f"{cause.what}, by trust root `{nearest.name}`{others}"
    return error


def _only_core(material: Material, *, second_opinion: bool) -> str | None:
    """Say why the second verifier is not asked at all; None where it is."""
    if not second_opinion:
        return "it was not asked"
    return None if material.form is EvidenceForm.BUNDLE else _LEGACY


def _bundles_of(material: Material) -> tuple[Bundle, ...]:
    """Read evidence of any form into the values that the core judges: one, or one for each log entry about a bare envelope."""
    if material.form is EvidenceForm.BUNDLE:
        return (parse_bundle(material.data),)
    if material.form is EvidenceForm.LEGACY_SIGNATURE:
        return (legacy_signature(material.annotations),)
    if material.form is EvidenceForm.LEGACY_ATTESTATION:
        return (legacy_attestation(material.data, material.annotations),)
    envelope = parse_envelope(material.data)
    if material.log_entries:
        return logged_envelopes(envelope, material.log_entries)
    raise EvidenceUnsupportedError(
        "a bare DSSE envelope shows neither who signed it nor when, because certificate and log entry are not in it",
        where=material.where,
        hint="give its log entry by `--rekor-entry FILE`, or look it up with `--rekor-lookup`; a Sigstore bundle, which "
        "slsa-github-generator writes since 2.1, needs neither",
    )


def _combine(proven: _Proven, opinion: Opinion, material: Material) -> _Proven:
    from supplychain.second_opinion import NAME, Verdict  # noqa: PLC0415 — see above

    if opinion.verdict is Verdict.ACCEPTED:
        return replace(proven, judged_by=(*proven.judged_by, NAME))
    if opinion.verdict is Verdict.CANNOT_JUDGE:
        return _judged_alone(proven, opinion.reason)
    raise _disagreement(f"refuses ({opinion.reason})", material)


def _judged_alone(proven: _Proven, reason: str) -> _Proven:
    return replace(proven, notes=(*proven.notes, f"judged by one verifier; the second: {reason}"))


def _disagreement(answer: str, material: Material) -> VerifiersDisagreeError:
    from supplychain.second_opinion import NAME  # noqa: PLC0415 — see above

    return VerifiersDisagreeError(
        "the two verifiers disagree", expected=f"`{CORE}` accepts", got=f"`{NAME}` {answer}", where=material.where
    )
