"""What the status says about one plugin: every field and condition, from what is known now (pure)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.conditions import Condition, Truth, timestamp
from mcpg_operator.controllers.plugin.rules import bad_list, moved_place, outdated, pin
from mcpg_operator.controllers.plugin.words import cut, say
from mcpg_operator.keeping.secrets import evidence_name
from mcpg_operator.ledger import Standing
from supplychain.errors import (
    ArtifactTooLargeError,
    InvalidCredentialsError,
    MaterialiseFailedError,
    MirrorUnresolvedError,
    NameConflictError,
    PackageError,
    RevocationListInvalidError,
    RevocationListStaleError,
    VerificationExpiredError,
)
from supplychain.findings import problem as problem_of
from supplychain.report import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcpg_operator.controllers.plugin.model import Conclusion, Observation
    from supplychain.errors import SupplyChainError
    from supplychain.report import Problem

__all__ = ["PROGRESS_AFTER", "conditions", "fields", "stale_problem", "stale_since"]

PROGRESS_AFTER: Final = 2.0
"""Seconds after which a pull is worth a condition; a faster one costs one status write."""
_NOT_EVALUATED: Final = "NotEvaluated"
_DONE: Final = "Reconciled"
_STORING: Final = frozenset({MaterialiseFailedError.reason, NameConflictError.reason})
_PLACE: Final = frozenset({MirrorUnresolvedError.reason, InvalidCredentialsError.reason})
_SINCE: Final = re.compile(r"since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")


def _reasons(family: type[SupplyChainError]) -> Iterator[str]:
    yield family.reason
    for one in family.__subclasses__():
        yield from _reasons(one)


_PACKAGE: Final = frozenset(_reasons(PackageError)) | {ArtifactTooLargeError.reason}


def fields(seen: Observation) -> dict[str, Any]:
    """Give every field besides the conditions; None stands for an absent one."""
    past = seen.memory.past
    if past is None:
        return {}
    facts = past.facts
    shown = past.verified and past.stored is not None
    return {
        "resolvedDigest": None if facts.artifact_hash is None else facts.artifact_hash.hex,
        "manifestDigest": None if facts.manifest_digest is None else str(facts.manifest_digest),
        "version": seen.version if past.verified else None,
        "signatureValid": facts.signature_valid,
        "cosignVerified": facts.cosign_verified,
        "slsaVerified": facts.slsa_verified,
        "revokedBySha": facts.revoked,
        "artefactSecretName": past.stored.secret if shown and past.stored is not None else None,
        "evidenceSecretName": evidence_name(seen.plugin.name) if shown else None,
        "pulledAt": None if past.pulled_at is None else timestamp(past.pulled_at),
        "verifiedAt": _verified_at(seen, past) if past.verified else None,
    }


def _verified_at(seen: Observation, past: Conclusion) -> str:
    """Keep the time that is written while it is about the same artifact: judging again alone is no news."""
    status = seen.plugin.status
    written = status.get("verifiedAt")
    same = past.facts.artifact_hash is not None and status.get("resolvedDigest") == past.facts.artifact_hash.hex
    known = isinstance(written, str) and _SINCE.fullmatch(f"since {written}") is not None
    if same and known and status.get("observedGeneration") == seen.plugin.generation:
        return str(written)
    return timestamp(past.judged_at or seen.now)


def conditions(seen: Observation) -> tuple[Condition, ...]:
    """Give every condition, in the order in which they are read."""
    past = seen.memory.past
    pulling = _progress(seen)
    if past is None:
        pending = Condition(type="Ready", status=Truth.FALSE, reason="Progressing", message="the plugin is not judged yet")
        unknown = [
            Condition(type=one, status=Truth.UNKNOWN, reason=_NOT_EVALUATED) for one in ("Pulled", "Verified", "Revoked", "Fresh")
        ]
        return (*unknown, pending, *pulling)
    return (_pulled(past), _verified(seen, past), _revoked(seen, past), _fresh(seen, past), _ready(past), *pulling)


def stale_problem(seen: Observation) -> Problem | None:
    """Why the registry cannot be asked at present; None where it can, or need not be."""
    if seen.place_error is not None:
        return problem_of(seen.place_error)
    if (old := outdated(seen)) is not None:
        return problem_of(old)
    if pin(seen) is not None and seen.memory.past is not None and seen.memory.past.verified and not moved_place(seen):
        return None
    if seen.memory.failure is not None:
        return seen.memory.failure.problem
    if bad_list(seen) and seen.request is not None:
        return problem_of(RevocationListInvalidError("nothing is pulled while a revocation list cannot be read in full"))
    return None


def stale_since(seen: Observation) -> datetime | None:
    """Since when nobody can look: as remembered, as the status says, or since now."""
    if stale_problem(seen) is None:
        return None
    if seen.memory.stale_since is not None:
        return seen.memory.stale_since
    for one in seen.plugin.conditions:
        if one.get("type") == "Fresh" and one.get("status") == "False":
            found = _SINCE.search(str(one.get("message")))
            if found is not None:
                return datetime.fromisoformat(found[1]).astimezone(UTC)
    return seen.now


def _pulled(past: Conclusion) -> Condition:
    problem = past.problem
    if problem is not None and _at_the_pull(past):
        return Condition(type="Pulled", status=Truth.FALSE, reason=problem.reason, message=say(problem))
    if past.origin:
        return Condition(type="Pulled", status=Truth.TRUE, reason=_DONE, message=past.origin)
    return Condition(type="Pulled", status=Truth.UNKNOWN, reason=_NOT_EVALUATED)


def _at_the_pull(past: Conclusion) -> bool:
    """Whether it failed before there was a package that could be judged."""
    problem = past.problem
    if problem is None or past.proof:
        return False
    return past.layer is Layer.PULL or problem.reason in _PLACE or problem.reason in _PACKAGE


def _verified(seen: Observation, past: Conclusion) -> Condition:
    problem, broken = past.problem, seen.memory.kept_broken
    if past.standing is Standing.REVOKED:
        said = "the publisher's key signed the library; nothing else is asked about a revoked one"
        return Condition(type="Verified", status=Truth.TRUE, reason=_DONE, message=said)
    if past.proof:
        return Condition(type="Verified", status=Truth.TRUE, reason=_DONE, message=past.proof)
    if problem is None or _at_the_pull(past):
        if broken is not None:
            said = cut(f"what is kept cannot be used: {say(broken)}")
            return Condition(type="Verified", status=Truth.UNKNOWN, reason=broken.reason, message=said)
        return Condition(type="Verified", status=Truth.UNKNOWN, reason=_NOT_EVALUATED)
    status = Truth.FALSE if past.standing is Standing.REFUSED else Truth.UNKNOWN
    return Condition(type="Verified", status=status, reason=problem.reason, message=say(problem))


def _revoked(seen: Observation, past: Conclusion) -> Condition:
    if past.standing is Standing.REVOKED and past.problem is not None:
        return Condition(type="Revoked", status=Truth.TRUE, reason=past.problem.reason, message=say(past.problem))
    if past.facts.revoked is None:
        return Condition(type="Revoked", status=Truth.UNKNOWN, reason=_NOT_EVALUATED)
    if bad_list(seen):
        said = "no entry that can be read names the artifact, but a revocation list cannot be read in full"
        return Condition(type="Revoked", status=Truth.UNKNOWN, reason=RevocationListInvalidError.reason, message=said)
    if isinstance(old := outdated(seen), RevocationListStaleError):
        said = f"no entry names the artifact, but {say(problem_of(old))}"
        return Condition(type="Revoked", status=Truth.UNKNOWN, reason=old.reason, message=cut(said))
    return Condition(type="Revoked", status=Truth.FALSE, reason=_DONE, message="no revocation list names the artifact")


def _fresh(seen: Observation, past: Conclusion) -> Condition:
    problem, since = stale_problem(seen), seen.memory.stale_since
    if problem is not None:
        what = "nobody could look" if outdated(seen) is None else "nothing new is let in"
        when = "" if since is None else f"{what} since {timestamp(since)}; "
        kept = "what was verified before stays; " if past.verified else ""
        return Condition(type="Fresh", status=Truth.FALSE, reason=problem.reason, message=cut(f"{when}{kept}{say(problem)}"))
    if pin(seen) is not None and past.verified:
        return Condition(type="Fresh", status=Truth.TRUE, reason=_DONE, message="the image is pinned to its digest")
    if seen.memory.looked_at is None:
        before = [one for one in seen.plugin.conditions if one.get("type") == "Fresh" and one.get("status") in {"True", "False"}]
        for one in before if past.origin else ():  # nobody looked since the start, so what was said before still holds
            status, reason = Truth(one["status"]), str(one.get("reason"))
            return Condition(type="Fresh", status=status, reason=reason, message=str(one.get("message")))
        return Condition(type="Fresh", status=Truth.UNKNOWN, reason=_NOT_EVALUATED)
    return Condition(
        type="Fresh", status=Truth.TRUE, reason=_DONE, message="the registry answers, and this is what the image names"
    )


def _ready(past: Conclusion) -> Condition:
    if past.verified:
        return Condition(type="Ready", status=Truth.TRUE, reason=_DONE, message="everything that is asked for is proven")
    problem = past.problem
    if problem is None:
        return Condition(type="Ready", status=Truth.FALSE, reason="VerificationFailed")
    return Condition(type="Ready", status=Truth.FALSE, reason=_coarse(past, problem), message=say(problem))


def _coarse(past: Conclusion, problem: Problem) -> str:
    """Give the reason for dashboards; the finer one stands on the condition that it is about."""
    own = _STORING | {MirrorUnresolvedError.reason, VerificationExpiredError.reason, ArtifactTooLargeError.reason}
    if past.standing is Standing.REVOKED or problem.reason in own:
        return problem.reason
    if _at_the_pull(past):
        return "PullFailed"
    return "VerificationFailed" if past.standing is Standing.REFUSED else problem.reason


def _progress(seen: Observation) -> tuple[Condition, ...]:
    running = seen.running
    if running is None or running.seconds < PROGRESS_AFTER or seen.asked is None:
        return ()
    return (
        Condition(
            type="Progressing", status=Truth.TRUE, reason="PullingArtefact", message=cut(f"pulling `{seen.asked.location}`")
        ),
    )
