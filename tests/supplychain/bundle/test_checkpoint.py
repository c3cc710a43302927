"""A checkpoint counts only in its exact form, under the log's own name and key."""

import base64

import pytest

from supplychain.bundle.checkpoint import verify_checkpoint
from supplychain.errors import LogEntryError
from tests.supplychain.bundle.support import OTHER, SIGSTORE, root
from tests.support.sigstore.transparency import Rekor, prove

V1, V2 = SIGSTORE.rekor1, SIGSTORE.rekor2
LOGS = {log.id: log for log in root().logs}
PROOF = prove(b"an entry")


def note(rekor: Rekor, text: str) -> str:
    return f"{text}\n{rekor.note_line(text.encode())}"


def text_of(rekor: Rekor, *, origin: str | None = None) -> str:
    return f"{origin or rekor.origin}\n{PROOF.size}\n{base64.b64encode(PROOF.root).decode()}\n"


@pytest.mark.parametrize("rekor", [V1, V2])
def test_a_logs_own_checkpoint_is_accepted(rekor: Rekor) -> None:
    checkpoint = verify_checkpoint(rekor.checkpoint(PROOF), log=LOGS[rekor.log_id])
    assert (checkpoint.origin, checkpoint.tree_size, checkpoint.root_hash) == (rekor.origin, PROOF.size, PROOF.root)


def test_signatures_of_witnesses_are_skipped_wherever_they_stand() -> None:
    own = V2.checkpoint(PROOF)
    text, _, lines = own.rpartition("\n\n")
    witness = f"— witness.example {base64.b64encode(bytes(72)).decode()}\n"
    namesake = f"— {V2.origin} {base64.b64encode(bytes(68)).decode()}\n"
    for signatures in (lines + witness, witness + lines, namesake + lines):
        verify_checkpoint(f"{text}\n\n{signatures}", log=LOGS[V2.log_id])


def test_other_lines_and_blank_lines_in_the_text_are_signed_with_it() -> None:
    text = text_of(V1) + "Timestamp: 1\n\nanything\n"
    verify_checkpoint(note(V1, text), log=LOGS[V1.log_id])
    with pytest.raises(LogEntryError, match="log's own"):
        verify_checkpoint(note(V1, text).replace("anything", "anythinG"), log=LOGS[V1.log_id])


def test_the_origin_of_a_rekor_v1_log_is_bound_to_nothing_and_that_of_v2_to_the_host() -> None:
    verify_checkpoint(note(V1, text_of(V1, origin="anything")), log=LOGS[V1.log_id])
    with pytest.raises(LogEntryError, match="another origin"):
        verify_checkpoint(note(V2, text_of(V2, origin="anything")), log=LOGS[V2.log_id])


@pytest.mark.parametrize("rekor", [V1, V2])
def test_a_signature_by_another_key_under_the_same_hint_is_refused(rekor: Rekor) -> None:
    other = OTHER.rekor1 if rekor is V1 else OTHER.rekor2
    forged = Rekor(
        api=rekor.api,
        key=other.key,
        log_id=rekor.log_id,
        base_url=rekor.base_url,
        origin=rekor.origin,
        note_name=rekor.note_name,
    )
    with pytest.raises(LogEntryError, match="log's own"):
        verify_checkpoint(forged.checkpoint(PROOF), log=LOGS[rekor.log_id])


@pytest.mark.parametrize("rekor", [V1, V2])
def test_a_signature_under_another_hint_is_refused(rekor: Rekor) -> None:
    renamed = Rekor(
        api=rekor.api,
        key=rekor.key,
        log_id=bytes(32),
        base_url=rekor.base_url,
        origin=rekor.origin,
        note_name=rekor.note_name,
    )
    with pytest.raises(LogEntryError, match="log's own"):
        verify_checkpoint(renamed.checkpoint(PROOF), log=LOGS[rekor.log_id])


def test_a_rekor_v1_signature_may_stand_under_any_name() -> None:
    renamed = Rekor(api="v1", key=V1.key, log_id=V1.log_id, base_url=V1.base_url, origin=V1.origin, note_name="another")
    verify_checkpoint(renamed.checkpoint(PROOF), log=LOGS[V1.log_id])


def test_a_rekor_v2_signature_under_another_name_is_refused() -> None:
    renamed = Rekor(api="v2", key=V2.key, log_id=V2.log_id, base_url=V2.base_url, origin=V2.origin, note_name="another")
    with pytest.raises(LogEntryError, match="log's own"):
        verify_checkpoint(renamed.checkpoint(PROOF), log=LOGS[V2.log_id])


GOOD = V1.checkpoint(PROOF)
HASH = base64.b64encode(PROOF.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(GOOD.rpartition("\n\n")[0] + "\n", id="no signatures"),
        pytest.param(GOOD[:-1], id="no line feed at the end"),
        pytest.param(GOOD + "\n", id="a blank line behind"),
        pytest.param(GOOD + "another line\n", id="a line that is no signature"),
        pytest.param(GOOD.replace("— ", "- "), id="a hyphen for the dash"),
        pytest.param(GOOD[:-5] + "!!!!\n", id="signature no base64"),
        pytest.param(GOOD + GOOD.rpartition("\n\n")[2] * 32, id="too many signatures"),
        pytest.param(note(V1, f"{V1.origin}\n{PROOF.size}\n"), id="no root hash"),
        pytest.param(note(V1, f"\n{PROOF.size}\n{HASH}\n"), id="no origin"),
        pytest.param(note(V1, f"{V1.origin}\n0{PROOF.size}\n{HASH}\n"), id="a leading zero"),
        pytest.param(note(V1, f"{V1.origin}\n-1\n{HASH}\n"), id="a negative size"),
        pytest.param(note(V1, f"{V1.origin}\n{PROOF.size}\n{HASH[:-1]}\n"), id="root hash no base64"),
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(LogEntryError, match="unusable"):
        verify_checkpoint(text, log=LOGS[V1.log_id])


def test_a_line_that_is_no_signature_is_named_as_such() -> None:
    with pytest.raises(LogEntryError, match="a signature line is malformed"):
        verify_checkpoint(GOOD + "another line\n", log=LOGS[V1.log_id])


def test_as_many_signatures_as_the_limit_are_read() -> None:
    line = GOOD.rpartition("\n\n")[2]
    verify_checkpoint(GOOD + line * 31, log=LOGS[V1.log_id])
    with pytest.raises(LogEntryError, match="more than 32 signature lines"):
        verify_checkpoint(GOOD + line * 32, log=LOGS[V1.log_id])
