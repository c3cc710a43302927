"""What is revoked stays revoked: through a deleted list, a restart, bad entries, and changes while a plugin is judged."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator import revocations
from mcpg_operator.ledger import Standing
from mcpg_operator.names import MANAGER
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, REVOCATION_LIST, Key, Resource
from mcpg_operator.revocations import (
    CLUSTER_DEFAULT,
    KEPT,
    LIST,
    in_force,
    kept_manifest,
    last_seen,
    lasting_spec,
    read_kept,
    suspects,
)
from supplychain.digest import ArtifactHash
from supplychain.errors import RevocationListInvalidError, RevokedError
from supplychain.revocation import from_spec
from tests.operators.world import NAMESPACE, World, body, edited

if TYPE_CHECKING:
    from supplychain.revocation import RevocationSet

A, B, C = "a" * 64, "b" * 64, "c" * 64


def entry(library: str, reason: str = "stolen key") -> dict[str, str]:
    return {"artifactSha256": library, "reason": reason}


def spec(*libraries: str) -> dict[str, object]:
    return {"version": 1, "revocations": [entry(one) for one in libraries]}


def listed(world: World, *libraries: str) -> None:
    world.cluster.put(REVOCATION_LIST, body(LIST, spec(*libraries)))


def keep(world: World, *libraries: str) -> None:
    manifest = kept_manifest(spec(*libraries), namespace=NAMESPACE, annotations={})
    assert manifest is not None
    world.cluster.apply(manifest, manager="test")


def current(world: World) -> RevocationSet:
    found = in_force(world.services())
    assert found is not None
    return found


def hashes(world: World) -> set[str] | None:
    found = in_force(world.services())
    return None if found is None else {one for each in found.lists for one in each.entries}


@pytest.fixture
def world() -> World:
    return World()


# -- which entries count --------------------------------------------------------------------------------------------------------


def test_nobody_knows_before_the_first_full_look(world):
    assert in_force(world.services()) is None


def test_nobody_knows_before_the_kept_entries_could_be_seen(world):
    assert hashes(world.watch(CONFIG_MAP)) is None


def test_nobody_knows_before_lists_could_be_seen(world):
    keep(world, A)
    assert hashes(world.watch(REVOCATION_LIST)) is None


def test_where_there_never_was_a_list_nothing_is_revoked(world):
    assert hashes(world.watch()) == set()


def test_the_list_counts(world):
    listed(world, A, B)
    assert hashes(world.watch()) == {A, B}
    assert current(world).lists[0].name == LIST


def test_the_list_counts_as_soon_as_it_is_seen_even_before_the_first_full_look(world):
    listed(world, A)
    world.store.put(world.cluster.objects(REVOCATION_LIST)[0])
    assert hashes(world) == {A}


def test_no_other_list_counts(world):
    world.cluster.put(REVOCATION_LIST, body("team", spec(A)))
    assert hashes(world.watch()) == set()


def test_a_list_that_exists_outweighs_what_was_kept(world):
    keep(world, A)
    listed(world, B)
    assert hashes(world.watch()) == {B}


def test_an_edit_that_takes_entries_away_counts(world):
    listed(world, A, B)
    world.watch()
    assert hashes(world) == {A, B}
    world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(B)]))
    assert hashes(world) == {B}


def test_a_deleted_list_stays_in_force_from_memory(world):
    listed(world, A)
    world.watch()
    assert hashes(world) == {A}
    world.cluster.remove(CLUSTER_DEFAULT)
    assert hashes(world) == {A}


def test_a_list_that_nobody_asked_for_while_it_existed_is_remembered_all_the_same(world):
    in_force(world.watch().services())
    listed(world, A)
    world.cluster.remove(CLUSTER_DEFAULT)
    assert hashes(world) == {A}


def test_a_list_that_was_there_before_anybody_listened_is_remembered(world):
    listed(world, A)
    in_force(world.watch().services())
    world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(A), entry(B)]))
    world.cluster.remove(CLUSTER_DEFAULT)
    assert hashes(world) == {A, B}


def test_a_deletion_that_only_a_relist_shows_changes_nothing(world):
    listed(world, A)
    world.watch()
    assert hashes(world) == {A}
    world.store.replace(REVOCATION_LIST, [])
    assert hashes(world) == {A}


def test_after_a_restart_the_kept_entries_count_where_the_list_is_gone(world):
    keep(world, A)
    assert hashes(world.watch()) == {A}


def test_a_list_that_comes_back_counts_as_it_is(world):
    listed(world, A)
    world.watch()
    hashes(world)
    world.cluster.remove(CLUSTER_DEFAULT)
    listed(world, B)
    assert hashes(world) == {B}


def test_kept_entries_that_change_are_read_again(world):
    keep(world, A)
    world.watch()
    assert hashes(world) == {A}
    keep(world, A, B)
    assert hashes(world) == {A, B}


def test_memory_outweighs_kept_entries_that_somebody_edits(world):
    listed(world, A)
    keep(world, A)
    world.watch()
    assert hashes(world) == {A}
    world.cluster.remove(CLUSTER_DEFAULT)
    keep(world, B)
    assert hashes(world) == {A}


def test_the_last_object_is_known_whether_it_exists_or_not(world):
    assert last_seen(world.watch().services()) is None
    listed(world, A)
    world.cluster.remove(CLUSTER_DEFAULT)
    last = last_seen(world.services())
    assert last is not None
    assert last.spec == spec(A)


# -- bad entries ----------------------------------------------------------------------------------------------------------------


def test_good_entries_count_beside_bad_ones_and_absence_proves_nothing(world):
    bad = {"revocations": [entry(A), {"artifactSha256": "short", "reason": "x"}]}
    world.cluster.put(REVOCATION_LIST, body(LIST, bad))
    found = current(world.watch())
    with pytest.raises(RevokedError):
        found.check(ArtifactHash(A))
    with pytest.raises(RevocationListInvalidError, match=r"revocations\[1\]"):
        found.check(ArtifactHash(B))


@pytest.mark.parametrize("bad", [None, 7, [], {"revocations": 7}, {"revocations": [None]}, {"version": 2}])
def test_a_list_that_cannot_be_read_clears_nobody(world, bad):
    world.cluster.put(REVOCATION_LIST, body(LIST, bad))
    with pytest.raises(RevocationListInvalidError):
        current(world.watch()).check(ArtifactHash(A))


def test_bad_entries_are_kept_as_bad_as_they_are():
    bad = {"revocations": [entry(A), {"reason": "x"}], "version": 1}
    found = read_kept(as_stored(kept_manifest(bad, namespace=NAMESPACE, annotations={})))
    assert set(found.entries) == {A}
    assert found.problems == ("`revocations[1]` has no usable `artifactSha256`",)


@pytest.mark.parametrize("bad", [None, 7, [], {"revocations": 7}, {"revocations": [None, entry(C)]}, {"version": 2}])
def test_an_edit_that_makes_the_list_unreadable_takes_nothing_back(world, bad):
    listed(world, A, B)
    world.watch()
    assert hashes(world) == {A, B}
    before = current(world).lists[0].sha256
    world.cluster.put(REVOCATION_LIST, body(LIST, bad))
    found = current(world)
    assert hashes(world) == {A, B, *(() if bad != {"revocations": [None, entry(C)]} else (C,))}
    with pytest.raises(RevokedError):
        found.check(ArtifactHash(A))
    assert found.lists[0].problems
    assert (found.lists[0].sha256 == before) is (hashes(world) == {A, B})
    listed(world, B)
    assert hashes(world) == {B}
    assert current(world).lists[0].problems == ()


def test_an_edit_that_makes_the_list_unreadable_wakes_nobody_whom_it_would_clear(watched):
    watched.cluster.put(REVOCATION_LIST, body(LIST, {"revocations": [{"artifactSha256": "short", "reason": "x"}, entry(B)]}))
    assert woken(watched) == ["on-b"]


def test_after_a_restart_an_unreadable_list_still_says_what_was_kept_of_it(world):
    keep(world, A)
    world.cluster.put(REVOCATION_LIST, body(LIST, {"revocations": [None, entry(B)]}))
    assert hashes(world.watch(CONFIG_MAP)) is None, "what was kept is not seen yet"
    assert hashes(world.watch()) == {A, B}
    keep(world, C)
    assert hashes(world) == {A, B}, "memory outweighs what somebody edits later"
    listed(world, B)
    assert hashes(world) == {B}


def test_an_unreadable_edit_of_a_list_that_was_read_needs_nothing_that_was_kept(world):
    keep(world, C)
    listed(world, A)
    assert hashes(world.watch()) == {A}
    world.cluster.put(REVOCATION_LIST, body(LIST, {"revocations": [None, entry(B)]}))
    assert hashes(world) == {A, B}


def test_the_hash_of_an_unreadable_list_is_its_own_where_it_lost_nothing(world):
    listed(world, A)
    current(world.watch())
    whole = {"revocations": [entry(A), None]}
    world.cluster.put(REVOCATION_LIST, body(LIST, whole))
    assert current(world).lists[0].sha256 == from_spec(whole, name=LIST).sha256


def test_the_hash_of_an_unreadable_list_that_lost_entries_has_its_date(world):
    listed(world, A)
    current(world.watch())
    found = set()
    for day in ("01", "02"):
        whole = {"issuedAt": f"2026-01-{day}T00:00:00Z", "revocations": [None]}
        world.cluster.put(REVOCATION_LIST, body(LIST, whole))
        found.add(current(world).lists[0].sha256)
    assert len(found) == 2


def test_kept_entries_are_read_once(world):
    keep(world, A)
    before = current(world.watch()).lists[0]
    assert current(world).lists[0] is before


def test_an_unreadable_list_of_which_nothing_was_kept_says_what_can_be_read(world):
    world.cluster.put(REVOCATION_LIST, body(LIST, {"revocations": [None, entry(B)]}))
    assert hashes(world.watch()) == {B}


def test_what_an_unreadable_list_lost_outlives_it_as_well():
    good = from_spec({"revocations": [{**entry(A), "revokedAt": "2026-01-01T00:00:00Z"}, entry(B)]}, name=LIST)
    strange: tuple[Any, ...] = (None, "x", {"revocations": "oops"}, {"revocations": [{"reason": "x"}, entry(C)]})
    for bad in strange:
        found = from_spec(bad, name=LIST)
        in_force_ = replace(found, entries={**good.entries, **found.entries})
        lasting = lasting_spec(bad, in_force=in_force_)
        assert lasting["version"] == 1
        assert [sorted(one) for one in lasting["revocations"][:2]] == [
            ["artifactSha256", "reason", "revokedAt"],
            ["artifactSha256", "reason"],
        ]
        again = read_kept(as_stored(kept_manifest(lasting, namespace=NAMESPACE, annotations={})))
        assert dict(again.entries) == dict(in_force_.entries)
        assert again.problems


def test_a_spec_that_says_all_that_is_in_force_outlives_as_it_is():
    for whole in (spec(A), {"revocations": [entry(A), None]}):
        assert lasting_spec(whole, in_force=from_spec(whole, name=LIST)) is whole
    less = spec(B)
    assert lasting_spec(less, in_force=from_spec(spec(A), name=LIST)) is less, "a list that can be read may take entries away"


# -- the kept form ----------------------------------------------------------------------------------------------------------------


def as_stored(manifest) -> Resource:
    """What a ConfigMap says after the API server took it."""
    world = World()
    world.cluster.apply(manifest, manager="test")
    return world.cluster.objects(CONFIG_MAP)[0]


def many(count: int, *, reason: str = "compromised build") -> dict[str, object]:
    numbers = random.Random(count)
    return {"revocations": [entry(numbers.randbytes(32).hex(), reason) for _ in range(count)]}


def test_kept_entries_are_plain_text_where_that_fits():
    kept = as_stored(kept_manifest(spec(A), namespace=NAMESPACE, annotations={"x/y": "z"}))
    assert kept.name == KEPT
    assert kept.namespace == NAMESPACE
    assert kept.labels == MANAGER
    assert kept.annotations["x/y"] == "z"
    text = f'{{"revocations":[{{"artifactSha256":"{A}","reason":"stolen key"}}],"version":1}}'
    assert kept.body["data"] == {"spec.json": text}
    assert set(read_kept(kept).entries) == {A}
    assert read_kept(kept).name == LIST


def test_the_largest_spec_that_is_kept_can_be_read(monkeypatch):
    whole = {"revocations": [entry(A, "x" * 5_000)], "version": 1}
    plain = as_stored(kept_manifest(whole, namespace=NAMESPACE, annotations={}))
    size = len(plain.body["data"]["spec.json"])
    monkeypatch.setattr(revocations, "LARGEST_CONFIG_MAP", 1_000)
    monkeypatch.setattr(revocations, "_LARGEST_SPEC", size)
    kept = as_stored(kept_manifest(whole, namespace=NAMESPACE, annotations={}))
    assert "binaryData" in kept.body
    assert set(read_kept(kept).entries) == {A}


def test_the_bounds_of_the_kept_form_are_the_last_that_fit(monkeypatch):
    def form(**bounds):
        for name, value in bounds.items():
            monkeypatch.setattr(revocations, name, value)
        return kept_manifest(spec(A), namespace=NAMESPACE, annotations={})

    plain = form()
    size = len(plain["data"]["spec.json"])
    assert "data" in form(LARGEST_CONFIG_MAP=size)
    monkeypatch.setattr(revocations, "compress", lambda text: [text[:50]])
    assert "binaryData" in form(LARGEST_CONFIG_MAP=size - 1, _LARGEST_SPEC=size)
    assert form(LARGEST_CONFIG_MAP=size - 1, _LARGEST_SPEC=size - 1) is None
    assert "binaryData" in form(LARGEST_CONFIG_MAP=50, _LARGEST_SPEC=size)
    assert form(LARGEST_CONFIG_MAP=49, _LARGEST_SPEC=size) is None


@pytest.mark.parametrize("size", [5_000, 9_000])
def test_the_longest_lists_that_a_cluster_takes_can_be_kept(size):
    wanted = many(size, reason="compromised build machine in region 1")
    kept = as_stored(kept_manifest(wanted, namespace=NAMESPACE, annotations={}))
    assert len(read_kept(kept).entries) == size
    assert ("binaryData" in kept.body) is (size == 9_000)


def test_a_list_beyond_every_bound_is_not_kept_and_says_so():
    assert kept_manifest(many(30_000), namespace=NAMESPACE, annotations={}) is None
    endless = {"revocations": [entry(A, "x" * 9_000_000)]}
    assert kept_manifest(endless, namespace=NAMESPACE, annotations={}) is None


NO_KEY = "cannot be read: no such key"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(lambda kept: kept.pop("data"), NO_KEY, id="no data"),
        pytest.param(lambda kept: kept.update(data={}), NO_KEY, id="no key"),
        pytest.param(lambda kept: kept["data"].update({"spec.json": "{"}), "cannot be read: ", id="no json"),
        pytest.param(lambda kept: kept["data"].update({"spec.json": "[]"}), "", id="no mapping"),
        pytest.param(lambda kept: kept["data"].update({"spec.json": "\ufeff{}"}), "cannot be read: ", id="byte order mark"),
        pytest.param(lambda kept: kept.update(data={}, binaryData={"spec.json.zst": "AAAA"}), "cannot be read: ", id="no zstd"),
        pytest.param(lambda kept: kept.update(binaryData={"spec.json.zst": "?"}), NO_KEY, id="no base64"),
    ],
)
def test_kept_entries_that_cannot_be_read_clear_nobody(world, damage, problem):
    keep(world, A)
    world.cluster.edit(Key(CONFIG_MAP, KEPT, NAMESPACE), damage)
    (kept,) = world.cluster.objects(CONFIG_MAP)
    found = read_kept(kept)
    assert found.name == LIST
    assert problem in found.problems[0]
    assert (NO_KEY in found.problems[0]) is (problem == NO_KEY)
    assert (found.sha256 == "") is bool(problem)
    with pytest.raises(RevocationListInvalidError):
        current(world.watch()).check(ArtifactHash(B))


@pytest.mark.parametrize("size", [None, "", "many", "-1", "9999999999", "٣", "7"])
def test_a_wrong_size_of_the_packed_entries_is_refused(size):
    kept = kept_manifest(many(9_000, reason="compromised build machine in region 1"), namespace=NAMESPACE, annotations={})
    assert kept is not None
    annotations = kept["metadata"]["annotations"]
    del annotations["mcpg.dev/size"]
    if size is not None:
        annotations["mcpg.dev/size"] = size
    found = read_kept(as_stored(kept))
    assert found.entries == {}
    assert len(found.problems) == 1
    assert found.problems[0].endswith("no usable size") is (size != "7")


# -- who is woken ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(world: World) -> World:
    listed(world, A)
    in_force(world.watch().services())
    world.judged("on-a", A, Standing.REVOKED)
    world.judged("on-b", B)
    world.judged("on-c", C)
    world.judged("unknown", None, Standing.UNAVAILABLE)
    assert world.woken == []
    return world


def woken(world: World) -> list[str]:
    names = sorted(key.name for key in world.woken)
    assert all(key.kind == PLUGIN for key in world.woken)
    world.woken.clear()
    return names


def test_a_new_entry_wakes_exactly_the_plugins_it_hits(watched):
    watched.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(A), entry(B)]))
    assert woken(watched) == ["on-b"]


def test_an_entry_that_goes_wakes_the_plugins_it_hit(watched):
    watched.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[]))
    assert woken(watched) == ["on-a"]


def test_an_entry_that_says_something_else_wakes_the_plugins_that_repeat_it(watched):
    watched.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(A, "another reason")]))
    assert woken(watched) == ["on-a"]


def test_an_entry_in_upper_case_hits_as_well(watched):
    watched.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(A), entry(B.upper())]))
    assert woken(watched) == ["on-b"]


def test_a_change_of_the_status_alone_wakes_nobody_who_waits_for_a_usable_list(watched):
    watched.judged("waits", None, Standing.UNAVAILABLE, reason=RevocationListInvalidError.reason)
    woken(watched)
    watched.cluster.edit(CLUSTER_DEFAULT, lambda found: found.update(metadata={**found["metadata"], "labels": {"a": "b"}}))
    assert woken(watched) == []


def test_a_good_standing_without_an_artifact_wakes_nobody(watched):
    watched.judged("nothing", None)
    assert woken(watched) == []


def test_a_change_of_nothing_that_counts_wakes_nobody(watched):
    watched.cluster.edit(CLUSTER_DEFAULT, lambda found: found["metadata"].update(annotations={"note": "x"}))
    watched.cluster.edit(CLUSTER_DEFAULT, lambda found: found.update(status={"observedRevocations": 1}))
    assert woken(watched) == []


def test_a_deleted_list_wakes_nobody_because_it_stays_in_force(watched):
    watched.cluster.remove(CLUSTER_DEFAULT)
    assert woken(watched) == []


def test_another_list_wakes_nobody(watched):
    watched.cluster.put(REVOCATION_LIST, body("team", spec(B)))
    watched.cluster.remove(Key(REVOCATION_LIST, "team"))
    assert woken(watched) == []


def test_a_list_that_comes_back_without_an_entry_wakes_whom_the_entry_hit(watched):
    watched.cluster.remove(CLUSTER_DEFAULT)
    listed(watched, B)
    assert woken(watched) == ["on-a", "on-b"]


def test_plugins_that_wait_for_a_usable_list_are_woken_by_every_change(watched):
    watched.judged("waits", C, Standing.UNAVAILABLE, reason="RevocationListInvalid")
    watched.cluster.edit(CLUSTER_DEFAULT, edited(issuedAt="2026-01-01T00:00:00Z"))
    assert woken(watched) == ["waits"]


def test_the_first_list_wakes_whom_it_hits(world):
    in_force(world.watch().services())
    world.judged("on-a", A)
    listed(world, A)
    assert woken(world) == ["on-a"]


def test_a_plugin_that_is_found_good_after_its_revocation_is_woken(watched):
    watched.judged("late", A)
    assert woken(watched) == ["late"]


def test_a_plugin_that_is_found_revoked_after_the_entry_went_is_woken(watched):
    watched.judged("late", B, Standing.REVOKED)
    assert woken(watched) == ["late"]


def test_a_plugin_that_stands_as_the_list_says_is_left_alone(watched):
    watched.judged("another-on-a", A, Standing.REVOKED)
    watched.judged("another-on-b", B)
    watched.judged("refused", A, Standing.REFUSED)
    watched.judged("unavailable", A, Standing.UNAVAILABLE)
    watched.ledger.drop("on-b")
    assert woken(watched) == []


def test_before_the_first_full_look_nobody_is_woken_for_being_good(world):
    in_force(world.services())
    world.judged("early", A)
    assert woken(world) == []


def test_no_plugin_slips_between_a_judgement_and_a_change_of_the_list(world):
    """Whatever the order of the two threads, a plugin that the final list names is woken after it entered as verified."""
    for round_ in range(30):
        each = World()
        listed(each)
        in_force(each.watch().services())
        start = threading.Barrier(2)

        def judge(each=each, start=start):
            start.wait(10)
            each.judged("racing", A)

        thread = threading.Thread(target=judge)
        thread.start()
        start.wait(10)
        each.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(A)]))
        thread.join(10)
        assert "racing" in woken(each), round_


# -- what is urgent -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def urgent(world: World) -> list[Key]:
    """Who was woken before all others; `A` is revoked, and what stands for `B` was not judged by a list that names it."""
    urged: list[Key] = []
    listed(world, A)
    in_force(world.watch().services(hurry=urged.append))
    world.judged("on-b", B)
    world.judged("on-b-refused", B, Standing.REFUSED, reason="RevocationListInvalid")
    return urged


def names(keys: list[Key]) -> list[str]:
    assert all(key.kind == PLUGIN for key in keys)
    return sorted(key.name for key in keys)


def stands_for(world: World, name: str, library: object, **status: object) -> None:
    world.cluster.put(PLUGIN, {**body(name, {}), "status": {"resolvedDigest": library, **status}})


def test_plugins_that_are_to_be_taken_away_are_urgent(world, urgent):
    world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(A), entry(B)]))
    assert names(urgent) == ["on-b", "on-b-refused"]
    assert woken(world) == []


def test_plugins_that_may_come_back_can_wait(world, urgent):
    world.judged("on-a", A, Standing.REVOKED)
    world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[]))
    assert woken(world) == ["on-a", "on-b-refused"]
    assert names(urgent) == []


def test_a_plugin_that_is_found_good_after_its_revocation_is_urgent_and_the_opposite_is_not(world, urgent):
    world.judged("good", A)
    world.judged("revoked", C, Standing.REVOKED)
    assert names(urgent) == ["good"]
    assert woken(world) == ["revoked"]


def test_plugins_that_nobody_judged_yet_are_urgent_if_their_status_names_a_new_entry(world, urgent):
    stands_for(world, "waits-on-b", B)
    stands_for(world, "waits-on-b-too", B)
    stands_for(world, "waits-on-c", C)
    stands_for(world, "on-b", B)
    stands_for(world, "said-already", B, revokedBySha=True)
    stands_for(world, "odd", ["b"])
    world.cluster.edit(CLUSTER_DEFAULT, edited(revocations=[entry(A), entry(B)]))
    assert names(urgent) == ["on-b", "on-b-refused", "waits-on-b", "waits-on-b-too"]


def test_after_a_start_plugins_are_suspect_whose_status_names_a_revoked_artifact_and_does_not_say_so(world):
    assert suspects(world.services()) == ()
    listed(world, A, B)
    stands_for(world, "waits", A, revokedBySha=False)
    stands_for(world, "good", C)
    stands_for(world, "said-already", A, revokedBySha=True)
    stands_for(world, "judged", B)
    world.watch().judged("judged", B)
    assert suspects(world.services()) == (Key(PLUGIN, "waits"),)


def test_nobody_is_suspect_where_nothing_is_revoked(world):
    stands_for(world, "good", C)
    assert suspects(world.watch().services()) == ()


# -- one view of each cluster -------------------------------------------------------------------------------------------------


def test_worlds_do_not_mix(world):
    listed(world, A)
    other = World()
    listed(other, B)
    assert hashes(world.watch()) == {A}
    assert hashes(other.watch()) == {B}


def test_the_same_store_has_one_memory_whoever_asks(world):
    listed(world, A)
    world.watch()
    in_force(world.services())
    world.cluster.remove(CLUSTER_DEFAULT)
    assert hashes(world) == {A}


def test_an_unchanged_list_is_read_once(world):
    listed(world, A)
    before = current(world.watch()).lists[0]
    world.cluster.edit(CLUSTER_DEFAULT, lambda found: found.update(status={"observedRevocations": 1}))
    assert current(world).lists[0] is before
