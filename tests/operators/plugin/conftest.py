"""Ends every process that a test started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.operators.plugin.world import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().reconciler.close()
