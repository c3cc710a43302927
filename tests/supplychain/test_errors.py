"""The error tree: facts are fields, and the text is built from them in one place."""

from __future__ import annotations

import subprocess
import sys

import pytest

from supplychain import errors
from supplychain.errors import (
    DigestMismatchError,
    InputError,
    NotTrustedError,
    RejectedCandidate,
    Remedy,
    SupplyChainError,
    UnavailableError,
    VerificationError,
)

FAMILIES = (InputError, VerificationError, UnavailableError)
CLASSES = [
    found
    for name in errors.__all__
    if name not in ("RejectedCandidate", "Remedy") and (found := getattr(errors, name)) is not SupplyChainError
]


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, "it failed"),
        ({"expected": "`a`"}, "it failed: expected `a`"),
        ({"got": "`b`"}, "it failed: got `b`"),
        ({"expected": "`a`", "got": "`b`"}, "it failed: expected `a`, got `b`"),
        ({"where": "`c`"}, "it failed, in `c`"),
        ({"expected": "`a`", "got": "`b`", "where": "`c`"}, "it failed: expected `a`, got `b`, in `c`"),
    ],
)
def test_the_text_is_built_from_the_facts(facts: dict[str, str], text: str) -> None:
    assert str(DigestMismatchError("it failed", **facts)) == text  # type: ignore[arg-type]


def test_the_facts_are_fields() -> None:
    inner = RejectedCandidate(where="x", error=DigestMismatchError("inner"))
    error = DigestMismatchError("it failed", expected="a", got="b", where="c", hint="d", candidates=(inner,))
    assert (error.what, error.expected, error.got, error.where, error.hint) == ("it failed", "a", "b", "c", "d")
    assert error.candidates == (inner,)


def test_the_hint_is_that_of_the_class_unless_given() -> None:
    assert DigestMismatchError("x").hint == DigestMismatchError.default_hint != ""
    assert DigestMismatchError("x", hint="").hint == ""


@pytest.mark.parametrize("error", CLASSES)
def test_every_class_belongs_to_one_family(error: type[SupplyChainError]) -> None:
    assert sum(issubclass(error, family) for family in FAMILIES) == (0 if error is NotTrustedError else 1)


@pytest.mark.parametrize("error", CLASSES)
def test_every_class_that_is_no_family_has_a_hint(error: type[SupplyChainError]) -> None:
    is_family = bool(error.__subclasses__()) or error is NotTrustedError
    assert is_family or error.default_hint
    assert not error.default_hint.endswith(".")


def test_an_unavailable_error_has_a_time_to_retry_where_one_was_named() -> None:
    error = UnavailableError("x")
    assert error.retry_after is None
    error.retry_after = 2.5
    assert UnavailableError("y").retry_after is None


@pytest.mark.parametrize("error", CLASSES)
def test_every_class_explains_itself_even_where_docstrings_are_stripped(error: type[SupplyChainError]) -> None:
    own = vars(error)
    assert own["meaning"].endswith(".")
    assert error.__doc__ == own["meaning"]
    sentences = own["why"].count(". ") + own["why"].count("? ") + 1
    assert own["why"].endswith(".")
    assert 60 < len(own["why"]) < 400
    assert 1 <= sentences <= 3


def test_docstrings_survive_an_interpreter_that_strips_them() -> None:
    code = "from supplychain.errors import IdentityMismatchError as E; print(E.__doc__, E.why)"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == f"{errors.IdentityMismatchError.meaning} {errors.IdentityMismatchError.why}"


@pytest.mark.parametrize("error", [one for one in CLASSES if issubclass(one, VerificationError) and not one.__subclasses__()])
def test_every_refusal_knows_a_change_of_the_evidence_that_weakens_nothing(error: type[SupplyChainError]) -> None:
    (remedy,) = error("x").remedies
    assert remedy == Remedy(change=error.default_change, effect="changes the evidence")
    assert not remedy.weakens
    assert not error.default_change.endswith(".")


@pytest.mark.parametrize("error", [one for one in CLASSES if not issubclass(one, VerificationError)])
def test_only_a_refusal_offers_a_change(error: type[SupplyChainError]) -> None:
    assert error("x").remedies == ()


def test_what_weakens_the_policy_is_never_offered_first() -> None:
    weak, first, second = (Remedy(change=name, effect="", weakens=name == "weak") for name in ("weak", "first", "second"))
    error = DigestMismatchError("x", remedies=(weak, first, second), distance=3)
    assert (error.remedies, error.distance) == ((first, second, weak), 3)
    error.offer((weak,))
    assert (error.remedies, error.distance) == ((weak,), 0)
