import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.re2_characters import ANYTHING, NO_NEWLINE, Characters
from supplychain.re2_syntax import (
    Alternation,
    Anchor,
    Node,
    Place,
    Repetition,
    Sequence,
    SyntaxTreeError,
    parse_tree,
)


def literal(text: str) -> tuple[Characters, ...]:
    return tuple(Characters.of(character) for character in text)


def ends(node: Node, text: str, start: int) -> set[int]:  # noqa: PLR0911 — one per kind of node
    """Where a match of `node` that begins at `start` may end, by a matcher that is too simple to be wrong."""
    match node:
        case Anchor(place=Place.TEXT_BEGIN):
            return {start} if start == 0 else set()
        case Anchor(place=Place.TEXT_END):
            return {start} if start == len(text) else set()
        case Anchor(place=place):
            words = [
                0 <= at < len(text) and text[at].isascii() and (text[at].isalnum() or text[at] == "_")
                for at in (start - 1, start)
            ]
            return {start} if (words[0] != words[1]) == (place is Place.WORD_BOUNDARY) else set()
        case Characters():
            return {start + 1} if start < len(text) and text[start] in node else set()
        case Sequence(items=items):
            found = {start}
            for item in items:
                found = {end for at in found for end in ends(item, text, at)}
            return found
        case Alternation(options=options):
            return {end for option in options for end in ends(option, text, start)}
        case Repetition(item=item, low=low, high=high):
            reached, found = {start}, {start} if low == 0 else set()
            for count in range(1, (high if high is not None else low + len(text) + 1) + 1):
                reached = {end for at in reached for end in ends(item, text, at)}
                if count >= low:
                    found |= reached
            return found


def matches(node: Node, text: str) -> bool:
    return len(text) in ends(node, text, 0)


TOKENS = st.sampled_from(
    [
        *"aAkKsbB/.x@0-_{}]:,^$|*+?()[", "(?:", "(?i)", "(?i:", "(?s)", "(?-i:", "(?P<n>", "(?s-i:", "[^", "[a-k]", "[^a]", "[]a]",
        "[a-]", "[[:alpha:]]", "[[:^digit:]k]", r"[\d-]", r"[^\w]", r"[^\pL]", r"\pL", r"\PN", r"\p{Greek}", r"\d", r"\W", r"\w", r"\s",
        r"\S", r"\.", r"\x6b", r"\x{41}", r"\07", r"\141", r"\n", r"\t", r"\Qa.b\E", r"\Qk", r"\A", r"\z", r"\b", r"\B", "{2}", "{0,2}",
        "{1,}", "*?", "+?", "??", "é", "\u212a", "\n",
    ]
)  # fmt: skip
SUBJECTS = st.text(alphabet="aAkKsb/.x@0-_é\u212a\u017f\n ", max_size=6)


@settings(max_examples=500, deadline=None)
@given(pattern=st.lists(TOKENS, max_size=7).map("".join), subjects=st.lists(SUBJECTS, min_size=8, max_size=8))
def test_a_tree_never_matches_less_than_re2_does(pattern, subjects):
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return
    try:
        tree = parse_tree(pattern)
    except SyntaxTreeError:
        return
    for subject in subjects:
        if compiled.fullmatch(subject) is not None:
            assert matches(tree, subject), (pattern, subject)


@pytest.mark.parametrize(
    ("pattern", "tree"),
    [
        ("", Sequence(())),
        ("a", Characters.of("a")),
        ("ab", Sequence(literal("ab"))),
        ("a|b|", Alternation((*literal("ab"), Sequence(())))),
        ("^$", Sequence((Anchor(Place.TEXT_BEGIN), Anchor(Place.TEXT_END)))),
        (
            r"\A\z\b\B",
            Sequence(tuple(map(Anchor, (Place.TEXT_BEGIN, Place.TEXT_END, Place.WORD_BOUNDARY, Place.NOT_WORD_BOUNDARY)))),
        ),
        (r"\$", Characters.of("$")),
        (".", NO_NEWLINE),
        ("(?s).", ANYTHING),
        ("(?s:.).", Sequence((ANYTHING, NO_NEWLINE))),
        ("(?s)(?-s).", NO_NEWLINE),
        ("a*", Repetition(Characters.of("a"), 0, None)),
        ("a+?", Repetition(Characters.of("a"), 1, None)),
        ("a?", Repetition(Characters.of("a"), 0, 1)),
        ("a{2}", Repetition(Characters.of("a"), 2, 2)),
        ("a{2,}", Repetition(Characters.of("a"), 2, None)),
        ("a{2,3}", Repetition(Characters.of("a"), 2, 3)),
        ("a{,3}", Sequence(literal("a{,3}"))),
        (r"\Qa.\E.", Sequence((*literal("a."), NO_NEWLINE))),
        (r"\Qa", Characters.of("a")),
        ("[.]", Characters.of(".")),
        ("[]]", Characters.of("]")),
        ("[^]]", Characters.of("]").opposite),
        ("[a-c]", Characters.of("abc")),
        ("[a-]", Characters.of("a-")),
        (r"[\d]", Characters.of("0123456789")),
        (r"\D", Characters.of("0123456789").opposite),
        (r"\x41\x{42}\103\n\.", Sequence(literal("ABC\n."))),
        ("(?P<name>a)(?<other>b)(c)", Sequence(literal("abc"))),
        ("(?i)a", Characters.of("aA")),
        ("(?i:a)a", Sequence((Characters.of("aA"), Characters.of("a")))),
        ("(?i)a|b", Alternation((Characters.of("aA"), Characters.of("bB")))),
        ("(?i)(?-i)a", Characters.of("a")),
        ("(?i)[a]", ANYTHING),
        ("(?i)[0-9]", Characters.of("0123456789")),
        (r"(?i)\w", ANYTHING),
        (r"[^\pL]", ANYTHING),
        ("[[:digit:]]", Characters.of("0123456789")),
        ("[[:^digit:]]", Characters.of("0123456789").opposite),
    ],
)
def test_a_pattern_becomes_its_tree(pattern, tree):
    assert parse_tree(pattern) == tree


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?m)^a$", "every line"),
        ("a(?im:b)", "every line"),
        (r"\C", "no use here"),
        ("\\", "no use here"),
        (r"\8", "no use here"),
        (r"\x{110000}", "Unicode"),
        ("[a", "not closed"),
        ("[", "not closed"),
        ("(a", "not closed"),
        ("a)", "never opened"),
        ("*a", "nothing to repeat"),
        ("(?=a)", "unknown kind of group"),
        ("[b-a]", "backwards"),
        (r"[a-\d]", "backwards"),
        ("(" * 33 + ")" * 33, "nested deeper"),
    ],
)
def test_what_has_no_place_in_a_proof_is_refused(pattern, why):
    with pytest.raises(SyntaxTreeError, match=why):
        parse_tree(pattern)


def test_groups_may_nest_up_to_the_limit():
    assert parse_tree("(" * 32 + "a" + ")" * 32) == Characters.of("a")


@pytest.mark.parametrize(
    ("pattern", "tree"),
    [
        ("(?i)(a)b", Sequence((Characters.of("aA"), Characters.of("bB")))),
        ("(?s)(a).", Sequence((Characters.of("a"), ANYTHING))),
        ("(?i)(?s)a", Characters.of("aA")),
        ("(?s)(?i).", ANYTHING),
        ("(?i).", NO_NEWLINE),
    ],
)
def test_a_flag_holds_until_its_group_ends_whatever_other_flags_come(pattern, tree):
    assert parse_tree(pattern) == tree


def test_what_follows_a_lazy_repetition_is_read():
    assert parse_tree("a+?b") == Sequence((Repetition(Characters.of("a"), 1, None), Characters.of("b")))


def test_a_quoted_run_ends_at_the_first_end():
    assert parse_tree(r"\Qa\E.\Qc\E") == Sequence((Characters.of("a"), NO_NEWLINE, Characters.of("c")))


def test_the_last_code_point_exists():
    assert parse_tree(r"\x{10FFFF}") == Characters.of("\U0010ffff")


@pytest.mark.parametrize("pattern", ["\\\u20ac", "[a-"])
def test_what_re2_refuses_is_refused_here_as_well(pattern):
    with pytest.raises(SyntaxTreeError):
        parse_tree(pattern)


def test_a_class_within_a_class_has_a_name_that_is_known():
    assert parse_tree("[[:no:]]") == Sequence((Characters.of("[:no"), Characters.of("]")))


def test_a_dash_before_the_end_of_a_class_is_itself():
    assert parse_tree("[a-]x") == Sequence((Characters.of("a-"), Characters.of("x")))


def test_a_class_that_ends_with_the_first_letter_is_widened_under_folding():
    assert parse_tree("(?i)[9-A]") == ANYTHING
