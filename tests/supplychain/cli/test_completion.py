"""Completion, in the shells themselves: what somebody types, a tab, and the words that the command would get."""

import argparse
import os
import pty
import select
import subprocess
import time
from contextlib import suppress

import pytest

from supplychain.cli.completion_words import Kind, Values, commands
from supplychain.cli.main import build_parser
from tests.support.components import component

SECONDS = 30.0
START = {
    "bash": (
        ("--norc", "--noprofile", "-i"),
        "PS1=; bind 'set enable-bracketed-paste off' 2>/dev/null; bind 'set bell-style none'; . ./script",
    ),
    "zsh": (
        ("-f", "-i"),
        "PROMPT=; unsetopt zle_bracketed_paste beep; autoload -Uz compinit; compinit -u -D; . ./script",
    ),
}
STUB = 'supplychain() { printf "%s\\n" "$@" > answer.new; mv answer.new answer; }'


class Shell:
    """An interactive shell on a terminal of its own, in a folder of its own."""

    def __init__(self, name, folder):
        self._folder = folder
        flags, start = START[name]
        self._terminal, end = pty.openpty()
        self._process = subprocess.Popen(
            [component(name), *flags],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"},
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)
        self.enter(f"{start}; {STUB}; echo ready > answer")

    def enter(self, line):
        """Type a line and enter, and read what the stub was called with."""
        answer = self._folder / "answer"
        answer.unlink(missing_ok=True)
        os.write(self._terminal, f"{line}\r".encode())
        deadline = time.monotonic() + SECONDS
        while not answer.exists():
            assert time.monotonic() < deadline, "the shell did not answer"
            ready, _, _ = select.select([self._terminal], [], [], 0.05)
            if ready:  # a terminal that nobody reads stops the shell
                os.read(self._terminal, 65536)
        return [one.removesuffix("/") for one in answer.read_text().splitlines()]  # zsh takes the slash back at enter

    def close(self):
        self._process.kill()
        self._process.wait(SECONDS)
        os.close(self._terminal)


@pytest.fixture(scope="module")
def script():
    """The script of one shell, as the command prints it."""

    def of(shell):
        import contextlib
        import io

        from supplychain.cli.main import main

        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main(["completion", shell]) == 0
        return out.getvalue()

    return of


def furnish(folder):
    for name in ("release.pub", "my key.pub", "audit.zip", "outline.txt", "layout/index.json", "output-dir/x"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")


@pytest.fixture(scope="module", params=START)
def shell(request, script, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    furnish(folder)
    (folder / "script").write_text(script(request.param))
    one = Shell(request.param, folder)
    yield one
    with suppress(OSError):
        one.close()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("ver\t", ["verify"]),
        ("check pro\t", ["check", "provenance"]),
        ("trust-root up\t", ["trust-root", "update"]),
        ("verify --offl\t", ["verify", "--offline"]),
        ("verify --output js\t", ["verify", "--output", "json"]),
        ("verify --output=js\t", ["verify", "--output=json"]),
        ("verify x.zip --output sa\t", ["verify", "x.zip", "--output", "sarif"]),
        ("lint --color ne\t", ["lint", "--color", "never"]),
        ("verify --key rel\t", ["verify", "--key", "release.pub"]),
        ("verify --key my\t", ["verify", "--key", "my key.pub"]),
        ("verify --key=rel\t", ["verify", "--key=release.pub"]),
        ("verify --save out\t", ["verify", "--save", "output-dir"]),
        ("verify --plugin-id rel\t", ["verify", "--plugin-id", "rel"]),
        ("verify au\t", ["verify", "audit.zip"]),
        ("verify --offline au\t", ["verify", "--offline", "audit.zip"]),
        ("verify oci-la\t", ["verify", "oci-layout:"]),
        ("verify oci-layout:la\t", ["verify", "oci-layout:layout"]),
        ("lint -f rel\t", ["lint", "-f", "release.pub"]),
        ("explain IdentityMis\t", ["explain", "IdentityMismatch"]),
        ("completion zs\t", ["completion", "zsh"]),
        ("report-schema li\t", ["report-schema", "lint"]),
    ],
)
def test_a_tab_completes_what_was_begun(shell, typed, words):
    assert shell.enter(f"supplychain {typed}") == words


@pytest.fixture(scope="module")
def fish(script, tmp_path_factory):
    """What fish offers for a line."""
    program, folder = component("fish"), tmp_path_factory.mktemp("fish")
    furnish(folder)
    (folder / "script").write_text(script("fish"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}

    def offers(line):
        code = ["--no-config", "-c", "source ./script; complete -C $argv[1]", line]
        done = subprocess.run(
            [program, *code], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=SECONDS
        )
        return [one.partition("\t")[0] for one in done.stdout.splitlines()]

    return offers


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ver", ["verify"]),
        ("check ", ["cosign", "ed25519", "provenance"]),
        ("trust-root up", ["update"]),
        ("verify --offl", ["--offline"]),
        ("verify --output ", ["html", "json", "junit", "sarif", "text"]),
        ("verify --output=js", ["--output=json"]),
        ("lint --color ne", ["never"]),
        ("verify --key rel", ["release.pub"]),
        ("verify --save out", ["output-dir/"]),
        ("verify --plugin-id rel", []),
        ("verify au", ["audit.zip"]),
        ("verify oci-la", ["oci-layout:"]),
        ("lint -f rel", ["release.pub"]),
        ("explain IdentityMis", ["IdentityMismatch"]),
        ("completion zs", ["zsh"]),
        ("completion rel", []),
        ("bundle verify --sav", []),
        ("verify --sav", ["--save"]),
        ("bundle ver", ["verify"]),
    ],
)
def test_fish_offers_what_may_follow(fish, line, offered):
    assert sorted(fish(f"supplychain {line}")) == offered


def test_fish_finds_paths_behind_a_prefix(fish):
    assert fish("supplychain verify oci-layout:la") == ["oci-layout:layout/"]


# -- what the scripts are made from ----------------------------------------------------------------------------------------


def test_every_flag_that_takes_a_value_has_a_kind_and_every_file_is_one():
    found = {(one.path, name): flag.values for one in commands(build_parser()) for flag in one.flags for name in flag.names}
    assert found[("verify",), "--offline"] is None
    kinds = {key: values.kind for key, values in found.items() if values is not None}
    assert kinds[("verify",), "--trust-root"] is Kind.FILE
    assert kinds[("verify",), "--save"] is Kind.FOLDER
    assert kinds[("verify",), "--output"] is Kind.CHOICE
    assert kinds[("verify",), "--plugin-id"] is Kind.FREE
    assert kinds[("verify",), "-f"] is Kind.FILE


def test_arguments_of_two_values_and_without_help_are_read():
    parser = argparse.ArgumentParser()
    below = parser.add_subparsers()
    one = below.add_parser("one")
    one.add_argument("--pair", nargs=2, metavar=("OLD", "NEW"), help="100%% sure; really")
    one.add_argument("--silent", action="store_true")
    one.add_argument("thing")
    found = {command.path: command for command in commands(parser)}
    assert found[()].subcommands == {"one": ""}
    _, pair, silent = found[("one",)].flags
    assert (pair.values, pair.about) == (Values(kind=Kind.FILE), "100% sure")
    assert (silent.values, silent.about) == (None, "")
    assert [argument.kind for argument in found[("one",)].arguments] == [Kind.FREE]
