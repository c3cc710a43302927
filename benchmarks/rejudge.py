"""A thousand plugins judged again from kept evidence, as after a change of policy, trust root or revocation list: no network."""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks.kinds import peer, stock
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.verifier import PluginVerifier
from tests.support import scenario
from tests.support.builders import build_elf, build_package

_PLUGINS = 1000


def main() -> None:
    print(f"rejudge: {_PLUGINS} different plugins, all layers, from memory")
    sources = [_plugin(number) for number in range(_PLUGINS)]
    root, request = scenario.trust_root(), scenario.request()
    judges = ((False, "one verifier"), (True, "two verifiers"))
    for second_opinion, name in judges:
        verifier = PluginVerifier(root=lambda: root, second_opinion=second_opinion)
        start = time.perf_counter()
        for source in sources:
            with verifier.verify(source, request=request, at=scenario.AT) as verification:
                verification.verified()
        _line(name, time.perf_counter() - start)
    stock_verifier = peer()
    start = time.perf_counter()
    for source in sources:
        for material in source.attached.materials:
            stock(stock_verifier, material.data)
    _line("stock sigstore-python, the two bundles alone", time.perf_counter() - start)


def _plugin(number: int) -> scenario.MemorySource:
    library = build_elf(payload=b"plugin %d" % number)
    manifest = ManifestDigest.of(b"manifest %d" % number)
    attached = scenario.evidence(scenario.signature_bundle(manifest), scenario.provenance_bundle(ArtifactHash.of(library)))
    return replace(scenario.MemorySource(), package=build_package(artifact=library), manifest_digest=manifest, attached=attached)


def _line(name: str, seconds: float) -> None:
    print(f"  {name:<44} {seconds:6.2f} s   {seconds / _PLUGINS * 1000:6.2f} ms a plugin")
