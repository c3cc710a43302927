"""Runs the benchmarks named on the command line, or all."""

import sys

from benchmarks import cold, delivery, kinds, large, operator, rejudge, startup, warm

ALL = {
    "startup": startup.main,
    "warm": warm.main,
    "kinds": kinds.main,
    "rejudge": rejudge.main,
    "cold": cold.main,
    "large": large.main,
    "delivery": delivery.main,
    "operator": operator.main,
}

LONG = ("operator",)
"""Only when named: it takes a quarter of an hour, and processes for a whole cluster."""

for name in sys.argv[1:] or [one for one in ALL if one not in LONG]:
    if name not in ALL:
        sys.exit(f"no benchmark `{name}`; there are {', '.join(ALL)}")
    ALL[name]()
    print()
