"""Each check of a log entry refuses a bundle whose only fault is the one that it looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from supplychain.errors import (
    LogEntryError,
)
from tests.supplychain.bundle.support import (
    OTHER,
    entry,
    material,
    refuse,
    statement,
)
from tests.support.sigstore.keys import sign
from tests.support.sigstore.transparency import b64

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_bundle_without_entry_is_refused_where_the_root_names_logs() -> None:
    refuse(statement(log="none"), LogEntryError, "no transparency log entry")


def test_an_entry_of_a_log_that_the_root_does_not_name_is_refused() -> None:
    refuse(statement(rekor=OTHER.rekor2), LogEntryError, "by a log that the trust root does not name")


def _edit_proof(field: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        proof = entry(value)["inclusionProof"]
        proof[field] = change(proof[field])

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(_edit_proof("hashes", lambda hashes: [b64(bytes(32)), *hashes[1:]]), id="another hash"),
        pytest.param(_edit_proof("hashes", lambda hashes: hashes[:-1]), id="a hash less"),
        pytest.param(_edit_proof("hashes", lambda hashes: [*hashes, b64(bytes(32))]), id="a hash more"),
        pytest.param(_edit_proof("hashes", lambda hashes: [b64(bytes(31)), *hashes[1:]]), id="a short hash"),
        pytest.param(_edit_proof("treeSize", lambda _: "1"), id="index beyond the tree"),
    ],
)
def test_a_broken_inclusion_proof_is_refused(edit: Any) -> None:
    refuse(statement(log="rekor1", edit=edit), LogEntryError, "does not lead from the entry")


def test_the_outer_index_of_a_rekor_v2_entry_must_be_its_proofs() -> None:
    refuse(statement(edit=lambda value: entry(value).update(logIndex="424242")), LogEntryError, "index differs from its proof's")


def test_a_checkpoint_of_another_tree_is_refused() -> None:
    def other_size(text: str) -> str:
        origin, size, rest = text.split("\n", 2)
        return f"{origin}\n{int(size) + 1}\n{rest}"

    def other_hash(text: str) -> str:
        origin, size, _, rest = text.split("\n", 3)
        return f"{origin}\n{size}\n{b64(bytes(32))}\n{rest}"

    for edit in (other_size, other_hash):
        for log in ("rekor1", "rekor2"):
            refuse(statement(log=log, edit_checkpoint=edit), LogEntryError, "checkpoint is of another tree")


def test_a_promise_over_other_facts_is_refused() -> None:
    for field in ("logIndex", "integratedTime"):
        raw = statement(log="rekor1", edit=lambda value, field=field: entry(value).update({field: "1748865601"}))
        refuse(raw, LogEntryError, "signed entry timestamp does not verify")


def test_a_promise_by_another_key_is_refused() -> None:
    def forge(value: dict[str, Any]) -> None:
        entry(value)["inclusionPromise"]["signedEntryTimestamp"] = b64(sign(OTHER.rekor1.key, b"x"))

    refuse(statement(log="rekor1", edit=forge), LogEntryError, "signed entry timestamp does not verify")


def test_a_promise_by_a_rekor_v2_log_is_refused() -> None:
    def add(value: dict[str, Any]) -> None:
        entry(value)["inclusionPromise"] = {"signedEntryTimestamp": b64(b"x")}

    refuse(statement(edit=add), LogEntryError, "Rekor v2 log, which makes none")


def test_one_bad_entry_among_good_ones_is_refused() -> None:
    def spoil(value: dict[str, Any]) -> None:
        material(value)["tlogEntries"][1]["inclusionProof"]["hashes"][0] = b64(bytes(32))

    refuse(statement(log="rekor1", entries=2, edit=spoil), LogEntryError, "does not lead from the entry")
