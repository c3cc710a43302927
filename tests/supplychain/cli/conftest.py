"""A workshop: a folder with a key, packages and a layout, and the command as a function."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from supplychain.cli.main import main
from supplychain.digest import ManifestDigest
from supplychain.mirror.layout_writer import attach_to_layout, write_layout
from tests.support.builders import build_package, public_key
from tests.support.scenario import AT, LIBRARY, SIGSTORE, TAG, provenance_bundle, signature_bundle

IDENTITY = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v1\.2\.3$"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def report(self):
        [report] = self.json["reports"]
        return report

    def layer(self, name):
        return next(layer for layer in self.report["layers"] if layer["layer"] == name)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)

    def call(*argv):
        capsys.readouterr()
        code = main([str(word) for word in argv], clock=lambda: AT)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Answer(code, printed.out, printed.err)

    return call


@dataclass(frozen=True)
class Workshop:
    folder: Path
    digest: ManifestDigest

    @property
    def package(self):
        return self.folder / "echo.zip"

    @property
    def key(self):
        return self.folder / "release.pub"

    @property
    def layout(self):
        return f"oci-layout:{self.folder / 'layout'}:{TAG}"

    @property
    def keyless(self):
        """Flags for every layer."""
        return (
            *("--certificate-identity-regexp", IDENTITY, "--certificate-oidc-issuer", ISSUER),
            *("--source-uri", "github.com/acme/plugins", "--source-tag", "v1.2.3"),
            *("--trust-root", self.folder / "root.json", "--single-verifier"),
        )

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


@pytest.fixture
def workshop(tmp_path):
    package = tmp_path / "echo.zip"
    package.write_bytes(build_package(artifact=LIBRARY))
    (tmp_path / "release.pub").write_bytes(public_key())
    (tmp_path / "root.json").write_bytes(SIGSTORE.trusted_root())
    (tmp_path / "plugin.so").write_bytes(LIBRARY)
    layout = tmp_path / "layout"
    digest = write_layout(layout, package=package, tag=TAG)
    for bundle in (signature_bundle(digest), provenance_bundle()):
        attach_to_layout(layout, subject=digest, bundle=bundle)
    return Workshop(tmp_path, digest)
