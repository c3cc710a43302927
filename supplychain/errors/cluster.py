"""What a cluster adds to the verdicts: the API server that fails, and what only somebody with a memory can refuse."""

from __future__ import annotations

from supplychain.errors.base import InputError, UnavailableError, VerificationError

__all__ = [
    "ApplyForbiddenError",
    "ApplyRejectedError",
    "ClusterUnavailableError",
    "ConflictError",
    "LookupFailedError",
    "MaterialiseFailedError",
    "NameConflictError",
    "VerificationExpiredError",
    "VersionRollbackError",
]


class ClusterUnavailableError(UnavailableError):
    reason = "ClusterUnavailable"
    meaning = "The API server could not be asked, or could not answer."
    why = "A missing answer must never be read as a missing object: verified plugins would be taken away because of a bad minute."
    default_hint = "nothing to do; the operator tries again with growing pauses"


class ConflictError(UnavailableError):
    reason = "Conflict"
    meaning = "Somebody else changed or created the object since it was read."
    why = "Writing anyway would undo what another writer did, and nobody would ever hear of it."
    default_hint = "nothing to do; the object is read and judged again"


class LookupFailedError(UnavailableError):
    reason = "LookupFailed"
    meaning = "An object that a rule depends on could not be looked up."
    why = (
        "Whoever can make a look-up fail would get around the rule that needs it. An operator that sees no tenants must not be "
        "more permissive than one that is down."
    )
    default_hint = "try again; if it stays, check that the operator may list the kind and that the API server answers"


class ApplyForbiddenError(UnavailableError):
    reason = "ApplyForbidden"
    meaning = "The operator's ServiceAccount lacks a right that it needs."
    why = "Without the right the cluster cannot be brought to the state that was decided, and nobody would know why."
    default_hint = "grant the verb named here to the operator's ServiceAccount, as its shipped roles do"


class ApplyRejectedError(InputError):
    reason = "ApplyFailed"
    meaning = "The API server examined an object that the operator wrote and refused it."
    why = "The same object would be refused again at once; trying in a hot loop would only hide the message."
    default_hint = "read the API server's words; they name the field"


class NameConflictError(ApplyRejectedError):
    reason = "NameConflict"
    meaning = "An object of somebody else has the name that verified bytes or evidence would get."
    why = (
        "Taking it over would destroy what somebody else keeps there; leaving it and going on would serve bytes nobody verified."
    )
    default_hint = "rename or delete that object, or give the plugin another name"


class VersionRollbackError(VerificationError):
    reason = "VersionRollback"
    meaning = "The plugin asks for an older version than was verified for it before."
    why = "An old release with a known hole is signed as well as the newest one. Whoever can edit a manifest could bring it back."
    default_hint = "if it is meant, name the version in the annotation `mcpg.dev/allow-rollback` of the MCPGPlugin"
    default_change = "a release that is not older than the one that was verified"


class VerificationExpiredError(UnavailableError):
    reason = "VerificationExpired"
    meaning = "A verification is older than it may be: nobody could look again, or a signed verdict has grown old."
    why = (
        "A setting says how long a verdict may be relied on that could not be reached again; without it an outage would never "
        "end, and a bundle would be good for ever."
    )
    default_hint = "bring the registry back, or raise `--max-verification-age-secs`"


class MaterialiseFailedError(UnavailableError):
    reason = "MaterialiseFailed"
    meaning = "The plugin is verified, but its bytes are not stored."
    why = "A set can only hand out what lies in the operator's namespace, and only as it was verified."
    default_hint = "see the message; the operator stores the bytes again as soon as it can"
