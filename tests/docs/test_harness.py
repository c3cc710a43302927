"""The harness notices what it is there for: other output, another exit code, a command that nobody ran."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.docs import shell
from tests.docs.page import Command, File, PageError, steps
from tests.docs.shell import Hosts, differences, play

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = Hosts({"registry.example": "127.0.0.1:5", "mirror.example": "127.0.0.1:6"})


@pytest.fixture
def found(tmp_path: Path):
    """What differs between a page and what comes of it."""

    def run(*lines: str) -> list[str]:
        page = steps("\n".join(["# A page", "```console", *lines, "```"]))
        folder, aside = tmp_path / "reader", tmp_path / "aside"
        folder.mkdir()
        aside.mkdir()
        return differences(page, play(page, folder=folder, aside=aside, hosts=HOSTS, environment={"PATH": os.defpath}))

    return run


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["$ echo one", "one"], id="the same"),
        pytest.param(["$ echo one"], id="nothing shown"),
        pytest.param(["$ echo 'a  b'", "a b"], id="other spaces"),
        pytest.param(["$ echo one two three", "one … three"], id="anything within a line"),
        pytest.param(["$ seq 9", "1", "…", "9"], id="any lines"),
        pytest.param(["$ seq 2", "1", "…", "2"], id="no lines"),
        pytest.param(["$ false", "$ echo $?", "1"], id="a failure that is shown"),
        pytest.param(["$ echo one >&2", "one"], id="errors too"),
        pytest.param(["$ echo one \\", "    two", "one two"], id="a long command"),
        pytest.param(["$ cat <<'END'", "one", "END", "one"], id="a here-document"),
        pytest.param(
            ["$ a=1", "$ mkdir b && cd b", "$ echo $a $(basename $PWD)", "1 b"], id="the next command in the same shell"
        ),
        pytest.param(["$ printf one", "one"], id="no end of line"),
        pytest.param(["$ cat", "$ echo one", "one"], id="nothing to read"),
        pytest.param(["$ echo registry.example | tr 5 6"], id="another host"),
        pytest.param(["$ echo mirror.example/a", "mirror.example/a"], id="an example host"),
        pytest.param(["$ no-such-program  # not run in our tests: it does not exist", "anything"], id="not run"),
    ],
)
def test_what_is_as_the_page_says_is_fine(found, lines: list[str]) -> None:
    assert found(*lines) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(["$ echo one", "two"], "line 3: `echo one` printed\n    one", id="other output"),
        pytest.param(["$ echo one", "one", "two"], "printed", id="less than is shown"),
        pytest.param(["$ seq 3", "1", "2"], "printed", id="more than is shown"),
        pytest.param(["$ echo 1.2", "1…3"], "printed", id="another end of a line"),
        pytest.param(["$ echo 'axb'", "a.b"], "printed", id="no pattern but the wildcard"),
        pytest.param(["$ true", "one"], "printed", id="nothing"),
        pytest.param(["$ (exit 3)"], "line 3: `(exit 3)` ended with 3, and the page does not say so", id="a failure"),
        pytest.param(["$ (exit 3)", "$ echo $?", "1"], "line 4: `echo $?` printed\n    3", id="another exit code"),
        pytest.param(["$ (exit 3)", "$ true", "$ echo $?"], "ended with 3", id="asked too late"),
    ],
)
def test_what_is_not_as_the_page_says_is_found(found, lines: list[str], said: str) -> None:
    assert [said in one for one in found(*lines)] == [True]


def test_a_shell_that_ends_early_is_no_success(found) -> None:
    with pytest.raises(RuntimeError, match="the shell ended early"):
        found("$ exit 0", "$ echo one")


def test_a_command_that_never_ends_is_ended(found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_SECONDS", 0.2)
    with pytest.raises(TimeoutError, match="was not done in"):
        found("$ echo one; while true; do :; done")


def test_output_without_bound_is_refused(found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_MOST_PRINTED", 1000)
    with pytest.raises(RuntimeError, match="more than 1000 bytes"):
        found("$ seq 1000")


def test_files_are_written_when_the_page_comes_to_them_with_real_hosts(tmp_path: Path) -> None:
    text = "```yaml\n# a/one.yaml\nhost: registry.example\n```\n```console\n$ cat a/one.yaml\n# a/one.yaml\nhost: registry.example\n```\n"
    page = steps(f"{text}```yaml\n# a/one.yaml\nother: 1\n```\n```console\n$ cat a/one.yaml\n# a/one.yaml\nother: 1\n```\n")
    folder, aside = tmp_path / "reader", tmp_path / "aside"
    folder.mkdir()
    aside.mkdir()
    printed = play(page, folder=folder, aside=aside, hosts=HOSTS, environment={"PATH": os.defpath})
    assert differences(page, printed) == []
    assert "127.0.0.1:5" in (aside / "file-0").read_text()


def test_a_command_that_is_not_run_says_why_or_is_counted() -> None:
    first, second = steps("```console\n$ a  # not run in our tests: it opens a browser\n$ b # not run in our tests\n```\n")
    assert isinstance(first, Command)
    assert isinstance(second, Command)
    assert (first.text, first.not_run) == ("a", "it opens a browser")
    assert (second.text, second.not_run) == ("b", "")


def test_lines_are_counted_as_an_editor_does() -> None:
    found = steps("one\n```yaml\n# a.yaml\n```\n\n```console\n$ a\nb\n$ c\n```\n")
    assert [(type(step), step.line) for step in found] == [(File, 3), (Command, 7), (Command, 9)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("```console\n$ a\n", "line 1: the block has no end", id="no end"),
        pytest.param("```console\na\n```\n", "begins with a command", id="no command"),
        pytest.param("```console\n```\n", "begins with a command", id="an empty block"),
        pytest.param("```sh\na\n```\n", "not `sh`", id="a block that nobody runs"),
        pytest.param("```\na\n```\n", "not ``", id="a block of nothing"),
        pytest.param("```yaml\na: 1\n```\n", "a comment with its name", id="a file without a name"),
        pytest.param("```yaml\n```\n", "a comment with its name", id="an empty file"),
        pytest.param("```console\n$ cat <<END\na\n```\n", "has no end `END`", id="an endless here-document"),
    ],
)
def test_a_page_that_cannot_be_followed_is_refused(text: str, said: str) -> None:
    with pytest.raises(PageError, match=said):
        steps(text)
