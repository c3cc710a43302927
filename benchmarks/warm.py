"""All three layers in one warm process, without network: p50 and p99 per verification, by verifier."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

from supplychain.verifier import PluginVerifier
from tests.support import scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.policy import VerificationRequest

_ROUNDS = 400


def main() -> None:
    print("warm: all layers of one plugin with cosign (Rekor v2 and timestamp) and SLSA (Rekor v1), in process")
    root = scenario.trust_root()
    for second_opinion, name in ((False, "one verifier"), (True, "two verifiers")):
        verifier = PluginVerifier(root=lambda: root, second_opinion=second_opinion)
        source, request = scenario.MemorySource(), scenario.request()

        middle, late = percentiles(partial(once, verifier, source=source, request=request))
        print(f"  {name:<44} p50 {middle:6.2f} ms   p99 {late:6.2f} ms")


def once(verifier: PluginVerifier, *, source: scenario.MemorySource, request: VerificationRequest) -> None:
    with verifier.verify(source, request=request, at=scenario.AT) as verification:
        verification.verified()


def percentiles(call: Callable[[], object]) -> tuple[float, float]:
    for _ in range(20):
        call()
    samples = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        call()
        samples.append((time.perf_counter() - start) * 1000)
    cuts = statistics.quantiles(samples, n=100)
    return cuts[49], cuts[98]
