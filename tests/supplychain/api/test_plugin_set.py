import pytest

from supplychain.api import PluginSetSpec, parse_spec
from supplychain.api.plugin_set import MAX_ENTRIES
from supplychain.descriptor import CAPABILITIES
from supplychain.errors import InvalidManifestError

ID = "dev.acme.audit"


def entry(**changes):
    return {"id": ID, "pluginRef": {"name": "acme-audit"}} | changes


def parse(*entries, **changes):
    return parse_spec(PluginSetSpec, {"entries": list(entries or [entry()])} | changes, where="here")


def test_the_smallest_set_is_read_with_its_defaults():
    (only,) = parse().entries
    assert (only.id, only.plugin_ref.name, only.enabled, only.enforce, only.config) == (ID, "acme-audit", True, True, None)
    assert parse().capability_grants == {}


def test_every_field_is_read():
    found = parse(
        entry(enabled=False, enforce=False, config={"a": [None, 1.5, {"b": True}]}),
        entry(id="dev.acme.Other_2-x"),
        capabilityGrants={ID: ["secrets_read", "metric_emit"]},
    )
    assert (found.entries[0].enabled, found.entries[0].enforce) == (False, False)
    assert found.entries[0].config == {"a": [None, 1.5, {"b": True}]}
    assert found.capability_grants == {ID: ("secrets_read", "metric_emit")}


def test_the_order_of_the_entries_is_kept():
    ids = ["z.z", "a.a", "m.m"]
    assert [one.id for one in parse(*(entry(id=one) for one in ids)).entries] == ids


def test_every_capability_of_the_descriptor_can_be_granted():
    assert set(parse(capabilityGrants={ID: list(CAPABILITIES)}).capability_grants[ID]) == set(CAPABILITIES)


def test_as_many_entries_as_the_cluster_can_compare_and_no_more():
    many = [entry(id=f"dev.acme.p{number}") for number in range(MAX_ENTRIES + 1)]
    assert len(parse(*many[:-1]).entries) == MAX_ENTRIES
    with pytest.raises(InvalidManifestError, match="too many: expected at most 256, got 257") as caught:
        parse(*many)
    assert caught.value.where == "here, field `spec.entries`"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"entries": []}, "entries", "the list is empty"),
        ({"entries": [entry(), entry(pluginRef={"name": "b"})]}, "entries", "entries 0 and 1 have the same id"),
        ({"entries": [entry(id="audit")]}, "entries[0].id", "no plugin id"),
        ({"entries": [entry(id="../x.y")]}, "entries[0].id", "that can name a folder"),
        ({"entries": [entry(id="a.b\n")]}, "entries[0].id", "that can name a folder"),
        ({"entries": [entry(id="a." + "b" * 199)]}, "entries[0].id", "too long"),
        ({"entries": [entry(config=[])]}, "entries[0].config", "another type"),
        ({"entries": [entry(config=None)]}, "entries[0].config", "leave the field out"),
        ({"entries": [entry(enabled=None)]}, "entries[0].enabled", "`true` or `false`"),
        ({"capabilityGrants": {ID: []}}, f"capabilityGrants.{ID}", "the list is empty"),
        ({"capabilityGrants": {ID: ["root"]}}, f"capabilityGrants.{ID}[0]", "unknown capability"),
        ({"capabilityGrants": {ID: ["metric_emit"] * 2}}, f"capabilityGrants.{ID}", "a capability is granted twice"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes, field, message):
    with pytest.raises(InvalidManifestError) as caught:
        parse(**changes)
    assert caught.value.where == f"here, field `spec.{field}`"
    assert message in str(caught.value)


def test_a_grant_for_an_id_that_no_entry_has_is_refused():
    with pytest.raises(InvalidManifestError, match="an id that no entry has") as caught:
        parse(capabilityGrants={"dev.acme.other": ["metric_emit"]})
    assert caught.value.got == "`dev.acme.other`"


def test_a_grant_for_a_disabled_entry_is_taken():
    assert parse(entry(enabled=False), capabilityGrants={ID: ["metric_emit"]}).capability_grants == {ID: ("metric_emit",)}


@pytest.mark.parametrize(
    "spec",
    [
        {"entries": [entry(config="password: hunter2")]},
        {"entries": [entry(), "hunter2"]},
        {"entries": "hunter2"},
        {"entries": [entry(pluginRef="hunter2")]},
        {"capabilityGrants": "hunter2"},
    ],
)
def test_a_text_in_place_of_a_section_is_not_repeated_because_it_may_hold_a_configuration(spec):
    with pytest.raises(InvalidManifestError) as caught:
        parse_spec(PluginSetSpec, {"entries": [entry()], **spec}, where="here")
    assert caught.value.got == "a text"
    assert "hunter2" not in str(caught.value)
