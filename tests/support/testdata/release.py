"""One release of the demo plugin and the manifest that asks for it; every part can be replaced to make one thing wrong."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from tests.support.builders import End, Member, raw_zip
from tests.support.oci import Stored
from tests.support.sigstore.keys import Seed, pem
from tests.support.sigstore.statements import COSIGN_SIGN, SLSA_V0_2
from tests.support.virtual_sigstore import (
    GITHUB_ISSUER,
    VirtualSigstore,
    generator_identity,
    github_identity,
    image_signature,
    slsa_provenance,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "OTHER_SIGSTORE",
    "REPOSITORY",
    "SIGSTORE",
    "TESTDATA",
    "TRUST_ROOT",
    "Documents",
    "Release",
    "dump_yaml",
    "signing_key",
]

REPOSITORY = Path(__file__).resolve().parents[3]
TESTDATA = REPOSITORY / "testdata"
TRUST_ROOT = TESTDATA / "trust_roots" / "test-sigstore.json"
SIGSTORE = VirtualSigstore()
OTHER_SIGSTORE = VirtualSigstore(seed=b"a Sigstore of the attacker")

TAG = "1.2.3-linux-amd64"
IDENTITY_PATTERN = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v[0-9]+\.[0-9]+\.[0-9]+$"

Documents: TypeAlias = list[dict[str, Any]]


def signing_key(name: str = "release") -> Ed25519PrivateKey:
    """The publisher's key, or another one."""
    return Seed(b"test publisher").ed25519(name)


def default_descriptor() -> dict[str, Any]:
    return {
        "schema": "mcpg.dev/plugin/v1",
        "id": "dev.acme.audit",
        "name": "Acme Audit",
        "description": "Counts audit events.",
        "license": "Apache-2.0",
        "class": "audit_sink",
        "runtime": "native-cdylib-v1",
        "protocol_version": "1.0",
        "required_capabilities": ["audit_write"],
        "tags": ["demo"],
    }


def default_spec() -> dict[str, Any]:
    return {
        "pluginId": "dev.acme.audit",
        "version": "1.2.3",
        "pluginClass": "audit_sink",
        "oci": {"image": f"ghcr.io/acme/plugins/audit:{TAG}"},
        "trust": {
            "signingKeyRef": {"secretName": "acme-release-key", "key": "release.pub"},
            "cosignIdentity": {"certificateIdentityRegexp": IDENTITY_PATTERN, "oidcIssuer": GITHUB_ISSUER},
            "slsaProvenance": {
                "configMapName": "acme-audit-provenance",
                "sourceUri": "github.com/acme/plugins",
                "sourceTag": "v1.2.3",
            },
        },
    }


def sign_image(manifest_digest: str) -> bytes:
    return SIGSTORE.sign_statement(image_signature(manifest_digest), identity=github_identity())


def attest_build(artifact_hash: str) -> bytes:
    return SIGSTORE.sign_statement(slsa_provenance(artifact_hash), identity=generator_identity())


@dataclass(slots=True, kw_only=True)
class Release:
    """Mutable on purpose: a case changes what it is about and leaves the rest honest."""

    # the package
    library: bytes = field(default_factory=(TESTDATA / "demo" / "plugin" / "plugin.so").read_bytes)
    library_name: str = "plugin.so"
    descriptor: dict[str, Any] | bytes = field(default_factory=default_descriptor)
    key: Ed25519PrivateKey = field(default_factory=signing_key)
    signature: bytes | bool = True
    """True: an honest one by `key`; False: none."""
    licence: bytes | None = None
    edit_members: Callable[[list[Member]], list[Member]] | None = None
    zip_end: End | None = None
    # where it is stored
    tag: str | None = TAG
    edit_manifest: dict[str, Any] = field(default_factory=dict)
    sign_image: tuple[Callable[[str], bytes], ...] = (sign_image,)
    """Each makes one bundle from the manifest digest."""
    attest_build: tuple[Callable[[str], bytes], ...] = (attest_build,)
    """Each makes one line of provenance from the artifact hash."""
    attach_provenance: bool = False
    edit_stored: Callable[[Stored, dict[str, Any]], None] | None = None
    """Gets everything stored and the plugin's descriptor, before it is written."""
    edit_directory: Callable[[Path], object] | None = None
    """Gets the folder after everything was written."""
    # what is demanded
    spec: dict[str, Any] = field(default_factory=default_spec)
    trusted_keys: bytes = field(default_factory=lambda: pem(signing_key()))
    config_map: bool = True
    more_documents: Documents = field(default_factory=list)
    policy: bytes | None = None
    """The whole file, where no YAML writer would produce it."""
    trust_root: bytes | None = None
    """None: the shared one."""
    arguments: list[str] = field(default_factory=list)
    """More words of the command; `{case}` stands for the folder."""
    words: list[str] | None = None
    """The policy as flags instead of `policy.yaml`."""
    target: str = "oci-layout:{case}/layout"

    def only(self, *layers: str) -> None:
        """Ask for no optional layer but the named ones: `cosign`, `slsa`."""
        if "cosign" not in layers:
            self.spec["trust"].pop("cosignIdentity", None)
            self.sign_image = ()
        if "slsa" not in layers:
            self.spec["trust"].pop("slsaProvenance", None)
            self.config_map = False

    @property
    def artifact_hash(self) -> str:
        return hashlib.sha256(self.library).hexdigest()

    def package(self) -> bytes:
        """The ZIP. Members are stored, not deflated, so that no compressor's version shows in the bytes."""
        descriptor = self.descriptor if isinstance(self.descriptor, bytes) else dump_yaml(self.descriptor)
        signature = self.key.sign(self.library) if self.signature is True else self.signature
        members = [
            Member(name=b"plugin.yaml", data=descriptor, method=0),
            Member(name=self.library_name.encode(), data=self.library, method=0, mode=0o100755),
        ]
        if signature:
            members.append(Member(name=b"plugin.sig", data=signature, method=0))
        if self.licence is not None:
            members.append(Member(name=b"LICENSE", data=self.licence, method=0))
        if self.edit_members:
            members = self.edit_members(members)
        return raw_zip(*members, end=self.zip_end)

    def stored(self) -> Stored:
        """The OCI objects: the plugin, its signatures and, where wanted, its provenance."""
        stored = Stored()
        config: dict[str, Any] = {"schema": "mcpg.dev/plugin/v1", "has_signature": self.signature is not False}
        if isinstance(self.descriptor, dict):
            config |= {key: self.descriptor.get(key) for key in ("id", "name", "class", "runtime", "protocol_version")}
        plugin = stored.plugin(self.package(), config=config, tag=self.tag, edit=self.edit_manifest)
        for sign in self.sign_image:
            stored.attach(sign(plugin["digest"]), subject=plugin, predicate_type=COSIGN_SIGN)
        if self.attach_provenance:
            for attest in self.attest_build:
                stored.attach(attest(self.artifact_hash), subject=plugin, predicate_type=SLSA_V0_2)
        if self.edit_stored:
            self.edit_stored(stored, plugin)
        return stored

    def provenance(self) -> bytes:
        """The file of one line each that a ConfigMap carries."""
        return b"".join(attest(self.artifact_hash) + b"\n" for attest in self.attest_build)

    def documents(self) -> Documents:
        """The manifest and what it refers to, as a cluster gets them."""
        plugin = {
            "apiVersion": "mcpg.dev/v1alpha2",
            "kind": "MCPGPlugin",
            "metadata": {"name": "acme-audit"},
            "spec": self.spec,
        }
        reference = self.spec["trust"]["signingKeyRef"]
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": reference["secretName"], "namespace": "mcpg-system"},
            "stringData": {reference["key"]: self.trusted_keys.decode()},
        }
        documents = [plugin, secret, *self.more_documents]
        if self.config_map:
            name = self.spec["trust"]["slsaProvenance"]["configMapName"]
            config_map = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": "mcpg-system"},
                "data": {"provenance.intoto.jsonl": self.provenance().decode()},
            }
            documents.append(config_map)
        return documents

    def write(self, folder: Path) -> None:
        """Write `policy.yaml`, `layout/` and, where it is not the shared one, `trust_root.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.words is None:
            text = self.policy if self.policy is not None else dump_yaml(*self.documents())
            (folder / "policy.yaml").write_bytes(text)
        if "layout" in self.target:
            self.stored().write(folder / "layout")
        if "plugin.zip" in self.target:
            (folder / "plugin.zip").write_bytes(self.package())
        if self.trust_root is not None:
            (folder / "trust_root.json").write_bytes(self.trust_root)
        if self.edit_directory:
            self.edit_directory(folder)

    def command(self, folder: str) -> list[str]:
        """The words after `supplychain`, from the repository's root; `folder` is relative to it."""
        root = f"{folder}/trust_root.json" if self.trust_root is not None else str(TRUST_ROOT.relative_to(REPOSITORY))
        policy = ["-f", "{case}/policy.yaml"] if self.words is None else self.words
        words = ["verify", *policy, "--trust-root", root, *self.arguments, self.target]
        return [word.replace("{case}", folder) for word in words]


class _Dumper(yaml.SafeDumper):
    """Keeps key order and writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump_yaml(*documents: Any) -> bytes:
    """Write documents without line folding; only plain JSON values come in, so the text means one thing."""
    plain = [json.loads(json.dumps(document)) for document in documents]
    text = yaml.dump_all(plain, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True, explicit_start=len(plain) > 1)
    return text.encode()
