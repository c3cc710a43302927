import re
import subprocess
import sys
from pathlib import Path

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import InvalidIdentityPatternError
from supplychain.identity_pattern import MAX_LENGTH, IdentityPattern
from supplychain.identity_proof import prove

ROOT = Path(__file__).parents[2]
RELEASE = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v.*$", id="one workflow"),
        pytest.param(r"^https://github[.]com/acme/.*$", id="a dot as a class of one"),
        pytest.param(r"^\Qhttps://github.com/acme/\E.+$", id="quoted"),
        pytest.param(r"^(?:https://github\.com/acme/plugins/.*)$", id="in a group"),
        pytest.param(r"^https://github\.com/acme/.*$|^https://gitlab\.com/acme/.*$", id="two anchored alternatives"),
        pytest.param(r"^https:/{2}github\.com/acme/.*$", id="an exact repetition"),
        pytest.param(r"^\bhttps://github\.com\b/acme/.*$", id="word boundaries only narrow"),
        pytest.param(r"^https://github\.com/acme/(?i:plugins)/.*$", id="case behind host and owner is free"),
        pytest.param(r"^" + RELEASE.replace(".", r"\.") + "$", id="wholly literal"),
    ],
)
def test_a_pattern_that_names_host_and_owner_is_proved(text):
    pattern = IdentityPattern.parse(text)
    assert pattern.matches(RELEASE)
    assert pattern.warnings == ()
    assert str(pattern) == pattern.text == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(r"^https://github\.com/.*$", id="any owner"),
        pytest.param(r"^https://github\.com/acme.*$", id="any owner that begins so"),
        pytest.param(r"^https://github\.com/(?:acme|other)/.*$", id="one of two owners"),
        pytest.param(r"^https://github\.com/(?i:acme)/.*$", id="an owner in any case"),
        pytest.param(r"^https://github\.com//?.*$", id="an empty owner"),
    ],
)
def test_a_pattern_without_owner_warns(text):
    (warning,) = IdentityPattern.parse(text).warnings
    assert "no single owner behind `github.com/`" in warning


def test_equal_warnings_are_given_once():
    assert len(IdentityPattern.parse(r"^https://github\.com/a.*$|^https://github\.com/b.*$").warnings) == 1


@pytest.mark.parametrize(
    ("text", "example"),
    [
        pytest.param(r"^a|.*$", "https://attacker.example/x", id="a free alternative"),
        pytest.param(r"^https://github\.com/a/.*$|.*$", "https://attacker.example/x", id="one alternative without start"),
        pytest.param(r"^.*|^https://github\.com/a/.*$", "https://attacker.example/x", id="one alternative without end"),
        pytest.param(r"^https://github\.com/acme/x\$", None, id="an escaped dollar"),
        pytest.param(r"^https://github\.com/a/.*$||^b$", None, id="an empty alternative"),
    ],
)
def test_an_alternative_without_anchors_is_refused(text, example):
    with pytest.raises(InvalidIdentityPatternError, match="not anchored at both ends") as caught:
        IdentityPattern.parse(text)
    assert (f"`{example}` would be accepted" in str(caught.value)) == (example is not None)


@pytest.mark.parametrize("text", ["", "a", "^a", "a$", " ^a$", "^a$ ", "^a$\n", r"(?i)^a$", r"\Aa\z"])
def test_a_text_without_anchors_is_refused(text):
    with pytest.raises(InvalidIdentityPatternError, match="the pattern is not anchored"):
        IdentityPattern.parse(text)


@pytest.mark.parametrize("text", ["^$", "^.*$", "^(?:)$", "^a*$", r"^(?:https://github\.com/a/.*)?$"])
def test_a_pattern_that_matches_the_empty_identity_is_refused(text):
    with pytest.raises(InvalidIdentityPatternError, match="empty identity"):
        IdentityPattern.parse(text)


@pytest.mark.parametrize(
    ("text", "example"),
    [
        pytest.param(r"^.+$", "https://attacker.example/x", id="anything"),
        pytest.param(r"^https://.*/acme/plugins$", "https://attacker.example/acme/plugins", id="any host"),
        pytest.param(r"^https://github.com/acme/.*$", "https://githubxcom/acme/attacker.example", id="a bare dot in the host"),
        pytest.param(r"^https://github\.com.evil/acme/.*$", "https://github.comxevil/acme/attacker.example", id="a host goes on"),
        pytest.param(r"^https://github\.com.*$", "https://github.comattacker.example", id="a host without end"),
        pytest.param(r"^https://git(?:hub)?\.com/acme/.*$", "https://git.com/acme/attacker.example", id="an optional part"),
        pytest.param(
            r"^https://(?:github|.*)\.com/acme/.*$",
            "https://attacker.example.com/acme/attacker.example",
            id="a choice with a free host",
        ),
        pytest.param(r"^https://[a-z]+\.com/acme/.*$", "https://x.com/acme/attacker.example", id="a class in the host"),
        pytest.param(r"^(?i:https://github\.com)/acme/.*$", None, id="a host in any case"),
        pytest.param(r"^https?://github\.com/acme/.*$", None, id="a choice of schemes"),
        pytest.param(r"^https://user@github\.com/acme/.*$", None, id="credentials before the host"),
        pytest.param(r"^https:///acme/.*$", None, id="an empty host"),
        pytest.param(r"^github\.com/acme/.*$", None, id="no scheme"),
        pytest.param(r"^.*example\.com$", "https://attacker.example/xexample.com", id="a suffix that is no address"),
        pytest.param(r"^.*@example.com$", "attacker.example@examplexcom", id="a bare dot in the mail host"),
        pytest.param(r"^https://(?:ab)+\.com/acme/.*$", "https://ab.com/acme/attacker.example", id="a part once or more"),
        pytest.param(r"^https://(?:a|b)+\.com/acme/.*$", "https://a.com/acme/attacker.example", id="a choice once or more"),
        pytest.param(r"^[^@]+@(?:a|b.)\.com$", "attacker.example@bx.com", id="a choice with a bare dot"),
        pytest.param(r"^[^@]+@example\.com/x$", "https://attacker.example/x@example.com/x", id="a mail host that is a path"),
        pytest.param(r"^[\x00-\x08]+@.$", None, id="nothing a person could read"),
        pytest.param(r"^x{1000}.$", None, id="a very long subject"),
    ],
)
def test_a_pattern_that_does_not_name_its_host_is_refused(text, example):
    with pytest.raises(InvalidIdentityPatternError, match="does not name its host literally") as caught:
        IdentityPattern.parse(text)
    error = caught.value
    shown = re.search("so the subject `(.*)` would be accepted", error.what)
    assert (shown[1] if shown else None) == example
    assert example is None or re2.fullmatch(text, example)
    assert error.example == example
    assert error.got == f"`{text}`"
    assert error.expected is not None


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        (r"^https://(?:github|gitlab)\.com/acme/.*$", r"^https://github\.com/acme/.*$|^https://gitlab\.com/acme/.*$"),
        (r"^(https://a\.com/x/.*|https://b\.com/y/.*)$", r"^https://a\.com/x/.*$|^https://b\.com/y/.*$"),
        (r"^[^@]+@(?:a|b)\.com$", None),
        (r"^.*@(?:a|b)\.com$", r"^.*@a\.com$|^.*@b\.com$"),
        (r"^https://(a|b)\.(c|d)/x/.*$", None),
        (r"^https://(a|b)\.(c|d)/x/y$", r"^https://a\.(c|d)/x/y$|^https://b\.(c|d)/x/y$"),
        (r"^(a\|b|c)$", r"^a\|b$|^c$"),
        (r"^https://(?:a\.(?:b|c))/x/.*$", None),
    ],
)
def test_a_choice_of_safe_hosts_within_a_group_is_shown_in_the_form_that_is_proved(text, spelled):
    with pytest.raises(InvalidIdentityPatternError, match="the choice of hosts stands within a group") as caught:
        IdentityPattern.parse(text)
    assert caught.value.example is None
    if spelled is not None and "(c|d)" not in spelled:
        assert caught.value.hint == f"write the choice out: `{spelled}`"
        IdentityPattern.parse(spelled)
    else:
        assert "write the choice out" not in caught.value.hint


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("acme", "https://attacker.example/acme"),
        (r"^https://github\.com", "https://github.com.attacker.example/x"),
        (r"https://github\.com/acme/.*$", "https://attacker.example/https://github.com/acme/attacker.example"),
        (r"^release@github\.com", "release@github.com.attacker.example/x"),
        (r"^https://github\.com/acme/.*", None),
        ("(", None),
        ("(?m)^a$", None),
    ],
)
def test_a_pattern_without_anchors_shows_what_a_search_would_find(text, example):
    with pytest.raises(InvalidIdentityPatternError, match="the pattern is not anchored") as caught:
        IdentityPattern.parse(text)
    assert caught.value.example == example
    if example is not None:
        assert f"`{example}` would be found in a search" in caught.value.what
        assert re2.search(text, example)


def test_the_empty_subject_is_the_attackers_where_nothing_else_is():
    with pytest.raises(InvalidIdentityPatternError) as caught:
        IdentityPattern.parse("^$")
    assert caught.value.example == ""


def test_owners_in_a_choice_are_all_named():
    (warning,) = IdentityPattern.parse(r"^https://github\.com/(?:acme|other)/.*$").warnings
    assert warning.endswith("each of `acme`, `other` can match it")
    (warning,) = IdentityPattern.parse(r"^https://github\.com/(?:acme|other.*)/.*$").warnings
    assert warning.endswith("all of them can match it")


@pytest.mark.parametrize("text", [r"^https://github\.com/acme/.*$", r"^joe@example\.com$", "^a$|^b$", r"^.*@example\.com$"])
def test_examples_match(text):
    pattern = IdentityPattern.parse(text)
    assert 1 <= len(pattern.examples()) <= 3
    assert all(map(pattern.matches, pattern.examples()))


def test_an_exact_identity_is_its_own_example():
    assert IdentityPattern.exactly(RELEASE).examples() == (RELEASE,)


def test_a_flag_that_moves_the_anchors_is_refused():
    with pytest.raises(InvalidIdentityPatternError, match=r"cannot be proved safe: the flag `\(\?m\)`"):
        IdentityPattern.parse(r"^(?m)https://github\.com/acme/x$")


@pytest.mark.parametrize("text", ["^(?=a)$", "^a**$", "^(a$", "^\ud800$", "^[$"])
def test_a_pattern_that_re2_does_not_take_is_refused_silently(text, capfd):
    with pytest.raises(InvalidIdentityPatternError, match="does not compile as RE2"):
        IdentityPattern.parse(text)
    assert capfd.readouterr() == ("", "")


def test_an_error_text_can_always_be_printed():
    with pytest.raises(InvalidIdentityPatternError) as caught:
        IdentityPattern.parse("^\ud800$")
    str(caught.value).encode()


def test_length_is_limited():
    body = r"https://github\.com/acme/"
    IdentityPattern.parse("^" + body + "a" * (MAX_LENGTH - len(body) - 2) + "$")
    with pytest.raises(InvalidIdentityPatternError, match="too long"):
        IdentityPattern.parse("^" + body + "a" * (MAX_LENGTH - len(body) - 1) + "$")


@pytest.mark.parametrize("text", [r"^[^@]+@example\.com$", r"^.*@example\.com$", r"^release-[a-z]+@example\.com$"])
def test_addresses_at_a_mail_host_are_proved_and_warned_about(text):
    pattern = IdentityPattern.parse(text)
    assert pattern.matches("release-bot@example.com")
    assert pattern.warnings == ("the identity pattern accepts more than one address at `example.com`",)


@pytest.mark.parametrize(
    "subject",
    [
        "https://attacker.example/x@example.com",
        "https://github.com/attacker/x/.github/workflows/x.yml@example.com",
        "mailto:x@example.com",
        "a@b@example.com",
        "x@example.com.attacker.example",
        "x@attacker-example.com",
    ],
)
def test_a_pattern_for_addresses_matches_nothing_but_addresses(subject):
    assert not IdentityPattern.parse(r"^.*@example\.com$").matches(subject)


def test_alternatives_for_uris_and_addresses_go_together():
    pattern = IdentityPattern.parse(r"^https://github\.com/acme/.*$|^.*@example\.com$")
    assert pattern.matches("https://github.com/acme/x")
    assert pattern.matches("a@example.com")
    assert not pattern.matches("https://attacker.example/a@example.com")


@pytest.mark.parametrize("subject", [RELEASE + "x", "x" + RELEASE, RELEASE + "\n", RELEASE.upper(), "", "\ud800"])
def test_only_the_whole_subject_matches(subject):
    assert not IdentityPattern.parse(
        r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v[0-9.]+$"
    ).matches(subject)


def test_one_literal_address_needs_no_warning():
    pattern = IdentityPattern.parse(r"^joe@example\.com$")
    assert pattern.warnings == ()
    assert pattern.matches("joe@example.com")


@pytest.mark.parametrize("subject", [RELEASE, "joe@example.com", "foo!oidc.local", "a+b(c)[d]{e}^f$g|h?i*j\\k", "ünicode"])
def test_exactly_matches_one_subject(subject):
    pattern = IdentityPattern.exactly(subject)
    assert pattern.matches(subject)
    assert not pattern.matches(subject + "x")
    assert not pattern.matches(subject[:-1])
    assert pattern.warnings == ()


@pytest.mark.parametrize("subject", ["", "x" * MAX_LENGTH, "a\ud800"])
def test_exactly_takes_no_subject_that_cannot_be_one(subject):
    with pytest.raises(InvalidIdentityPatternError):
        IdentityPattern.exactly(subject)


@pytest.mark.parametrize("subject", [RELEASE, "joe@example.com", "a+b(c)[d]{e}^f$g|h?i*j\\k"])
def test_an_exact_identity_is_the_pattern_that_would_be_proved(subject):
    pattern = IdentityPattern.exactly(subject)
    assert pattern == IdentityPattern.parse(pattern.text)


def test_an_exact_identity_costs_no_re2():
    code = "import sys; from supplychain.identity_pattern import IdentityPattern as P; P.exactly('a@b'); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT)
    assert {"re2", "supplychain.re2_syntax"} & set(found.stdout.split()) == set()


def test_patterns_are_values():
    assert IdentityPattern.parse("^a$") == IdentityPattern.parse("^a$")
    assert IdentityPattern.parse("^a$") != IdentityPattern.parse("^b$")


PIECES = st.sampled_from(
    [
        "https://", r"github\.com", "github.com", "/", "acme", r"acme/", ".*", ".+", "[^/]+", "(?:", ")", "|", "^", "$", "?", "*", "{2}",
        r"\.", "@", r"@example\.com", "(?i)", "(?i:", "(?s)", "[a-z]", r"\Q", r"\E", "x", r"\b",
    ]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(
    pieces=st.lists(PIECES, max_size=8),
    host=st.sampled_from(["attacker.example", "githubxcom", "github.com.attacker.example", "GITHUB.COM"]),
    tail=st.sampled_from(["", "/", "/acme/", "/acme/x", "/x@example.com"]),
)
def test_no_proved_pattern_matches_a_subject_on_another_host(pieces, host, tail):
    try:
        pattern = IdentityPattern.parse("^" + "".join(pieces) + "$")
    except InvalidIdentityPatternError:
        return
    subject = f"https://{host}{tail}"
    if host not in pattern.text:
        assert not pattern.matches(subject), pattern.text
    assert not pattern.matches("")


def names(text):
    return [tuple(name) for name in prove(text).names]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"^https://github\.com/.*$", ("https://github.com", None, None)),
        (r"^https://github\.com//x.*$", ("https://github.com", None, None)),
        (r"^https://github\.com/acme.*$", ("https://github.com", None, None)),
        (r"^https://github\.com/acme/.*$", ("https://github.com", "acme", None)),
        (r"^https://github\.com/acme/plug.*$", ("https://github.com", "acme", None)),
        (r"^https://github\.com/acme//x.*$", ("https://github.com", "acme", None)),
        (r"^https://github\.com/acme/plugins/a/b.*$", ("https://github.com", "acme", "plugins")),
        (r"^https://github\.com/acme$", ("https://github.com", None, None)),
        (r"^.*@example\.com$", ("example.com", None, None)),
        (r"^.*x@y@example\.com$", ("example.com", None, None)),
        (r"^joe@example\.com$", ("example.com", None, None)),
        (r"^joe$", ("joe", None, None)),
    ],
)
def test_what_a_pattern_names_is_told(text, name):
    assert names(text) == [name]


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        (r"^https://github\.com/acme/x$", ("https://github.com/acme/x",)),
        (r"^https://github\.com/acme$", ("https://github.com/acme",)),
        (r"^https://github\.com/acme/.*$", ("https://github.com/",)),
        (r"^https://github\.com/.*$", ("https://github.com/",)),
        (r"^.*@example\.com$", ()),
    ],
)
def test_what_a_subject_must_begin_with_is_told(text, prefixes):
    assert prove(text).prefixes == prefixes


@pytest.mark.parametrize("subject", ["github.com/x@example.com", "x/y@example.com", "x:y@example.com"])
def test_an_address_has_neither_a_path_nor_a_port(subject):
    assert not IdentityPattern.parse(r"^.*@example\.com$").matches(subject)


@pytest.mark.parametrize("text", [r"^https://github\.com/acme/.*$", r"^.*@example\.com$"])
def test_a_subject_that_is_no_unicode_text_matches_nothing(text):
    assert not IdentityPattern.parse(text).matches("https://github.com/acme/\ud800")
    assert not IdentityPattern.parse(text).matches("\ud800@example.com")


@pytest.mark.parametrize("subject", ["a\udfff", "\udfff"])
def test_exactly_takes_no_half_of_a_character(subject):
    with pytest.raises(InvalidIdentityPatternError, match="not a subject"):
        IdentityPattern.exactly(subject)


@pytest.mark.parametrize(
    ("text", "said"), [("^[a$", "missing ]: [a$"), ("^(a$", "missing ): ^(a$"), ("^\ud800$", "not Unicode text")]
)
def test_what_re2_says_is_told_in_its_own_words(text, said):
    with pytest.raises(InvalidIdentityPatternError) as caught:
        IdentityPattern.parse(text)
    assert caught.value.what == f"the pattern does not compile as RE2 ({said})"


def test_a_form_that_would_say_something_twice_is_not_suggested():
    with pytest.raises(InvalidIdentityPatternError, match="the choice of hosts stands within a group") as caught:
        IdentityPattern.parse(r"^https://(a|b)\.com/x/.*$|^https://c\.com/y/.*$")
    assert "write the choice out" not in caught.value.hint
