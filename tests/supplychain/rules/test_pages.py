"""What is written about the rules is what they are."""

from __future__ import annotations

import argparse
from pathlib import Path

from supplychain.cli.main import build_parser
from supplychain.rules import LOOKUP_FAILED
from supplychain.rules.catalogue import entries
from tests.support.rules_page import render

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_of_rules_is_fresh():
    assert (DOCS / "rules.md").read_text() == render()


def test_every_rule_word_is_there_once():
    names = [one.name for one in entries()]
    assert len(set(names)) == len(names)
    assert {"Schema", "UnknownKind", "UnknownVersion", "NotReadable", "DuplicateObject"} < set(names)
    assert LOOKUP_FAILED not in names  # it is a reason, and explained as one


def test_the_page_of_lint_names_every_flag():
    parser = build_parser("lint")
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    flags = {flag for action in commands.choices["lint"]._actions for flag in action.option_strings if flag.startswith("--")}
    page = (DOCS / "lint.md").read_text()
    assert {flag for flag in flags - {"--help", "--color", "--verbose", "--manifest"} if flag not in page} == set()
