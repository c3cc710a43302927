"""Evidence and Secrets that somebody forged who may write Secrets in the operator's namespace, but cannot sign."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.keeping.evidence import decode, encode
from mcpg_operator.keeping.secrets import evidence_name, payload_hash, plugin_secret_name
from mcpg_operator.ledger import Standing, Stored
from mcpg_operator.resources import PLUGIN, SECRET, Key
from supplychain.delivery.zstd import compress
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError
from tests.operators.plugin.world import HOST, LIBRARY, REPOSITORY, big_library, build_package, operator
from tests.operators.world import NAMESPACE
from tests.support.builders import public_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcpg_operator.keeping import KeptPlugin
    from tests.operators.plugin.world import Operator


def ready(library: bytes = LIBRARY, *names: str) -> Operator:
    op = operator()
    op.publish(build_package(artifact=library))
    for name in names or ("echo",):
        op.apply(name)
    return op.settle()


def kept(op: Operator, name: str = "echo") -> KeptPlugin:
    return decode(op.data(f"mcpg-evidence-{name}"))


def encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in data.items()}


def forge(op: Operator, record: KeptPlugin, *, at: str | None = None) -> None:
    key = Key(SECRET, f"mcpg-evidence-{at or record.plugin}", NAMESPACE)
    op.world.cluster.edit(key, lambda found: found.update(data=encoded(encode(record))))


def planted(op: Operator, record: KeptPlugin, change: Callable[[dict[str, bytes]], None], **more: str) -> KeptPlugin:
    """Store other bytes under the name that follows from them, as the operator would, and let the evidence name them."""
    data = dict(op.data(record.stored.secret))
    change(data)
    name, digest = plugin_secret_name(record.plugin, payload_hash(data)[:32]), payload_hash(data)
    like = op.world.cluster.get(SECRET, record.stored.secret, namespace=NAMESPACE)
    assert like is not None
    metadata = {**like.metadata, "name": name, "uid": ""}
    op.world.cluster.put(SECRET, {**like.body, "metadata": metadata, "data": encoded(data)})
    digests = {one: known for one, known in record.stored.digests.items() if one != record.stored.secret}
    return replace(record, stored=replace(record.stored, secret=name, digests={**digests, name: digest, **more}))


def refused_after_restart(op: Operator, name: str = "echo") -> Operator:
    """Nobody but the evidence could say that the plugin is good."""
    again = op.away().restart()
    assert again.ready(name) == ("False", "PullFailed")
    assert "artefactSecretName" not in again.status(name)
    assert again.entry(name).standing is Standing.UNAVAILABLE
    assert again.errors == []
    again.back().resync()
    assert again.ready(name) == ("True", "Reconciled")
    return again


def evil(data: dict[str, bytes]) -> None:
    data["plugin.so"] = b"evil"


def meek(data: dict[str, bytes]) -> None:
    data["plugin.yaml"] = data["plugin.yaml"].replace(b"audit_write", b"http_client")


def unsigned(data: dict[str, bytes]) -> None:
    del data["plugin.sig"]


@pytest.mark.parametrize(
    ("change", "library"),
    [(evil, LIBRARY), (meek, LIBRARY), (unsigned, LIBRARY), (meek, big_library()), (unsigned, big_library())],
    ids=["library", "descriptor", "signature", "descriptor beside shards", "signature beside shards"],
)
def test_evidence_that_names_a_secret_with_other_files_is_refused(change, library):
    op = ready(library)
    before = kept(op)
    forge(op, planted(op, before, change))
    again = refused_after_restart(op)
    assert again.data(again.status()["artefactSecretName"]) == op.data(before.stored.secret)


@pytest.mark.parametrize("change", [evil, meek])
def test_a_neighbour_with_the_same_library_makes_no_other_secret_good(change):
    op = ready(LIBRARY, "one", "two")
    forge(op, planted(op, kept(op, "two"), change))
    again = refused_after_restart(op, "two")
    assert again.ready("one") == ("True", "Reconciled")
    assert again.library("two") == LIBRARY


def test_evidence_names_no_secret_that_does_not_belong_to_the_plugin():
    op = ready()
    stored, theirs = kept(op).stored, op.data("release-key")
    digests = {**stored.digests, "release-key": payload_hash(theirs)}
    forge(op, replace(kept(op), stored=replace(stored, digests=digests)))
    again = refused_after_restart(op)
    assert again.entry().stored == stored


@pytest.mark.parametrize("name", ["release-key", "../../tenant/secrets/theirs", "mcpg-plugin-two-" + "0" * 32])
def test_evidence_names_no_secret_that_is_called_otherwise(name):
    op = ready()
    (digest,) = kept(op).stored.digests.values()
    forge(op, replace(kept(op), stored=Stored(secret=name, digests={name: digest}, size=len(LIBRARY))))
    op.world.cluster.reads.clear()
    again = refused_after_restart(op)
    assert name == "release-key" or [one for one in again.world.cluster.reads if one[2] == name] == []


def test_the_evidence_of_two_plugins_that_was_swapped_is_refused():
    op = ready(LIBRARY, "one", "two")
    one, two = kept(op, "one"), kept(op, "two")
    forge(op, one, at="two")
    forge(op, two, at="one")
    again = op.away().restart()
    assert {again.ready("one"), again.ready("two")} == {("False", "PullFailed")}


@pytest.mark.parametrize("field", ["pulled_at", "confirmed_at"])
@pytest.mark.parametrize(
    "moment",
    [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))],
)
def test_times_that_no_calendar_has_in_utc_are_no_evidence(field, moment):
    op = ready()
    forge(op, replace(kept(op), **{field: moment}))
    refused_after_restart(op)


@pytest.mark.parametrize(
    "text", [b"[" * 200_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b" " * (17 * 1024 * 1024), b'"\\ud800"', b"\xff"]
)
def test_json_that_is_deep_or_endless_is_no_evidence(text):
    op = ready()
    data: dict[str, Any] = {"evidence.json.zst": b"".join(compress(text)), "size": str(len(text)).encode()}
    op.world.cluster.edit(Key(SECRET, "mcpg-evidence-echo", NAMESPACE), lambda found: found.update(data=encoded(data)))
    refused_after_restart(op)


def test_nobody_gets_the_evidence_of_another_plugin_by_its_name():
    long = "a" * 253
    theirs = evidence_name(long).removeprefix("mcpg-evidence-")
    op = ready(LIBRARY, long, theirs)
    assert len(op.secrets("plugin-evidence")) == 2
    again = op.away().restart()
    assert {again.ready(long), again.ready(theirs)} == {("True", "Reconciled")}


def test_a_key_that_is_replaced_counts_even_where_somebody_wrote_a_generation_into_its_secret():
    op = operator()
    op.publish()
    key = Key(SECRET, "release-key", NAMESPACE)
    op.world.cluster._held[key].body["metadata"]["generation"] = 7
    op.world.cluster.edit(key, lambda found: found["metadata"].update(labels={"team": "x"}))
    op.apply().settle()
    assert op.ready() == ("True", "Reconciled")
    other = base64.b64encode(public_key(seed=b"k" * 32)).decode()
    op.world.cluster.edit(key, lambda found: found["data"].update({"release.pub": other}))
    op.settle()
    assert op.world.cluster._held[key].body["metadata"]["generation"] == 7
    assert op.ready() == ("False", "VerificationFailed")


@pytest.mark.parametrize("error", [ApplyForbiddenError("no"), ApplyRejectedError("quota")])
def test_a_plugin_that_was_made_anew_says_so_where_its_evidence_cannot_be_written(error):
    op = ready()
    op.delete()
    op.world.cluster.fail_with(error, on=("apply", "create"), kind=SECRET)
    op.apply().settle()
    assert op.errors == []
    assert op.ready() == ("False", "MaterialiseFailed")
    assert op.entry().standing is Standing.UNAVAILABLE
    op.world.cluster.heal()
    op.resync()
    assert op.ready() == ("True", "Reconciled")


def test_a_secret_that_a_set_misses_is_back_in_minutes():
    op = ready().resync()
    name = op.status()["artefactSecretName"]
    op.world.cluster.remove(Key(SECRET, name, NAMESPACE))
    op.away()
    for _ in range(10):  # a set that misses it wakes the plugin each time
        op.world.later(30)
        op.world.woken.append(Key(PLUGIN, "echo"))
        op.settle()
    assert op.library() == LIBRARY


def test_a_pin_is_not_met_by_a_record_that_says_so_about_another_image():
    """The record is only believed about the image that it was made for, unless its own digest is the pin."""
    op = ready()
    record = kept(op)
    op.apply(oci={"image": f"{HOST}/{REPOSITORY}@sha256:{'0' * 64}"})
    forge(op, replace(record, asked=replace(record.asked, image="elsewhere/other:1.2.3")))
    again = op.away().restart()
    assert again.ready() == ("False", "PullFailed")
