"""The side with internet: `ghcr.io` is a registry over TLS that knows no referrers API, and a person there fills a medium.

Run by `demo.py` in namespaces of its own; ends when its standard input does, or when it is asked to.
"""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.airgap.namespaces import ADDRESS, end_with_starter, name_hosts, reaches
from tests.support.airgap.plan import BUNDLE, MANIFESTS, MEDIUM, PLUGINS, READY, VERDICTS, release
from tests.support.airgap.telling import Teller
from tests.support.cluster.publishing import publish, write_trust_root
from tests.support.components import component
from tests.support.registries import RunningRegistries
from tests.support.testdata.release import signing_key

_REGISTRY = "ghcr.io"


def main(folder: Path) -> int:
    """Publish, judge, pack and judge again; then stay until nobody needs this side."""
    end_with_starter()
    name_hosts(folder, {_REGISTRY: ADDRESS}, addresses=[ADDRESS])
    with ExitStack() as stack:
        registries = RunningRegistries(folder)
        stack.callback(registries.close)
        ca_file = registries.at(ADDRESS, 443, name=_REGISTRY).ca_file
        assert ca_file is not None
        for name in PLUGINS:
            publish(release(name), host=_REGISTRY, repository=f"acme/plugins/{name}", form="fallback", ca_file=ca_file)
        write_trust_root(folder / "trusted_root.json")
        key = signing_key("verifier").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "verifier.pem").write_bytes(key)
        for name, source in MANIFESTS.items():
            (folder / name).write_bytes(source.read_bytes())
        (folder / MEDIUM).mkdir()
        (folder / "ca.pem").write_bytes(ca_file.read_bytes())
        programs = str(component("crane").parent)
        _pack(Teller("internet", folder, environment={"SSL_CERT_FILE": str(ca_file)}, programs=programs))
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        signal.pause()
    return 0


def _pack(teller: Teller) -> None:
    """Judge what is published, pack it with everything that it is judged by, and judge the file."""
    teller.run("readlink /proc/self/ns/net")
    teller.check(f"ghcr.io at {ADDRESS}: {reaches('ghcr.io', 443)}", holds=reaches("ghcr.io", 443) == "connected")
    policy = "-f plugins.yaml -f mirror.yaml -f revocations.yaml --trust-root trusted_root.json"
    teller.run(
        f"supplychain bundle create {policy} --ca-file ca.pem --sign-key verifier.pem --part-size 256KiB -o {MEDIUM}/{BUNDLE}",
        only=VERDICTS,
    )
    teller.run(f"supplychain bundle verify {MEDIUM}/{BUNDLE}.001 {policy}", only=VERDICTS)
    for name in PLUGINS:
        digest = teller.run(f"crane digest ghcr.io/acme/plugins/{name}:1.2.3-linux-amd64").strip()
        teller.check(
            f"{digest} is in the bundle", holds=digest in teller.quietly(f"supplychain bundle inspect {MEDIUM}/{BUNDLE}.001")
        )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main(Path(sys.argv[1])))
