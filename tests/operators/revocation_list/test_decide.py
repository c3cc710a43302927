"""Each rule about a revocation list: what is written, and what the status says afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from mcpg_operator.conditions import Truth
from mcpg_operator.controllers.revocation_list.copies import content_hash, render
from mcpg_operator.controllers.revocation_list.decide import (
    MISSING_SINCE,
    Done,
    Plan,
    Trouble,
    advisory,
    judge,
    plan,
    seed_manifest,
)
from mcpg_operator.controllers.revocation_list.observe import Copy, Observation
from mcpg_operator.names import MANAGER
from mcpg_operator.resources import CONFIG_MAP, REVOCATION_LIST, Resource
from mcpg_operator.revocations import KEPT, LIST, kept_manifest
from mcpg_operator.services import Outcome
from supplychain.revocation import from_spec

NAMESPACE = "mcpg-system"
NOW = "2026-01-31T12:00:00Z"
A, B = "a" * 64, "b" * 64
SPEC = {"version": 1, "revocations": [{"artifactSha256": A, "reason": "stolen key"}]}
BAD = {"revocations": [*SPEC["revocations"], {"reason": "x"}, {"artifactSha256": "short"}]}  # type: ignore[misc]
OBJECT = Resource(REVOCATION_LIST, {"metadata": {"name": LIST, "uid": "u1"}, "spec": SPEC})
RIGHT, WRONG = Copy(uid="right", right=True), Copy(uid="wrong", right=False)


def kept(spec: Any = SPEC, **annotations: str) -> Resource:
    manifest = kept_manifest(spec, namespace=NAMESPACE, annotations=annotations)
    assert manifest is not None
    return Resource(CONFIG_MAP, manifest)


def seen(spec: Any = SPEC, **changes: Any) -> Observation:
    revocations = from_spec(spec, name=LIST)
    there = Resource(REVOCATION_LIST, {**OBJECT.body, "spec": spec})
    parts: dict[str, Any] = {
        "resource": there,
        "last": there,
        "revocations": revocations,
        "rendered": render(revocations),
    }
    if "kept" not in changes:
        parts["kept"] = kept(spec)
    return Observation(**{**parts, **changes})


def planned(observation: Observation) -> Plan:
    return plan(observation, namespace=NAMESPACE, now=NOW)


# -- the plan: keeping ------------------------------------------------------------------------------------------------------------


def test_where_there_never_was_a_list_an_empty_one_is_created():
    assert planned(seen(resource=None, last=None, revocations=None, rendered=None, kept=None)) == Plan(seed=True)
    assert seed_manifest()["metadata"] == {"name": LIST, "labels": MANAGER}


def test_what_is_right_is_left_alone():
    assert planned(seen()) == Plan()
    assert planned(seen()).writes is False


def test_a_list_that_is_not_kept_yet_is_kept():
    found = planned(seen(kept=None))
    assert found == Plan(keep=kept_manifest(SPEC, namespace=NAMESPACE, annotations={}))
    assert found.writes is True


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(kept({"revocations": []}), id="older entries"),
        pytest.param(kept(**{MISSING_SINCE: NOW}), id="a list that came back"),
        pytest.param(Resource(CONFIG_MAP, {**kept().body, "data": {}}), id="emptied"),
        pytest.param(Resource(CONFIG_MAP, {**kept().body, "binaryData": {"x": "AA=="}}), id="something added"),
        pytest.param(
            Resource(CONFIG_MAP, {**kept().body, "metadata": {**kept().metadata, "annotations": {"mcpg.dev/size": "7"}}}),
            id="size",
        ),
    ],
)
def test_kept_entries_that_say_anything_else_are_written(other):
    assert planned(seen(kept=other)).keep == kept_manifest(SPEC, namespace=NAMESPACE, annotations={})


def test_metadata_of_others_on_the_kept_entries_is_no_difference():
    metadata = {**kept().metadata, "annotations": {**kept().annotations, "note": "x"}, "labels": {**kept().labels, "team": "x"}}
    assert planned(seen(kept=Resource(CONFIG_MAP, {**kept().body, "metadata": metadata}))) == Plan()


def test_bad_entries_are_kept_as_they_are():
    assert planned(seen(BAD, kept=None)).keep == kept_manifest(BAD, namespace=NAMESPACE, annotations={})


def test_a_kept_name_that_is_somebody_elses_is_not_touched():
    foreign = Resource(CONFIG_MAP, {"metadata": {"name": KEPT, "namespace": NAMESPACE}, "data": {"x": "y"}})
    found = planned(seen(kept=foreign, namespaces=frozenset({"team"})))
    assert found.keep is None
    assert found.unkept is not None
    assert found.unkept.reason == "NameConflict"
    assert found.write == ("team",), "gateways get their copies all the same"
    assert planned(seen(resource=None, kept=foreign)).vanished is False, "what is not marked would be told for ever"


def test_a_list_that_is_too_large_to_keep_is_told():
    huge = {"revocations": [{"artifactSha256": f"{n:064x}", "reason": "x" * 400} for n in range(25_000)]}
    found = planned(seen(huge, kept=None))
    assert found.keep is None
    assert found.unkept is not None
    assert found.unkept.reason == "RevocationListTooLarge"
    assert planned(seen(huge, resource=None, kept=None)).vanished is False


# -- the plan: a list that vanished -----------------------------------------------------------------------------------------------


def test_a_vanished_list_is_marked_and_told():
    found = planned(seen(resource=None))
    assert found.vanished is True
    assert found.keep == kept_manifest(SPEC, namespace=NAMESPACE, annotations={MISSING_SINCE: NOW})


def test_a_list_that_vanished_before_it_was_kept_is_kept_from_memory():
    found = planned(seen(resource=None, kept=None))
    assert found.vanished is True
    assert found.keep == kept_manifest(SPEC, namespace=NAMESPACE, annotations={MISSING_SINCE: NOW})


def test_a_vanished_list_is_told_once():
    marked = kept(**{MISSING_SINCE: "2026-01-01T00:00:00Z"})
    assert planned(seen(resource=None, kept=marked)) == Plan()
    assert planned(seen(resource=None, last=None, kept=marked)) == Plan()


def test_a_list_that_vanished_while_nobody_looked_is_marked_and_told():
    found = planned(seen(resource=None, last=None))
    assert found.vanished is True
    assert found.keep == {"apiVersion": "v1", "kind": "ConfigMap", **kept(**{MISSING_SINCE: NOW}).body}


def test_an_empty_section_of_the_kept_entries_is_no_difference():
    assert planned(seen(kept=Resource(CONFIG_MAP, {**kept().body, "binaryData": {}}))) == Plan()
    marked = kept(**{MISSING_SINCE: NOW})
    empty = Resource(CONFIG_MAP, {**marked.body, "binaryData": {}})
    assert planned(seen(resource=None, last=None, kept=empty)) == Plan()


def test_packed_entries_are_marked_as_they_are():
    packed = Resource(
        CONFIG_MAP, {**{key: value for key, value in kept().body.items() if key != "data"}, "binaryData": {"x": "AA=="}}
    )
    found = planned(seen(resource=None, last=None, kept=packed)).keep
    assert found is not None
    assert (found.get("data"), found["binaryData"]) == (None, {"x": "AA=="})


def test_what_others_noted_on_the_kept_entries_stays_theirs():
    noted = Resource(
        CONFIG_MAP, {**kept().body, "metadata": {**kept().metadata, "annotations": {**kept().annotations, "note": "x"}}}
    )
    found = planned(seen(resource=None, last=None, kept=noted)).keep
    assert found is not None
    assert found["metadata"]["annotations"].keys() == {"mcpg.dev/size", MISSING_SINCE}


def test_kept_entries_that_vanish_after_the_list_come_back_from_memory():
    found = planned(seen(resource=None, kept=None))
    assert found.keep is not None


def test_a_list_that_exists_is_no_vanished_one():
    assert planned(seen()).vanished is False


def test_without_memory_and_kept_entries_there_is_nothing_to_keep():
    assert planned(seen(resource=None, last=None, kept=None)) == Plan()


# -- the plan: copies -------------------------------------------------------------------------------------------------------------


def test_namespaces_with_gateways_get_a_copy_and_right_ones_are_left_alone():
    found = planned(
        seen(namespaces=frozenset({"a", "b", "c"}), copies={"a": RIGHT, "b": WRONG}),
    )
    assert found.write == ("b", "c")
    assert dict(found.remove) == {}
    assert found.writes is True


def test_copies_in_namespaces_without_a_gateway_go():
    found = planned(seen(namespaces=frozenset({"a"}), copies={"a": RIGHT, "b": RIGHT, "c": WRONG}))
    assert found.write == ()
    assert dict(found.remove) == {"b": "right", "c": "wrong"}
    assert found.writes is True


def test_a_name_that_is_somebody_elses_is_not_touched():
    found = planned(seen(namespaces=frozenset({"a", "b"}), occupied=frozenset({"a"})))
    assert found.write == ("b",)


def test_copies_that_were_right_a_moment_ago_are_not_written():
    assert planned(seen(namespaces=frozenset({"a"}), settled=True)) == Plan()


def test_a_list_that_is_too_large_leaves_the_copies_as_they_are():
    found = planned(seen(rendered=None, namespaces=frozenset({"a"})))
    assert found.write == ()
    assert dict(found.remove) == {}


# -- the status -------------------------------------------------------------------------------------------------------------------


def judged(observation: Observation, *, done: Done | None = None, unkept: Trouble | None = None):
    assert observation.revocations is not None
    return judge(observation, observation.revocations, planned=Plan(unkept=unkept), done=done or Done())


def test_a_list_that_reached_everybody_is_ready():
    found = judged(seen(namespaces=frozenset({"a", "b"}), blocked=("audit", "mail")))
    assert (found.ready.status, found.ready.reason) == (Truth.TRUE, "Reconciled")
    assert found.ready.message == "entries in force: 1; namespaces reached: 2 of 2; plugins blocked: 2"
    assert found.fields == {
        "observedRevocations": 1,
        "materialisedNamespaces": 2,
        "pluginsBlocked": ["audit", "mail"],
        "contentHash": content_hash(from_spec(SPEC, name=LIST).render()),
    }
    assert found.outcome is Outcome.SUCCESS


def test_each_bad_entry_is_named_and_the_good_ones_count():
    found = judged(seen(BAD, namespaces=frozenset({"a"})))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "RevocationListInvalid")
    assert "`revocations[1]` has no usable" in found.ready.message
    assert "`revocations[2]` has no usable" in found.ready.message
    assert found.fields["observedRevocations"] == 1
    assert found.fields["materialisedNamespaces"] == 1
    assert found.outcome is Outcome.PERMANENT_ERROR


def test_the_names_of_bad_entries_are_bounded():
    many = {"revocations": [{"reason": "x"}] * 5_000}
    found = judged(seen(many))
    assert "`revocations[19]`" in found.ready.message
    assert "`revocations[20]`" not in found.ready.message
    assert "and 4980 more" in found.ready.message
    assert "more" not in judged(seen({"revocations": [{"reason": "x"}] * 20})).ready.message
    assert len(found.ready.message) < 4_000


def test_a_list_too_large_for_gateways_says_so():
    found = judged(seen(rendered=None, namespaces=frozenset({"a"})))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "RevocationListTooLarge")
    assert "contentHash" not in found.fields
    assert found.fields["materialisedNamespaces"] == 0
    assert found.fields["observedRevocations"] == 1
    assert found.outcome is Outcome.PERMANENT_ERROR


def test_what_cannot_be_kept_is_told():
    found = judged(seen(), unkept=Trouble("NameConflict", "somebody else's"))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "NameConflict")
    assert found.ready.message.startswith("somebody else's; entries in force: 1")


def test_a_refused_write_of_the_kept_entries_is_told():
    found = judged(seen(), done=Done(keep_failure="may not patch configmaps"))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "ApplyFailed")
    assert "may not patch configmaps" in found.ready.message


def test_a_name_conflict_is_told_with_its_namespaces():
    found = judged(seen(namespaces=frozenset("abcdef"), occupied=frozenset("abcde")))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "NameConflict")
    assert "`a`; `b`; `c`; and 2 more" in found.ready.message
    assert found.fields["materialisedNamespaces"] == 1
    assert found.outcome is Outcome.DEPENDENCY_PENDING
    assert "`a`; `b`; `c`; and 1 more" in judged(seen(namespaces=frozenset("a"), occupied=frozenset("abcd"))).ready.message
    whole = judged(seen(namespaces=frozenset("a"), occupied=frozenset("abc"))).ready.message
    assert (
        whole
        == "ConfigMap `mcpg-revocation-list` is somebody else's in `a`; `b`; `c`; "
        + judged(seen(namespaces=frozenset("a"), occupied=frozenset("a"))).ready.message.partition("`a`; ")[2]
    )


def test_a_partial_success_says_how_far_it_got():
    found = judged(seen(namespaces=frozenset("abc")), done=Done(failures={"b": "namespace not found"}))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "Progressing")
    assert "namespaces failed: `b`: namespace not found" in found.ready.message
    assert "namespaces reached: 2 of 3" in found.ready.message
    assert found.fields["materialisedNamespaces"] == 2


def test_a_copy_that_cannot_be_removed_is_told_and_subtracts_nothing():
    found = judged(seen(namespaces=frozenset("a")), done=Done(failures={"z": "no answer"}))
    assert found.ready.reason == "Progressing"
    assert found.fields["materialisedNamespaces"] == 1


def test_the_gravest_trouble_is_the_reason_and_all_of_it_is_told():
    found = judged(
        seen(BAD, namespaces=frozenset("abc"), occupied=frozenset("a"), rendered=None),
        done=Done(failures={"b": "no answer"}, keep_failure="refused"),
        unkept=Trouble("RevocationListTooLarge", "cannot be kept"),
    )
    assert found.ready.reason == "RevocationListInvalid"
    for part in ("bad entries", "larger than a ConfigMap", "cannot be kept", "refused", "somebody else's", "no answer"):
        assert part in found.ready.message


def test_blocked_plugins_are_bounded_and_counted():
    found = judged(seen(blocked=tuple(f"p{number:04}" for number in range(1_000))))
    assert len(found.fields["pluginsBlocked"]) == 200
    assert "plugins blocked: 1000, of which 200 are listed" in found.ready.message
    assert judged(seen(blocked=("p",) * 200)).ready.message.endswith("plugins blocked: 200")
    assert "blocked" not in judged(seen()).ready.message


# -- other lists ------------------------------------------------------------------------------------------------------------------


def test_another_list_is_ready_and_advises():
    found = advisory(from_spec(SPEC, name="team"))
    assert (found.ready.status, found.ready.reason) == (Truth.TRUE, "Advisory")
    assert found.fields == {
        "observedRevocations": 1,
        "materialisedNamespaces": 0,
        "pluginsBlocked": [],
        "contentHash": from_spec(SPEC, name="team").sha256,
    }
    assert found.outcome is Outcome.SUCCESS


def test_another_list_with_bad_entries_is_not_ready():
    found = advisory(from_spec(BAD, name="team"))
    assert (found.ready.status, found.ready.reason) == (Truth.FALSE, "RevocationListInvalid")
    assert found.fields["observedRevocations"] == 1
    assert found.outcome is Outcome.PERMANENT_ERROR
