"""One large plugin beside many small ones: the small ones must not wait for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.operator.meter import MIB, load, percentile

if TYPE_CHECKING:
    from benchmarks.operator.eyes import Eyes
    from benchmarks.operator.stage import Stage
    from tests.support.cluster.publishing import Published

_SMALL = 200
_LARGE = 80 * MIB
_ENTROPY = 0.4
"""What cannot be compressed of it: as much as the delivery takes by default, and somewhat more than machine code has."""
_SECONDS = 600
_FAIR = 2.0
"""Times as long as without the large one: beyond that somebody starves."""


def measure(stage: Stage) -> None:
    """Pull small plugins alone, then others with a large one that was asked for before them."""
    print(f"pulls: {_SMALL} small plugins with and without one of {_LARGE // MIB} MiB beside them; {load()}")
    small = {word: _published(stage, word) for word in ("first", "alone", "beside")}
    large = stage.publish("large", size=_LARGE, entropy=_ENTROPY)
    with stage.eyes() as eyes, stage.operator() as operator:
        operator.wait_until_ready()
        _pull(stage, eyes, small["first"])  # loads what is loaded once, and is not counted
        alone = _pull(stage, eyes, small["alone"])
        began = time.monotonic()
        stage.install([("large", large)])
        beside = _pull(stage, eyes, small["beside"])
        eyes.until(lambda seen: seen.get("large", ("",))[0] == "True", seconds=_SECONDS, what="the large one to be Ready")
        took = eyes.stood["large"][2] - began
    for word, found in (("alone", alone), ("beside the large one", beside)):
        print(f"  {word:<34} p50 {percentile(found, 0.5):.2f} s, p99 {percentile(found, 0.99):.2f} s, last {found[-1]:.2f} s")
    print(f"  the large one                      {took:.2f} s")
    ratio = beside[-1] / alone[-1]
    missed = "" if ratio <= _FAIR else ", MISSED"
    print(f"  ratio of the last small one        {ratio:.2f} (goal: at most {_FAIR:g}{missed}); {load()}")


def _published(stage: Stage, word: str) -> list[tuple[str, Published]]:
    """Different bytes each: nothing of one helps with another."""
    return [(f"{word}-{number}", stage.publish(f"{word}-{number}")) for number in range(_SMALL)]


def _pull(stage: Stage, eyes: Eyes, plugins: list[tuple[str, Published]]) -> list[float]:
    """Ask for all at the same time; seconds until each was Ready."""
    names = {name for name, _ in plugins}
    began = time.monotonic()
    stage.install(plugins)
    eyes.until(
        lambda seen: all(seen.get(name, ("",))[0] == "True" for name in names),
        seconds=_SECONDS,
        what="the small ones to be Ready",
    )
    return sorted(eyes.stood[name][2] - began for name in names)
