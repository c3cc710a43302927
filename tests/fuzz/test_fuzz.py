"""A small fixed part of `make fuzz`: every good input is accepted, and of a few hundred changed ones none breaks a rule."""

from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random

import pytest

from supplychain.errors import BundleInvalidError
from tests.fuzz.der import changed
from tests.fuzz.mutate import Mutator
from tests.fuzz.runner import Finding, judged, minimised, run
from tests.fuzz.target import Shape, Target
from tests.fuzz.targets import TARGETS

RUNS = 200


@pytest.mark.parametrize("target", [pytest.param(target, id=name) for name, target in TARGETS.items()])
def test_changed_input_is_accepted_or_refused_by_an_error_of_ours(target: Target) -> None:
    session = run(target, seed=1, runs=RUNS)
    assert [f"{finding.kind}: {finding.data[:300]!r}\n{finding.report[-1500:]}" for finding in session.findings.values()] == []
    assert session.inputs == RUNS
    assert len(session.refusals) >= 3, "the inputs do not get past the first check"


# --- the fuzzer itself --------------------------------------------------------------------------------------------------------


def made(judge, *, shape: Shape = Shape.BYTES, **bounds: float) -> Target:
    return Target(name="made", shape=shape, good=lambda: {"one": b'{"a": [1, "x"], "needle": true}'}, judge=judge, **bounds)  # type: ignore[arg-type]


def test_equal_seeds_give_equal_inputs() -> None:
    for target in TARGETS.values():
        assert [target.input(7, number) for number in range(20)] == [target.input(7, number) for number in range(20)]
        assert len({target.input(7, number) for number in range(20)} | {target.input(8, number) for number in range(20)}) > 20


def test_another_exception_is_a_finding_and_is_made_small() -> None:
    def judge(data: bytes) -> None:
        if b"needle" in data:
            raise ValueError("not ours")

    answer, _ = judged(made(judge), b"straw " * 50 + b"needle" + b" straw" * 50)
    assert isinstance(answer, Finding)
    assert answer.kind.startswith("ValueError in fuzz/test_fuzz.py:")
    assert minimised(made(judge), answer).data == b"needle"


def test_a_broken_rule_is_a_finding() -> None:
    def judge(data: bytes) -> None:
        assert data != b"x"

    assert isinstance(judged(made(judge), b"x")[0], Finding)
    assert judged(made(judge), b"y")[0] is None


def test_a_refusal_by_an_error_of_ours_is_none_unless_its_message_never_ends() -> None:
    def judge(data: bytes) -> None:
        raise BundleInvalidError("no", got="x" * len(data))

    assert judged(made(judge), b"x")[0] == "BundleInvalidError: no: x"
    assert isinstance(judged(made(judge), b"x" * 5000)[0], Finding)


def test_what_takes_too_long_is_interrupted() -> None:
    def judge(_data: bytes) -> None:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001 — as the edge of a library would
            return

    started = time.monotonic()
    answer, _ = judged(made(judge, cpu_seconds=0.05), b"x")
    assert isinstance(answer, Finding)
    assert "processor time" in answer.kind
    assert time.monotonic() - started < 30


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can forget the peak of a process")
def test_what_takes_too_much_memory_is_a_finding() -> None:
    def judge(data: bytes) -> None:
        assert len(data * (160 << 20)) == 160 << 20  # far above the bound: a system that reclaims pages meanwhile hides some

    for _ in range(2):  # what an earlier input took hides nothing
        answer, _ = judged(made(judge, mebibytes=32), b"x")
        assert isinstance(answer, Finding)
        assert "MiB of memory" in answer.kind
    assert judged(made(judge, mebibytes=200), b"x")[0] is None


def test_a_good_input_that_is_refused_is_a_finding() -> None:
    def judge(_data: bytes) -> None:
        raise BundleInvalidError("no")

    [finding] = run(made(judge), seed=1, runs=0).findings.values()
    assert "good input `one` is refused" in finding.kind


def test_a_finding_is_a_file_that_repeats_it(tmp_path) -> None:
    finding = Finding(target="made", data=b"x", kind="a rule", report="a trace")
    path = finding.save(tmp_path / "findings")
    assert path.read_bytes() == b"x"
    assert "a rule" in path.with_suffix(".txt").read_text()


def test_json_is_changed_as_a_tree_and_stays_json_mostly() -> None:
    random = Random(1)
    mutator = Mutator(random)
    text, read = '{"a": {"b": ["x", 1, "Zm9vYmFyYmF6"]}, "c": true}', 0
    for _ in range(300):
        data = mutator.render(mutator.json(json.loads(text)))
        try:
            read += json.loads(data) != json.loads(text)
        except ValueError:
            continue
    assert read > 200


def test_der_is_changed_with_all_lengths_right() -> None:
    random = Random(1)
    data = bytes.fromhex("300c0201013007040530030c0161")
    for _ in range(200):
        again = changed(data, lambda inner: inner + b"\x00", random)
        while again:
            assert len(again) >= 2 + again[1]
            again = again[2 + again[1] :]
