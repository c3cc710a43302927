"""What `make demo-airgap` shows happens: three plugins reach a cluster without internet, as files, and one is revoked there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.airgap.demo import missing
from tests.support.airgap.namespaces import ADDRESS
from tests.support.airgap.plan import PLUGINS


def test_three_plugins_cross_the_gap_as_files_and_one_is_revoked_there() -> None:
    lacking = missing()
    if lacking:
        (pytest.fail if os.environ.get("REQUIRE_COMPONENTS") == "1" else pytest.skip)(lacking)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.airgap.demo"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    said = [line.partition("│ ")[2] for line in done.stdout.splitlines()]
    spaces = [line for line in said if line.startswith("net:[")]
    assert len(set(spaces)) == 2
    assert f"✓ ghcr.io at {ADDRESS}: connected" in said
    for line in (
        "✓ what arrived is what left, byte for byte",
        "✓ no route leads anywhere but to loopback",
        f"✓ {ADDRESS}: Network is unreachable",
        "✓ the other side's files are out of sight",
        "6 targets: 6 trusted",
        "3 targets: 1 refused, 2 trusted",
        "✓ acme-audit: Ready=False ArtefactRevoked",
        "✓ acme-meter: Ready=True Reconciled",
        "✓ acme-trace: Ready=True Reconciled",
    ):
        assert line in said
    for name in PLUGINS:
        assert any(line.startswith(f"✓ acme-{name}: the stored library is the publisher's, sha256:") for line in said)
    assert said.count("3 targets: 3 trusted") == 5  # packed, judged as a file on both sides, by the summary, and on the mirror
    assert sum("on the mirror is the one that was carried" in line for line in said) == len(PLUGINS)
    assert any("BundleFileInvalid" in line for line in said)
