"""Plugin packages: whatever we accept, the standard library's reader must take in the same way."""

from __future__ import annotations

import contextlib
import hashlib
import io
import zipfile

from supplychain.archive import DESCRIPTOR, LICENCE, SIGNATURE
from supplychain.limits import Limits
from supplychain.package import unpack
from supplychain.spool import Spool
from tests.fuzz.target import Shape, Target
from tests.support.builders import build_elf, build_package

__all__ = ["TARGETS"]

_LIMITS = Limits(artifact=1 << 20, licence=1 << 16, package=1 << 21)


def _good() -> dict[str, bytes]:
    library = build_elf(payload=bytes(200) + b"library" * 50)
    return {
        "deflated": build_package(artifact=library),
        "stored": build_package(artifact=library, method=0),
        "unsigned": build_package(artifact=library, signature=None, licence=None),
        "with licence": build_package(artifact=library, licence=b"Apache-2.0\n" * 30),
    }


def _judge(data: bytes) -> None:
    with Spool.of(data) as pulled:
        package = unpack(pulled, limits=_LIMITS)
        try:
            library = bytes(package.artifact.view)
            assert package.artifact_hash.hex == hashlib.sha256(library).hexdigest()
            with contextlib.suppress(NotImplementedError), zipfile.ZipFile(io.BytesIO(data)) as other:  # it refuses high versions
                names = other.namelist()
                assert len(names) == len(set(names))
                assert other.read(package.artifact_name) == library
                assert other.read(DESCRIPTOR) == package.descriptor_bytes
                assert package.signature == (other.read(SIGNATURE) if SIGNATURE in names else None)
                assert package.licence == (other.read(LICENCE) if LICENCE in names else None)
        finally:
            package.artifact.close()


TARGETS = (Target(name="package", shape=Shape.ZIP, good=_good, judge=_judge),)
