import hashlib
import json
from typing import Any, cast

import jsonschema
import pytest

from supplychain.cli import verify
from supplychain.output.schema import report_schema
from tests.supplychain.cli.conftest import IDENTITY, ISSUER
from tests.support.builders import build_elf, build_package, public_key
from tests.support.scenario import LIBRARY, TAG, provenance_bundle

HASH = hashlib.sha256(LIBRARY).hexdigest()


def test_all_layers_of_a_good_plugin_are_trusted(run, workshop):
    found = run("verify", workshop.layout, "--key", workshop.key, *workshop.keyless, "--output", "json")
    assert found.code == 0
    assert {layer["layer"]: layer["outcome"] for layer in found.report["layers"]} == {
        "pull": "Passed",
        "descriptor": "Passed",
        "ed25519": "Passed",
        "revocation": "NotConfigured",
        "cosign": "Passed",
        "slsa": "Passed",
    }
    assert found.json["verdict"] == "Trusted"
    [root] = found.report["inputs"]["trustRoots"]
    assert (root["source"], root["ageDays"], root["warnings"]) == ("file", None, [])
    for name in ("cosign", "slsa"):
        assert found.layer(name)["facts"]["trustRoot"] == {"name": root["name"], "sha256": root["sha256"]}
    jsonschema.validate(found.json, report_schema())


def test_the_text_report_names_the_trust_root(run, workshop):
    found = run("verify", workshop.layout, "--key", workshop.key, *workshop.keyless)
    assert found.code == 0
    assert "trust root `" in found.out
    assert found.err == ""


def test_equal_input_and_clock_give_equal_bytes(run, workshop):
    flags = ("verify", workshop.layout, "--key", workshop.key, *workshop.keyless, "--output", "json")
    assert run(*flags).out == run(*flags).out


def test_the_embedded_root_says_its_age(run, workshop):
    found = run(
        *("verify", workshop.layout, "--key", workshop.key, "--offline", "--single-verifier", "--output", "json"),
        *("--certificate-identity", "https://github.com/acme", "--certificate-oidc-issuer", ISSUER),
    )
    assert found.code == 1
    [root] = found.report["inputs"]["trustRoots"]
    assert root["source"] == "embedded"
    assert isinstance(root["ageDays"], int)


def test_a_bare_package_is_judged_without_signatures_of_its_manifest(run, workshop):
    assert run("verify", workshop.package, "--key", workshop.key).code == 0
    found = run("verify", workshop.package, "--key", workshop.key, *workshop.keyless, "--output", "json")
    assert found.code == 3
    assert found.layer("cosign")["problem"]["reason"] == "SignatureSourceMissing"


@pytest.mark.parametrize(
    ("flags", "layer", "reason"),
    [
        (("--plugin-id", "dev.other.echo"), "descriptor", "PluginIdMismatch"),
        (("--plugin-version", "1.2.4"), "descriptor", "VersionMismatch"),
        (("--class", "backend"), "descriptor", "PluginClassMismatch"),
        (("--platform", "linux/arm64"), "descriptor", "PlatformMismatch"),
    ],
)
def test_what_was_not_asked_for_is_refused(run, workshop, flags, layer, reason):
    found = run("verify", workshop.layout, "--key", workshop.key, *flags, "--output", "json")
    assert found.code == 1
    assert found.layer(layer)["problem"]["reason"] == reason


def test_a_changed_library_is_refused(run, workshop):
    spoiled = workshop.write("bad.zip", build_package(artifact=build_elf(payload=b"x"), signature=bytes(64)))
    found = run("verify", spoiled, "--key", workshop.key, "--output", "json")
    assert found.code == 1
    assert found.layer("ed25519")["outcome"] == "Refused"


def test_nothing_to_check_the_signature_with_is_a_wrong_request(run, workshop):
    found = run("verify", workshop.package, "--output", "json")
    assert found.code == 2
    assert found.report["error"]["reason"] == "SigningKeyMissing"
    assert found.json["verdict"] == "Invalid"
    jsonschema.validate(found.json, report_schema())


def test_no_target_is_a_wrong_request(run, workshop):
    found = run("verify", "--key", workshop.key, "--output", "json")
    assert found.code == 2
    assert found.report["target"] == "(no target)"


def test_nothing_is_ever_verified_by_accident(run, workshop):
    assert run("verify", "127.0.0.1:1/acme/echo:1").code == 2
    for flags in ((), ("--offline",), ("--quiet",), ("--key", "/dev/null"), ("--save", "x")):
        assert run("verify", workshop.package, *flags).code == 2


# -- several targets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_several_targets_get_a_table_and_the_worst_code(run, workshop, jobs):
    spoiled = workshop.write("bad.zip", build_package(signature=bytes(64)))
    found = run("verify", workshop.package, spoiled, "missing.zip", "oci-layout:nowhere", "--key", workshop.key, "--jobs", jobs)
    assert found.code == 1
    lines = found.out.splitlines()
    assert lines[-1] == "4 targets: 2 invalid, 1 refused, 1 trusted"
    assert [line.split()[0] for line in lines[-5:-1]] == ["TRUSTED", "REFUSED", "INVALID", "INVALID"]


def test_a_wrong_request_is_worse_than_one_that_could_not_be_evaluated(run, workshop):
    plain = f"oci-layout:{workshop.folder / 'layout'}:missing"
    assert run("verify", plain, "--key", workshop.key).code == 3
    assert run("verify", plain, "no reference", workshop.package, "--key", workshop.key).code == 2


def test_quiet_shows_only_what_is_not_trusted(run, workshop):
    assert run("verify", workshop.package, "--key", workshop.key, "--quiet").out == ""
    assert run("verify", "missing.zip", "--key", workshop.key, "--quiet").out.startswith("INVALID")


@pytest.mark.parametrize("jobs", ["0", "65", "x", "-1", "²"])
def test_a_number_of_jobs_is_a_small_number(run, workshop, jobs):
    assert run("verify", workshop.package, "--key", workshop.key, f"--jobs={jobs}").code == 2


def test_a_defect_in_one_target_never_looks_like_a_verdict(run, workshop, monkeypatch):
    def broken(self, asked, *, name):
        raise RuntimeError("boom")

    monkeypatch.setattr(verify._Court, "_verify", broken)
    found = run("verify", workshop.package, workshop.layout, "--key", workshop.key, "--jobs", "2")
    assert found.code == 3
    assert found.out == ""
    assert "internal error" in found.err


# -- revocations -----------------------------------------------------------------------------------------------------------

RESOURCE = """\
apiVersion: mcpg.dev/v1alpha2
kind: MCPGRevocationList
metadata: {name: tenant}
spec: {revocations: [{artifactSha256: %s, reason: leaked key}]}
"""
FILE = {"version": 1, "revocations": [{"artifact_sha256": HASH, "reason": "leaked key"}]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(FILE), id="file form"),
        pytest.param(RESOURCE % HASH, id="resource as YAML"),
        pytest.param(
            json.dumps(
                {
                    "apiVersion": "mcpg.dev/v1alpha2",
                    "kind": "MCPGRevocationList",
                    "metadata": {"name": "x"},
                    "spec": {"revocations": [{"artifactSha256": HASH.upper(), "reason": "leaked key"}]},
                }
            ),
            id="resource as JSON",
        ),
    ],
)
def test_a_revoked_library_is_refused(run, workshop, text):
    found = run("verify", workshop.package, "--key", workshop.key, "--revocations", workshop.write("l", text), "--output", "json")
    assert found.code == 1
    assert found.layer("revocation")["problem"]["reason"] == "ArtefactRevoked"


def test_several_lists_are_one_union(run, workshop):
    empty = workshop.write("empty.json", '{"version": 1}')
    full = workshop.write("full.json", json.dumps(FILE))
    flags = ("verify", workshop.package, "--key", workshop.key, "--revocations", empty)
    assert run(*flags).code == 0
    assert run(*flags, "--revocations", full).code == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "revocations": [{"artifact_sha256": "x"}]}'])
def test_an_unusable_list_never_lets_anything_pass(run, workshop, text):
    found = run("verify", workshop.package, "--key", workshop.key, "--revocations", workshop.write("l.json", text))
    assert found.code in (2, 3)


def test_a_file_without_a_list_is_a_wrong_request(run, workshop):
    other = workshop.write("l.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")
    assert run("verify", workshop.package, "--key", workshop.key, "--revocations", other).code == 2


def test_a_resource_without_a_spec_never_lets_anything_pass_unseen(run, workshop):
    text = "apiVersion: mcpg.dev/v1alpha2\nkind: MCPGRevocationList\nmetadata: {name: tenant}\n"
    found = run("verify", workshop.package, "--key", workshop.key, "--revocations", workshop.write("l.yaml", text))
    assert "tenant" in found.out or found.code != 0


# -- provenance by file ------------------------------------------------------------------------------------------------------


def test_provenance_of_a_file_is_judged(run, workshop):
    file = workshop.write("prov.jsonl", provenance_bundle())
    flags = ("verify", workshop.package, "--key", workshop.key, "--provenance", file, "--source-uri", "github.com/acme/plugins")
    root = ("--trust-root", workshop.folder / "root.json", "--single-verifier")
    assert run(*flags, *root).code == 0
    assert run(*flags, *root, "--source-tag", "v9").code == 1


def test_an_empty_provenance_file_is_refused_by_its_layer(run, workshop):
    found = run(
        *("verify", workshop.package, "--key", workshop.key, "--provenance", workshop.write("p", "\n"), "--output", "json"),
        *("--source-uri", "github.com/acme/plugins", "--trust-root", workshop.folder / "root.json"),
    )
    assert found.code == 1
    assert found.layer("slsa")["problem"]["reason"] == "ProvenanceMissing"


# -- saving ------------------------------------------------------------------------------------------------------------------


def test_the_verified_files_are_saved_under_the_gateways_names(run, workshop):
    found = run("verify", workshop.package, "--key", workshop.key, "--save", "out")
    assert found.code == 0
    out = workshop.folder / "out"
    assert sorted(path.name for path in out.iterdir()) == ["plugin.so", "plugin.so.plugin.yaml", "plugin.so.sig"]
    assert (out / "plugin.so").read_bytes() == LIBRARY


def test_nothing_is_saved_of_what_is_not_trusted(run, workshop):
    found = run("verify", workshop.package, "--key", workshop.key, "--plugin-id", "dev.other", "--save", "out")
    assert (found.code, found.err) == (1, "")
    assert not (workshop.folder / "out").exists()


def test_several_plugins_are_saved_in_folders_of_their_own(run, workshop):
    other = workshop.write("other.zip", build_package(descriptor=_descriptor("dev.acme.other"), artifact=LIBRARY))
    assert run("verify", workshop.package, other, "--key", workshop.key, "--save", "out").code == 0
    assert sorted(path.name for path in (workshop.folder / "out").iterdir()) == ["dev.acme.other", "dev.mcpg.example.echo"]


def test_a_failure_to_save_is_not_a_success(run, workshop):
    found = run("verify", workshop.package, workshop.layout, "--key", workshop.key, "--save", "out", "--output", "json")
    assert found.json["verdict"] == "Trusted"
    assert found.code == 2
    assert found.err.startswith("error: OutputFailed")


def test_a_failure_to_save_does_not_hide_a_refusal(run, workshop):
    spoiled = workshop.write("bad.zip", build_package(signature=bytes(64)))
    assert run("verify", workshop.package, workshop.layout, spoiled, "--key", workshop.key, "--save", "out").code == 1


def _descriptor(plugin_id):
    from tests.support.builders import build_descriptor

    return build_descriptor(id=plugin_id)


# -- manifests -----------------------------------------------------------------------------------------------------------------

MANIFEST = f"""\
apiVersion: mcpg.dev/v1alpha2
kind: MCPGPlugin
metadata: {{name: echo}}
spec:
  pluginId: dev.mcpg.example.echo
  version: 1.2.3
  pluginClass: tool_gate
  oci: {{image: "127.0.0.1:1/acme/echo:{TAG}"}}
  trust:
    signingKeyRef: {{secretName: keys}}
    cosignIdentity:
      certificateIdentityRegexp: '{IDENTITY}'
      oidcIssuer: {ISSUER}
---
apiVersion: v1
kind: Secret
metadata: {{name: keys}}
stringData: {{release.pub: {public_key().hex()}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: other}}
"""
TENANT = RESOURCE % HASH
DEFAULT = TENANT.replace("tenant", "cluster-default")
TRUST = ("--single-verifier", "--output", "json")


def test_a_manifest_says_what_must_be_true_and_a_target_where_it_is_read(run, workshop):
    file = workshop.write("m.yaml", MANIFEST)
    found = run("verify", "-f", file, workshop.layout, "--trust-root", workshop.folder / "root.json", *TRUST)
    assert found.code == 0
    assert found.report["target"] == "MCPGPlugin/echo"
    assert found.layer("cosign")["outcome"] == "Passed"
    assert "Deployment is not used here" in found.err
    assert len(found.json["notes"]) == 1


def test_a_manifest_without_a_target_is_read_where_it_says(run, workshop):
    found = run("verify", "-f", workshop.write("m.yaml", MANIFEST), "--limit-package", "1MiB", *TRUST)
    assert found.code == 3
    assert found.layer("pull")["problem"]["reason"] == "RegistryUnavailable"


def test_the_default_list_of_the_manifests_counts_and_another_one_is_noted(run, workshop):
    file = workshop.write("m.yaml", MANIFEST)
    flags = ("verify", workshop.layout, "--trust-root", workshop.folder / "root.json", *TRUST, "-f", file)
    assert run(*flags, "-f", workshop.write("d.yaml", DEFAULT)).code == 1
    advisory = run(*flags, "-f", workshop.write("t.yaml", TENANT))
    assert advisory.code == 0
    assert any("`tenant`" in note for note in advisory.json["notes"])


def test_a_manifest_that_is_wrong_is_explained_for_each_plugin(run, workshop):
    second = MANIFEST.partition("---")[0].replace("name: echo}", "name: two}").replace("keys", "none")
    both = MANIFEST.replace("1.2.3\n", "one\n", 1) + "---\n" + second
    found = run("verify", "-f", workshop.write("m.yaml", both), "--output", "json")
    assert found.code == 2
    assert [one["error"]["reason"] for one in found.json["reports"]] == ["InvalidManifest", "SigningKeyMissing"]


def test_a_manifest_can_come_by_standard_input(run, workshop, monkeypatch):
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MANIFEST.encode())))
    found = run("verify", "-f", "-", workshop.layout, "--trust-root", workshop.folder / "root.json", *TRUST)
    assert found.code == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        pytest.param(("--plugin-id", "a.b"), "`--plugin-id`", id="id"),
        pytest.param(("--plugin-version", "1.0.0"), "`--plugin-version`", id="version"),
        pytest.param(("--class", "cache"), "`--class`", id="class"),
        pytest.param(("--key", "release.pub"), "contradicts", id="key"),
        pytest.param(("--certificate-identity", "https://a", "--certificate-oidc-issuer", "b"), "contradicts", id="identity"),
        pytest.param(("a.zip", "b.zip"), "one MCPGPlugin", id="two targets"),
        pytest.param(("--mirror-endpoint", "nowhere"), "NAME=HOST", id="mirror without host"),
        pytest.param(("--mirror-endpoint", "a=b", "--mirror-endpoint", "a=c"), "each name once", id="mirror twice"),
        pytest.param(("--mirror-endpoint", "m=localhost:2"), "no mirror is called `m`", id="endpoint of no mirror"),
        pytest.param(("--source-tag", "v1"), "--source-uri", id="stray tag"),
    ],
)
def test_flags_never_override_a_manifest(run, workshop, flags, words):
    found = run("verify", "-f", workshop.write("m.yaml", MANIFEST), *flags)
    assert found.code == 2
    assert words in found.out


def test_a_mirror_endpoint_is_used(run, workshop):
    text = MANIFEST.replace("oci: {image:", "oci: {mirrorRef: {name: m}, image:") + (
        "---\napiVersion: mcpg.dev/v1alpha2\nkind: MCPGPluginMirror\nmetadata: {name: m}\nspec:\n"
        "  endpoint: {service: {namespace: oci, name: reg, port: 5000}}\n"
        "  upstream: {registry: '127.0.0.1:1', namespace: acme}\n"
    )
    found = run("verify", "-f", workshop.write("m.yaml", text), "--mirror-endpoint", "m=localhost:2", *TRUST)
    assert found.code == 3
    assert "localhost:2/v2/echo" in found.layer("pull")["problem"]["where"]


def test_a_manifest_without_a_plugin_verifies_nothing(run, workshop):
    assert run("verify", "-f", workshop.write("m.yaml", DEFAULT)).code == 2
    assert run("verify", "-f", workshop.write("m.yaml", "")).code == 2


def test_verbose_shows_facts_and_logs_beside_the_report(run, workshop):
    found = run("verify", workshop.layout, "--key", workshop.key, *workshop.keyless, "--verbose")
    assert found.code == 0
    assert "certificateSha256:" in found.out
    assert "DEBUG" not in found.out


def test_an_anonymous_pull_is_noted(run, workshop, monkeypatch):
    from supplychain.cli.sources import Sources

    monkeypatch.setattr(Sources, "warnings", lambda self: ("no credentials for `h`",))
    found = run("verify", workshop.package, "--key", workshop.key)
    assert found.err == "note: no credentials for `h`\n"


def pinned(workshop, digest):
    return workshop.write("pinned.yaml", MANIFEST.replace(f"echo:{TAG}", f"echo:{TAG}@{digest}"))


def test_a_pin_of_the_manifest_holds_wherever_it_is_read(run, workshop):
    flags = (workshop.layout, "--trust-root", workshop.folder / "root.json", *TRUST)
    assert run("verify", "-f", pinned(workshop, workshop.digest), *flags).code == 0
    found = run("verify", "-f", pinned(workshop, f"sha256:{'0' * 64}"), *flags)
    assert found.code == 1
    assert found.layer("pull")["problem"]["reason"] == "DigestMismatch"
    assert found.layer("descriptor")["outcome"] == "NotReached"


def test_a_bare_package_cannot_show_that_it_is_the_pinned_manifest(run, workshop):
    found = run("verify", "-f", pinned(workshop, workshop.digest), workshop.package, *TRUST)
    assert found.code == 3
    assert found.layer("pull")["problem"]["reason"] == "SignatureSourceMissing"


@pytest.mark.parametrize("tag", ["1.2.4-linux-amd64", "v1.2.4"])
def test_the_tag_of_the_manifest_counts_wherever_it_is_read(run, workshop, tag):
    file = workshop.write("m.yaml", MANIFEST.replace(TAG, tag))
    found = run("verify", "-f", file, workshop.layout, *TRUST)
    assert found.code == 1
    assert found.layer("descriptor")["problem"]["reason"] == "VersionMismatch"


def test_the_tag_of_the_place_counts_too(run, workshop):
    run("push", "echo.zip", "oci-layout:newer:1.2.4")
    found = run("verify", "-f", workshop.write("m.yaml", MANIFEST), "oci-layout:newer:1.2.4", *TRUST)
    assert found.code == 1
    assert found.layer("descriptor")["problem"]["reason"] == "VersionMismatch"


def test_no_packet_goes_upstream_when_a_mirror_is_named(workshop):
    from supplychain.cli.main import build_parser
    from supplychain.cli.request import plan

    text = MANIFEST.replace("oci: {image:", "oci: {mirrorRef: {name: m}, image:").replace("127.0.0.1:1/", "ghcr.io/") + (
        "---\napiVersion: mcpg.dev/v1alpha2\nkind: MCPGPluginMirror\nmetadata: {name: m}\nspec:\n"
        "  endpoint: {service: {namespace: oci, name: reg, port: 5000}}\n  upstream: {registry: ghcr.io, namespace: acme}\n"
    )
    [question] = plan(build_parser().parse_args(["verify", "-f", str(workshop.write("m.yaml", text))])).questions
    target = cast("Any", question.asked).target
    assert target.avoid == {"ghcr.io"}
    assert target.anonymous is True
    assert target.reference.registry == "reg.oci.svc.cluster.local:5000"


def test_without_a_mirror_nothing_is_avoided(workshop):
    from supplychain.cli.main import build_parser
    from supplychain.cli.request import plan

    [question] = plan(build_parser().parse_args(["verify", "-f", str(workshop.write("m.yaml", MANIFEST))])).questions
    assert cast("Any", question.asked).target.avoid == frozenset()


@pytest.mark.parametrize("flag", ["--plugin-id", "--plugin-version", "--class", "--save", "--certificate-identity"])
@pytest.mark.parametrize("value", ["", " "])
def test_a_blank_flag_is_a_wrong_request_and_not_an_absent_one(run, workshop, flag, value):
    found = run("verify", workshop.layout, "--key", workshop.key, flag, value)
    assert found.code == 2
    assert f"`{flag}` is blank" in found.out


@pytest.mark.parametrize("flag", ["--source-tag", "--source-branch", "--source-versioned-tag", "--provenance", "--builder-id"])
def test_an_empty_provenance_flag_without_its_source_is_not_ignored(run, workshop, flag):
    found = run("verify", workshop.layout, "--key", workshop.key, flag, "")
    assert found.code == 2
    assert f"`{flag}` has no effect here" in found.out


@pytest.mark.parametrize("flag", ["--source-uri", "--source-tag", "--source-branch", "--source-versioned-tag"])
def test_a_blank_source_is_a_wrong_request(run, workshop, flag):
    found = run("verify", workshop.layout, "--key", workshop.key, "--source-uri", "github.com/a/b", flag, " ")
    assert found.code == 2
    assert "is blank" in found.out


@pytest.mark.parametrize("flags", [("--namespace", "mcpg"), ("--mirror-endpoint", "harbor=localhost:1")])
def test_flags_about_manifests_need_one(run, workshop, flags):
    found = run("verify", workshop.layout, "--key", workshop.key, *flags)
    assert found.code == 2
    assert f"`{flags[0]}` has no effect here" in found.out


def test_a_report_of_what_could_not_be_saved_carries_the_exit_code_of_the_call(run, workshop):
    occupied = workshop.write("occupied", "")
    found = run("verify", workshop.layout, "--key", workshop.key, "--save", occupied, "--output", "json")
    assert (found.code, found.json["exitCode"], found.report["verdict"]) == (2, 2, "Trusted")
    assert found.json["notes"][0].startswith("not done: ")
    jsonschema.validate(found.json, report_schema())


def test_a_version_that_nothing_shows_is_told(run, workshop):
    found = run("verify", workshop.package, "--key", workshop.key, "--plugin-version", "9.9.9", "--output", "json")
    assert found.code == 0
    assert "nothing shows that this is version `9.9.9`: there is no tag" in found.layer("descriptor")["warnings"][-1]
    found = run("verify", workshop.layout, "--key", workshop.key, "--plugin-version", "1.2.3", "--output", "json")
    assert not any("nothing shows" in warning for warning in found.layer("descriptor")["warnings"])


@pytest.mark.parametrize("spec", ["null", "[]", "''", "[{artifactSha256: x}]"])
def test_a_revocation_resource_in_a_file_of_its_own_without_a_usable_spec_is_no_empty_list(run, workshop, spec):
    text = f"apiVersion: mcpg.dev/v1alpha2\nkind: MCPGRevocationList\nmetadata: {{name: more}}\nspec: {spec}\n"
    found = run("verify", workshop.layout, "--key", workshop.key, "--revocations", workshop.write("list.yaml", text))
    assert found.code == 2
    assert "field `spec`" in found.out


def test_a_revocation_file_that_begins_with_a_byte_order_mark_is_told_as_the_list_it_is(run, workshop):
    text = b'\xef\xbb\xbf{"version": 1, "revocations": []}'
    flags = ("--revocations", workshop.write("list.json", text), "--output", "json")
    found = run("verify", workshop.layout, "--key", workshop.key, *flags)
    assert found.code == 3
    assert found.layer("revocation")["problem"]["reason"] == "RevocationListInvalid"
