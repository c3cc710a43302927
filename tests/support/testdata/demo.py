"""`testdata/demo/`: one plugin that is trusted, and three siblings that are not."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from tests.support.sigstore.keys import pem
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE, TESTDATA, TRUST_ROOT, Release, dump_yaml, signing_key
from tests.support.virtual_sigstore import github_identity, image_signature

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["flip", "revocation_file", "write_demo", "write_shared"]

_DEMO = TESTDATA / "demo"


def flip(data: bytes, position: int) -> bytes:
    """Change the lowest bit of one byte."""
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def revocation_file(*hashes: str, reason: str = "signing host compromised") -> bytes:
    """A revocation list as the gateway reads it."""
    entries: list[dict[str, Any]] = [
        {"artifact_sha256": each, "reason": reason, "revoked_at": "2025-06-10T08:00:00Z"} for each in hashes
    ]
    return json.dumps({"version": 1, "issued_at": "2025-06-10T08:00:00Z", "revocations": entries}, indent=2).encode() + b"\n"


def _sign_elsewhere(manifest_digest: str) -> bytes:
    fork = github_identity("acme-fork/plugins")
    return SIGSTORE.sign_statement(image_signature(manifest_digest), identity=fork)


def write_shared(folder: Path = TESTDATA) -> None:
    """The trust root of the virtual Sigstore, the attacker's one, and two public keys."""
    for path, data in (
        (folder / "trust_roots" / TRUST_ROOT.name, SIGSTORE.trusted_root()),
        (folder / "trust_roots" / "other-sigstore.json", OTHER_SIGSTORE.trusted_root()),
        (folder / "keys" / "release.pub", pem(signing_key())),
        (folder / "keys" / "other.pub", pem(signing_key("somebody else"))),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_demo(folder: Path = _DEMO) -> None:
    """Write the demo's generated files; `plugin/` and the README are made by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    honest = Release(attach_provenance=True)
    _layout(honest, folder / "layout")
    (folder / "plugin.yaml").write_bytes(_NOTE + dump_yaml(*honest.documents()))
    (folder / "revocations.json").write_bytes(revocation_file("0" * 64, reason="an older release, not this one"))

    # What an attacker without keys can do: change the library, make every digest agree again, keep all signatures attached.
    signed = honest.key.sign(honest.library)
    tampered = Release(
        attach_provenance=True,
        library=flip(honest.library, honest.library.index(b"audit_sink")),
        signature=signed,
        sign_image=(lambda _: honest.sign_image[0](_plugin_digest(honest)),),
        attest_build=(lambda _: honest.attest_build[0](honest.artifact_hash),),
    )
    _layout(tampered, folder / "layout-tampered")
    _layout(Release(attach_provenance=True, sign_image=(_sign_elsewhere,)), folder / "layout-other-workflow")
    (folder / "revocations-with-this-plugin.json").write_bytes(revocation_file("0" * 64, honest.artifact_hash))


_NOTE = b"# What must be true of the plugin. TEST MATERIAL: all keys follow from seeds in tests/support.\n"


def _plugin_digest(release: Release) -> str:
    return str(next(iter(release.stored().listed))["digest"])


def _layout(release: Release, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    release.stored().write(folder)
