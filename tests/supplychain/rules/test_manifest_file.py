"""Objects of a file with the line of each field."""

from __future__ import annotations

import pytest

from supplychain.rules.manifest_file import Located, Misplaced, read_manifests


def objects(data):
    """Every object of a file that holds nothing else."""
    found = list(read_manifests("f", data))
    assert all(isinstance(one, Located) and one.file == "f" for one in found)
    return tuple(one for one in found if isinstance(one, Located))


TWO = b"""\
# a comment
apiVersion: mcpg.dev/v1alpha2
kind: MCPGGateway
metadata:
  name: shop
spec:
  replicas: 2
  acceptedRouteNamespaces:
  - a
  - b
  config: {cluster: {kind: redis,
    url: x}}
---

---
apiVersion: v1
kind: Namespace
metadata: {name: team-a}
"""


def test_every_field_has_the_line_on_which_it_was_written():
    shop, space = objects(TWO)
    assert (shop.file, shop.line, space.line) == ("f", 2, 16)
    found = {
        "metadata.name": 5, "spec.replicas": 7, "spec.acceptedRouteNamespaces[1]": 10, "spec.config.cluster.kind": 11,
        "spec.config.cluster.url": 12, "kind": 3,
    }  # fmt: skip
    assert {field: shop.line_of(field) for field in found} == found
    assert space.line_of("metadata.name") == 18


def test_a_field_that_is_absent_has_the_line_of_what_it_would_be_in():
    shop, _ = objects(TWO)
    assert shop.line_of("spec.clusterRef.name") == 6
    assert shop.line_of("spec.acceptedRouteNamespaces[7].x") == 8
    assert shop.line_of("status.conditions[0]") == 2
    assert shop.line_of("") == 2
    assert shop.line_of("]odd[") == 2


def test_keys_with_dots_are_found_as_they_are_written():
    data = b"kind: MCPGPluginSet\nspec:\n  capabilityGrants:\n    dev.acme.audit:\n    - audit_write\n    - x\n"
    (one,) = objects(data)
    assert one.line_of("spec.capabilityGrants.dev.acme.audit[1]") == 6
    assert one.line_of("spec.capabilityGrants.dev.acme.audit") == 4


def test_what_stands_behind_an_alias_or_a_merge_has_its_line():
    data = b"kind: A\nx: &x\n  a: {b: 1}\ny: *x\nz:\n  <<: *x\n  c: 1\n"
    (one,) = objects(data)
    assert (one.line_of("x.a.b"), one.line_of("y.a.b"), one.line_of("z.a.b"), one.line_of("z.c")) == (3, 4, 5, 7)
    assert one.body["z"] == {"a": {"b": 1}, "c": 1}


def test_lists_are_expanded_and_lend_their_items_kind_and_version():
    data = b"""\
apiVersion: mcpg.dev/v1alpha2
kind: MCPGTenantList
items:
- metadata: {name: north}
  spec:
    namespaces:
    - team-a
- metadata: {name: south}
---
apiVersion: v1
kind: List
items:
- kind: List
  items:
  - kind: MCPGGateway
    metadata: {name: shop}
"""
    north, south, shop = objects(data)
    assert [one.body["kind"] for one in (north, south, shop)] == ["MCPGTenant", "MCPGTenant", "MCPGGateway"]
    assert north.body["apiVersion"] == "mcpg.dev/v1alpha2"
    assert (north.line, north.line_of("spec.namespaces[0]"), south.line_of("metadata.name")) == (4, 7, 8)
    assert (shop.prefix, shop.line_of("metadata.name")) == ("items[0].items[0]", 16)


@pytest.mark.parametrize("space", ["  ", "\t"])
def test_json_is_read_with_lines_too(space):
    data = (
        f'{{\n{space}"apiVersion": "mcpg.dev/v1alpha2",\n{space}"kind": "MCPGTenant",\n{space}"metadata": {{"name": "a"}}\n}}\n'
    )
    (one,) = objects(data.encode())
    assert (one.body["metadata"], one.line_of("metadata.name"), one.line_of("kind")) == ({"name": "a"}, 4, 3)


@pytest.mark.parametrize("text", ['\t{"kind": "A", "x": 1}', '{"kind": "A", "x": 1}\n\t', '\ufeff\t\r\n {"kind":\t"A", "x": 1}'])
def test_json_is_read_with_tabs_wherever_json_may_have_them(text):
    assert [one.body for one in objects(text.encode())] == [{"kind": "A", "x": 1}]


def test_tabs_of_what_is_no_json_are_kept():
    (one,) = objects(b'{"kind": "A", "x": "a\tb"}')
    assert one.body["x"] == "a\tb"
    (one,) = objects(b'kind: A\nx: "{\t}"\n')
    assert one.body["x"] == "{\t}"


def test_a_plain_list_lends_its_items_nothing():
    (one,) = objects(b"apiVersion: v1\nkind: List\nitems:\n- kind: MCPGTenant\n")
    assert one.body == {"kind": "MCPGTenant"}


def test_a_flow_mapping_with_tabs_that_is_no_json_is_left_as_it_is():
    (one,) = read_manifests("f", b"{kind: A,\tx: 1}")
    assert isinstance(one, Misplaced) or one.body == {"kind": "A", "x": 1}


@pytest.mark.parametrize(
    ("data", "line", "rule", "field"),
    [
        (b"a: 1\nb: [", 3, "NotReadable", ""),
        (b"kind: A\nx: 1\nx: 2\n", 3, "NotReadable", ""),
        (b"\xff", 1, "NotReadable", ""),
        (b"- kind: A\n", 1, "Schema", ""),
        (b"---\njust text\n", 2, "Schema", ""),
        (b"spec: {}\n", 1, "Schema", ""),
        (b"kind: 7\n", 1, "Schema", ""),
        (b"kind: List\nitems: {}\n", 2, "Schema", "items"),
        (b"kind: List\n", 1, "Schema", "items"),
        (b"kind: List\nitems:\n- kind: List\n  items: 7\n", 4, "Schema", "items[0].items"),
        (b"kind: List\nitems:\n- kind: A\n- 7\n", 4, "Schema", "items[1]"),
    ],
)
def test_what_is_no_object_is_said_with_its_line(data, line, rule, field):
    found = [one for one in read_manifests("f", data) if isinstance(one, Misplaced)]
    assert [(one.file, one.line, one.problem.rule, one.problem.field) for one in found] == [("f", line, rule, field)]


@pytest.mark.parametrize(
    ("kind", "version", "ours"),
    [
        ("MCPGTenant", "mcpg.dev/v1alpha2", True),
        ("MCPGTenannt", "v1", True),
        ("mcpgtenant", "v1", True),
        ("Tenant", "mcpg.dev/v1alpha2", True),
        ("Tenant", "MCPG.dev/v1", True),
        ("MСPGTenant", "v1", True),
        ("Namespace", "v1", False),
        ("Tenant", None, False),
    ],
)
def test_what_is_meant_to_be_ours_is_ours(kind, version, ours):
    one = Located(file="f", line=1, body={"kind": kind, "apiVersion": version}, lines={})
    assert one.ours is ours


def test_an_object_is_put_into_a_namespace_only_where_it_has_none():
    def located(kind, metadata):
        return Located(file="f", line=1, body={"kind": kind, "metadata": metadata}, lines={}).within("team-a")

    assert located("MCPGRoute", {"name": "r"}).identity == ("MCPGRoute", "team-a", "r")
    assert located("MCPGRoute", {"name": "r", "namespace": "b"}).identity == ("MCPGRoute", "b", "r")
    assert located("MCPGTenant", {"name": "t", "namespace": "b"}).identity == ("MCPGTenant", "", "t")
    assert located("MCPGTenant", {"name": "t"}).body["metadata"] == {"name": "t"}
    assert located("MCPGRoute", None).identity == ("MCPGRoute", "default", "")
