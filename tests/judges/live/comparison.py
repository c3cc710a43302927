"""Every case put to both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.judges.live.asking import ask_cosign, ask_us
from tests.judges.live.cases import CASES
from tests.judges.live.objects import Attached, push_attached
from tests.judges.live.signing import IMAGE, IMAGES, sign_everything
from tests.judges.live.tampering import apply
from tests.support.components import component
from tests.support.private_sigstore import PrivateSigstore
from tests.support.registries import RunningRegistries
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.judges.live.asking import Answer
    from tests.judges.live.case import Case
    from tests.judges.live.signing import Scene

__all__ = ["Row", "compare", "scene"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A case and both answers."""

    case: Case
    cosign: Answer
    ours: Answer


@contextmanager
def scene() -> Iterator[Scene]:
    """Start everything, sign everything."""
    for program in ("cosign", "distribution", "registry-referrers"):
        component(program)
    with TemporaryDirectory(prefix="live-") as name:
        directory = Path(name)
        for part in ("sigstore", "registries"):
            (directory / part).mkdir()
        registries = RunningRegistries(directory / "registries")
        try:
            with PrivateSigstore.running(directory / "sigstore") as sigstore:
                yield sign_everything(directory, sigstore=sigstore, registries=registries)
        finally:
            registries.close()


def compare(scene: Scene) -> tuple[Row, ...]:
    """Put every case to both."""
    numbered = list(enumerate(CASES))
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(_prepare, case, number, scene) for number, case in numbered]
        places = [one.result() for one in asked]
        cosigns = [
            pool.submit(ask_cosign, case.question, reference, root=root, scene=scene)
            for case, (reference, root) in zip(CASES, places, strict=True)
        ]
        # One at a time: the standard output is redirected meanwhile.
        ours = [
            ask_us(case.question, reference, root=root, scene=scene)
            for case, (reference, root) in zip(CASES, places, strict=True)
        ]
        return tuple(
            Row(case=case, cosign=cosign.result(), ours=mine) for case, cosign, mine in zip(CASES, cosigns, ours, strict=True)
        )


def _prepare(case: Case, number: int, scene: Scene) -> tuple[str, Path]:
    """Push what the case is about and write its trust root."""
    keys = VirtualSigstore(seed=b"another Sigstore") if case.question.other_root else scene.sigstore.keys
    root = scene.directory / f"root-{number}.json"
    root.write_bytes(keys.trusted_root(edit=case.question.root))
    if case.in_place:
        assert case.start is not None
        return scene.reference(case.start), root
    attached = Attached() if case.start is None else scene.attached[case.start].copy()
    for path, change in case.changes:
        apply(attached, path, change, scene=scene)
    for form in case.beside:
        attached.add(scene.attached[form])
    registry = scene.registries.distribution if case.fallback else scene.registries.referrers
    host, repository = registry.host, f"case/{number}"
    push_attached(attached, image=IMAGES["image"][0], subject=IMAGE, host=host, repository=repository, fallback=case.fallback)
    return f"{host}/{repository}@{IMAGE['digest']}", root
