import shlex
from argparse import ArgumentParser

import pytest
import yaml

from supplychain.errors import Remedy
from supplychain.remedies import evidence, policy

VALUES = [
    "v1.2.3",
    "https://github.com/o/r@refs/tags/v1",
    "a b",
    "it's",
    "$(reboot)",
    "`id`",
    "x;y",
    '"',
    "\\",
    "#",
    "-",
    "~",
    "ü",
]


@pytest.mark.parametrize("value", VALUES)
def test_a_flag_reads_back_as_the_value_in_a_shell_and_in_yaml(value):
    (remedy,) = policy([("--flag", value)], manifest={"field": value}, effect="e", weakens=True)
    assert shlex.split(remedy.change) == ["--flag", value]
    assert remedy.manifest is not None
    assert yaml.safe_load(remedy.manifest) == {"field": value}
    assert remedy.weakens


@pytest.mark.parametrize("value", ["", "a\nb", "\x1b[0m", "\u202e", "x" * 1025])
def test_what_nobody_could_copy_safely_is_not_offered(value):
    assert policy([("--good", "x"), ("--flag", value)], effect="e", weakens=False) == ()


def test_several_flags_are_one_change():
    (remedy,) = policy([("--a", "1"), ("--b", "2")], manifest={"a": "1", "b": "2"}, effect="e", weakens=False)
    assert remedy == Remedy(change="--a 1 --b 2", effect="e", weakens=False, manifest="a: '1', b: '2'")


def test_flags_that_have_to_go_are_named():
    (remedy,) = policy([("--a", "1")], effect="e", weakens=True, instead_of=("--b", "--c"))
    assert (remedy.change, remedy.manifest) == ("--a 1 instead of --b, --c", None)
    (remedy,) = policy([], effect="e", weakens=True, instead_of=("--b",))
    assert remedy.change == "no --b"


def test_other_evidence_never_weakens():
    assert evidence("a signature") == Remedy(change="a signature", effect="changes the evidence", weakens=False, manifest=None)


@pytest.mark.parametrize("value", ["-x", "--offline", "--all=yes"])
def test_a_value_that_begins_like_a_flag_stays_a_value(value):
    (remedy,) = policy([("--flag", value)], effect="e", weakens=True)
    parser = ArgumentParser()
    parser.add_argument("--flag")
    assert parser.parse_args(shlex.split(remedy.change)).flag == value
