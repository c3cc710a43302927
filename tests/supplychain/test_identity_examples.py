import re
import time

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import InvalidIdentityPatternError
from supplychain.identity_examples import MAX_EXAMPLES, almost_matching, attacking, expanded, flat, matching
from supplychain.identity_judgement import judge_pattern
from supplychain.identity_pattern import IdentityPattern
from supplychain.identity_proof import options_of
from tests.supplychain.test_identity_pattern import PIECES

HERE = "https://github.com/acme/plugins/.github/workflows/"


def examples(text: str) -> tuple[str, ...]:
    pattern = IdentityPattern.parse(text)
    found = matching(options_of(text), accepts=pattern.matches)
    assert all(map(pattern.matches, found))
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v.*$",
            [
                f"{HERE}release.yml@refs/tags/v1.2.3",
                f"{HERE}release.yml@refs/tags/v2.0.0-rc.1",
                f"{HERE}release.yml@refs/tags/v10.0.0",
            ],
        ),
        (
            r"^https://github\.com/acme/plugins/.*$",
            [f"{HERE}release.yml@refs/tags/v1.2.3", f"{HERE}ci.yml@refs/heads/main", f"{HERE}any.yaml@refs/pull/7/merge"],
        ),
        (
            r"^https://github\.com/acme/plugins/\.github/workflows/.+$",
            [f"{HERE}release.yml@refs/tags/v1.2.3", f"{HERE}ci.yml@refs/heads/main", f"{HERE}any.yaml@refs/pull/7/merge"],
        ),
        (
            r"^https://github\.com/acme/plugins/[^@]+@refs/.+$",
            [f"{HERE}release.yml@refs/tags/v1.2.3", f"{HERE}ci.yml@refs/heads/main", f"{HERE}any.yaml@refs/pull/7/merge"],
        ),
        (
            r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/heads/[a-z]+$",
            [f"{HERE}release.yml@refs/heads/main", f"{HERE}release.yml@refs/heads/ci", f"{HERE}release.yml@refs/heads/any"],
        ),
        (
            r"^https://github\.com/acme/[^/]+/\.github/workflows/release\.yml@refs/tags/[0-9]+(-rc)?$",
            [
                f"{HERE}release.yml@refs/tags/1",
                "https://github.com/acme/tools/.github/workflows/release.yml@refs/tags/2-rc",
                "https://github.com/acme/anything/.github/workflows/release.yml@refs/tags/10-rc",
            ],
        ),
        (
            r"^https://github\.com/acme-.*/plugins/x@y$",
            ["https://github.com/acme--x/plugins/x@y"],
        ),
        (r"^.*@example\.com$", ["release-bot@example.com", "joe@example.com", "a.b@example.com"]),
        (r"^joe@example\.com$", ["joe@example.com"]),
        (r"^https://example\.com/a$|^https://example\.org/b$", ["https://example.com/a", "https://example.org/b"]),
        (
            r"^https://github\.com/acme/x[0-9]y(?:a|b)$",
            ["https://github.com/acme/x1ya", "https://github.com/acme/x2yb", "https://github.com/acme/x3ya"],
        ),
        (
            r"^https://github\.com/acme/(?:[0-9]\b)$",
            ["https://github.com/acme/1", "https://github.com/acme/2", "https://github.com/acme/3"],
        ),
        (r"^https://github\.com/acme/[\x01-\x08]$", []),
        (r"^https://github\.com/acme/x{300}$", []),
        (r"^https://github\.com/acme/\bx\B$", []),
    ],
)
def test_examples_look_like_the_identity_of_a_workflow(text, found):
    assert list(examples(text)) == found


def test_a_part_that_is_begun_is_gone_on_with():
    assert (
        examples(r"^https://github\.com/acme.*$")[0]
        == "https://github.com/acme-x/plugins/.github/workflows/release.yml@refs/tags/v1.2.3"
    )
    assert examples(r"^https://github\.com/acme/plugins/\.github/workflows/release.*$")[0] == f"{HERE}release-x@refs/tags/v1.2.3"


def misses(text: str) -> list[str]:
    pattern = IdentityPattern.parse(text)
    found = almost_matching(examples(text), accepts=pattern.matches)
    assert not any(pattern.matches(miss.subject) for miss in found)
    return [miss.differs for miss in found]


@pytest.mark.parametrize(
    ("text", "differs"),
    [
        (
            r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v.*$",
            ["another ref", "another workflow", "another repository"],
        ),
        (
            r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/heads/main$",
            ["another ref", "another workflow", "another repository"],
        ),
        (r"^https://github\.com/acme/plugins/.*$", ["another repository", "another owner", "another host"]),
        (r"^https://github\.com/acme/.*$", ["another owner", "another host", "text before the start"]),
        (r"^https://github\.com/.*$", ["another host", "text before the start"]),
        (r"^.*@example\.com$", ["another host", "a longer host", "text after the end"]),
        (r"^subject$", ["text after the end", "text before the start"]),
    ],
)
def test_near_misses_differ_in_one_thing_the_finest_first(text, differs):
    assert misses(text) == differs


def test_nothing_is_almost_matched_where_nothing_matches():
    assert almost_matching((), accepts=lambda _: False) == ()


def test_choices_are_written_out_up_to_a_bound():
    [items] = options_of("^a(?:b|c(?:d|e))f$")
    assert len(expanded(items)) == 3
    [items] = options_of("^" + "(?:a|b)" * 7 + "$")
    assert expanded(items) == [items]
    [items] = options_of("^(?:a|(?:b|c))$")
    assert len(expanded(items)) == 3


def test_small_exact_repetitions_are_written_out():
    [items] = options_of("^(?:ab){2}c{17}$")
    assert len(items) == 1 + 4 + 1 + 1
    assert flat(items[1]) == (items[1],)


def test_an_attack_is_only_what_was_tried():
    assert attacking(options_of("^.*$"), text="^.*$", matches=lambda _: False) is None


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECES, max_size=8), start=st.sampled_from(["^", ""]), end=st.sampled_from(["$", ""]))
def test_every_judgement_shows_only_what_is_so(pieces, start, end):
    judgement = judge_pattern(start + "".join(pieces) + end)
    if judgement.refusal is None:
        pattern = IdentityPattern.parse(judgement.text)
        assert all(map(pattern.matches, judgement.matching))
        assert not any(pattern.matches(miss.subject) for miss in judgement.almost)
        assert max(len(judgement.matching), len(judgement.almost)) <= MAX_EXAMPLES
    elif (example := judgement.refusal.example) is not None:
        assert re2.search(judgement.text, example)
        host = re.search("^(?:[^/@]+@|[^/]+://)([^/@]+)", example)
        assert (host is None) == (example == "")
        assert host is None or host[1].lower() not in judgement.text.lower().replace("\\", "")


def test_a_judgement_carries_what_is_proved():
    judgement = judge_pattern(r"^https://github\.com/acme/plugins/.*$|^https://gitlab\.com/.*$|^joe@example\.com$")
    assert [(name.host, name.owner, name.repository) for name in judgement.names] == [
        ("https://github.com", "acme", "plugins"),
        ("https://gitlab.com", None, None),
        ("example.com", None, None),
    ]
    assert len(judgement.warnings) == 1


def test_a_refusal_is_a_judgement_too():
    judgement = judge_pattern("^(")
    assert isinstance(judgement.refusal, InvalidIdentityPatternError)
    assert (judgement.matching, judgement.almost, judgement.names) == ((), (), ())


@pytest.mark.parametrize("piece", ["(a{16}){16}", "((a|b){16}){16}", "((?:x*){16}){16}", "((?:/.{0,2}){16}){16}"])
def test_a_short_pattern_for_very_long_subjects_is_answered_at_once(piece):
    pattern = IdentityPattern.parse(rf"^https://a\.com/x/{piece * 40}$")
    started = time.process_time()
    assert all(len(one) <= 200 for one in pattern.examples())
    assert time.process_time() - started < 5
