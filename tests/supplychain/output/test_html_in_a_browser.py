"""HTML reports in a real browser: nothing is asked for, nothing complains, keys and eyes find their way."""

from itertools import pairwise

import pytest

from supplychain.output.account import Repeat
from supplychain.output.html import render, render_lint
from supplychain.report import Layer, Verdict
from tests.supplychain.output.samples import (
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
from tests.support.browser import browser

AGAIN = (Repeat(shows="judge it again", command="supplychain verify 'a b' --key x"),)
PAGES = {
    "trusted": lambda: render(account(judgement(result(Layer.COSIGN, candidates=TWICE)), repeats=(AGAIN,), call="supplychain x")),
    "several": lambda: render(account(judgement(), refused(), unavailable(), invalid(), verdict=Verdict.REFUSED, exit_code=1)),
    "hostile": lambda: render(hostile()),
    "manifests": lambda: render_lint(lint_account(flaw(), WARNING, call="supplychain lint x")),
    "hostile manifests": lambda: render_lint(lint_account(flaw(message=EVIL, field=EVIL))),
}
CONTRAST = """
(() => {
  const channel = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const found = parse(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || ["SCRIPT", "STYLE"].includes(node.tagName) || !node.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push([text.data.slice(0, 40), ratio]);
  }
  return bad;
})()
"""
FOCUS = "(() => { const e = document.activeElement; return `${e.tagName} ${(e.innerText || e.textContent).trim().split(/\\n/)[0]}`; })()"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def show(chromium, tmp_path):
    def open_(name, **more):
        path = tmp_path / "report.html"
        path.write_text(PAGES[name](), "ascii")
        return chromium.page(path, **more), path

    return open_


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_asked_for_and_nothing_complains(show, name):
    page, path = show(name)
    page.run("new Promise(requestAnimationFrame)")
    assert page.requests() == [path.as_uri()]
    assert page.complaints() == []
    assert page.run("document.compatMode") == "CSS1Compat"
    assert page.run("getComputedStyle(document.querySelector('main')).maxWidth") == "1152px"  # the style was let through


@pytest.mark.parametrize("name", ["hostile", "hostile manifests"])
def test_texts_of_strangers_become_no_elements_and_run_nothing(show, name):
    page, _ = show(name)
    assert page.run("document.querySelectorAll('img, iframe, object, form, base').length") == 0
    assert page.run("document.scripts.length") == 1
    assert page.run("document.body.innerText.includes('onerror=alert(1)')") is True
    assert page.run("/[\\u202a-\\u202e\\u2066-\\u2069\\u0000\\u001b]/.test(document.documentElement.textContent)") is False


def test_a_script_or_style_that_somebody_slipped_in_would_not_count(chromium, tmp_path):
    path = tmp_path / "report.html"
    slipped = "<script>window.slipped = 1</script><b style='color: red' onclick='window.slipped = 2'>x</b><img src='https://a.example/x'>"
    path.write_text(PAGES["trusted"]().replace("<main", slipped + "<main", 1), "ascii")
    page = chromium.page(path)
    page.run("document.querySelector('b').click()")
    assert page.run("window.slipped") is None
    assert page.run("getComputedStyle(document.querySelector('b')).color") == "rgb(26, 29, 33)"
    assert len(page.complaints()) >= 3


def test_the_chain_is_drawn_in_order_and_is_cut_where_it_breaks(show):
    page, _ = show("several")
    assert page.run("[...document.querySelectorAll('#target-2 .chain .link')].map((one) => one.innerText.split('\\n')[0])") == [
        "The bytes",
        "The plugin",
        "The publisher's signature",
        "Revocation lists",
        "The image's signature",
        "The provenance",
        "✗Refused",
    ]
    assert page.run("[...document.querySelectorAll('#target-2 .arrow')].map((one) => one.getAttribute('class'))") == [
        *["arrow"] * 4,
        "arrow cut",
        "arrow idle",
    ]
    tops = page.run("[...document.querySelectorAll('#target-2 .chain li')].map((one) => one.getBoundingClientRect().top)")
    assert tops == sorted(tops)
    assert page.run("document.querySelector('#target-2 .arrow').getBoundingClientRect().width") > 16


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_the_page_fits_every_width(show, name, width):
    page, _ = show(name, width=width)
    assert page.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("name", ["several", "manifests", "trusted"])
def test_every_text_stands_out_from_what_is_behind_it(show, name, scheme, media):
    page, _ = show(name)
    page.look(scheme=scheme, media=media)
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.run(CONTRAST) == []
    dark = scheme == "dark" and media == "screen"
    assert page.run("getComputedStyle(document.body).backgroundColor") == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(show):
    page, _ = show("trusted")
    order = []
    for _ in range(12):
        page.press("Tab", 9)
        order.append(page.run(FOCUS))
    assert order[:10] == [
        "A Skip to the report",
        "A The bytes",
        "A The plugin",
        "A The publisher's signature",
        "A Revocation lists",
        "A The image's signature",
        "A The provenance",
        "SUMMARY Evidence that was looked at: 2",
        "BUTTON Copy",
        "BUTTON Copy",
    ]
    assert page.run("document.querySelectorAll('[tabindex]:not([tabindex=\"-1\"])').length") == 0


def test_what_has_the_focus_can_be_seen(show):
    page, _ = show("trusted")
    page.press("Tab", 9)
    assert page.run("document.activeElement.getBoundingClientRect().left") >= 0
    page.press("Tab", 9)
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.run("getComputedStyle(document.activeElement).outlineWidth") == "3px"


COPY = "document.querySelector('button').focus()"
SAID = """
new Promise((done) => {
  const until = Date.now() + 20000;
  const look = () => {
    const said = document.getElementById("said").textContent;
    if (said || Date.now() > until) done(said);
    else setTimeout(look, 10);
  };
  look();
})
"""


def test_a_copy_button_copies_by_key(show):
    page, _ = show("trusted")
    page.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }; " + COPY)
    page.press("Enter", 13)
    assert page.run(SAID) == "Copied."
    assert page.run("window.copied") == "supplychain verify 'a b' --key x"
    assert page.run("document.activeElement.textContent") == "Copied"


def test_a_copied_command_can_be_pasted(show):
    page, _ = show("trusted")
    page.ask("Page.bringToFront")
    page.run(COPY)
    page.press("Enter", 13)
    assert page.run(SAID) == "Copied."
    page.run("document.body.prepend(document.createElement('textarea')); document.querySelector('textarea').focus()")
    page.ask("Input.dispatchKeyEvent", type="keyDown", key="v", code="KeyV", modifiers=2, commands=["paste"])
    assert page.run("document.querySelector('textarea').value") == "supplychain verify 'a b' --key x"


def test_without_a_clipboard_the_older_way_is_taken(show):
    page, _ = show("trusted")
    page.run("navigator.clipboard.writeText = async () => { throw new Error('no'); }; document.execCommand = () => true; " + COPY)
    page.press("Enter", 13)
    assert page.run(SAID) == "Copied."


def test_where_nothing_may_be_copied_the_command_is_selected(show):
    page, _ = show("trusted")
    page.run(
        "navigator.clipboard.writeText = async () => { throw new Error('no'); }; document.execCommand = () => { throw 1; }; "
        + COPY
    )
    page.press("Enter", 13)
    assert page.run(SAID) == "Selected: copy it with Ctrl+C."
    assert page.run("getSelection().toString()") == "supplychain verify 'a b' --key x"


def test_without_scripts_no_button_is_shown_and_everything_else_is(show):
    page, _ = show("trusted", scripts=False)
    document = page.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
    buttons = page.ask("DOM.querySelectorAll", nodeId=document, selector="button[hidden]")["nodeIds"]
    assert len(buttons) == 2
    page.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert page.run("getComputedStyle(document.querySelector('button')).display") == "none"
    assert page.run("document.querySelectorAll('.chain li').length") == 7


def test_on_paper_everything_is_open_and_nothing_is_there_to_press(show):
    page, _ = show("trusted")
    page.look(media="print")
    assert page.run("[...document.querySelectorAll('button, .skip')].every((one) => !one.getClientRects().length)") is True
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("document.querySelectorAll('details:not([open])').length") == 0
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run("document.querySelectorAll('details[open]').length") == 0


def test_the_page_can_be_printed_and_photographed(show):
    page, _ = show("several")
    assert len(page.ask("Page.printToPDF")["data"]) > 10_000
    assert len(page.ask("Page.captureScreenshot", format="png")["data"]) > 10_000


def test_assistive_programs_get_headings_landmarks_and_names(show):
    page, _ = show("several")
    levels = page.run("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.run("document.documentElement.lang") == "en"
    assert page.run("document.querySelectorAll('th[scope=col]').length") == 3
    assert (
        page.run("[...document.querySelectorAll('.sign, svg')].every((one) => one.getAttribute('aria-hidden') === 'true')")
        is True
    )
