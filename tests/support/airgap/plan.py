"""What both sides agree on before anything is carried: names, and the policy that each keeps a copy of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.cluster.publishing import make_release
from tests.support.testdata.release import TESTDATA

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.testdata.release import Release

__all__ = ["BUNDLE", "MANIFESTS", "MEDIUM", "MIRROR", "PLUGINS", "READY", "VERDICTS", "release"]

PLUGINS: Final = ("audit", "meter", "trace")
MEDIUM: Final = "medium"
"""The folder that is carried, with files and nothing else."""
BUNDLE: Final = "plugins.mcpg.tar.zst"
MIRROR: Final = "harbor.oci-mirror.svc.cluster.local"
VERDICTS: Final = r"(?!TRUSTED)[A-Z]+ .*|\d+ targets.*| *(file|files|parts|size|policy): .*| *\d+\. resource .*"
"""Of a report, what an impatient reader looks at."""
READY: Final = "-=- the medium is full"
MANIFESTS: Final[Mapping[str, Path]] = {
    "plugins.yaml": TESTDATA / "demo-airgap" / "plugins.yaml",
    "mirror.yaml": TESTDATA / "demo-cluster" / "1-mirror.yaml",
    "revocations.yaml": TESTDATA / "demo-cluster" / "2-revocations.yaml",
}
"""By the name that each side calls its copy."""


def release(name: str) -> Release:
    """What the publisher built and signed, the same bytes wherever it is asked for."""
    made = make_release(name, size=200 * 1024)
    made.attach_provenance = True
    return made
