"""Runs the benchmarks named on the command line, or all."""

import sys

from benchmarks import admission, bundle, cold, delivery, kinds, large, operator, rejudge, startup, sync, warm
from benchmarks.operator import gateways

ALL = {
    "startup": startup.main,
    "warm": warm.main,
    "kinds": kinds.main,
    "rejudge": rejudge.main,
    "cold": cold.main,
    "large": large.main,
    "sync": sync.main,
    "bundle": bundle.main,
    "delivery": delivery.main,
    "operator": operator.main,
    "gateways": gateways.main,
    "admission": admission.main,
}

LONG = ("operator", "gateways", "admission", "sync")
"""Only when named: they take many minutes, and the first two processes for a whole cluster."""

if __name__ == "__main__":  # a process of a benchmark may read this file again
    for name in sys.argv[1:] or [one for one in ALL if one not in LONG]:
        if name not in ALL:
            sys.exit(f"no benchmark `{name}`; there are {', '.join(ALL)}")
        ALL[name]()
        print()
