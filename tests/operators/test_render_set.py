"""Manifests of a set's children: exact, valid, and with a hash that changes when anything changes."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpg_operator.render.grants import expand, render_capability
from mcpg_operator.render.plugin_set import (
    BINDING,
    CHILDREN,
    PAYLOAD,
    SEAL,
    binding_manifest,
    binding_problem,
    copy_labels,
    copy_manifest,
    copy_metadata,
    document_manifest,
    document_name,
    is_ours,
    owner,
)
from mcpg_operator.render.resolved_set import Entry, Part, ResolvedSet, parse_resolved_set, render_entry
from mcpg_operator.resources import PLUGIN_SET, ROLE_BINDING, SECRET, Resource
from supplychain.api.shape import SUBDOMAIN
from supplychain.descriptor import Capability, Descriptor
from supplychain.digest import ArtifactHash
from tests.operators.plugin_set.world import KEY, verified

OTHER_KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
"""The public key of RFC 8032, test 2."""
SCHEMES = Capability(kind="secrets_read", argument="schemes", arguments=("vault", "aws"))
NET = Capability(kind="network_outbound")


def _descriptor(**facts: Any) -> Descriptor:
    package = verified("audit", **facts).package
    assert package is not None
    return package.descriptor


def _entry(**changes: Any) -> Entry:
    facts: dict[str, Any] = {
        "entry_id": "dev.example.audit",
        "plugin": "audit",
        "version": "1.2.3",
        "descriptor": _descriptor(),
        "artifact_hash": ArtifactHash.of(b"library"),
        "artifact_name": "plugin.so",
        "artifact_size": 7,
        "secret": "mcpg-plugin-audit",
        "parts": (Part(name="mcpg-plugin-audit", sha256="0" * 64, size=7), Part(name="mcpg-shard", sha256="1" * 64, size=9)),
        "keys": (KEY,),
        "grants": (),
        "config": {"level": 3},
        "enforce": True,
    }
    return render_entry(**{**facts, **changes})


def _set(*entries: Entry, complete: bool = True) -> ResolvedSet:
    return ResolvedSet(entries=entries, complete=complete)


@pytest.mark.parametrize(
    "change",
    [
        {"entry_id": "dev.example.other"},
        {"plugin": "other"},
        {"version": "1.2.4"},
        {"descriptor": _descriptor(plugin_class="backend")},
        {"descriptor": _descriptor(capabilities=("audit_write",))},
        {"artifact_hash": ArtifactHash.of(b"other")},
        {"artifact_name": "plugin.wasm"},
        {"artifact_size": 8},
        {"secret": "other"},
        {"parts": (Part(name="mcpg-plugin-audit", sha256="0" * 64, size=8),)},
        {"keys": (KEY, OTHER_KEY)},
        {"grants": (NET,)},
        {"grants": (SCHEMES,)},
        {"config": {"level": 4}},
        {"config": {}},
        {"config": None},
        {"enforce": False},
    ],
    ids=",".join,
)
def test_the_hash_changes_with_everything_that_an_entry_says(change: dict[str, Any]):
    assert _set(_entry(**change)).hash != _set(_entry()).hash


def test_the_hash_changes_with_order_number_and_completeness():
    first, second = _entry(), _entry(entry_id="dev.example.other")
    hashes = [_set(first, second), _set(second, first), _set(first), _set(), _set(first, second, complete=False)]
    assert len({one.hash for one in hashes}) == len(hashes)


def test_the_hash_does_not_change_with_the_order_of_what_has_none():
    same = _entry(
        keys=(OTHER_KEY, KEY, KEY),
        config={"b": {"d": 1, "c": 2}, "a": 1},
        parts=(Part(name="b", sha256="1" * 64, size=9), Part(name="a", sha256="0" * 64, size=7)),
    )
    other = _entry(
        keys=(KEY, OTHER_KEY),
        config={"a": 1, "b": {"c": 2, "d": 1}},
        parts=(Part(name="a", sha256="0" * 64, size=7), Part(name="b", sha256="1" * 64, size=9)),
    )
    assert _set(same).text == _set(other).text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_CONFIGS = st.none() | st.dictionaries(st.text(max_size=6), _JSON, max_size=3)


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@settings(max_examples=200, deadline=None)
@given(_CONFIGS, _CONFIGS)
def test_two_configurations_have_one_hash_exactly_when_they_are_one_document(first: Any, second: Any):
    same = _written(first) == _written(second)
    one, other = _set(_entry(config=first)), _set(_entry(config=second))
    assert (one.hash == other.hash) is (one.line == other.line) is same


@settings(max_examples=100, deadline=None)
@given(_CONFIGS, st.booleans(), st.booleans())
def test_a_document_is_read_back_as_it_was_written(config: Any, enforce: bool, complete: bool):
    written = _set(_entry(config=config, enforce=enforce), complete=complete)
    found = parse_resolved_set(written.text)
    assert found is not None
    assert (found.text, found.hash) == (written.text, written.hash)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]
    if isinstance(value, list) and value:
        return [leaf for place, inner in enumerate(value) for leaf in _leaves(inner, (*path, place))]
    return [path]


def test_every_single_leaf_of_the_document_counts():
    document = _set(_entry(grants=(NET, SCHEMES), descriptor=_descriptor(capabilities=("audit_write",))))
    body = json.loads(document.text)["entries"][0]
    for path in _leaves(body):
        other = copy.deepcopy(body)
        place = other
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = "something else"
        assert _set(Entry(other)).hash != document.hash, path


def test_the_text_is_sorted_indented_and_ascii():
    text = _set(_entry(config={"ü": "\ud800", "a": 1})).text
    assert text.isascii()
    assert text.endswith("}\n")
    assert json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n" == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        '{"version": 2, "entries": [], "complete": true}',
        '{"version": 1, "entries": {}}',
        '{"version": 1, "entries": [1], "complete": true}',
        '{"version": 1, "entries": [{"id": "a"}], "complete": true}',
        "[" * 100_000,
    ],
)
def test_what_is_no_document_is_none(text: str):
    assert parse_resolved_set(text[:100_000]) is None


def test_an_entry_is_found_by_its_id():
    first, second = _entry(), _entry(entry_id="dev.example.other")
    assert _set(first, second).find("dev.example.other") is second
    assert _set(first).find("dev.example.other") is None


# --- grants ------------------------------------------------------------------------------------------------------------------


def test_a_kind_stands_for_exactly_the_arguments_that_the_descriptor_asks_for():
    more = Capability(kind="secrets_read", argument="schemes", arguments=("gcp",))
    found = expand(["secrets_read"], [NET, SCHEMES, more, SCHEMES])
    assert found.granted == (SCHEMES, more)
    assert found.missing == ("network_outbound",)
    assert found.excess == ()


def test_the_order_of_grants_means_nothing_and_that_of_the_descriptor_counts():
    assert expand(["secrets_read", "network_outbound"], [NET, SCHEMES]) == expand(
        ["network_outbound", "secrets_read"], [NET, SCHEMES]
    )


def test_what_is_not_required_is_excess():
    assert expand(["audit_write", "audit_write", "network_outbound"], [NET]).excess == ("audit_write",)


def test_capabilities_are_written_as_descriptors_write_them():
    assert render_capability(NET) == "network_outbound"
    assert render_capability(SCHEMES) == {"type": "secrets_read", "schemes": ["vault", "aws"]}


# --- names -------------------------------------------------------------------------------------------------------------------


def test_the_document_is_called_after_its_set():
    assert document_name("main") == "main-resolved"
    assert document_name("a" * 244) == f"{'a' * 244}-resolved"


@pytest.mark.parametrize("name", ["a" * 253, "a" * 210 + "." + "b" * 42, "a" * 209 + "." + "b" * 40, "a" * 210 + "-" + "b" * 34])
def test_a_name_that_is_too_long_is_cut_and_hashed(name: str):
    found = document_name(name)
    assert len(found) in {252, 253}
    assert found.endswith(f"-{hashlib.sha256(name.encode()).hexdigest()[:32]}-resolved")
    assert re.fullmatch(SUBDOMAIN, found)
    assert document_name(name[:-1] + "x") != found


def test_no_set_can_be_called_so_that_it_gets_the_document_of_another():
    """A name of any length is given a document; that name without its ending is a name as well, and so on."""
    known: dict[str, str] = {}
    fills = ("a" * 253, "a" * 210 + "." + "b" * 42, "a" * 211 + "." + "b" * 41, "ab." * 84 + "a", "a-" * 126 + "a")
    names = [fill[:length].rstrip(".-") for fill in fills for length in range(200, 254)]
    for _ in range(3):
        known |= {name: document_name(name) for name in names}
        names = [known[name].removesuffix("-resolved") for name in names]
    assert len(known) > 250
    assert len(set(known.values())) == len(known)
    assert all(len(one) <= 253 and re.fullmatch(SUBDOMAIN, one) for one in known.values())


def test_a_short_name_that_ends_like_a_cut_one_stays_as_it_is():
    assert document_name("a" * 209 + "-" + "0" * 32) == "a" * 209 + "-" + "0" * 32 + "-resolved"
    for length in (210, 211):
        assert document_name("a" * length + "-" + "0" * 32) != "a" * length + "-" + "0" * 32 + "-resolved"


# --- manifests ---------------------------------------------------------------------------------------------------------------

PLACE = {"namespace": "team-a", "source_namespace": "mcpg-system"}
OWNER = Resource(PLUGIN_SET, {"metadata": {"name": "main", "namespace": "team-a", "uid": "u"}})


@pytest.mark.parametrize(
    ("metadata", "ours"),
    [
        ({"labels": dict(CHILDREN)}, True),
        ({"labels": {**CHILDREN, "more": "x"}}, True),
        ({"annotations": {SEAL: "x"}}, True),
        ({"annotations": {PAYLOAD: "x"}}, True),
        ({"labels": dict(list(CHILDREN.items())[:1]), "annotations": {"more": "x"}}, False),
        ({}, False),
    ],
)
def test_what_is_ours_is_known_by_all_labels_or_by_one_mark(metadata: Any, ours: bool):
    assert is_ours(Resource(SECRET, {"metadata": metadata})) is ours


def test_a_copy_is_created_with_the_labels_that_lead_to_it():
    made = copy_manifest(
        **PLACE, name="x", secret_type="t", payload={"k": b"v"}, digest="d", plugin_id="dev.example.audit", version="1.2.3"
    )
    assert made["metadata"]["labels"] == {
        **copy_labels(source_namespace="mcpg-system"),
        "mcpg.dev/plugin": "dev.example.audit",
        "mcpg.dev/version": "1.2.3",
    }


def test_owners_of_a_copy_are_written_to_the_version_that_was_read():
    copy_ = Resource(SECRET, {"metadata": {"name": "x", "namespace": "team-a", "resourceVersion": "7"}})
    found = copy_metadata(copy_, source_namespace="mcpg-system", owners=[owner(OWNER)])
    assert found["metadata"]["resourceVersion"] == "7"
    assert found["metadata"]["ownerReferences"] == [owner(OWNER)]
    assert found["metadata"]["ownerReferences"][0]["controller"] is False


def test_a_document_belongs_to_its_set_alone():
    (found,) = document_manifest(OWNER, ResolvedSet(entries=(), complete=True), seal="s")["metadata"]["ownerReferences"]
    assert (found["uid"], found["controller"], found["blockOwnerDeletion"]) == ("u", True, False)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"roleRef": None}, f"it binds nothing `` and not ClusterRole `{BINDING}`"),
        ({"subjects": None}, "its subjects are nobody, and not ServiceAccount `mcpg-system/op` alone"),
        ({"subjects": [{"kind": "User"}]}, "its subjects are User ``, and not ServiceAccount `mcpg-system/op` alone"),
        ({}, None),
    ],
)
def test_a_binding_that_says_something_else_is_described(change: Any, problem: str | None):
    wanted = binding_manifest(namespace="team-a", service_account="op", operator_namespace="mcpg-system")
    assert binding_problem(Resource(ROLE_BINDING, {**wanted, **change}), wanted) == problem


def test_a_document_with_one_entry_that_cannot_be_read_is_none():
    good = json.loads(ResolvedSet(entries=(_entry(),), complete=True).text)
    assert parse_resolved_set(json.dumps(good)) is not None
    bad = {**good, "entries": [*good["entries"], {"id": "dev.example.other"}]}
    assert parse_resolved_set(json.dumps(bad)) is None
