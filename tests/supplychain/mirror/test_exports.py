from __future__ import annotations

import subprocess
import sys

import pytest

from supplychain import mirror


@pytest.mark.parametrize("name", mirror.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(mirror, name) is not None


def test_the_list_is_sorted_and_complete() -> None:
    assert mirror.__all__ == sorted(mirror.__all__)
    assert set(mirror._HOMES) | {"MirrorRule", "rewrite"} == set(mirror.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        getattr(mirror, "nothing_of_this_name")  # noqa: B009 — the name must not exist


def test_importing_the_package_the_credentials_or_the_layout_loads_no_http_library() -> None:
    script = (
        "import sys, supplychain.mirror, supplychain.mirror.layout, supplychain.mirror.credentials; print('httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
