import pytest

from supplychain import errors
from supplychain.reasons import GROUPS, explained, find, nearest

ALL = [one for group in GROUPS for one in explained(group)]


def test_every_error_but_the_root_is_explained_once():
    classes = {getattr(errors, name) for name in errors.__all__}
    reasons = {one.reason for one in classes if isinstance(one, type) and issubclass(one, errors.SupplyChainError)} - {"Error"}
    assert sorted(one.reason for one in ALL) == sorted(reasons)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.reason)
def test_an_explanation_has_all_its_parts(one):
    assert one.meaning
    assert one.why
    assert one.what_to_do
    assert (one.change is None) == (one.group.exit_code != 1 or "see the finer reasons" in one.what_to_do)


def test_no_two_reasons_exist_for_the_same_words():
    assert len({one.why for one in ALL}) == len({one.meaning for one in ALL}) == len(ALL)


def test_a_family_names_its_finer_reasons():
    found = find("RequestMismatch")
    assert found is not None
    assert found.what_to_do.startswith("see the finer reasons `PluginIdMismatch`, ")


def test_groups_are_told_apart_by_their_exit_code():
    assert [group.exit_code for group in GROUPS] == [1, 2, 3, None]


@pytest.mark.parametrize("word", ["IdentityMismatch", "identitymismatch", " IDENTITYMISMATCH "])
def test_a_reason_is_found_in_any_case(word):
    found = find(word)
    assert found is not None
    assert found.reason == "IdentityMismatch"


@pytest.mark.parametrize("word", ["", "nothing", "Identity"])
def test_another_word_is_no_reason(word):
    assert find(word) is None


@pytest.mark.parametrize(
    ("word", "first"),
    [("IdentiyMismatch", "IdentityMismatch"), ("revoked", "ArtefactRevoked"), ("trustroot", "InvalidTrustRoot")],
)
def test_a_mistyped_or_half_reason_is_guessed(word, first):
    assert first in nearest(word)
    assert len(nearest(word)) <= 3


@pytest.mark.parametrize("word", ["", "zzz"])
def test_nothing_is_guessed_from_nothing(word):
    assert nearest(word) == ()
