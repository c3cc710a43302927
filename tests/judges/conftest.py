"""What the judges share: the live comparison is made once a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.judges.live.comparison import compare, scene

if TYPE_CHECKING:
    from tests.judges.live.comparison import Row


@pytest.fixture(scope="session")
def live_rows() -> tuple[Row, ...]:
    """Every case of the live comparison with both answers; everything that was started is gone again."""
    with scene() as everything:
        return compare(everything)
