"""`supplychain revoke`: what it reaches is shown first, one entry is written or nothing at all."""

from __future__ import annotations

import io
import json
import sys

import jsonschema
import pytest

from supplychain.digest import ArtifactHash
from supplychain.output.change_schemas import revoke_schema
from tests.support.scenario import LIBRARY, TAG

HASH = ArtifactHash.of(LIBRARY)
A = "a" * 64
RESOURCE = f"""\
# who may be let in
apiVersion: mcpg.dev/v1alpha2
kind: MCPGRevocationList
metadata: {{name: cluster-default}}
spec:
  revocations:
    - artifactSha256: {A}   # the first one
      reason: x
# the end
"""
CLUSTER = f"""\
apiVersion: v1
kind: List
items:
- apiVersion: mcpg.dev/v1alpha2
  kind: MCPGPlugin
  metadata: {{name: echo}}
  spec: {{pluginClass: tool_gate, oci: {{image: "ghcr.io/acme/echo:1.2.3"}}}}
  status: {{resolvedDigest: {HASH.hex}}}
- apiVersion: mcpg.dev/v1alpha2
  kind: MCPGPlugin
  metadata: {{name: other}}
  spec: {{pluginClass: transport, oci: {{image: "ghcr.io/acme/other:1.2.3"}}}}
- apiVersion: mcpg.dev/v1alpha2
  kind: MCPGPluginSet
  metadata: {{name: default, namespace: team}}
  spec: {{entries: [{{id: dev.x.echo, pluginRef: {{name: echo}}}}]}}
- apiVersion: mcpg.dev/v1alpha2
  kind: MCPGGateway
  metadata: {{name: gw, namespace: team}}
  spec: {{pluginSetRef: {{name: default}}}}
- apiVersion: mcpg.dev/v1alpha2
  kind: MCPGGateway
  metadata: {{name: brave, namespace: team, annotations: {{mcpg.dev/on-revoked: continue}}}}
  spec: {{pluginSetRef: {{name: default}}}}
"""


@pytest.fixture
def files(workshop):
    workshop.write("list.json", '{\n  "version": 1,\n  "revocations": []\n}\n')
    workshop.write("list.yaml", RESOURCE)
    workshop.write("cluster.yaml", CLUSTER)
    return workshop


@pytest.fixture
def revoke(run, files):
    def call(*words, reason="CVE-2026-0001", where="list.yaml"):
        found = run("revoke", *words, "--reason", reason, "--list", where)
        if "json" in words and found.out:
            jsonschema.Draft202012Validator(revoke_schema()).validate(found.json)
        return found

    return call


def answer(monkeypatch, text):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(text))


def test_the_radius_is_shown_and_the_entry_written(run, revoke, files):
    found = revoke(HASH, "-f", "cluster.yaml", "--yes")
    assert found.code == 0
    assert found.out.splitlines() == [
        f"artifact {HASH}",
        "plugins: 1 of 2",
        "  echo  tool_gate  (its status says so, which is a hint)",
        "  not known of 1, whose status names no artifact: other",
        "sets: 1",
        "  team/default  loses echo",
        "gateways: 2, of which 1 scale to zero",
        "  team/gw  SCALES TO ZERO: set `default`, plugin `echo`, which guards it",
        "  team/brave  rolls without it: set `default`, plugin `echo`, which guards it; annotation `mcpg.dev/on-revoked: continue`",
        "written into list.yaml; it counts when it is applied: kubectl apply -f list.yaml",
    ]
    text = (files.folder / "list.yaml").read_text()
    added = f'    - artifactSha256: "{HASH.hex}"\n      reason: "CVE-2026-0001"\n      revokedAt: "2025-07-01T09:30:00Z"\n'
    assert text == RESOURCE.replace("# the end", f"{added}# the end")
    verdict = run("verify", files.layout, "--key", files.key, "--revocations", files.folder / "list.yaml")
    assert (verdict.code, "ArtefactRevoked: " in verdict.out) == (1, True)


def test_a_list_of_its_own_form_takes_it_too(revoke, files):
    found = revoke(f"{HASH.hex.upper()}", "--yes", where="list.json")
    assert (found.code, found.out.splitlines()[-1]) == (0, "written into list.json")
    assert "what uses it is not known" in found.out
    [entry] = json.loads((files.folder / "list.json").read_text())["revocations"]
    assert entry == {"artifact_sha256": HASH.hex, "reason": "CVE-2026-0001", "revoked_at": "2025-07-01T09:30:00Z"}


def test_the_hash_is_made_of_whatever_holds_the_artifact(revoke, files):
    for target in (files.layout, files.package, files.folder / "plugin.so"):
        found = revoke(target, files.layout, "--dry-run")
        assert found.code == 0
        assert found.out.startswith(f"artifact {HASH}\n  is the artifact")
        assert found.out.endswith("nothing was written (--dry-run)\n")
    assert (files.folder / "list.yaml").read_text() == RESOURCE


def test_sources_say_whether_they_are_it(revoke, files):
    found = revoke(A.replace("a", "c"), files.layout, "--dry-run")
    assert f"is another one   {files.layout} ({HASH})" in found.out


def test_what_is_on_the_list_is_said_to_be_since_when(revoke, files):
    assert revoke(HASH, "--yes").code == 0
    before = (files.folder / "list.yaml").read_bytes()
    again = revoke(HASH, "--yes", reason="another")
    assert (again.code, again.out.splitlines()[-1]) == (
        0,
        "already revoked since 2025-07-01T09:30:00Z: CVE-2026-0001; list.yaml stays as it is",
    )
    assert revoke(A, "--dry-run").out.endswith("already revoked: x; list.yaml stays as it is\n")
    assert (files.folder / "list.yaml").read_bytes() == before


@pytest.mark.parametrize("said", ["y\n", "Yes\n", "n\n", "\n", ""])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_person_is_asked_after_the_radius_was_shown(revoke, files, monkeypatch, said, form):
    code = 0 if said.strip().lower() in {"y", "yes"} else 1
    answer(monkeypatch, said)
    found = revoke(HASH, "-f", "cluster.yaml", "--output", form)
    assert found.code == code
    assert "write it into list.yaml? [y/N] " in found.err
    assert "SCALES TO ZERO" in (found.out if form == "text" else found.err)
    assert (HASH.hex in (files.folder / "list.yaml").read_text()) is (code == 0)
    if form == "json":
        assert found.json["state"] == ("written" if code == 0 else "declined")
    else:
        assert found.out.splitlines()[-1].startswith("written" if code == 0 else "nothing was written")


def test_json_says_everything(revoke, files):
    found = revoke(HASH, files.layout, "-f", "cluster.yaml", "--dry-run", "--output", "json").json
    assert (found["schema"], found["state"], found["already"]) == ("mcpg.dev/supplychain-revoke/v1", "dry-run", None)
    assert found["artifactSha256"] == HASH.hex
    assert found["list"] == {"file": "list.yaml", "name": "cluster-default", "problems": []}
    assert found["plugins"] == [{"name": "echo", "class": "tool_gate", "ground": "status"}]
    assert found["unknown"] == ["other"]
    assert found["sets"] == [{"namespace": "team", "name": "default", "plugins": ["echo"]}]
    assert [(one["name"], one["effect"]) for one in found["gateways"]] == [("gw", "stops"), ("brave", "continues")]
    assert found["read"] == {files.layout: HASH.hex}
    assert revoke(A, "--dry-run", "--output", "json").json["already"] == {"reason": "x", "revokedAt": None}


def test_another_list_reaches_the_gateways_that_name_it(revoke, files):
    files.write("list.yaml", RESOURCE.replace("cluster-default", "extra"))
    assert "gateways: 0" in revoke(HASH, "-f", "cluster.yaml", "--dry-run").out


def test_nothing_is_said_of_unknown_plugins_where_there_are_none(revoke, files):
    files.write(
        "cluster.yaml", CLUSTER.partition("- apiVersion: mcpg.dev/v1alpha2\n  kind: MCPGPlugin\n  metadata: {name: other}")[0]
    )
    found = revoke(HASH, "-f", "cluster.yaml", "--dry-run")
    assert ("plugins: 1 of 1" in found.out, "not known" in found.out) == (True, False)


def test_many_unknown_plugins_are_counted(revoke, files):
    one = "---\napiVersion: mcpg.dev/v1alpha2\nkind: MCPGPlugin\nmetadata: {name: p%d}\nspec: {}\n"
    files.write("cluster.yaml", "".join(one % number for number in range(25)))
    found = revoke(HASH, "-f", "cluster.yaml", "--dry-run")
    assert "not known of 25, whose status names no artifact: p0, p1," in found.out
    assert "p19 and 5 more" in found.out


def test_a_list_with_bad_entries_takes_it_and_says_so(revoke, files):
    files.write("list.yaml", RESOURCE.replace("# the end", "    - nonsense"))
    found = revoke(HASH, "--yes")
    assert (found.code, "`revocations[1]` is not a mapping" in found.err) == (0, True)


def test_of_several_lists_one_must_be_named(revoke, files):
    files.write("list.yaml", RESOURCE + "---\n" + RESOURCE.replace("cluster-default", "extra"))
    assert revoke(HASH, "--yes").code == 2
    assert revoke(HASH, "--yes", "--list-name", "extra").code == 0


def test_an_object_that_is_none_is_noted(revoke, files):
    files.write("cluster.yaml", CLUSTER + "---\n- 7\n")
    found = revoke(HASH, "-f", "cluster.yaml", "--dry-run")
    assert (found.code, "this is no Kubernetes object" in found.err) == (0, True)


@pytest.mark.parametrize(
    ("words", "changes", "said"),
    [
        ((HASH, "--yes"), {"reason": " "}, "no usable reason"),
        ((HASH, "--yes"), {"reason": "two\nlines"}, "no usable reason"),
        ((HASH, "--yes"), {"reason": "\x1b[31m"}, "no usable reason"),
        ((HASH, "--yes"), {"reason": "x" * 1025}, "no usable reason"),
        ((HASH,), {}, "nobody can be asked"),
        ((HASH, "-f", "-"), {}, "nobody can be asked"),
        ((HASH, "--yes"), {"where": "missing.yaml"}, "cannot read file"),
        ((HASH, "--yes"), {"where": "."}, "cannot read file"),
        ((HASH, "--yes"), {"where": "cluster.yaml"}, "does not say which revocation list"),
        ((HASH, "--yes"), {"where": "release.pub"}, "InvalidManifest"),
        ((HASH, "--yes"), {"where": "echo.zip"}, "InvalidManifest"),
        (("abc", "--yes"), {}, "InvalidReference"),
        (("missing.zip", "--yes"), {}, "cannot read file"),
        (("missing.so", "--yes"), {}, "cannot read file"),
        ((HASH, "-f", "echo.zip", "--yes"), {}, "the file cannot be used"),
        ((HASH, "--yes", "--list-name", "nobody"), {}, "does not say which revocation list"),
    ],
)
def test_a_wrong_request_writes_nothing(revoke, files, words, changes, said):
    found = revoke(*words, **changes)
    assert (found.code, said in found.err) == (2, True), found.err
    assert (files.folder / "list.yaml").read_text() == RESOURCE


def test_a_target_out_of_reach_is_3_and_writes_nothing(revoke, files):
    assert revoke("127.0.0.1:1/acme/echo:1", "--yes").code == 3
    assert (files.folder / "list.yaml").read_text() == RESOURCE


def test_a_target_without_a_plugin_is_1(revoke, files):
    files.write("bad.zip", b"PK")
    assert revoke("bad.zip", "--yes").code == 1


def test_a_read_only_list_stays_as_it_is(revoke, files):
    (files.folder / "list.yaml").chmod(0o444)
    found = revoke(HASH, "--yes")
    assert (found.code, "read-only" in found.err) == (2, True)
    assert (files.folder / "list.yaml").read_text() == RESOURCE


def test_a_list_that_changes_while_the_person_thinks_stays_as_it_is(revoke, files, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

        def readline(self, *_):
            files.write("list.yaml", RESOURCE + "# mine\n")
            return "y\n"

    monkeypatch.setattr(sys, "stdin", Terminal())
    found = revoke(HASH)
    assert (found.code, "changed while it was looked at" in found.err) == (2, True)
    assert (files.folder / "list.yaml").read_text() == RESOURCE + "# mine\n"


def test_a_layout_that_cannot_be_added_to_says_what_to_write(revoke, files):
    files.write("list.yaml", RESOURCE.replace("revocations:", "revocations: &all") + "status: {x: *all}\n")
    found = revoke(HASH, "--yes")
    assert (found.code, "without disturbing the rest" in found.err) == (2, True)
    assert f'write it there by hand: {{"artifactSha256": "{HASH.hex}"' in found.err


def test_names_of_strangers_drive_no_terminal(revoke, files):
    files.write("cluster.yaml", CLUSTER.replace("name: echo}\n", 'name: "\\u001b[31m"}\n', 1))
    assert "\x1b[31m" not in revoke(HASH, "-f", "cluster.yaml", "--dry-run").out


def test_the_schema_is_printed(run):
    assert json.loads(run("report-schema", "revoke").out) == revoke_schema()
    jsonschema.Draft202012Validator.check_schema(revoke_schema())


def test_of_an_index_one_platform_is_revoked_and_that_is_said(revoke, files):
    """The artifact of another platform is another one; it would go on running."""
    from tests.support.bundling import make_bundle
    from tests.support.carrying import plugin_index

    path = make_bundle(files.folder / "two.mcpg.tar.zst", (f"ghcr.io/acme/echo:{TAG}", plugin_index()[0]))
    found = revoke(f"bundle:{path}", "--dry-run")
    assert (found.code, found.out.splitlines()[0]) == (0, f"artifact {HASH}")
    assert "only the artifact for linux/amd64 was read; the index has 1 more" in found.err
    other = revoke(f"bundle:{path}", "--dry-run", "--platform", "linux/arm64")
    assert other.out.splitlines()[0] != f"artifact {HASH}"


def test_the_digest_of_an_image_is_no_artifact_and_revokes_nothing(revoke, files):
    pinned = CLUSTER.replace("acme/echo:1.2.3", f"acme/echo:1.2.3@sha256:{A}")
    files.write("pinned.yaml", pinned)
    found = revoke(f"sha256:{A}", "-f", "pinned.yaml", "--yes", where="list.json")
    assert found.code == 2
    assert "would revoke nothing" in found.err
    assert A not in (files.folder / "list.json").read_text()
