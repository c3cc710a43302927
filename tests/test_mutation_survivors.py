"""The reviewed list of `make mutate` speaks of lines that are there, and of nothing that is not mutated."""

from __future__ import annotations

from tests.support.mutate.modules import MODULES, ROOT, batches
from tests.support.mutate.reviewed import Survivor, read

ENTRIES = read(ROOT / "tests/mutation_survivors.toml")


def test_every_entry_names_a_mutated_module_and_lines_that_stand_in_it() -> None:
    for entry in ENTRIES:
        assert entry.module in MODULES
        lines = {line.strip() for line in (ROOT / entry.module).read_text().splitlines()}
        assert [line for line in entry.was.splitlines() if line not in lines] == []


def test_no_entry_stands_twice() -> None:
    named = [(entry.module, entry.was, now) for entry in ENTRIES for now in entry.now]
    assert len(named) == len(set(named))


def test_every_mutated_module_has_tests_that_must_notice() -> None:
    found = batches(MODULES)
    assert sorted(module for batch in found for module in batch.modules) == sorted(MODULES)
    assert [batch.name for batch in found if not batch.tests] == []


def test_a_survivor_is_known_by_its_changed_lines() -> None:
    diff = "--- a\n+++ a\n@@ -1,2 +1,2 @@\n def f():\n-    if a < b:\n+    if a <= b:\n"
    assert (Survivor.parse("m", diff).was, Survivor.parse("m", diff).now) == ("if a < b:", "if a <= b:")
