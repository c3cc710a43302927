"""What provenance must be about: a file, a hash, or an image with what is attached to it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from supplychain.artifact import EvidenceSet
    from supplychain.attached import AttachedEvidence
    from supplychain.cli.sources import Sources
    from supplychain.digest import ArtifactHash
    from supplychain.limits import Limits


__all__ = ["NothingAttached", "ProvenanceSubject", "read_subject"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceSubject:
    """What is asked about, and the evidence that it carries itself."""

    hash: ArtifactHash
    """Of the file; of an image, the digest that its reference names."""
    attached: AttachedEvidence | NothingAttached
    sha512: str | None = None


class NothingAttached:
    """Stands for a file or a hash, which carries no evidence."""

    def judge(self, layer: Callable[[EvidenceSet], T]) -> T:  # noqa: ARG002 — there is nothing to judge
        """Refuse the request.

        Raises:
            InvalidPolicyError: always.
        """
        expected = "`--provenance FILE`, or an image that carries it"
        raise InvalidPolicyError("nothing says where the provenance is", expected=expected)


@contextmanager
def read_subject(args: argparse.Namespace, *, limits: Limits) -> Iterator[ProvenanceSubject]:
    """Read `FILE`, `sha256:HEX`, `oci-layout:PATH[:TAG|@DIGEST]`, `bundle:PATH[:REFERENCE]` or an OCI reference.

    A file of that name comes before a reference.

    Raises:
        InputError: it is none of them, or lacks what it needs to be found.
        SupplyChainError: the image cannot be had.
    """
    import os
    from pathlib import Path

    from supplychain.digest import ArtifactHash

    text: str = args.artifact
    if text.startswith("sha256:"):
        yield ProvenanceSubject(hash=ArtifactHash.parse(text), attached=NothingAttached())
    elif text.startswith(("oci-layout:", "bundle:")) or (not os.path.exists(text) and _is_reference(text)):  # noqa: PTH110 — it raises nothing
        from supplychain.cli.sources import Sources

        with Sources(args, limits=limits) as sources:
            yield _image(text, sources)
    else:
        yield _file(Path(text), limits=limits)


def _is_reference(text: str) -> bool:
    """Whether a text names a registry host, and a tag or a digest there; packages are files, as for `verify`."""
    from supplychain.errors import InvalidReferenceError
    from supplychain.reference import OciReference

    if text.endswith(".zip"):
        return False
    try:
        OciReference.parse(text)
    except InvalidReferenceError:
        return False
    return True


def _image(text: str, sources: Sources) -> ProvenanceSubject:
    from supplychain.attached import AttachedEvidence
    from supplychain.cli.sources import PackageTarget, parse_target
    from supplychain.digest import ArtifactHash

    target = parse_target(text)
    assert not isinstance(target, PackageTarget)  # noqa: S101 — told apart before: it is neither layout nor reference
    source = sources.image(target)
    digest = source.resolve()
    return ProvenanceSubject(hash=ArtifactHash(digest.hex), attached=AttachedEvidence(source, digest=digest, where=text))


def _file(path: Path, *, limits: Limits) -> ProvenanceSubject:
    import hashlib

    from supplychain.digest import ArtifactHash
    from supplychain.mirror.files import spool_file

    with spool_file(path, limit=limits.artifact) as spool:
        return ProvenanceSubject(
            hash=ArtifactHash(spool.sha256),
            attached=NothingAttached(),
            sha512=hashlib.sha512(spool.view).hexdigest(),
        )
