"""Merging lists of referrers."""

import json

import pytest

from supplychain.carry.fallback import ReferrersList, as_entry
from supplychain.errors import ManifestInvalidError
from supplychain.mirror.manifests import OciDescriptor
from tests.support.oci import canonical


def descriptor(number, **more):
    return OciDescriptor(media_type="application/vnd.oci.image.manifest.v1+json", sha256=f"{number:064x}", size=1, **more)


def listed(*entries, **more):
    return canonical({"schemaVersion": 2, "manifests": list(entries), **more})


def entries(data):
    assert data is not None
    return json.loads(data)


def test_a_list_that_is_not_there_is_made_and_then_nothing_is_missing():
    known = ReferrersList(where="test")
    known.add(descriptor(1, artifact_type="a/b", annotations={"k": "v"}))
    wanted = known.merge(None) or b""
    [entry] = json.loads(wanted)["manifests"]
    assert entry["artifactType"] == "a/b"
    assert entry["annotations"] == {"k": "v"}
    assert known.merge(wanted) is None


def test_entries_of_others_stay_as_they_are():
    known = ReferrersList(where="test")
    known.add(descriptor(1))
    theirs = {**as_entry(descriptor(2)), "data": "eHg=", "unknown": [1]}
    merged = entries(known.merge(listed("odd", theirs, annotations={"x": "y"})))
    assert merged["manifests"] == ["odd", theirs, as_entry(descriptor(1))]
    assert merged["annotations"] == {"x": "y"}


def test_what_was_seen_once_and_is_missing_later_is_put_back():
    known = ReferrersList(where="test")
    known.add(descriptor(1))
    known.merge(listed(as_entry(descriptor(2))))
    merged = entries(known.merge(listed(as_entry(descriptor(3)))))
    assert {entry["digest"][-1] for entry in merged["manifests"]} == {"1", "2", "3"}


def test_what_is_no_list_is_refused():
    with pytest.raises(ManifestInvalidError):
        ReferrersList(where="test").merge(b"{}")
