"""Print the table of the live comparison."""

import sys

from tests.judges.live.comparison import compare, scene
from tests.judges.live.table import render

with scene() as everything:
    sys.stdout.write(render(compare(everything)))
