"""`supplychain diff`: one pull, two judgements, and what a change of policy, key, root or list would do."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from supplychain.digest import ArtifactHash
from supplychain.output.change_schemas import diff_schema
from tests.supplychain.cli.conftest import IDENTITY, ISSUER
from tests.support.builders import build_package, public_key
from tests.support.scenario import LIBRARY, TAG

HASH = ArtifactHash.of(LIBRARY).hex
OTHER_KEY = public_key(seed=b"another seed of thirty-two bytes")


def plugin(name="echo", *, image=f"127.0.0.1:1/acme/echo:{TAG}", identity=IDENTITY, version="1.2.3", keys="keys"):
    cosign = ""
    if identity:
        cosign = f"    cosignIdentity: {{certificateIdentityRegexp: '{identity}', oidcIssuer: {ISSUER}}}\n"
    return (
        f"apiVersion: mcpg.dev/v1alpha2\nkind: MCPGPlugin\nmetadata: {{name: {name}}}\n"
        f"spec:\n  pluginId: dev.mcpg.example.echo\n  version: {version}\n  pluginClass: tool_gate\n"
        f"  oci: {{image: '{image}'}}\n"
        f"  trust:\n    signingKeyRef: {{secretName: {keys}}}\n{cosign}---\n"
    )


def secret(key=None, name="keys"):
    text = (public_key() if key is None else key).hex()
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{release.pub: {text}}}\n---\n"


@pytest.fixture
def files(workshop):
    workshop.write("secret.yaml", secret())
    workshop.write("old.yaml", plugin())
    workshop.write("new.yaml", plugin(identity=IDENTITY.replace("v1", "v2")))
    workshop.write("plain.yaml", plugin(identity=None))
    workshop.write("other.pub", OTHER_KEY)
    workshop.write("copy.pub", public_key())
    workshop.write("empty.json", '{"version": 1, "revocations": []}')
    workshop.write("list.json", f'{{"version": 1, "revocations": [{{"artifact_sha256": "{HASH}", "reason": "stolen"}}]}}')
    workshop.write("broken.json", '{"version": 1, "revocations": [{}]}')
    return workshop


@pytest.fixture
def diff(run, files):
    def call(*words):
        root = () if "--trust-root" in words or words == ("x.zip",) else ("--trust-root", "root.json", "root.json")
        found = run("diff", *words, *root, "--single-verifier")
        if "json" in words and found.out:
            jsonschema.Draft202012Validator(diff_schema()).validate(found.json)
        return found

    return call


ROOT = ("--policy", "old.yaml", "new.yaml", "-f", "secret.yaml")


def test_another_identity_changes_the_verdict_and_says_why(diff, files):
    found = diff(*ROOT, files.layout)
    assert found.code == 1
    assert "CHANGES  Trusted → Refused  MCPGPlugin/echo" in found.out
    assert "cosign       Passed → Refused" in found.out
    assert "new: IdentityMismatch" in found.out
    assert found.out.endswith("1 compared: 0 same, 1 changes, 0 unknown\n")


def test_the_same_policy_changes_nothing(diff, files):
    found = diff("--policy", "old.yaml", "old.yaml", "-f", "secret.yaml", files.layout)
    assert (found.code, found.out.splitlines()) == (
        0,
        [f"SAME     Trusted  MCPGPlugin/echo ({files.layout})", "1 compared: 1 same, 0 changes, 0 unknown"],
    )
    assert diff("--policy", "old.yaml", "old.yaml", "-f", "secret.yaml", files.layout, "-q").out == ""


def test_a_layer_that_is_no_longer_asked_for_is_said_though_the_verdict_stays(diff, files):
    found = diff("--policy", "old.yaml", "plain.yaml", "-f", "secret.yaml", files.layout, "--output", "json")
    assert found.code == 0
    [target] = found.json["targets"]
    assert (found.json["schema"], found.json["exitCode"]) == ("mcpg.dev/supplychain-diff/v1", 0)
    assert found.json["counts"] == {"same": 1, "changes": 0, "unknown": 0}
    assert target["change"] == "same"
    [layer] = target["layers"]
    assert (layer["layer"], layer["why"]) == ("cosign", ["the new policy does not ask for it"])
    assert (layer["old"]["outcome"], layer["new"]["outcome"]) == ("Passed", "NotConfigured")
    assert target["old"]["verdict"] == target["new"]["verdict"] == "Trusted"
    assert target["old"]["inputs"]["trustRoots"]


def test_a_list_against_none_shows_what_it_would_take_away(diff, files):
    found = diff(files.layout, "--key", "release.pub", "release.pub", "--revocations", "none", "list.json")
    assert found.code == 1
    assert "revocation   NotConfigured → Refused" in found.out
    assert "ArtefactRevoked" in found.out
    lines = diff(files.layout, "--key", "release.pub", "release.pub", "--revocations", "none", "empty.json")
    assert (lines.code, "the old policy does not ask for it" in lines.out) == (0, True)


def test_a_key_that_is_exchanged(diff, files):
    found = diff(files.layout, files.package, "--key", "release.pub", "other.pub", "--output", "json")
    assert found.code == 1
    assert [one["new"]["reason"] for one in found.json["targets"]] == ["SignatureInvalid"] * 2
    assert [one["change"] for one in found.json["targets"]] == ["changes"] * 2
    files.write("third.pub", public_key(seed=b"a third seed of thirty-two bytes"))
    more = diff(files.layout, "--key", "release.pub", "third.pub", "--key", "other.pub", "release.pub")
    assert (more.code, more.out.splitlines()[0][:16]) == (0, "SAME     Trusted")
    named = diff(files.layout, "--key", "release.pub", "copy.pub")
    assert "ed25519      Passed, by other grounds" in named.out
    assert "key: `release.pub` → `copy.pub`" in named.out


def test_a_root_that_is_exchanged(diff, files):
    from tests.support.virtual_sigstore import VirtualSigstore

    files.write("strange.json", VirtualSigstore(seed=b"strange").trusted_root())
    flags = ("--trust-root", "root.json", "strange.json")
    found = diff("--policy", "old.yaml", "old.yaml", "-f", "secret.yaml", files.layout, *flags)
    assert (found.code, "cosign       Passed → Refused" in found.out) == (1, True)


def test_a_list_that_cannot_be_read_changes_nothing_for_certain(diff, files):
    found = diff(files.layout, "--key", "release.pub", "release.pub", "--revocations", "empty.json", "broken.json")
    assert (found.code, found.out.startswith("UNKNOWN  Trusted → Unavailable")) == (3, True)
    assert "new: RevocationListInvalid" in found.out


def test_each_target_is_pulled_once(diff, files, monkeypatch):
    from supplychain.mirror.layout import LayoutSource

    pulls = []
    pull = LayoutSource.pull

    def counted(self, **named):
        pulls.append(1)
        return pull(self, **named)

    monkeypatch.setattr(LayoutSource, "pull", counted)
    assert diff(*ROOT, files.layout).code == 1
    assert len(pulls) == 1


def test_a_plugin_that_only_one_side_has(diff, files):
    files.write("two.yaml", plugin() + plugin("audit", image="127.0.0.1:1/acme/audit:1.0.0", version="1.0.0"))
    found = diff("--policy", "old.yaml", "two.yaml", "-f", "secret.yaml", "--output", "json", "--jobs", "2")
    names = [(one["target"], one["old"] is None, one["new"] is None) for one in found.json["targets"]]
    assert names == [("MCPGPlugin/echo", False, False), ("MCPGPlugin/audit", True, False)]
    assert found.code == 3
    text = diff("--policy", "two.yaml", "old.yaml", "-f", "secret.yaml")
    assert "Unavailable → (not there)  MCPGPlugin/audit" in text.out
    assert text.code == 3


def test_of_several_plugins_a_target_is_the_one_of_its_repository(diff, files, monkeypatch):
    files.write("two.yaml", plugin() + plugin("audit", image="127.0.0.1:1/acme/audit:1.0.0", version="1.0.0"))
    found = diff("--policy", "two.yaml", "two.yaml", "-f", "secret.yaml", "127.0.0.1:1/acme/audit:2.0.0")
    assert found.code == 3
    assert "MCPGPlugin/audit (127.0.0.1:1/acme/audit:2.0.0)" in found.out
    nobody = diff("--policy", "two.yaml", "two.yaml", "-f", "secret.yaml", files.layout)
    assert (nobody.code, "nothing says which plugin of the manifests this is" in nobody.err) == (2, True)
    files.write("both.yaml", plugin() + plugin("again"))
    twice = diff("--policy", "both.yaml", "both.yaml", "-f", "secret.yaml", f"127.0.0.1:1/acme/echo:{TAG}")
    assert (twice.code, "several plugins of the manifests are this" in twice.err) == (2, True)


def test_a_policy_that_is_wrong_for_one_plugin_is_invalid_there(diff, files):
    files.write("wrong.yaml", plugin(keys="nobody") + plugin("audit", image="127.0.0.1:1/acme/audit:1.0.0", version="1.0.0"))
    found = diff("--policy", "wrong.yaml", "wrong.yaml", "-f", "secret.yaml", "127.0.0.1:1/acme/audit:1.0.0")
    assert found.code == 3
    one = diff("--policy", "old.yaml", "old.yaml", files.layout)
    assert one.code == 2
    assert "old request  SigningKeyMissing" in one.out
    report = diff("--policy", "old.yaml", "old.yaml", files.layout, "--output", "json").json["targets"][0]
    assert report["old"]["error"]["reason"] == "SigningKeyMissing"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("x.zip",), "nothing is exchanged"),
        (("x.zip", "--key", "release.pub"), "expected 2 arguments"),
        (("--policy", "old.yaml", "secret.yaml"), "no MCPGPlugin among the documents"),
        (("--key", "release.pub", "release.pub"), "nothing to verify"),
        (("x.zip", "--key", "missing.pub", "release.pub"), "cannot read file"),
        (("x.zip", "--key", "release.pub", "release.pub", "--max-age", "soon"), "no duration"),
        (("x.zip", "--key", "release.pub", "release.pub", "--jobs", "0"), "no number of jobs"),
        (("UPPER", "--policy", "old.yaml", "new.yaml", "-f", "secret.yaml"), "InvalidReference"),
    ],
)
def test_a_wrong_request_is_2_before_anything_is_pulled(diff, words, said):
    found = diff(*words)
    assert (found.code, said in found.err) == (2, True), found.err


def test_the_budget_counts_for_both_sides(diff, files):
    flags = (files.layout, "--key", "release.pub", "release.pub", "--revocations", "empty.json", "list.json", "--max-age", "90d")
    found = diff(*flags)
    assert (found.code, "old: RevocationListStale" in found.out) == (3, True)


def test_the_report_can_go_to_a_file(diff, files):
    found = diff(*ROOT, files.layout, "--output-file", "report.txt")
    assert (found.code, found.out) == (1, "1 compared: 0 same, 1 changes, 0 unknown, text report in report.txt\n")
    assert "CHANGES" in (files.folder / "report.txt").read_text()


def test_what_a_stranger_wrote_drives_no_terminal(diff, files):
    files.package.write_bytes(build_package(artifact=LIBRARY, signature=b"x" * 64))
    files.write("list.json", f'{{"version": 1, "revocations": [{{"artifact_sha256": "{HASH}", "reason": "\\u001b[31m"}}]}}')
    found = diff(files.layout, "--key", "release.pub", "release.pub", "--revocations", "none", "list.json")
    assert "\x1b[31m" not in found.out


def test_notes_and_warnings_are_said_once(diff, files):
    files.write("more.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}\n")
    found = diff(*ROOT, files.layout, "-f", "more.yaml")
    assert found.err.count("Deployment is not used here") == 1
    old = diff(*ROOT, files.layout, "--trust-root", "public-good", "public-good", "--offline")
    assert old.err.count("trust root") <= 2


def _question(name, image):
    from supplychain.artifact import Platform
    from supplychain.cli.request import Asked, Question
    from supplychain.cli.sources import RegistryTarget
    from supplychain.policy import TrustPolicy, VerificationRequest
    from supplychain.reference import OciReference

    reference = OciReference.parse(image)
    request = VerificationRequest(target=name, policy=TrustPolicy(keys=()), platform=Platform())
    return Question(name=name, asked=Asked(target=RegistryTarget(reference=reference), request=request, upstream=reference))


def test_a_whole_bundle_holds_every_plugin_under_its_upstream_name():
    from dataclasses import replace

    from supplychain.cli.diff_targets import aimed
    from supplychain.errors import InvalidPolicyError, SigningKeyMissingError

    good, other = _question("one", "a.example/x:1"), _question("two", "a.example/y:1")
    wrong = replace(_question("wrong", "a.example/z:1"), asked=SigningKeyMissingError("no key"))
    found: Any = aimed([good, other, wrong], ["bundle:all.mcpg.tar.zst"])
    assert [one.name for one in found] == ["one (bundle:all.mcpg.tar.zst)", "two (bundle:all.mcpg.tar.zst)", "wrong"]
    assert found[0].asked.target.wanted == "a.example/x:1"
    assert str(found[0].asked.named) == "a.example/x:1"
    single: Any
    [single] = aimed([good, other, wrong], ["bundle:all.mcpg.tar.zst:a.example/y:2"])
    assert (single.name, single.asked.target.wanted) == ("two (bundle:all.mcpg.tar.zst:a.example/y:2)", "a.example/y:2")
    with pytest.raises(InvalidPolicyError, match="nothing says which"):
        aimed([good, other], ["bundle:all.mcpg.tar.zst:sha256:" + "0" * 64])
    only: Any
    [only] = aimed([good], ["bundle:all.mcpg.tar.zst"])
    assert only.asked.target.wanted is None


def test_the_schema_is_printed(run):
    assert json.loads(run("report-schema", "diff").out) == diff_schema()
    jsonschema.Draft202012Validator.check_schema(diff_schema())
