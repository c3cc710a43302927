"""`supplychain bundle create` and `inspect`, and bundles as targets of other commands."""

import json

import pytest

from supplychain.cli.main import main
from supplychain.cli.sources import BundleTarget, Sources, parse_target
from supplychain.errors import InvalidReferenceError
from tests.support.builders import build_elf, public_key
from tests.support.bundling import IDENTITY, ISSUER, NAME, VERIFIER_SEED, Forgery, StoredContent, make_bundle, verifier_public
from tests.support.carrying import plugin, plugin_index
from tests.support.scenario import AT, SIGSTORE, TAG

OTHER = f"ghcr.io/acme/other:{TAG}"
MANIFEST = f"""\
apiVersion: mcpg.dev/v1alpha2
kind: MCPGPlugin
metadata: {{name: echo}}
spec:
  pluginId: dev.mcpg.example.echo
  version: 1.2.3
  pluginClass: tool_gate
  oci: {{image: "{NAME}@DIGEST", pullSecretRef: {{name: pull}}}}
  trust:
    signingKeyRef: {{secretName: release}}
    cosignIdentity:
      certificateIdentityRegexp: '{IDENTITY}'
      oidcIssuer: {ISSUER}
---
apiVersion: v1
kind: Secret
metadata: {{name: release, namespace: mcpg-system}}
stringData: {{release.pub: "{public_key().hex()}"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: pull, namespace: mcpg-system}}
stringData: {{.dockerconfigjson: '{{"auths":{{"ghcr.io":{{"username":"someone","password":"TEST-ONLY-password"}}}}}}'}}
"""


class MemoryDestination:
    def __init__(self, folder, capsys):
        self.folder = folder
        self.capsys = capsys
        for name, data in (
            ("verifier.pub", verifier_public()),
            ("verifier.seed", VERIFIER_SEED),
            ("release.pub", public_key()),
            ("root.json", SIGSTORE.trusted_root()),
            ("list.json", b'{"version":1,"issued_at":"2025-06-30T00:00:00Z","revocations":[]}'),
        ):
            (folder / name).write_bytes(data)

    @property
    def path(self):
        return self.folder / "b.mcpg.tar.zst"

    def run(self, *argv):
        self.capsys.readouterr()
        code = main([str(word) for word in argv], clock=lambda: AT)
        printed = self.capsys.readouterr()
        assert "Traceback" not in printed.err
        self.out, self.err = printed.out, printed.err
        return code

    @property
    def policy(self):
        return (
            *("--key", self.folder / "release.pub", "--trust-root", self.folder / "root.json", "--single-verifier"),
            *("--certificate-identity-regexp", IDENTITY),
            *("--certificate-oidc-issuer", ISSUER),
        )

    def create(self, *argv, asked=None):
        return self.run(
            "bundle", "create", "-o", self.path, "--output", "json", *(self.policy if asked is None else asked), *argv
        )

    @property
    def extra(self):
        return json.loads(self.out)["extra"]["bundle"]


@pytest.fixture
def shops(monkeypatch):
    """What stands in registries, by `registry/repository`."""
    found = {"ghcr.io/acme/echo": plugin()[0], "ghcr.io/acme/other": plugin(library=build_elf(payload=b"other"))[0]}
    monkeypatch.setattr(Sources, "reader", lambda self, target, **_: StoredContent(found[target.reference.name]))
    return found


@pytest.fixture
def desk(tmp_path, capsys, shops, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return MemoryDestination(tmp_path, capsys)


def test_plugins_are_judged_written_and_judged_again_at_the_other_side(desk):
    lists = ("--revocations", desk.folder / "list.json")
    assert desk.create(NAME, OTHER, *lists, "--sign-key", desk.folder / "verifier.seed") == 0
    assert desk.extra["plugins"] == 2
    assert desk.extra["signed"] is True
    assert desk.extra["files"] == [str(desk.path)]
    key = ("--verifier-key", desk.folder / "verifier.pub", "--single-verifier")
    assert desk.run("bundle", "verify", desk.path, *key) == 0
    assert "TRUSTED" in desk.out.upper()
    assert desk.run("bundle", "verify", desk.path, *key, "--output", "json") == 0
    [root] = desk.extra["trustRoots"]
    assert root["asOf"] is not None, "the day on which the file was written at the other side"


def test_the_same_twice_gives_the_same_file(desk):
    desk.create(NAME, "--sign-key", desk.folder / "verifier.seed")
    first = desk.path.read_bytes()
    desk.create(NAME, "--sign-key", desk.folder / "verifier.seed")
    assert desk.path.read_bytes() == first


def test_nothing_is_written_unless_every_plugin_is_trusted(desk, shops):
    shops["ghcr.io/acme/other"] = plugin(signed=False)[0]
    assert desk.create(NAME, OTHER) == 1
    assert not desk.path.exists()
    assert desk.create(NAME, "ghcr.io/acme/echo:9") == 3
    assert desk.create(NAME, "not a reference") == 2
    assert desk.create(NAME, "oci-layout:somewhere") == 2
    assert desk.create() == 2
    assert desk.create(NAME, "--key", desk.folder / "missing") == 2
    assert not desk.path.exists()


def test_an_index_goes_with_all_of_its_platforms(desk, shops):
    shops["ghcr.io/acme/echo"] = plugin_index()[0]
    assert desk.create(NAME) == 0
    assert [one["target"] for one in json.loads(desk.out)["reports"]] == [f"{NAME} linux/amd64", f"{NAME} linux/arm64"]


def test_a_plugin_named_twice_is_refused(desk):
    assert desk.create(NAME, NAME) == 2
    assert "named twice" in desk.err


def test_a_bundle_that_cannot_be_written_is_told(desk):
    desk.folder.joinpath("b.mcpg.tar.zst").mkdir()
    assert desk.create(NAME) == 2


def test_what_stays_behind_is_said(desk, shops, monkeypatch):
    stored, descriptor = plugin()
    for _ in range(40):
        stored.attach(b"{" + bytes([32]) * (len(stored.listed)) + b"}", subject=descriptor, predicate_type="x")
    shops["ghcr.io/acme/echo"] = stored
    assert desk.create(NAME) == 0
    assert "left behind" in desk.err
    assert any("left behind" in note for note in json.loads(desk.out)["notes"])


def test_it_comes_in_parts_of_the_wanted_size(desk, shops):
    import random

    noise = random.Random(1).randbytes(200_000)
    shops["ghcr.io/acme/echo"] = plugin(library=build_elf(payload=noise))[0]
    assert desk.create(NAME, "--part-size", "64KiB") == 0
    assert len(desk.extra["files"]) > 2
    assert desk.run("bundle", "verify", desk.path, *desk.policy) == 0
    desk.folder.joinpath(desk.path.name + ".002").unlink()
    assert desk.run("bundle", "verify", desk.path, *desk.policy, "--output", "json") == 3
    assert "BundlePartMissing" in desk.out


def test_manifests_say_what_and_how_and_no_secret_travels(desk, shops):
    stored, descriptor = plugin()
    shops["ghcr.io/acme/echo"] = stored
    manifest = desk.folder / "plugin.yaml"
    manifest.write_text(MANIFEST.replace("DIGEST", descriptor["digest"]))
    root = ("--trust-root", desk.folder / "root.json", "--single-verifier")
    assert desk.create("-f", manifest, *root, "--sign-key", desk.folder / "verifier.seed", asked=()) == 0
    from tests.support.bundling import members_of

    text = b"".join(data for _, data in members_of(desk.path))
    assert b"TEST-ONLY-password" not in text
    assert b"dockerconfigjson" not in text
    assert desk.run("bundle", "verify", desk.path, "-f", manifest, *root) == 0
    key = ("--verifier-key", desk.folder / "verifier.pub", "--single-verifier")
    assert desk.run("bundle", "verify", desk.path, *key) == 0
    assert desk.run("bundle", "verify", desk.path, *key, "-f", manifest) == 0


def test_a_plugin_that_no_manifest_asks_about_and_one_that_is_not_carried_are_said(desk, shops):
    stored, descriptor = plugin()
    shops["ghcr.io/acme/echo"] = stored
    manifest = desk.folder / "plugin.yaml"
    manifest.write_text(MANIFEST.replace("DIGEST", descriptor["digest"]))
    make_bundle(desk.path, (NAME, stored), (OTHER, shops["ghcr.io/acme/other"]))
    own = ("-f", manifest, "--trust-root", desk.folder / "root.json", "--single-verifier", "--output", "json")
    assert desk.run("bundle", "verify", desk.path, *own) == 2
    assert "no manifest asks about" in desk.out
    assert desk.run("bundle", "verify", desk.path, NAME, *own) == 0
    assert desk.run("bundle", "verify", desk.path, OTHER, *own) == 2
    make_bundle(desk.path, (OTHER, shops["ghcr.io/acme/other"]))
    assert desk.run("bundle", "verify", desk.path, *own) == 2
    assert "does not carry" in desk.out
    key = ("--verifier-key", desk.folder / "verifier.pub")
    assert desk.run("bundle", "verify", desk.path, *own, *key) == 2
    manifest.write_text(MANIFEST.replace("DIGEST", descriptor["digest"]).replace("secretName: release", "secretName: other"))
    assert desk.run("bundle", "verify", desk.path, *own) == 2


def test_of_several_manifests_those_that_are_named_count(desk, shops):
    stored, descriptor = plugin()
    shops["ghcr.io/acme/echo"] = stored
    first = MANIFEST.replace("DIGEST", descriptor["digest"])
    second = first.partition("---")[0].replace("name: echo", "name: other").replace("acme/echo", "acme/other")
    manifest = desk.folder / "plugins.yaml"
    manifest.write_text(first + "---\n" + second.replace(f"@{descriptor['digest']}", ""))
    make_bundle(desk.path, (NAME, stored), (OTHER, shops["ghcr.io/acme/other"]))
    own = ("-f", manifest, "--trust-root", desk.folder / "root.json", "--single-verifier", "--output", "json")
    assert desk.run("bundle", "verify", desk.path, NAME, *own) == 0
    assert [one["target"] for one in json.loads(desk.out)["reports"]] == ["MCPGPlugin/echo"]
    make_bundle(desk.path, (NAME, stored))
    assert desk.run("bundle", "verify", desk.path, *own) == 3, "the other one is not carried"
    assert desk.run("bundle", "verify", desk.path, NAME, *own) == 0


def test_what_is_odd_about_a_list_is_noted_and_a_manifest_without_its_key_is_wrong(desk, shops):
    odd = desk.folder / "odd.json"
    odd.write_text('{"version":1,"revocations":[],"extra":1}')
    assert desk.create(NAME, "--revocations", odd) == 0
    assert "unknown field" in desk.err
    manifest = desk.folder / "plugin.yaml"
    manifest.write_text(MANIFEST.replace("@DIGEST", "").partition("---")[0])
    assert desk.create("-f", manifest, asked=()) == 2


def test_a_plugin_of_a_mirror_is_fetched_from_its_upstream(desk, shops):
    """The mirror is what the bundle is to fill."""
    mirror = """\
---
apiVersion: mcpg.dev/v1alpha2
kind: MCPGPluginMirror
metadata: {name: internal}
spec:
  upstream: {registry: ghcr.io, namespace: acme}
  endpoint: {service: {name: registry, namespace: mcpg-system, port: 5000}}
"""
    manifest = desk.folder / "plugin.yaml"
    manifest.write_text(
        MANIFEST.replace("@DIGEST", "").replace("pullSecretRef: {name: pull}", "mirrorRef: {name: internal}") + mirror
    )
    root = ("--trust-root", desk.folder / "root.json", "--single-verifier")
    assert desk.create("-f", manifest, *root, asked=()) == 0
    assert desk.extra["plugins"] == 1


def test_a_key_beside_a_policy_demands_a_summary_too(desk):
    make_bundle(desk.path, signed=False)
    assert desk.run("bundle", "verify", desk.path, *desk.policy) == 0
    key = ("--verifier-key", desk.folder / "verifier.pub", "--output", "json")
    assert desk.run("bundle", "verify", desk.path, *desk.policy, *key) == 1
    unsigned = Forgery.of(make_bundle(desk.folder / "o", (OTHER, plugin(library=build_elf(payload=b"other"))[0]), signed=False))
    make_bundle(desk.path)
    Forgery.of(desk.path).take_over(unsigned).write(desk.path)
    assert desk.run("bundle", "verify", desk.path, *desk.policy, *key) == 1
    assert [one["verdict"] for one in json.loads(desk.out)["reports"]] == ["Trusted", "Refused"]


def test_inspect_shows_and_never_judges(desk):
    make_bundle(desk.path, lists=((desk.folder / "list.json").read_bytes(),))
    assert desk.run("bundle", "inspect", desk.path) == 0
    assert "(not judged)" in desk.out
    assert "trusted" not in desk.out.lower().replace("trustedroot", "")
    assert desk.run("bundle", "inspect", desk.path, "--output", "json") == 0
    shown = json.loads(desk.out)
    assert shown["judged"] is False
    assert shown["enclosed"]["revocationLists"][0]["ageDays"] == 1
    assert shown["enclosed"]["trustRoots"][0]["name"] == "virtual"
    assert shown["enclosed"]["policies"][0]["source"] == "git+https://github.com/acme/plugins"
    assert shown["enclosed"]["summaries"][0]["claimedKeys"][0].startswith("sha256:")
    desk.path.write_bytes(desk.path.read_bytes() + b"x")
    assert desk.run("bundle", "inspect", desk.path) == 1


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("bundle:b.mcpg.tar.zst", "b.mcpg.tar.zst", None),
        (f"bundle:dir/b.mcpg.tar.zst:{NAME}", "dir/b.mcpg.tar.zst", NAME),
        (f"bundle:b.mcpg.tar.zst.001:{NAME}", "b.mcpg.tar.zst.001", NAME),
        ("bundle:b.mcpg.tar.zst:sha256:" + "0" * 64, "b.mcpg.tar.zst", "sha256:" + "0" * 64),
        ("bundle:another.name", "another.name", None),
        ("bundle:with:colon", "with:colon", None),
    ],
)
def test_targets_name_a_bundle_and_what_is_meant_in_it(text, path, wanted):
    target = parse_target(text)
    assert isinstance(target, BundleTarget)
    assert (str(target.path), target.wanted) == (path, wanted)


def test_a_target_without_a_path_is_refused():
    with pytest.raises(InvalidReferenceError):
        parse_target("bundle:")


def test_a_bundle_is_a_source_for_the_other_commands(desk, shops):
    make_bundle(desk.path, (NAME, shops["ghcr.io/acme/echo"]), (OTHER, shops["ghcr.io/acme/other"]))
    one, other = f"bundle:{desk.path}:{NAME}", f"bundle:{desk.path}:{OTHER}"
    assert desk.run("verify", one, other, one, "--jobs", "2", *desk.policy) == 0
    assert desk.run("verify", f"bundle:{desk.path}", *desk.policy) == 2
    assert desk.run("inspect", one) == 0
    keyless = desk.policy[2:]
    assert desk.run("check", "cosign", one, *keyless) == 0
    assert desk.run("push", desk.path, one) == 2
    copy = desk.folder / "copy.mcpg.tar.zst"
    assert desk.run("bundle", "create", "-o", copy, one, *desk.policy) == 0
    assert desk.run("bundle", "verify", copy, *desk.policy) == 0


def test_provenance_of_a_bundle_can_be_checked_by_itself(desk, shops):
    stored, descriptor = plugin()
    shops["ghcr.io/acme/echo"] = stored
    make_bundle(desk.path, (NAME, stored))
    root = ("--trust-root", desk.folder / "root.json", "--single-verifier", "--source-uri", "github.com/acme/plugins")
    assert desk.run("check", "provenance", f"bundle:{desk.path}:{NAME}", *root) == 1, "its subject is the library, no manifest"
    assert descriptor["digest"][7:23] in desk.out


def test_what_nobody_could_read_is_never_written(desk, shops):
    """One tag cannot stand at two manifests, so a bundle of both would be refused where nobody can mend it."""
    first, one = plugin()
    second, two = plugin(library=build_elf(payload=b"other"))
    first.blobs |= second.blobs
    first.listed += second.listed
    shops["ghcr.io/acme/echo"] = first
    assert desk.create(f"{NAME}@{one['digest']}", f"{NAME}@{two['digest']}") == 2
    assert "cannot be in one bundle" in desk.err
    assert not desk.path.exists()


def test_a_plugin_of_a_mirror_needs_no_mirror_for_a_bundle(desk, shops):
    manifest = desk.folder / "plugin.yaml"
    manifest.write_text(MANIFEST.replace("@DIGEST", "").replace("pullSecretRef: {name: pull}", "mirrorRef: {name: internal}"))
    root = ("--trust-root", desk.folder / "root.json", "--single-verifier")
    assert desk.create("-f", manifest, *root, asked=()) == 0
    assert desk.run("bundle", "verify", desk.path, "-f", manifest, *root) == 0


def test_a_manifest_that_cannot_be_asked_is_told_where_its_plugin_is_missed(desk, shops):
    stored, descriptor = plugin()
    manifest = desk.folder / "plugin.yaml"
    manifest.write_text(MANIFEST.replace("DIGEST", descriptor["digest"]).replace("secretName: release", "secretName: other"))
    make_bundle(desk.path, (NAME, stored))
    own = ("-f", manifest, "--trust-root", desk.folder / "root.json", "--single-verifier")
    assert desk.run("bundle", "verify", desk.path, NAME, *own) == 2
    assert "SigningKeyMissing" in desk.out


def test_what_is_attached_is_read_once_for_all_summaries(desk, shops, monkeypatch):
    """Else a bundle of a thousand plugins would read every document a thousand times."""
    from supplychain.carry.plugin_bundle import maker
    from supplychain.carry.protocols import referrer_entry

    read = []

    def noted(document):
        read.append(document.digest)
        return referrer_entry(document)

    monkeypatch.setattr(maker, "referrer_entry", noted)
    assert desk.create(NAME, OTHER, "--sign-key", desk.folder / "verifier.seed") == 0
    assert len(read) == len(set(read)) > 2
