"""What lies in `testdata/` is what the generator writes, to the byte, and no private key is among it."""

from __future__ import annotations

import re

import pytest

from tests.support.testdata.admission import write_admission
from tests.support.testdata.cases import write_cases
from tests.support.testdata.demo import write_demo, write_shared
from tests.support.testdata.release import TESTDATA
from tests.support.testdata.render import write_render

BY_HAND = re.compile(
    r"README\.md|(keys|trust_roots)/README\.md|demo/(README\.md|run\.sh|plugin/plugin\.(c|so))|demo-(cluster|airgap)/.*"
)


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("testdata")
    write_shared(folder)
    write_demo(folder / "demo")
    write_cases(folder / "verify")
    write_admission(folder / "admission")
    write_render(folder / "render")
    return files(folder)


def test_the_test_data_are_rebuilt_byte_for_byte(rebuilt):
    found = {name: data for name, data in files(TESTDATA).items() if not BY_HAND.fullmatch(name)}
    assert sorted(found) == sorted(rebuilt)
    assert [name for name in found if found[name] != rebuilt[name]] == []


def test_no_private_key_is_stored():
    assert [name for name, data in files(TESTDATA).items() if b"PRIVATE KEY" in data or name.endswith((".key", ".seed"))] == []


def test_the_test_data_stay_small():
    assert sum(map(len, files(TESTDATA).values())) < 6 * 1024 * 1024
