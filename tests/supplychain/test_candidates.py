from supplychain.candidates import Candidates
from supplychain.errors import (
    CosignSignatureInvalidError,
    CosignSignatureMissingError,
    EvidenceLimitError,
    EvidenceUnsupportedError,
    IdentityMismatchError,
    LogEntryError,
    Remedy,
    SignedDigestMismatchError,
)

UNSUPPORTED = EvidenceUnsupportedError("old form")
LOG = LogEntryError("no log", where="log `x`")
IDENTITY = IdentityMismatchError("other signer", expected="a", got="b", hint="do this")
DIGEST = SignedDigestMismatchError("other digest")


def collect() -> Candidates:
    return Candidates(
        "signatures",
        missing=CosignSignatureMissingError("none", where="image"),
        invalid=CosignSignatureInvalidError,
        nearest=(IdentityMismatchError, LogEntryError),
    )


def test_nothing_at_all_is_missing():
    error = collect().conclude(truncated=False)
    assert isinstance(error, CosignSignatureMissingError)
    assert error.candidates == ()


def test_what_was_passed_over_is_shown_but_does_not_count():
    candidates = collect()
    candidates.pass_over("an attestation", LOG)
    error = candidates.conclude(truncated=False)
    assert isinstance(error, CosignSignatureMissingError)
    assert [(one.where, one.error) for one in error.candidates] == [("an attestation", LOG)]


def test_one_refused_candidate_gives_its_own_error():
    candidates = collect()
    candidates.pass_over("an attestation", DIGEST)
    candidates.reject("first", IDENTITY)
    candidates.reject("second", UNSUPPORTED)
    error = candidates.conclude(truncated=False)
    assert isinstance(error, IdentityMismatchError)
    assert (error.what, error.expected, error.got, error.where, error.hint) == ("other signer", "a", "b", "first", "do this")
    assert [one.where for one in error.candidates] == ["an attestation", "first", "second"]
    assert error.candidates[1].error is IDENTITY
    assert IDENTITY.candidates == ()


def test_an_error_that_knows_its_place_keeps_it():
    candidates = collect()
    candidates.reject("first", LOG)
    assert candidates.conclude(truncated=False).where == "log `x`"


def test_the_nearest_of_several_misses_is_named():
    candidates = collect()
    for where, problem in (("far", DIGEST), ("near", LOG), ("nearest", IDENTITY), ("old", UNSUPPORTED)):
        candidates.reject(where, problem)
    error = candidates.conclude(truncated=False)
    assert isinstance(error, CosignSignatureInvalidError)
    assert error.what == "none of 4 signatures counts; nearest miss: other signer"
    assert (error.expected, error.got, error.where, error.hint) == ("a", "b", "nearest", "do this")
    assert len(error.candidates) == 4


def test_of_equally_near_misses_the_first_is_named():
    candidates = collect()
    candidates.reject("first", DIGEST)
    candidates.reject("second", CosignSignatureInvalidError("x"))
    assert candidates.conclude(truncated=False).where == "first"


def test_only_unsupported_forms_are_no_refusal():
    candidates = collect()
    candidates.reject("first", UNSUPPORTED)
    candidates.reject("second", UNSUPPORTED)
    error = candidates.conclude(truncated=False)
    assert isinstance(error, EvidenceUnsupportedError)
    assert error.where == "first"
    assert len(error.candidates) == 2


def test_what_was_not_looked_at_may_be_good():
    candidates = collect()
    candidates.reject("first", IDENTITY)
    error = candidates.conclude(truncated=True)
    assert isinstance(error, EvidenceLimitError)
    assert len(error.candidates) == 1


def test_of_misses_of_one_kind_the_least_different_is_named_with_its_remedies():
    weak = Remedy(change="--x", effect="y", weakens=True)
    candidates = collect()
    candidates.reject("far", IdentityMismatchError("other owner", distance=8))
    candidates.reject("near", IdentityMismatchError("other ref", distance=1, remedies=(weak,)))
    candidates.reject("lower", LogEntryError("no log", distance=0))
    error = candidates.conclude(truncated=False)
    assert error.what.endswith("nearest miss: other ref")
    assert (error.where, error.remedies, error.distance) == ("near", (weak,), 1)
