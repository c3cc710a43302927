"""What a stranger does: make a plugin, publish it in a real registry, verify it, break it, and understand the answer."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import build_descriptor, build_elf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registries import RunningRegistries

PACKAGE = "mcpg-plugin-audit_1.2.3_linux_amd64.zip"


@pytest.fixture
def shell(tmp_path: Path):
    """The command as an installed program, in a directory of its own."""

    def run(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "supplychain", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    (tmp_path / "seed.bin").write_bytes(b"a TEST seed that opens nothing !".ljust(32))
    (tmp_path / "plugin.so").write_bytes(build_elf())
    (tmp_path / "plugin.yaml").write_bytes(build_descriptor(id="dev.acme.audit", class_="audit_sink"))
    return run


@pytest.fixture
def reference(shell, registries: RunningRegistries, tmp_path: Path) -> str:
    text = f"{registries.referrers.host}/journey/{tmp_path.name.lower().replace('_', '-')}:1.2.3-linux-amd64"
    public = next(line.split()[-1] for line in shell("sign", "--key", "seed.bin", "plugin.so").splitlines() if "public" in line)
    (tmp_path / "release.pub").write_text(public + "\n")
    shell("pack", "-d", "plugin.yaml", "-a", "plugin.so", "-v", "1.2.3", "-s", "plugin.so.sig")
    shell("push", PACKAGE, text)
    return text


def test_what_was_made_and_published_is_trusted(shell, reference: str) -> None:
    report = json.loads(shell("verify", reference, "--key", "release.pub", "--plugin-id", "dev.acme.audit", "--output", "json"))
    assert report["verdict"] == "Trusted"
    assert shell("hash", "plugin.so").strip().removeprefix("sha256:") in json.dumps(report)


@pytest.mark.parametrize(
    ("flags", "code", "reason"),
    [
        pytest.param(["--plugin-id", "dev.acme.other"], 1, "PluginIdMismatch", id="another plugin"),
        pytest.param(["--plugin-version", "1.2.4"], 1, "VersionMismatch", id="another version"),
        pytest.param(["--platform", "linux/arm64"], 1, "PlatformMismatch", id="another machine"),
        pytest.param(
            ["--offline", "--certificate-identity", "a@example.org", "--certificate-oidc-issuer", "https://issuer.example"],
            1,
            "CosignSignatureMissing",
            id="never signed with cosign",
        ),
        pytest.param(["--offline", "--source-uri", "github.com/acme/audit"], 1, "ProvenanceMissing", id="no provenance"),
        pytest.param(["--limit-package", "100B"], 1, "ArtefactTooLarge", id="a limit"),
    ],
)
def test_what_is_not_as_asked_is_refused_with_its_reason(shell, reference: str, flags, code, reason) -> None:
    report = json.loads(shell("verify", reference, "--key", "release.pub", *flags, "--output", "json", code=code))
    assert reason in json.dumps(report)


def test_a_library_that_was_changed_after_signing_is_refused_already_when_packing_and_again_when_verifying(
    shell, reference: str, tmp_path: Path
) -> None:
    library = (tmp_path / "plugin.so").read_bytes()
    (tmp_path / "plugin.so").write_bytes(library + b"\0")
    packing = ["pack", "-d", "plugin.yaml", "-a", "plugin.so", "-v", "1.2.4", "-s", "plugin.so.sig", "-o", "changed.zip"]
    shell(*packing, "--key", "release.pub", code=1)
    assert not (tmp_path / "changed.zip").exists()
    shell(*packing)
    assert "SignatureInvalid" in shell("verify", "changed.zip", "--key", "release.pub", code=1)


def test_a_revoked_library_is_refused(shell, reference: str, tmp_path: Path) -> None:
    entry = {"artifact_sha256": shell("hash", "plugin.so").strip().removeprefix("sha256:"), "reason": "leaked credentials"}
    (tmp_path / "revocations.json").write_text(json.dumps({"version": 1, "revocations": [entry]}))
    out = shell("verify", reference, "--key", "release.pub", "--revocations", "revocations.json", code=1)
    assert "leaked credentials" in out


def test_what_is_not_there_is_no_verdict(shell, reference: str) -> None:
    assert "NotFound" in shell("verify", reference.replace("1.2.3", "9.9.9"), "--key", "release.pub", code=3)


def test_only_what_is_trusted_is_saved(shell, reference: str, tmp_path: Path) -> None:
    shell("verify", reference, "--key", "release.pub", "--plugin-id", "dev.acme.other", "--save", "bad", code=1)
    assert not (tmp_path / "bad").exists()
    shell("verify", reference, "--key", "release.pub", "--save", "good")
    assert (tmp_path / "good" / "plugin.so").read_bytes() == (tmp_path / "plugin.so").read_bytes()
