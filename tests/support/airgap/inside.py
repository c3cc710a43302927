"""The side without internet: loopback, an API server, the operator, a mirror that is empty, and what came on the medium.

Run by `demo.py` in namespaces of its own.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcpg_operator.resources import PLUGIN, PLUGIN_MIRROR, SECRET
from tests.support.airgap.namespaces import ADDRESS, end_with_starter, hide, name_hosts, reaches, routes
from tests.support.airgap.plan import BUNDLE, MANIFESTS, MEDIUM, MIRROR, PLUGINS, VERDICTS, release
from tests.support.airgap.telling import Teller
from tests.support.cluster import NAMESPACE, RunningCluster, definitions, rights, wait_until
from tests.support.cluster.objects import said
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.cluster.publishing import write_trust_root
from tests.support.components import component
from tests.support.registries import RunningRegistries
from tests.support.sigstore.keys import pem
from tests.support.testdata.release import signing_key

if TYPE_CHECKING:
    from tests.support.cluster.objects import Said

_WAIT = 60
_REVOKED = "audit"
_CARRIED = f"{MEDIUM}/{BUNDLE}.001"
_POLICY = "-f plugins.yaml -f mirror.yaml -f revocations.yaml --trust-root trusted_root.json"
"""The site's own: nothing of it came on the medium."""
_NOWHERE = "192.0.2.1"
"""The API server asks the default route for an address of its own, and there is no route."""


def main(folder: Path, internet: Path) -> int:
    """Install what was carried, revoke one plugin, and look at everything twice."""
    end_with_starter()
    name_hosts(folder, {MIRROR: "127.0.0.1"})
    hide(internet)
    with ExitStack() as stack:
        (folder / "cluster").mkdir()
        cluster = stack.enter_context(
            RunningCluster.running(
                folder / "cluster", definitions=definitions(), api_server_flags=[f"--advertise-address={_NOWHERE}"]
            )
        )
        cluster.api.apply(rights())
        registries = RunningRegistries(folder)
        stack.callback(registries.close)
        registries.at("127.0.0.1", 5000)
        root = write_trust_root(folder / "trusted_root.json")
        flags = (f"--sigstore-trust-root-path={root}", "--resync-interval-secs=5")
        operator = stack.enter_context(OperatorProcess.running(cluster, flags=flags))
        (folder / "verifier.pub").write_bytes(pem(signing_key("verifier")))
        for name, source in MANIFESTS.items():
            (folder / name).write_bytes(source.read_bytes())
        programs = f"{component('kubectl').parent}:{component('crane').parent}"
        side = _Inside(
            Teller("air gap", folder, environment={"KUBECONFIG": str(cluster.kubeconfig)}, programs=programs), cluster, folder
        )
        side.look_for_a_way_out(internet)
        side.load()
        side.install()
        side.revoke()
        side.teller.check("the operator met nothing that it did not expect", holds=operator.defects() == [])
    return 0


class _Inside:
    """The steps of the person at the site, each of which is looked at twice: by the product, and by something else."""

    def __init__(self, teller: Teller, cluster: RunningCluster, folder: Path) -> None:
        self.teller = teller
        self._folder = folder
        self._cluster = cluster

    def look_for_a_way_out(self, internet: Path) -> None:
        """Show that there is none, neither by the network nor by the disk."""
        self.teller.run("readlink /proc/self/ns/net")
        self.teller.run("ip -brief address")
        self.teller.check("no route leads anywhere but to loopback", holds=not routes())
        self.teller.check(f"ghcr.io: {reaches('ghcr.io', 443)}", holds=reaches("ghcr.io", 443) != "connected")
        self.teller.check(f"{ADDRESS}: {reaches(ADDRESS, 443)}", holds=reaches(ADDRESS, 443) != "connected")
        self.teller.check("the other side's files are out of sight", holds=not list(internet.iterdir()))

    def load(self) -> None:
        """Judge the medium by the site's own policy, fill the mirror from it, and judge the mirror."""
        self._spoil()
        self.teller.run(f"supplychain bundle inspect {_CARRIED}", only=VERDICTS)
        self.teller.run(f"supplychain bundle verify {_CARRIED} {_POLICY}", only=VERDICTS)
        self.teller.run(
            f"supplychain bundle verify {_CARRIED} --verifier-key verifier.pub --revocations revocations.yaml", only=VERDICTS
        )
        self.teller.run(f"supplychain bundle load {_CARRIED} {_POLICY}", only=VERDICTS)
        self.teller.run(f"supplychain verify {_POLICY}", only=VERDICTS)
        inside = self.teller.quietly(f"supplychain bundle inspect {_CARRIED}")
        for name in PLUGINS:
            digest = self.teller.run(f"crane digest --insecure {MIRROR}:5000/plugins/{name}:1.2.3-linux-amd64").strip()
            self.teller.check(f"{digest} on the mirror is the one that was carried", holds=digest in inside)

    def _spoil(self) -> None:
        """Show that a medium on which one byte changed on the way is refused, by any policy."""
        carried = self._folder / MEDIUM
        spoiled = self._folder / "spoiled"
        shutil.copytree(carried, spoiled)
        part = spoiled / f"{BUNDLE}.002"
        data = bytearray(part.read_bytes())
        data[len(data) // 2] ^= 1
        part.write_bytes(data)
        self.teller.run(
            f"supplychain bundle verify spoiled/{BUNDLE}.001 {_POLICY}", code=1, only=r"[A-Z]+ .*|  . (pull|target).*"
        )

    def install(self) -> None:
        """Let the operator pull by the mirror, and compare what it stored with what the publisher built."""
        self.teller.run("kubectl apply --server-side --force-conflicts -f mirror.yaml -f revocations.yaml -f plugins.yaml")
        for name in PLUGINS:
            wait_until(lambda name=name: self._said(name).status == "True", seconds=_WAIT, what=f"{name}: {self._said(name)}")  # type: ignore[misc]
        wait_until(lambda: self._proxied() == len(PLUGINS), seconds=_WAIT, what="the mirror to count its plugins")
        self.teller.run("kubectl get mcpgplugins,mcpgpluginmirrors")
        for name in PLUGINS:
            wanted = hashlib.sha256(release(name).library).hexdigest()
            self.teller.check(
                f"acme-{name}: the stored library is the publisher's, sha256:{wanted}", holds=self._stored(name) == wanted
            )

    def revoke(self) -> None:
        """Revoke one plugin; the cluster and the command must both refuse it, and nothing else."""
        revoked = hashlib.sha256(release(_REVOKED).library).hexdigest()
        asked = "kubectl get mcpgplugins,mcpgpluginsets,mcpggateways --all-namespaces -o yaml"
        (self._folder / "cluster.yaml").write_text(self.teller.quietly(asked))
        self.teller.say(f"$ {asked} > cluster.yaml")
        self.teller.run(
            f"supplychain revoke sha256:{revoked} --reason 'signing host compromised' --list revocations.yaml -f cluster.yaml --yes"
        )
        self.teller.run("kubectl apply --server-side --force-conflicts -f revocations.yaml")
        wait_until(lambda: self._said(_REVOKED, "Revoked").status == "True", seconds=_WAIT, what="the plugin to be revoked")
        wait_until(lambda: self._said(_REVOKED).status == "False", seconds=_WAIT, what="the plugin to be not Ready")
        self.teller.run("kubectl get mcpgplugins,mcpgrevocationlists")
        self.teller.run(f"supplychain verify {_POLICY}", code=1, only=VERDICTS)
        for name in PLUGINS:
            wanted = "False" if name == _REVOKED else "True"
            self.teller.check(f"acme-{name}: Ready={wanted} {self._said(name).reason}", holds=self._said(name).status == wanted)

    def _said(self, name: str, kind: str = "Ready") -> Said:
        return said(self._cluster.api.get(PLUGIN, f"acme-{name}"), kind)

    def _proxied(self) -> int:
        found = self._cluster.api.get(PLUGIN_MIRROR, "harbor") or {}
        return int(found.get("status", {}).get("proxiedReferences", 0))

    def _stored(self, name: str) -> str:
        status = (self._cluster.api.get(PLUGIN, f"acme-{name}") or {}).get("status", {})
        secret = self._cluster.api.get(SECRET, status.get("artefactSecretName", "none"), namespace=NAMESPACE) or {"data": {}}
        return hashlib.sha256(base64.b64decode(secret["data"].get("plugin.so", ""))).hexdigest()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
    sys.exit(130)
