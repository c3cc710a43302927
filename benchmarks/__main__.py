"""Runs the benchmarks named on the command line, or all."""

import sys

from benchmarks import cold, delivery, kinds, large, rejudge, startup, warm

ALL = {
    "startup": startup.main,
    "warm": warm.main,
    "kinds": kinds.main,
    "rejudge": rejudge.main,
    "cold": cold.main,
    "large": large.main,
    "delivery": delivery.main,
}

for name in sys.argv[1:] or ALL:
    if name not in ALL:
        sys.exit(f"no benchmark `{name}`; there are {', '.join(ALL)}")
    ALL[name]()
    print()
