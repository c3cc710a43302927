"""The client against every case of sigstore-conformance that is at hand, by file and by digest, by one verifier and by both."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.verify_bundle import main
from tests.support.components import evidence_directory
from tests.support.sigstore.keys import public_key_pem
from tests.support.virtual_sigstore import VirtualSigstore, github_identity, image_signature

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT = Path(__file__).with_name("client")
SIGSTORE = VirtualSigstore()
KEY = SIGSTORE.seed.p256("a key")
IDENTITY = ["--certificate-identity", github_identity().subject, "--certificate-oidc-issuer", github_identity().issuer]


def words(entry: dict[str, Any], directory: Path, *, by_digest: bool) -> list[str]:
    """The call that the suite makes for one of its cases."""
    files, request = entry["files"], entry["request"]
    call = ["verify-bundle", "--bundle", str(directory / files["bundle"])]
    if "key" in files:
        call += ["--key", str(directory / files["key"])]
    else:
        call += [
            "--certificate-identity",
            request.get("identity", "none"),
            "--certificate-oidc-issuer",
            request.get("issuer", "none"),
        ]
    if "trusted_root" in files:
        call += ["--trusted-root", str(directory / files["trusted_root"])]
    return [*call, f"sha256:{files['artifact_sha256']}" if by_digest else str(directory / files["artifact"])]


@pytest.mark.parametrize("second", [[], ["--second-opinion"]], ids=["core", "both"])
@pytest.mark.parametrize("by_digest", [False, True], ids=["by file", "by digest"])
def test_every_case_at_hand_gets_the_suites_verdict(by_digest: bool, second: list[str]) -> None:
    directory = evidence_directory()
    entries = [entry for entry in json.loads((directory / "MANIFEST.json").read_bytes()) if entry["set"] == "sigstore"]
    wrong = [
        entry["id"]
        for entry in entries
        if (main([*words(entry, directory, by_digest=by_digest), *second]) == 0) != (entry["expected"] == "trusted")
    ]
    assert len(entries) >= 25
    assert wrong == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root.json").write_bytes(SIGSTORE.trusted_root())
    (tmp_path / "a.txt").write_bytes(b"an artifact")
    (tmp_path / "key.pub").write_bytes(public_key_pem(KEY))
    return tmp_path


def call(folder: Path, bundle: bytes, *more: str, artifact: str | None = None) -> int:
    (folder / "bundle.json").write_bytes(bundle)
    given = ["--bundle", str(folder / "bundle.json"), "--trusted-root", str(folder / "root.json")]
    return main(["verify-bundle", *given, *(more or IDENTITY), artifact or str(folder / "a.txt")])


def test_a_statement_must_be_about_the_artifact(folder: Path) -> None:
    from hashlib import sha256

    digest = sha256(b"an artifact").hexdigest()
    good = SIGSTORE.sign_statement(image_signature(f"sha256:{digest}"))
    assert call(folder, good) == 0
    assert call(folder, good, artifact=f"sha256:{digest}") == 0
    assert call(folder, good, artifact=f"sha256:{'0' * 64}") == 1
    assert call(folder, good, artifact="sha256:00") == 2
    assert call(folder, SIGSTORE.sign_statement(b"{}")) == 1


@pytest.mark.parametrize(
    "make",
    [SIGSTORE.sign_message, lambda message, **plan: SIGSTORE.sign_message(message, log="rekor1", **plan)],
    ids=["v2", "v1"],
)
def test_who_signed_is_asked(folder: Path, make: Callable[..., bytes]) -> None:
    by_key = ("--key", str(folder / "key.pub"))
    keyless, keyed = make(b"an artifact"), make(b"an artifact", keyed=True, leaf_key=KEY)
    assert (call(folder, keyless), call(folder, keyed, *by_key)) == (0, 0)
    assert (call(folder, keyless, *by_key), call(folder, keyed)) == (1, 1)
    assert call(folder, keyless, *IDENTITY[:2], "--certificate-oidc-issuer", "https://other.example") == 1
    assert call(folder, keyless, "--certificate-identity", "https://other.example", *IDENTITY[2:]) == 1


@pytest.mark.parametrize("flags", [[], IDENTITY[:2], IDENTITY[2:], [*IDENTITY, "--key", "k"], [*IDENTITY, "--staging"]], ids=str)
def test_a_wrong_call_is_no_verdict(folder: Path, flags: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["verify-bundle", "--bundle", str(folder / "b"), *flags, str(folder / "a.txt")])
    assert caught.value.code == 2
    assert main(["verify-bundle", "--bundle", str(folder / "absent"), *IDENTITY, str(folder / "a.txt")]) == 2


def test_the_executable_runs_from_anywhere(folder: Path) -> None:
    (folder / "bundle.json").write_bytes(SIGSTORE.sign_message(b"an artifact"))
    run = [str(CLIENT), "verify-bundle", "--bundle", "bundle.json", "--trusted-root", "root.json", *IDENTITY]
    environment = {**os.environ, "PYTHONPATH": ""}
    assert subprocess.run([*run, "a.txt"], cwd=folder, env=environment, check=False).returncode == 0
    refused = subprocess.run(
        [*run, f"sha256:{'0' * 64}"], cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    assert (refused.returncode, refused.stderr.partition(":")[0]) == (1, "BundleInvalid")
