from supplychain.re2_characters import ANYTHING, LETTER_CLASSES, NAMED_CLASSES, NO_NEWLINE, Characters, folded, merged


def test_one_possible_character_is_a_literal():
    assert Characters.of("a").literal == "a"
    assert Characters.of("ab").literal is None
    assert Characters.of("ac").literal is None


def test_ranges_that_touch_or_overlap_become_one():
    assert merged([(5, 9), (1, 4), (3, 6), (20, 20)]) == ((1, 9), (20, 20))


def test_the_opposite_is_everything_else():
    assert "a" not in Characters.of("a").opposite
    assert "b" in Characters.of("a").opposite
    assert Characters.of("a").opposite.opposite == Characters.of("a")
    assert Characters.of("\x00").opposite.ranges == ((1, 0x10FFFF),)
    assert Characters(((5, 0x10FFFF),)).opposite.ranges == ((0, 4),)


def test_the_opposite_of_what_may_have_been_widened_is_not_nothing():
    assert ANYTHING.opposite == ANYTHING


def test_folding_knows_the_characters_beyond_ascii():
    assert "\u212a" in folded("k")
    assert "\u017f" in folded("S")
    assert folded("7").literal == "7"
    assert folded("\u00e9") == ANYTHING
    assert folded("b") == Characters.of("bB")


def test_the_classes_are_those_of_re2():
    re2 = __import__("re2")
    for name, characters in NAMED_CLASSES.items():
        assert [c for c in map(chr, range(256)) if re2.fullmatch(f"[[:{name}:]]", c)] == [
            c for c in map(chr, range(256)) if c in characters
        ]
    for letter, characters in LETTER_CLASSES.items():
        assert [c for c in map(chr, range(256)) if re2.fullmatch(f"\\{letter}", c)] == [
            c for c in map(chr, range(256)) if c in characters
        ]
    assert "\n" not in NO_NEWLINE


def test_ranges_are_joined_where_they_touch_and_only_there():
    assert merged([(1, 4), (5, 9)]) == ((1, 9),)
    assert merged([(1, 4), (4, 9)]) == ((1, 9),)
    assert merged([(1, 4), (6, 9)]) == ((1, 4), (6, 9))


def test_a_character_without_case_is_not_widened():
    assert folded("\u20ac").literal == "\u20ac"
