"""From the Secrets of stored plugins to a gateway that starts: the init container's own arguments, run as a process."""

from __future__ import annotations

import hashlib
import json

import pytest

from mcpg_operator.render.gateway import render_gateway
from mcpg_operator.render.resolved_set import Part, ResolvedSet, render_entry
from supplychain.delivery import SHARD_KEY
from supplychain.descriptor import parse_descriptor
from supplychain.digest import ArtifactHash
from supplychain.revocation import Revocation, render_revocation_list
from tests.support.builders import build_descriptor, public_key
from tests.support.gateway_reader import BootError, boot
from tests.support.kubelet import Pod
from tests.support.rendering import inputs_of
from tests.support.stored_plugins import elf, store, verified

SMALL, LARGE = elf(5000), elf(2_000_000, seed=3)
OTHER_KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")


class Delivered:
    """Two plugins in Secrets, one of them in shards, and the set that resolves them."""

    def __init__(self, *, keys=None):
        keys = keys or (public_key(),)
        self.secrets = {}
        self.entries = [
            self._store("dev.acme.small", SMALL, keys=keys),
            self._store("dev.acme.large", LARGE, keys=keys),
        ]

    def _store(self, plugin_id, library, *, keys):
        descriptor = build_descriptor(id=plugin_id, required_capabilities=["network_outbound"])
        stored = store(verified(library, descriptor=descriptor))
        secret = f"mcpg-plugin-{plugin_id.rpartition('.')[2]}-{stored.suffix}"
        self.secrets[secret] = stored.payload
        self.secrets |= {name: {SHARD_KEY: data} for name, data in stored.shards.items()}
        parsed = parse_descriptor(descriptor)
        return render_entry(
            entry_id=plugin_id,
            plugin="any",
            version="1.0.0",
            descriptor=parsed,
            artifact_hash=ArtifactHash.of(library),
            artifact_name="plugin.so",
            artifact_size=len(library),
            secret=secret,
            parts=[Part(name=name, sha256="0" * 64, size=1) for name in (secret, *stored.shards)],
            keys=keys,
            grants=parsed.required_capabilities,
            config={"level": 3},
            enforce=True,
        )

    def render(self, *, revoked=(), dialect="seed"):
        entries = [Revocation(hash=ArtifactHash.of(one), reason="leaked", revoked_at=None) for one in revoked]
        document = {
            "gateway": {
                "metadata": {"name": "shop", "namespace": "team-a", "annotations": {"mcpg.dev/config-dialect": dialect}},
                "spec": {"pluginSetRef": {"name": "base"}},
            },
            "plugins": json.loads(ResolvedSet(entries=tuple(self.entries), complete=True).text),
            "revocations": render_revocation_list(entries).decode(),
        }
        return render_gateway(inputs_of(document))


@pytest.fixture(scope="module")
def delivered():
    return Delivered()


@pytest.mark.parametrize("dialect", ["seed", "flat"])
def test_a_gateway_starts_with_what_the_init_container_puts_together(delivered, tmp_path, dialect):
    rendered = delivered.render(dialect=dialect)
    pod = Pod(rendered.children, secrets=delivered.secrets, root=tmp_path)
    done = pod.run_init()
    assert done.returncode == 0, done.stdout + done.stderr
    gateway = boot(pod.below("/etc/mcpg/config.yaml").read_bytes(), dialect=dialect, root=tmp_path)
    assert {name: path.read_bytes() for name, path in gateway.plugins.items()} == {
        "dev.acme.small": SMALL,
        "dev.acme.large": LARGE,
    }
    assert sorted(path.name for path in pod.below("/etc/mcpg/plugins/dev.acme.large").iterdir()) == [
        "plugin.so",
        "plugin.so.plugin.yaml",
        "plugin.so.sig",
    ]


def without(delivered, tmp_path, spoil, *, reason):
    """The init container refuses, and the gateway would not start either."""
    secrets = {name: dict(data) for name, data in delivered.secrets.items()}
    spoil(secrets)
    rendered = delivered.render()
    pod = Pod(rendered.children, secrets=secrets, root=tmp_path)
    done = pod.run_init()
    assert (done.returncode, reason in done.stdout) == (1, True), done.stdout + done.stderr
    with pytest.raises(BootError, match="no library"):
        boot(rendered.config, dialect="seed", root=tmp_path)


def changed(data):
    return bytes([data[0] ^ 1]) + data[1:]


def test_one_bit_of_a_shard_stops_the_pod(delivered, tmp_path):
    def spoil(secrets):
        shard = next(data for name, data in secrets.items() if name.startswith("mcpg-shard-"))
        shard[SHARD_KEY] = changed(shard[SHARD_KEY])

    without(delivered, tmp_path, spoil, reason="ShardMismatch")


def test_another_descriptor_in_the_same_secret_stops_the_pod(delivered, tmp_path):
    def spoil(secrets):
        (small,) = [data for name, data in secrets.items() if "small" in name]
        small["plugin.yaml"] = small["plugin.yaml"].replace(b"network_outbound", b"transport_listen")

    without(delivered, tmp_path, spoil, reason="DigestMismatch")


def test_another_good_plugin_in_the_same_secret_stops_the_pod(delivered, tmp_path):
    def spoil(secrets):
        other = store(verified(elf(5000, seed=9), descriptor=build_descriptor(id="dev.acme.small")))
        (small,) = [name for name in secrets if "small" in name]
        secrets[small] = other.payload

    without(delivered, tmp_path, spoil, reason="DigestMismatch")


def test_a_key_that_did_not_sign_stops_the_pod(tmp_path):
    other = Delivered(keys=(OTHER_KEY,))
    without(other, tmp_path, lambda secrets: None, reason="SignatureInvalid")


def test_a_revoked_plugin_stops_the_pod_and_the_gateway(delivered, tmp_path):
    rendered = delivered.render(revoked=[SMALL])
    pod = Pod(rendered.children, secrets=delivered.secrets, root=tmp_path)
    done = pod.run_init()
    assert (done.returncode, "ArtefactRevoked" in done.stdout) == (1, True)
    folder = pod.below("/etc/mcpg/plugins/dev.acme.small")
    for name, data in (("plugin.so", SMALL), ("plugin.so.sig", store(verified(SMALL)).payload["plugin.sig"])):
        (folder / name).write_bytes(data)
    with pytest.raises(BootError, match="is revoked"):
        boot(rendered.config, dialect="seed", root=tmp_path)


def test_the_template_pins_what_the_document_says(delivered):
    rendered = delivered.render()
    (deployment,) = [one for one in rendered.children if one["kind"] == "Deployment"]
    container = deployment["spec"]["template"]["spec"]["initContainers"][0]
    orders = [json.loads(one) for one in container["args"] if one.startswith("{")]
    assert [one["digest"] for one in orders] == [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in (SMALL, LARGE)]
    assert [one["content"] for one in orders] == [one.secret[-32:] for one in delivered.entries]
    assert "mcpg.dev/plugin-set-hash" in deployment["spec"]["template"]["metadata"]["annotations"]
