"""`supplychain bundle load`: into real registries, and only what is trusted."""

import json

import httpx
import pytest

from supplychain.cli.main import main
from tests.support.builders import build_elf, public_key
from tests.support.bundling import IDENTITY, ISSUER, NAME, Forgery, make_bundle, verifier_public
from tests.support.carrying import plugin, plugin_index, unique
from tests.support.scenario import AT, SIGSTORE, TAG

OTHER = f"ghcr.io/acme/other:{TAG}"


class MemoryDestination:
    def __init__(self, folder, capsys, host):
        self.folder = folder
        self.capsys = capsys
        self.host = host
        self.place = unique("loaded")
        for name, data in (
            ("verifier.pub", verifier_public()),
            ("release.pub", public_key()),
            ("root.json", SIGSTORE.trusted_root()),
        ):
            (folder / name).write_bytes(data)

    @property
    def path(self):
        return self.folder / "b.mcpg.tar.zst"

    def load(self, *argv, to=True):
        self.capsys.readouterr()
        where = ("--from", "ghcr.io/acme", "--to", f"{self.host}/{self.place}") if to else ()
        key = ("--verifier-key", self.folder / "verifier.pub", "--single-verifier", "--output", "json")
        code = main([str(word) for word in ("bundle", "load", self.path, *key, *where, *argv)], clock=lambda: AT)
        printed = self.capsys.readouterr()
        assert "Traceback" not in printed.err
        self.report = json.loads(printed.out)
        return code

    @property
    def targets(self):
        return [one["target"] for one in self.report["reports"]]

    def there(self, name="echo", tag=TAG):
        accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
        with httpx.Client(trust_env=False) as client:
            found = client.get(f"http://{self.host}/v2/{self.place}/{name}/manifests/{tag}", headers={"Accept": accept})
            return found.status_code == 200

    def verify_there(self):
        argv = (
            *("verify", f"{self.host}/{self.place}/echo:{TAG}", "--key", self.folder / "release.pub", "--single-verifier"),
            *("--trust-root", self.folder / "root.json", "--certificate-identity-regexp", IDENTITY),
            *("--certificate-oidc-issuer", ISSUER, "--source-uri", "github.com/acme/plugins"),
        )
        return main([str(word) for word in argv], clock=lambda: AT)


@pytest.fixture(params=["distribution", "referrers"])
def desk(request, registries, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return MemoryDestination(tmp_path, capsys, getattr(registries, request.param).host)


@pytest.fixture
def plain(registries, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return MemoryDestination(tmp_path, capsys, registries.distribution.host)


def test_what_came_is_judged_written_and_judged_as_the_mirror_serves_it(desk):
    make_bundle(desk.path, (NAME, plugin()[0]), (OTHER, plugin(library=build_elf(payload=b"other"))[0]))
    assert desk.load() == 0, desk.report
    assert sorted(target.rpartition("(")[2] for target in desk.targets) == ["bundle)", "bundle)", "mirror)", "mirror)"]
    assert desk.report["extra"]["load"]["copied"] == 2
    assert desk.report["extra"]["bundle"]["policy"] == "enclosed"
    assert desk.verify_there() == 0
    assert desk.load() == 0
    assert desk.report["extra"]["load"]["present"] == 2


def test_an_index_arrives_whole(plain):
    make_bundle(plain.path, (NAME, plugin_index()[0]))
    assert plain.load() == 0
    assert len(plain.targets) == 4
    assert plain.verify_there() == 0


def test_a_dry_run_writes_nothing(plain):
    make_bundle(plain.path)
    assert plain.load("--dry-run") == 0
    assert plain.report["extra"]["load"]["planned"] == 1
    assert not plain.there()


def test_if_one_is_refused_nothing_is_written_at_all(plain):
    make_bundle(plain.path)
    other = Forgery.of(make_bundle(plain.folder / "o", (OTHER, plugin(library=build_elf(payload=b"other"))[0]), signed=False))
    Forgery.of(plain.path).take_over(other).write(plain.path)
    assert plain.load() == 1
    assert not plain.there()
    assert plain.load(NAME) == 0
    assert plain.there()
    assert not plain.there("other")


def test_a_request_that_does_not_say_where_is_wrong(plain):
    make_bundle(plain.path, (NAME, plugin()[0]), (OTHER, plugin(library=build_elf(payload=b"other"))[0]))
    assert plain.load(to=False) == 2
    assert plain.load("--to", plain.host, to=False) == 2
    assert plain.load("--from", "quay.io/acme", "--to", plain.host, to=False) == 2
    assert not plain.there()


def test_two_plugins_that_would_become_one_are_refused(plain):
    twin = "quay.io/acme/echo:" + TAG
    make_bundle(plain.path, (NAME, plugin()[0]), (twin, plugin(library=build_elf(payload=b"other"))[0]))
    assert plain.load("--from", "quay.io/acme") == 2
    assert "one name on the mirror" in json.dumps(plain.report)


def test_a_mirror_that_is_out_of_reach_is_no_refusal(plain):
    make_bundle(plain.path)
    assert plain.load("--from", "ghcr.io/acme", "--to", "127.0.0.1:1/x", "--limit-retries", "0", to=False) == 3
    assert plain.load("--ca-file", plain.folder / "missing") == 2


def test_the_mirror_of_the_manifests_is_where_it_goes(plain):
    stored, descriptor = plugin()
    make_bundle(plain.path, (NAME, stored))
    host, _, port = plain.host.rpartition(":")
    manifest = plain.folder / "plugin.yaml"
    manifest.write_text(
        f"""\
apiVersion: mcpg.dev/v1alpha2
kind: MCPGPlugin
metadata: {{name: echo}}
spec:
  pluginId: dev.mcpg.example.echo
  version: 1.2.3
  pluginClass: tool_gate
  oci: {{image: "{NAME}@{descriptor["digest"]}", mirrorRef: {{name: internal}}}}
  trust:
    signingKeyRef: {{secretName: release}}
---
apiVersion: v1
kind: Secret
metadata: {{name: release, namespace: mcpg-system}}
stringData: {{release.pub: "{public_key().hex()}"}}
---
apiVersion: mcpg.dev/v1alpha2
kind: MCPGPluginMirror
metadata: {{name: internal}}
spec:
  upstream: {{registry: ghcr.io, namespace: acme}}
  endpoint:
    service: {{name: registry, namespace: mcpg-system, port: 5000, pathPrefix: {plain.place}}}
"""
    )
    code = plain.load("-f", manifest, "--mirror-endpoint", f"internal={host}:{port}", to=False)
    assert code == 0, [one["error"] for one in plain.report["reports"]]
    assert plain.there()


def test_two_plugins_that_would_share_a_tag_are_refused_also_where_digests_tell_them_apart(plain):
    stored, one = plugin()
    other, two = plugin(library=build_elf(payload=b"other"))
    names = (f"{NAME}@{one['digest']}", f"quay.io/acme/echo:{TAG}@{two['digest']}")
    make_bundle(plain.path, (names[0], stored), (names[1], other))
    assert plain.load("--from", "quay.io/acme") == 2
    assert "one name on the mirror" in json.dumps(plain.report)
    assert not plain.there()
