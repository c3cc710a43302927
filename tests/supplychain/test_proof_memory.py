"""Evidence that was proven once is not proven again, and nothing but the very same evidence is taken for it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from supplychain import evidence, verifier
from supplychain.artifact import EvidenceForm, Material
from supplychain.bundle import prove_envelope
from supplychain.ed25519 import parse_keys, verify_detached
from supplychain.errors import EvidenceError
from supplychain.evidence import verify_envelope
from supplychain.proof_memory import ProofMemory, remembering
from supplychain.trust_root import TrustRoot, TrustRoots, parse_trust_root
from supplychain.verification_key import parse_trusted_keys
from supplychain.verifier import PluginVerifier
from tests.supplychain.bundle.support import SIGSTORE, STATEMENT, root, statement
from tests.support import scenario
from tests.support.builders import build_elf, build_package, public_key
from tests.support.sigstore.keys import public_key_pem
from tests.support.testdata.release import OTHER_SIGSTORE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from supplychain.proof import ProvenEnvelope

KEY = SIGSTORE.seed.p256("a release key")


def bundle(*, where: str = "", **made: object) -> Material:
    return Material(form=EvidenceForm.BUNDLE, data=statement(**made), where=where)


def other_root() -> TrustRoot:
    return parse_trust_root(OTHER_SIGSTORE.trusted_root(), name="another")


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the core was asked to prove, in order."""
    asked: list[object] = []

    def prove(one: Any, **more: Any) -> ProvenEnvelope:
        asked.append(one)
        return prove_envelope(one, **more)

    monkeypatch.setattr(evidence, "prove_envelope", prove)
    return asked


@pytest.fixture
def memory() -> Iterator[ProofMemory]:
    memory = ProofMemory()
    with remembering(memory):
        yield memory


def test_the_same_evidence_is_proven_once_wherever_it_was_found(memory, proofs):
    known = root()
    first = verify_envelope(bundle(where="one referrer"), root=known)
    second = verify_envelope(bundle(where="another referrer"), root=known)
    assert (first, len(proofs), len(memory)) == (second, 1, 1)
    assert first.judged_by == ("supplychain", "sigstore-python")


def test_without_a_memory_everything_is_proven_each_time(proofs):
    known = root()
    with remembering(None):
        for _ in range(2):
            verify_envelope(bundle(), root=known, second_opinion=False)
    assert len(proofs) == 2


def test_a_memory_ends_with_its_block_and_belongs_to_one_thread(proofs):
    known, memory = root(), ProofMemory()

    def prove() -> None:
        verify_envelope(bundle(), root=known, second_opinion=False)

    with remembering(memory):
        other = threading.Thread(target=prove)
        other.start()
        other.join()
    prove()
    assert (len(proofs), len(memory)) == (2, 0)


def test_another_root_other_roots_and_one_verifier_less_are_other_questions(memory, proofs):
    known = root()
    verify_envelope(bundle(), root=known)
    verify_envelope(bundle(), root=replace(known))
    verify_envelope(bundle(), root=TrustRoots((known, other_root())))
    alone = verify_envelope(bundle(), root=known, second_opinion=False)
    assert (len(proofs), len(memory)) == (4, 4)
    assert alone.judged_by == ("supplychain",)


def test_one_changed_byte_is_refused_although_the_rest_was_proven(memory):
    known, honest = root(), bundle()
    verify_envelope(honest, root=known)
    at = honest.data.index(b'"payload":"') + 30
    other = b"A" if honest.data[at : at + 1] != b"A" else b"B"
    with pytest.raises(EvidenceError):
        verify_envelope(replace(honest, data=honest.data[:at] + other + honest.data[at + 1 :]), root=known)
    assert len(memory) == 1


def test_a_refusal_is_never_remembered(memory, proofs):
    material = Material(form=EvidenceForm.BUNDLE, data=OTHER_SIGSTORE.sign_statement(STATEMENT), where="")
    known = root()
    for _ in range(2):
        with pytest.raises(EvidenceError):
            verify_envelope(material, root=known)
    assert (len(proofs), len(memory)) == (2, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"form": EvidenceForm.LEGACY_ATTESTATION},
        {"annotations": {"a": "b"}},
        {"log_entries": (b"{}",)},
        {"data": b"{}"},
    ],
)
def test_every_part_that_is_judged_tells_materials_apart(change):
    memory, known, honest = ProofMemory(), root(), bundle()
    one: Any = object()
    two: Any = object()
    ask: dict[str, Any] = {"root": known, "second_opinion": True}
    assert memory.recall(honest, prove=lambda: one, **ask) is one
    assert memory.recall(replace(honest, **change), prove=lambda: two, **ask) is two
    assert memory.recall(honest, prove=lambda: two, **ask) is one


def test_parts_cannot_be_moved_from_one_field_to_the_next():
    memory, known = ProofMemory(), root()
    materials = [
        Material(form=EvidenceForm.ENVELOPE, data=b"x", where="", annotations={"a": "b"}),
        Material(form=EvidenceForm.ENVELOPE, data=b"x", where="", annotations={"ab": ""}),
        Material(form=EvidenceForm.ENVELOPE, data=b"x", where="", log_entries=(b"a", b"b")),
        Material(form=EvidenceForm.ENVELOPE, data=b"x", where="", log_entries=(b"a", b"c")),
        Material(form=EvidenceForm.ENVELOPE, data=b"x", where="", log_entries=(b"a",)),
        Material(form=EvidenceForm.ENVELOPE, data=b"x", where="", log_entries=(b"ab",)),
        Material(form=EvidenceForm.ENVELOPE, data=b"xa", where="", log_entries=(b"b",)),
    ]
    prove: Any = object
    for one in materials:
        memory.recall(one, root=known, second_opinion=True, prove=prove)
    assert len(memory) == len(materials)


def test_what_configured_keys_signed_is_not_remembered(memory, proofs):
    keys = parse_trusted_keys(public_key_pem(KEY), name="given")
    material = bundle(keyed=True, leaf_key=KEY)
    for _ in range(2):
        verify_envelope(material, root=root(), keys=keys)
    assert (len(proofs), len(memory)) == (2, 0)


def test_the_longest_unasked_proof_makes_room():
    memory, known = ProofMemory(capacity=2), root()
    proven: list[bytes] = []

    def put(data: bytes) -> None:
        def prove() -> Any:
            proven.append(data)
            return object()

        material = Material(form=EvidenceForm.BUNDLE, data=data, where="")
        memory.recall(material, root=known, second_opinion=True, prove=prove)

    for data in (b"1", b"2", b"1", b"3", b"1", b"2"):
        put(data)
    assert (proven, len(memory)) == ([b"1", b"2", b"3", b"2"], 2)


def test_a_verifier_uses_the_memory_that_it_was_given(proofs):
    known = scenario.trust_root()
    memory = ProofMemory()
    for proven in (memory, memory, None):
        verifier = PluginVerifier(root=lambda: known, second_opinion=False, proofs=proven)
        with verifier.verify(scenario.MemorySource(), request=scenario.request(), at=scenario.AT) as verification:
            verification.verified()
    assert (len(proofs), len(memory)) == (4, 2)


def verified_libraries(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The libraries whose signature was checked, in order."""
    checked: list[object] = []
    honest = verify_detached

    def checking(artifact: Any, **named: Any) -> Any:
        checked.append(artifact)
        return honest(artifact, **named)

    monkeypatch.setattr(verifier, "verify_detached", checking)
    return checked


def judge(memory: ProofMemory | None, **changes: Any) -> bool:
    keyed = replace(scenario.policy(), cosign=None, slsa=None, **changes.pop("policy", {}))
    source = scenario.MemorySource(**changes)
    judging = PluginVerifier(root=scenario.trust_root, second_opinion=False, proofs=memory)
    with judging.verify(source, request=scenario.request(policy=keyed), at=scenario.AT) as verification:
        return verification.report.trusted


def test_a_library_is_checked_once_by_a_memory_that_was_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verified_libraries(monkeypatch)
    memory = ProofMemory(libraries=True)
    assert [judge(memory), judge(memory)] == [True, True]
    assert len(checked) == 1


@pytest.mark.parametrize("make", [lambda: None, ProofMemory])
def test_without_such_a_memory_a_library_is_checked_each_time(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], ProofMemory | None]
) -> None:
    checked = verified_libraries(monkeypatch)
    memory = make()
    assert [judge(memory), judge(memory)] == [True, True]
    assert len(checked) == 2


def test_another_library_signature_or_key_is_checked_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verified_libraries(monkeypatch)
    memory = ProofMemory(libraries=True)
    library = build_elf(payload=b"other")
    other = parse_keys(public_key(seed=b"1" * 32), name="other")
    assert judge(memory)
    assert judge(memory, package=build_package(artifact=library))
    assert not judge(memory, package=build_package(artifact=scenario.LIBRARY, seed=b"1" * 32))
    assert not judge(memory, policy={"keys": other})
    assert not judge(memory, package=build_package(artifact=scenario.LIBRARY, signature=None))
    assert len(checked) == 5


def test_a_refused_signature_is_never_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verified_libraries(monkeypatch)
    memory = ProofMemory(libraries=True)
    bad = build_package(artifact=scenario.LIBRARY, seed=b"1" * 32)
    assert [judge(memory, package=bad), judge(memory, package=bad)] == [False, False]
    assert len(checked) == 2


def test_the_library_that_was_checked_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verified_libraries(monkeypatch)
    memory = ProofMemory(capacity=1, libraries=True)
    other = build_package(artifact=build_elf(payload=b"other"))
    assert [judge(memory), judge(memory), judge(memory, package=other), judge(memory)] == [True] * 4
    assert len(checked) == 3
