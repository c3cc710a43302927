"""`supplychain lint` from its arguments to its output and exit code."""

from __future__ import annotations

import io
import json

import jsonschema
import pytest
import yaml

from supplychain.cli.main import main
from tests.support.testdata.admission.rules.case import document, gateway, namespace, plugin, route, tenant

SET = document("MCPGPluginSet", "base", {"entries": [{"id": "dev.acme.audit", "pluginRef": {"name": "audit"}}]})


@pytest.fixture
def lint(tmp_path, monkeypatch, capsys):
    """Run the command in a folder of files, given as name to objects or bytes; gives code, output and messages."""
    monkeypatch.chdir(tmp_path)

    def run(files, *arguments):
        for name, content in files.items():
            data = content if isinstance(content, bytes) else yaml.safe_dump_all(content, sort_keys=False).encode()
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(data)
        code = main(["lint", *arguments])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def problems(out):
    return [(one["file"], one["line"], one["rule"], one["field"]) for one in json.loads(out)["problems"]]


def test_good_manifests_are_good(lint):
    code, out, err = lint({"a.yaml": [plugin()]}, "-f", "a.yaml")
    assert (code, out, err) == (0, "1 object: 0 errors, 0 warnings\n", "")


def test_every_problem_has_its_file_its_line_and_its_field(lint):
    text = b"""\
apiVersion: mcpg.dev/v1alpha2
kind: MCPGGateway
metadata:
  name: shop
  namespace: team-a
spec:
  replicas: 2
  clusterRef: {name: shared}
  service:
    port: 0
"""
    code, out, _ = lint({"gw.yaml": text}, "-f", "gw.yaml")
    assert code == 1
    assert out.splitlines() == [
        "gw.yaml:8: spec.clusterRef.name: warning: there is no MCPGCluster `shared` yet [ClusterNotFound]",
        "gw.yaml:10: spec.service.port: the number is too small: expected at least 1, got `0` [Schema]",
        "1 object: 1 error, 1 warning",
    ]


def test_objects_are_looked_up_among_all_files(lint):
    files = {
        "a.yaml": [route(gatewayRef={"name": "shop", "namespace": "platform"})],
        "b.yaml": [gateway(namespace="platform")],
        "c.yaml": [tenant(identityAttribute={"key": "tenant", "value": "south"}), namespace()],
    }
    code, out, _ = lint(files, "--output", "json", "-f", "a.yaml", "-f", "b.yaml", "c.yaml")
    assert code == 1
    assert problems(out) == [
        ("a.yaml", 7, "NamespaceNotAccepted", "spec.gatewayRef"),
        ("a.yaml", 14, "TenantContradicted", "spec.attributes.tenant"),
    ]


def test_what_is_not_among_the_files_is_warned_of_and_strictly_fails(lint):
    files = {"a.yaml": [SET]}
    assert lint(files, "a.yaml")[0] == 0
    code, out, _ = lint(files, "a.yaml", "--strict")
    assert code == 1
    assert out.splitlines()[0] == (
        "a.yaml:10: spec.entries[0].pluginRef.name: warning: there is no MCPGPlugin `audit` yet [PluginNotFound]"
    )


def test_the_context_is_looked_up_and_compared_with_and_not_judged(lint):
    revoked = {"revocations": [{"artifactSha256": "a" * 64, "reason": "CVE"}]}
    files = {
        "now.yaml": [SET, document("MCPGRevocationList", "cluster-default", {})],
        "there.yaml": [plugin(), document("MCPGRevocationList", "cluster-default", revoked), gateway("a.b")],
    }
    code, out, _ = lint(files, "now.yaml", "--context", "there.yaml", "--output", "json")
    assert (code, problems(out)) == (0, [("now.yaml", 16, "RevocationRemoved", "spec.revocations")])
    assert json.loads(out)["objects"] == 2


def test_nobody_is_warned_of_grants_that_only_a_package_could_confirm(lint):
    granting = {**SET, "spec": {**SET["spec"], "capabilityGrants": {"dev.acme.audit": ["audit_write"]}}}
    assert lint({"a.yaml": [granting, plugin()]}, "a.yaml", "--strict")[0] == 0


@pytest.mark.parametrize(
    ("flag", "obj"),
    [
        ("--require-coordinator-tls", document("MCPGCluster", "c", {"backend": "redis", "config": {"url": "redis://x"}})),
        ("--require-digest-or-cosign", plugin(image="ghcr.io/acme/audit:1.2.3")),
        ("--operator-namespace=team-a", tenant()),
    ],
)
def test_the_settings_of_the_operator_can_be_given(lint, flag, obj):
    files = {"a.yaml": [obj, namespace()]}
    assert lint(files, "a.yaml")[0] == 0
    assert lint(files, "a.yaml", flag)[0] == 1


def test_objects_without_a_namespace_are_put_into_the_one_that_is_given(lint):
    bare, shop = route(), gateway(namespace="prod")
    del bare["metadata"]["namespace"]
    assert "GatewayNotFound" in lint({"a.yaml": [bare, shop]}, "a.yaml")[1]
    code, out, _ = lint({}, "a.yaml", "--namespace", "prod", "--output", "json")
    assert (code, json.loads(out)["problems"]) == (0, [])


def test_standard_input_and_folders_are_read(lint, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(yaml.safe_dump(gateway(replicas=2)).encode())))
    code, out, _ = lint(
        {"d/b.yml": [plugin()], "d/a.json": json.dumps(tenant("n" * 64)).encode(), "d/c.txt": b"{"}, "-f", "-", "-f", "d"
    )
    assert code == 1
    assert [line.partition(": ")[0] for line in out.splitlines()[:2]] == ["<stdin>:13", "d/a.json:1"]
    assert out.endswith("3 objects: 2 errors, 1 warning\n")


def test_the_same_object_twice_is_said_with_both_places(lint):
    code, out, _ = lint({"a.yaml": [plugin()], "b.yaml": [plugin()]}, "a.yaml", "b.yaml", "-q")
    assert code == 1
    assert out == "b.yaml:4: metadata.name: the same object as in `a.yaml`, line 1 [DuplicateObject]\n"


def test_files_that_are_no_yaml_fail_and_the_others_are_judged(lint):
    code, out, _ = lint({"a.yaml": b"x: [", "b.yaml": [gateway(replicas=2)]}, "a.yaml", "b.yaml")
    assert code == 1
    assert [line.partition(": ")[0] for line in out.splitlines()[:2]] == ["a.yaml:2", "b.yaml:13"]
    assert "[NotReadable]" in out


def test_files_that_cannot_be_read_are_a_wrong_request_unless_there_is_worse(lint):
    code, out, err = lint({"a.yaml": [plugin()]}, "a.yaml", "gone.yaml")
    assert (code, out) == (2, "1 object: 0 errors, 0 warnings\n")
    assert "UnreadableFile" in err
    assert lint({"b.yaml": [gateway(replicas=2)]}, "b.yaml", "gone.yaml")[0] == 1
    (code, _, err) = lint({"d/x.txt": b""}, "d")
    assert (code, "the folder has no manifests" in err) == (2, True)


def test_nothing_judged_is_never_a_success(lint):
    assert lint({})[0] == 2
    code, _, err = lint({"a.yaml": [namespace()]}, "a.yaml")
    assert (code, "nothing was judged" in err) == (2, True)
    assert lint({}, "-f", "-", "--context", "-")[0] == 2


def test_misspelt_kinds_and_versions_are_problems(lint):
    code, out, _ = lint(
        {"a.yaml": [{**plugin(), "kind": "MCPGPlugn"}, {**plugin(), "apiVersion": "mcpg.dev/v1"}]}, "a.yaml", "--output", "json"
    )
    assert (code, [rule for _, _, rule, _ in problems(out)]) == (1, ["UnknownKind", "UnknownVersion"])


def test_the_document_is_closed_and_stable(lint):
    code, out, _ = lint({"a.yaml": [gateway(replicas=2)]}, "a.yaml", "--output", "json")
    found = json.loads(out)
    assert list(found) == ["schema", "generator", "exitCode", "objects", "problems"]
    assert (found["schema"], found["exitCode"], found["objects"]) == ("mcpg.dev/supplychain-lint/v1", code, 1)
    assert found["problems"] == [
        {
            "file": "a.yaml",
            "line": 13,
            "kind": "MCPGGateway",
            "namespace": "team-a",
            "name": "shop",
            "rule": "CoordinatorMissing",
            "severity": "Error",
            "family": "Spec",
            "field": "spec.replicas",
            "message": (
                "several replicas need a coordinator that they share: expected `clusterRef`, or a `config.cluster.kind` other than "
                "`single_node`, or one replica, got 2"
            ),
            "what": "several replicas need a coordinator that they share",
            "expected": "`clusterRef`, or a `config.cluster.kind` other than `single_node`, or one replica",
            "got": "2",
            "hint": None,
        }
    ]


def test_text_of_strangers_cannot_drive_a_terminal(lint):
    obj = gateway()
    obj["spec"]["\x1b[31mred"] = 1
    code, out, _ = lint({"a.yaml": [obj]}, "a.yaml", "--color", "never")
    assert (code, "\x1b" in out) == (1, False)


def test_quiet_says_nothing_of_what_only_warns(lint):
    assert lint({"a.yaml": [SET]}, "a.yaml", "--quiet")[:2] == (0, "")
    assert "PluginNotFound" in lint({}, "a.yaml", "--quiet", "--strict")[1]


# -- the forms -----------------------------------------------------------------------------------------------------------

FORMS = {"a.yaml": [document("MCPGRoute", "r", {})]}


def test_the_json_keeps_to_its_published_schema(lint, capsys):
    _, out, _ = lint(FORMS, "a.yaml", "--output", "json")
    main(["report-schema", "lint"])
    jsonschema.Draft202012Validator(json.loads(capsys.readouterr().out)).validate(json.loads(out))


@pytest.mark.parametrize(
    ("form", "said"), [("sarif", '"ruleId": "Schema"'), ("junit", 'type="Schema"'), ("html", "<code>Schema</code>")]
)
def test_every_form_names_the_problem(lint, form, said):
    code, out, _ = lint(FORMS, "a.yaml", "--output", form)
    assert code == 1
    assert said in out


def test_strictness_makes_warnings_failures_in_every_form(lint):
    files = {"a.yaml": [SET]}
    for flags, level in (((), "warning"), (("--strict",), "error")):
        [found] = json.loads(lint(files, "a.yaml", "--output", "sarif", *flags)[1])["runs"][0]["results"]
        assert found["level"] == level


def test_a_file_that_cannot_be_read_is_noted(lint):
    code, out, err = lint({}, "gone.yaml", "--output", "html")
    assert code == 2
    assert "UnreadableFile" in err
    assert "cannot read file" in out


def test_the_report_can_go_to_a_file(lint, tmp_path):
    code, out, _ = lint(FORMS, "a.yaml", "--output-file", "r.txt")
    assert code == 1
    assert out == "1 object: 2 errors, 0 warnings, text report in r.txt\n"
    assert (tmp_path / "r.txt").read_text().startswith("a.yaml:")
