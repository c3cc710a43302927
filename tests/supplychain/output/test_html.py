"""The HTML page as it is written; how a browser takes it stands in `test_html_in_a_browser.py`."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from supplychain.output.account import Checked, Repeat
from supplychain.output.html import render, render_lint
from supplychain.output.html.facts import facts, short
from supplychain.output.html.markup import Html, element, join, prose
from supplychain.output.html.problems import comparison
from supplychain.output.judgement import Judgement
from supplychain.report import Layer, Outcome, Problem, Verdict
from tests.supplychain.output.samples import (
    AT,
    EVIL,
    TWICE,
    WARNING,
    account,
    flaw,
    hostile,
    invalid,
    judgement,
    lint_account,
    refused,
    result,
    unavailable,
)

VOID = {"br", "meta"}


class Reader(HTMLParser):
    """Checks that every element is closed where it must be, and keeps tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.ids: list[str | None] = []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids), "an id twice"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.said.append(data)

    @property
    def text(self):
        return "".join(self.said)

    def all(self, tag, **attributes):
        return [found for name, found in self.tags if name == tag and attributes.items() <= found.items()]


PAGES = [
    pytest.param(lambda: render(account(judgement(result(Layer.COSIGN, candidates=TWICE)))), id="trusted"),
    pytest.param(lambda: render(account(refused(), unavailable(), invalid(), verdict=Verdict.REFUSED, notes=("n",))), id="all kinds"),
    pytest.param(lambda: render(account(verdict=Verdict.INVALID, exit_code=2)), id="no target"),
    pytest.param(lambda: render(hostile()), id="hostile"),
    pytest.param(lambda: render_lint(lint_account(flaw(), WARNING, notes=("n",), call="supplychain lint")), id="manifests"),
    pytest.param(lambda: render_lint(lint_account(exit_code=0, objects=())), id="no manifests"),
    pytest.param(lambda: render_lint(lint_account(flaw(message=EVIL, field=EVIL, object=Checked(file=EVIL, line=1)))), id="hostile manifests"),
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_well_formed_ascii_and_always_the_same(page):
    text = page()
    assert Reader(text).open == []
    assert text.isascii()
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert text == page()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_loaded_and_only_our_own_style_and_script_are_allowed(page):
    text = page()
    read = Reader(text)
    [policy] = read.all("meta", **{"http-equiv": "Content-Security-Policy"})
    inside = {tag: text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0] for tag in ("style", "script")}
    hashes = {tag: base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for tag, body in inside.items()}
    assert policy["content"] == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert len(read.all("script")) == len(read.all("style")) == 1
    assert not {"img", "link", "iframe", "object", "base", "form", "video", "audio"} & {tag for tag, _ in read.tags}
    for _, attributes in read.tags:
        assert not {"src", "style", "onclick", "onerror", "onload", "srcset", "background"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in inside["style"]
    assert "@import" not in inside["style"]
    assert "fetch(" not in inside["script"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_something_on_the_page(page):
    read = Reader(page())
    for link in read.all("a"):
        assert link["href"][1:] in read.ids
    for button in read.all("button"):
        assert button["data-copies"] in read.ids


def test_texts_of_strangers_stay_texts():
    read = Reader(render(hostile()))
    assert "</script></style>\"'<img src=x onerror=alert(1)>&" in read.text.replace('\\"', '"')
    assert not {"\u202e", "\u2066", "\x1b", "\x00", "\ud800", "\ufffe", "\ufdd0"} & set(read.text)
    assert {"\\u202e", "\\u2066", "\\x1b", "\\x00", "\\ud800", "\\ufffe", "\\ufdd0"} <= set(
        re.findall(r"\\u[0-9a-f]{4}|\\x[0-9a-f]{2}", read.text)
    )
    assert read.all("img") == []


def test_only_markup_of_our_own_is_markup():
    assert element("b", "<i>", Html("<i></i>"), None, title='"<') == '<b title="&quot;&lt;">&lt;i&gt;<i></i></b>'
    assert element("button", "x", hidden=True, type=None, open=False, class_="y") == '<button hidden class="y">x</button>'
    assert join(["é\u0000"]) == "&#233;\\x00"


def test_literals_are_set_apart_unless_somebodys_backtick_confuses_them():
    assert prose("got `a` and `<`") == "got <code>a</code> and <code>&lt;</code>"
    assert prose("one ` alone") == "one ` alone"


def test_what_differs_is_underlined_and_needs_no_colour():
    expected, got = comparison("`https://a/x`", "`https://b/x`")[1::2]
    assert expected == "<dd><code>https://<mark>a</mark>/x</code></dd>"
    assert got == "<dd><code>https://<mark>b</mark>/x</code></dd>"
    assert comparison("`ab`", "`abb`")[1::2] == ["<dd><code>ab</code></dd>", "<dd><code>ab<mark>b</mark></code></dd>"]
    assert comparison("`abc`", "`xyz`")[1::2] == ["<dd><code>abc</code></dd>", "<dd><code>xyz</code></dd>"]
    assert comparison("a match of `x`", "`y`")[1] == "<dd>a match of <code>x</code></dd>"
    assert comparison(None, "`y`") == ["<dt>got</dt>", "<dd><code>y</code></dd>"]
    assert comparison(None, None) == []


def test_facts_of_every_kind_are_shown():
    shown = facts(
        {"aB": 1, "yes": True, "no": False, "at": "2026-01-31T08:00:00Z", "gone": None, "in": {"x": "1"}, "all": ("a", None)}
    )
    assert "<dt>a b</dt><dd>1</dd>" in shown
    assert "<dt>yes</dt><dd>yes</dd><dt>no</dt><dd>no</dd>" in shown
    assert '<time datetime="2026-01-31T08:00:00Z">2026-01-31T08:00:00Z</time>' in shown
    assert "gone" not in shown
    assert "<dt>in</dt><dd><dl><dt>x</dt><dd><code>1</code></dd></dl></dd>" in shown
    assert "<ol><li><code>a</code></li><li>unknown</li></ol>" in shown
    assert short("sha256:" + "ab" * 32 + "!") == "sha256:abababababab…!"


def test_a_refusal_says_why_first_and_then_everything_the_text_says():
    read = Reader(render(account(refused(), verdict=Verdict.REFUSED, exit_code=1)))
    for said in (
        "1 target: 1 refused. Judged at 2026-01-31T08:00:00Z. Exit code 1.",
        "IdentityMismatch: the signer is not trusted",
        "referrer 1",
        "check the workflow",
        "--source-tag v1",
        "another release: weakens nothing",
        "in a manifest: spec: v1",
        "weakens the policy: another repository is trusted",
        "Evidence that was looked at: 1",
        "not reached",
    ):
        assert said in read.text
    assert read.text.index("the signer is not trusted") < read.text.index("What was found")
    assert read.all("details", open=None)


def test_every_outcome_has_a_sign_and_a_word():
    one = judgement(
        result(Layer.DESCRIPTOR, Outcome.REFUSED, problem=Problem(reason="DescriptorInvalid", message="m")),
        result(Layer.ED25519, Outcome.UNAVAILABLE, problem=Problem(reason="NotFound", message="m")),
        result(Layer.COSIGN, Outcome.NOT_CONFIGURED),
        result(Layer.SLSA, Outcome.NOT_REACHED),
    )
    text = Reader(render(account(one))).text
    for said in ("✓passed", "✗refused", "?could not be evaluated", "–not asked for", "·not reached"):
        assert said in text


def test_the_chain_names_what_each_step_rests_on():
    read = Reader(render(account(judgement(result(Layer.COSIGN, facts={"identity": "me", "trustRoot": {"name": "mine"}})))))
    for said in ("library " + "ab" * 6 + "…", "by key release.pub", "not on cluster-default", "by me", "rooted in mine", "at v1"):
        assert said in read.text
    assert len(read.all("ol", **{"class": "chain", "aria-label": "Chain of trust"})) == 1


def test_several_targets_get_a_table_with_links():
    read = Reader(render(account(judgement(), refused(), verdict=Verdict.REFUSED, exit_code=1)))
    assert [one["href"] for one in read.all("a") if re.fullmatch(r"#target-\d", one["href"])] == ["#target-1", "#target-2"]
    assert "2 targets: 1 refused, 1 trusted." in read.text
    assert Reader(render(account(judgement()))).all("table") == []


def test_one_layer_alone_is_never_called_trusted():
    alone = Judgement.of_layer(result(Layer.SLSA), target="x", at=AT, inputs={})
    text = Reader(render(account(alone))).text
    assert "One layer was run alone; this is no verdict on a plugin." in text
    assert "Trusted" not in text


def test_commands_are_there_to_copy_and_buttons_wait_for_the_script():
    again = ((Repeat(shows="judge it again", command="supplychain verify 'a b'"),),)
    read = Reader(render(account(judgement(), repeats=again, call="supplychain verify x --output html")))
    assert "supplychain verify 'a b'" in read.text
    assert "supplychain verify x --output html" in read.text
    assert len(read.all("button", type="button", hidden=None)) == 2
    assert {button["aria-label"] for button in read.all("button")} == {
        "Copy the command: judge it again",
        "Copy the command: the whole call",
    }


def test_what_the_command_knows_besides_is_shown():
    text = Reader(render(account(judgement(), extra={"copiedBlobs": 3, "nothing": ()}, notes=("left `x` aside",)))).text
    assert "About this call" in text
    assert "copied blobs3" in text
    assert "left x aside" in text
    assert "About this call" not in Reader(render(account(judgement(), extra={"nothing": ()}))).text


def test_problems_of_manifests_stand_in_tables_by_line():
    read = Reader(render_lint(lint_account(flaw(), WARNING)))
    assert "2 objects: 1 error, 1 warning. Judged at 2026-01-31T08:00:00Z. Exit code 1." in read.text
    assert read.text.index("there is no cluster") < read.text.index("the number is too small")
    assert "Nothing is wrong with 1 object." in read.text
    assert "✗error" in read.text
    assert "!warning" in read.text
    assert "Wrong request" in Reader(render_lint(lint_account(exit_code=2))).text


def test_nobody_can_miss_what_could_not_be_done():
    failure = Problem(reason="OutputFailed", message="cannot write", hint="make room")
    read = Reader(render(account(judgement(), failures=(failure,), exit_code=2)))
    assert "! But not everything could be done." in read.text
    assert "What could not be doneOutputFailed: cannot write" in read.text
    assert read.all("a", href="#failures")


def test_a_step_that_found_nothing_has_a_box_and_no_section():
    nothing = judgement(*(result(layer, Outcome.NOT_REACHED) for layer in Layer))
    read = Reader(render(account(nothing)))
    assert len(read.all("span", **{"class": "link idle"})) == 6
    assert "What was found" not in read.text
    assert read.all("section") == []


def test_behind_a_break_no_arrow_is_whole():
    broken = judgement(
        result(Layer.ED25519, Outcome.REFUSED, problem=Problem(reason="SignatureInvalid", message="m")),
        result(Layer.COSIGN, Outcome.NOT_CONFIGURED),
        result(Layer.SLSA, Outcome.NOT_CONFIGURED),
    )
    arrows = [found["class"] for tag, found in Reader(render(account(broken))).tags if tag == "svg"]
    assert arrows == ["arrow", "arrow", "arrow cut", "arrow idle", "arrow idle", "arrow idle"]
