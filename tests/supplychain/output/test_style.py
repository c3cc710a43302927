import pytest

from supplychain.output.style import PLAIN, ColorChoice, Style, choose, clean
from supplychain.report import Outcome, Verdict


def test_control_characters_are_shown_and_not_obeyed():
    assert clean("a\x1b[31mred\r\n\x9b\x07") == "a\\x1b[31mred\\r\\n\\x9b\\x07"


def test_characters_that_reorder_or_hide_text_are_shown():
    assert clean("a\u202eb\u200bc\ufeffd\U000e0041") == "a\\u202eb\\u200bc\\ufeffd\\U000e0041"


def test_a_lone_surrogate_of_a_file_name_is_shown():
    assert clean("x\udcff") == "x\\udcff"


def test_ordinary_text_of_any_language_stays():
    assert clean("größer 日本 ✓ …") == "größer 日本 ✓ …"


@pytest.mark.parametrize(
    ("choice", "terminal", "environment", "color"),
    [
        (ColorChoice.AUTO, True, {}, True),
        (ColorChoice.AUTO, True, {"NO_COLOR": "1"}, False),
        (ColorChoice.AUTO, True, {"NO_COLOR": ""}, True),
        (ColorChoice.AUTO, True, {"TERM": "dumb"}, False),
        (ColorChoice.AUTO, False, {}, False),
        (ColorChoice.ALWAYS, False, {"NO_COLOR": "1"}, True),
        (ColorChoice.NEVER, True, {}, False),
    ],
)
def test_colour_is_chosen_for_the_stream(choice, terminal, environment, color):
    assert choose(choice, terminal=terminal, encoding="utf-8", environment=environment).color is color


@pytest.mark.parametrize(("encoding", "unicode"), [("utf-8", True), ("UTF_8", True), ("ascii", False), (None, False)])
def test_signs_fit_the_encoding(encoding, unicode):
    assert choose(ColorChoice.NEVER, terminal=False, encoding=encoding, environment={}).unicode is unicode


def test_marks_are_painted_or_plain():
    assert PLAIN.mark(Outcome.PASSED) == "✓"
    assert Style(color=False, unicode=False).mark(Outcome.REFUSED) == "x "
    painted = Style(color=True, unicode=True)
    assert painted.mark(Outcome.REFUSED) == "\x1b[1;31m✗\x1b[0m"
    assert painted.verdict("TRUSTED", Verdict.TRUSTED) == "\x1b[1;32mTRUSTED\x1b[0m"
    assert painted.dim("x") == "\x1b[2mx\x1b[0m"
    assert painted.warning("x") == "\x1b[33mx\x1b[0m"
