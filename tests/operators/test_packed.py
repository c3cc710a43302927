"""Objects of which there are many take little room, and come out as they went in."""

import sys

import pytest

from mcpg_operator.resources import CONFIG_MAP, PLUGIN, PLUGIN_SET, SECRET, Resource
from mcpg_operator.runtime.packed import Held, Packed, Packer, unpack

BODY = {
    "metadata": {"name": "a", "uid": "u", "resourceVersion": "7", "annotations": {"text": "ü\n\u0000"}},
    "spec": {"numbers": [1, -2.5, 1e300, 2**70], "truth": [True, False, None], "empty": [{}, [], ""]},
}


def pack(resource: Resource) -> Held:
    return Packer().pack(resource)


def test_a_plugin_comes_out_as_it_went_in_and_every_reader_gets_its_own():
    held = pack(Resource(PLUGIN, BODY))
    assert isinstance(held, Packed)
    assert (held.uid, held.resource_version) == ("u", "7")
    first, second = unpack(held), unpack(held)
    assert (first.kind, first.body) == (PLUGIN, BODY)
    assert first.body is not second.body


@pytest.mark.parametrize("kind", [SECRET, CONFIG_MAP, PLUGIN_SET])
def test_other_kinds_stay_the_very_objects_that_they_are(kind):
    resource = Resource(kind, BODY)
    assert pack(resource) is resource
    assert unpack(resource) is resource


@pytest.mark.parametrize("odd", ["\ud800", object(), {1j: 1}])
def test_what_is_no_json_stays_as_it_is(odd):
    resource = Resource(PLUGIN, {**BODY, "spec": odd})
    assert pack(resource) is resource


def test_a_body_without_metadata_has_neither_uid_nor_version():
    held = pack(Resource(PLUGIN, {"metadata": None}))
    assert isinstance(held, Packed)
    assert (held.uid, held.resource_version, unpack(held).body) == ("", "", {"metadata": None})


def judged(name: str) -> Resource:
    conditions = [{"type": f"Type{number}", "message": f"words about {number}: {BODY}"} for number in range(6)]
    return Resource(PLUGIN, {**BODY, "metadata": {"name": name}, "status": {"conditions": conditions}})


def test_objects_that_look_like_the_first_with_a_status_take_next_to_no_room():
    packer = Packer()
    held = [packer.pack(one) for one in (Resource(PLUGIN, BODY), judged("a"), judged("b"), judged("c"))]
    sizes = [sys.getsizeof(one.data) for one in held if isinstance(one, Packed)]
    assert [unpack(one).name for one in held] == ["a", "a", "b", "c"]
    assert unpack(held[3]) == judged("c")
    assert sizes[2] < sizes[1] / 3
    assert sizes[3] < sizes[1] / 3


def test_what_was_packed_before_there_was_a_model_is_opened_after_it():
    packer = Packer()
    early = packer.pack(judged("early"))
    packer.pack(judged("late"))
    assert unpack(early) == judged("early")
