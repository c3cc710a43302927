"""What the reader of a page has before the first command: files in the folder, releases in registries, a cluster with the operator.

All keys and signatures are TEST MATERIAL of the virtual or the private Sigstore and open nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mcpg_operator.resources import CONFIG_MAP, GATEWAY, PLUGIN, PLUGIN_SET, SECRET
from tests.docs.shell import Hosts
from tests.e2e.world import delete_ours
from tests.support.cluster.manifests import NAMESPACE
from tests.support.cluster.nodes import running_nodes
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.cluster.publishing import key_secret, make_release, write_trust_root
from tests.support.components import component
from tests.support.private_sigstore import PrivateSigstore
from tests.support.registries import RunningRegistries
from tests.support.sigstore.keys import pem
from tests.support.testdata.release import SIGSTORE, TESTDATA, dump_yaml, signing_key
from tests.support.virtual_sigstore import generator_identity, github_identity, image_signature, slsa_provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.support.cluster import RunningCluster
    from tests.support.testdata.release import Release

__all__ = ["STAGES", "Stage"]

_SHOP: Final[tuple[Mapping[str, Any], ...]] = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {
        "apiVersion": PLUGIN_SET.api_version,
        "kind": PLUGIN_SET.name,
        "metadata": {"name": "main", "namespace": "shop"},
        "spec": {"entries": [{"id": f"dev.acme.{name}", "pluginRef": {"name": f"acme-{name}"}} for name in ("audit", "meter")]},
    },
    {
        "apiVersion": GATEWAY.api_version,
        "kind": GATEWAY.name,
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": {"pluginSetRef": {"name": "main"}},
    },
)
"""A namespace whose gateway loads two plugins."""

_PROGRAMS: Final = ("supplychain", "kubectl", "cosign", "crane")


@dataclass(kw_only=True)
class Stage:
    """One page's folder and everything beside it; what is started here ends with `stack`."""

    folder: Path
    aside: Path
    supplychain: Path
    cluster: RunningCluster | None = None
    """Only where the page shows cluster commands."""
    stack: ExitStack = field(default_factory=ExitStack)
    more_environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        running = RunningRegistries(self.aside)
        self.stack.callback(running.close)
        self.registries = running
        self.hosts = Hosts({"registry.example": running.referrers.host, "mirror.example": running.distribution.host})

    @property
    def mirror(self) -> str:
        """Where `mirror.example` is."""
        return self.hosts.real["mirror.example"]

    @property
    def environment(self) -> Mapping[str, str]:
        """An empty home, the programs that pages use and those of the system, and no way beyond loopback."""
        programs, home = self.aside / "bin", self.aside / "home"
        programs.mkdir(exist_ok=True)
        home.mkdir(exist_ok=True)
        for name in _PROGRAMS:
            if not (programs / name).exists():
                (programs / name).symlink_to(self.supplychain if name == "supplychain" else component(name))
        closed = "http://127.0.0.1:9"
        return {
            "PATH": f"{programs}:{os.defpath}", "HOME": str(home), "LC_ALL": "C.UTF-8", "TMPDIR": str(self.aside),
            "HTTP_PROXY": closed, "HTTPS_PROXY": closed, "NO_PROXY": "127.0.0.1,localhost",
            **({} if self.cluster is None else {"KUBECONFIG": str(self.cluster.kubeconfig)}), **self.more_environment,
        }  # fmt: skip

    # -- what stages are made of ---------------------------------------------------------------------------------------

    def publish(self, name: str, *, version: str = "1.2.3", signer: str = "acme/plugins", **made: Any) -> Release:
        """Put a release of `dev.acme.<name>`, with signature and provenance of its tag, where pages expect it."""
        release = make_release(name, version=version, **made)
        ref = f"refs/tags/v{version}"
        release.attach_provenance = True
        identity = github_identity(signer, ref=ref)
        release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), identity=identity),)
        release.attest_build = (
            lambda content: SIGSTORE.sign_statement(slsa_provenance(content, ref=ref), identity=generator_identity(ref=ref)),
        )
        self.push(release, name)
        return release

    def push(self, release: Release, name: str) -> None:
        """Push what was made into the registry that is `registry.example`."""
        release.stored().push(self.registries.referrers.host, f"acme/plugins/{name}")

    def trust_root(self) -> None:
        """Give the reader the root of the Sigstore that signed the releases."""
        write_trust_root(self.folder / "trusted_root.json")

    def public_key(self, file: str, name: str = "release") -> None:
        """Give the reader a publisher's public key."""
        (self.folder / file).write_bytes(pem(signing_key(name)))

    def private_key(self, file: str, name: str) -> None:
        """Give the reader a publisher's private key."""
        key = signing_key(name)
        (self.folder / file).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def revocations(self, *hashes: str) -> None:
        """Give the reader a revocation list in its plain form, issued now."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        entries = [{"artifact_sha256": one, "reason": "an older release"} for one in hashes]
        (self.folder / "revocations.json").write_text(
            json.dumps({"version": 1, "issued_at": now, "revocations": entries}, indent=2) + "\n"
        )

    def manifest(self, file: str, release: Release, *, ref: str = r"v[0-9]+\.[0-9]+\.[0-9]+", mirror: str = "") -> None:
        """Give the reader a release's MCPGPlugin, with keys in the Secret `acme-release-key` and signed for the tags `ref`."""
        name = str(release.spec["pluginId"]).rpartition(".")[2]
        spec = deepcopy(release.spec)
        del spec["trust"]["slsaProvenance"]
        spec["oci"] = {"image": f"{self.hosts.real['registry.example']}/acme/plugins/{name}:{release.tag}"}
        if mirror:
            spec["oci"]["mirrorRef"] = {"name": mirror}
        spec["trust"]["signingKeyRef"] = {"secretName": "acme-release-key"}
        workflow = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml"
        spec["trust"]["cosignIdentity"]["certificateIdentityRegexp"] = f"{workflow}@refs/tags/{ref}$"
        plugin = {"apiVersion": PLUGIN.api_version, "kind": PLUGIN.name, "metadata": {"name": f"acme-{name}"}, "spec": spec}
        (self.folder / file).write_bytes(dump_yaml(plugin))

    def key_in_cluster(self, *names: str) -> None:
        """Put a publisher's keys into the cluster, as an administrator did once."""
        assert self.cluster is not None
        keys = b"".join(pem(signing_key(name)) for name in names)
        self.cluster.kubectl("apply", "-f", "-", input=json.dumps(key_secret("acme-release-key", keys)))

    def applied(self, *files: str) -> None:
        """Apply files of the reader, and wait until their plugins are Ready."""
        assert self.cluster is not None
        for file in files:
            self.cluster.kubectl("apply", "-f", self.folder / file)
            said = self.cluster.kubectl("wait", "--for=condition=Ready", "-f", self.folder / file, "--timeout=60s", check=False)
            if "condition met" not in said:
                raise RuntimeError(f"{said}{self.cluster.kubectl('get', '-o', 'yaml', '-f', self.folder / file)}")

    def sources(self, release: Release) -> None:
        """Give the reader a built library and its descriptor."""
        assert isinstance(release.descriptor, dict)
        (self.folder / "plugin.so").write_bytes(release.library)
        (self.folder / "plugin.yaml").write_bytes(dump_yaml(release.descriptor))

    def operator(self, *flags: str) -> None:
        """Run the operator until the page is done, and take away then what the page made."""
        assert self.cluster is not None
        self.stack.callback(_clear, self.cluster)
        root = write_trust_root(self.aside / "trusted_root.json")
        common = (f"--sigstore-trust-root-path={root}", "--resync-interval-secs=2", f"--mirror-endpoint=harbor={self.mirror}")
        self.stack.enter_context(OperatorProcess.running(self.cluster, name="operator-docs", flags=(*common, *flags)))

    def private_sigstore(self) -> None:
        """Let cosign sign as the release workflow does, in a Sigstore of this page's own: it is told so by its own variables."""
        directory = self.aside / "sigstore"
        directory.mkdir()
        running = self.stack.enter_context(PrivateSigstore.running(directory))
        (directory / "signing_config.json").write_text(running.signing_config("rekor2"))
        (self.folder / "trusted_root.json").write_bytes(running.keys.trusted_root())
        self.more_environment |= {
            "SIGSTORE_ID_TOKEN": running.issuer.github(),
            "COSIGN_SIGNING_CONFIG": str(directory / "signing_config.json"),
            "COSIGN_TRUSTED_ROOT": str(self.folder / "trusted_root.json"),
        }


def _clear(cluster: RunningCluster) -> None:
    delete_ours(cluster.api)
    for kind in (SECRET, CONFIG_MAP):
        cluster.api.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/{kind.plural}")


def _verify(stage: Stage) -> None:
    stage.publish("audit")
    stage.public_key("release.pub")
    stage.trust_root()
    stage.revocations("0" * 64)


def _sign(stage: Stage) -> None:
    stage.sources(make_release("audit"))
    stage.private_sigstore()


def _refusal(stage: Stage) -> None:
    release = stage.publish("audit")
    stage.public_key("release.pub")
    stage.trust_root()
    stage.manifest("plugin.yaml", release, ref=r"v1\.2\.2")
    stage.operator()
    stage.key_in_cluster("release")


def _policy(stage: Stage) -> None:
    stage.publish("audit")
    stage.publish("fork", plugin_id="dev.acme.audit", signer="mallory/plugins")
    stage.public_key("release.pub")
    stage.trust_root()
    stage.operator()


def _rotate(stage: Stage) -> None:
    stage.trust_root()
    stage.public_key("old.pub", "release")
    stage.public_key("new.pub", "next")
    for name in ("audit", "meter"):
        stage.manifest(f"{name}.yaml", stage.publish(name))
        stage.publish(name, version="1.3.0", key="next")
    stage.operator()
    stage.key_in_cluster("release")
    stage.applied("audit.yaml", "meter.yaml")


def _revoke(stage: Stage) -> None:
    stage.trust_root()
    (stage.folder / "manifests").mkdir()
    for name in ("audit", "meter"):
        stage.manifest(f"manifests/{name}.yaml", stage.publish(name))
    stage.publish("audit", version="1.3.0")
    (stage.folder / "manifests" / "key.yaml").write_bytes(dump_yaml(key_secret("acme-release-key", pem(signing_key()))))
    (stage.folder / "manifests" / "shop.yaml").write_bytes(dump_yaml(*_SHOP))
    (stage.folder / "revocations.yaml").write_bytes((TESTDATA / "demo-cluster" / "2-revocations.yaml").read_bytes())
    assert stage.cluster is not None
    stage.stack.enter_context(running_nodes(stage.cluster))
    stage.operator("--operator-image=registry.example/mcpg-operator:1")
    stage.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", stage.folder / "revocations.yaml")
    stage.cluster.kubectl("apply", "-f", stage.folder / "manifests")
    for kind in ("plugin/acme-audit", "plugin/acme-meter", "pluginset/main", "gateway/shop"):
        stage.cluster.kubectl("wait", "--for=condition=Ready", f"mcpg{kind}", "--namespace=shop", "--timeout=60s")


def _air_gap(stage: Stage) -> None:
    stage.trust_root()
    stage.revocations("0" * 64)
    for name in ("audit", "meter"):
        stage.manifest(f"{name}.yaml", stage.publish(name), mirror="harbor")
    files = [stage.folder / f"{name}.yaml" for name in ("audit", "meter")]
    (stage.folder / "plugins.yaml").write_text("---\n".join(file.read_text() for file in files))
    for file in files:
        file.unlink()
    (stage.folder / "keys.yaml").write_bytes(dump_yaml(key_secret("acme-release-key", pem(signing_key()))))
    stage.operator()


STAGES: Final[Mapping[str, Callable[[Stage], None]]] = {
    "read-a-refusal": _refusal,
    "revoke": _revoke,
    "set-up-an-air-gap": _air_gap,
    "rotate-a-key": _rotate,
    "sign-and-publish": _sign,
    "verify-a-release": _verify,
    "write-a-policy": _policy,
}
"""By the name of the page."""
