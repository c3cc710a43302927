"""Proofs that a long-running process has made before: many plugins share the evidence of one release.

What a bundle proves depends on its bytes, on the trust roots and on who judges, on no clock and on nobody else's answer. A proof
is found again only for exactly these; a refusal is never remembered, and nothing outlives the process. Whoever verifies once
needs none of it, so a memory counts only where a verifier was given one.

Signatures over libraries are remembered only where the memory was made for it: by the SHA-256 that was computed while the library
was written to its spool, so that bytes which are judged on both sides of a copy are hashed by Ed25519 once.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from supplychain.artifact import Material
    from supplychain.ed25519 import PublicKey
    from supplychain.proof import ProvenEnvelope
    from supplychain.spool import Spool
    from supplychain.trust_root import AnyTrustRoot, TrustRoot

__all__ = ["ProofMemory", "remembered", "remembered_signature", "remembering"]

_Question: TypeAlias = "tuple[bytes, tuple[TrustRoot, ...], bool]"
_Signed: TypeAlias = "tuple[str, bytes | None, tuple[PublicKey, ...]]"
_CAPACITY: Final = 1024
_LENGTH: Final = 8


class ProofMemory:
    """Proofs that were asked for last, at most `capacity`; with `libraries` signatures over them too. Threads may share it."""

    def __init__(self, *, capacity: int = _CAPACITY, libraries: bool = False) -> None:
        self._capacity = capacity
        self._signatures: OrderedDict[_Signed, PublicKey] | None = OrderedDict() if libraries else None
        self._lock = threading.Lock()
        self._proofs: OrderedDict[_Question, ProvenEnvelope] = OrderedDict()

    def __len__(self) -> int:
        return len(self._proofs)

    def recall(
        self, material: Material, *, root: AnyTrustRoot, second_opinion: bool, prove: Callable[[], ProvenEnvelope]
    ) -> ProvenEnvelope:
        """Give the proof of this very material by these very roots, made now where it was not made before.

        Roots count by identity: two that were read from the same bytes are two questions.

        Raises:
            EvidenceError, EvidenceUnsupportedError: what `prove` raises.
        """
        question = (_fingerprint(material), tuple(root.each), second_opinion)
        with self._lock:
            found = self._proofs.get(question)
            if found is not None:
                self._proofs.move_to_end(question)
                return found
        proven = prove()
        with self._lock:
            self._proofs[question] = proven
            if len(self._proofs) > self._capacity:
                self._proofs.popitem(last=False)
        return proven

    def recall_signature(
        self, artifact: Spool, *, signature: bytes | None, keys: tuple[PublicKey, ...], prove: Callable[[], PublicKey]
    ) -> PublicKey:
        """Give the key under which this very signature over this very library was found valid, by these very keys.

        Raises: what `prove` raises.
        """
        if self._signatures is None:
            return prove()
        signed = (artifact.sha256, signature, keys)
        with self._lock:
            found = self._signatures.get(signed)
        if found is not None:
            return found
        key = prove()
        with self._lock:
            self._signatures[signed] = key
            if len(self._signatures) > self._capacity:
                self._signatures.popitem(last=False)
        return key


_MEMORY: ContextVar[ProofMemory | None] = ContextVar("proofs", default=None)
"""That of the verification that runs on this thread."""


@contextmanager
def remembering(memory: ProofMemory | None) -> Iterator[None]:
    """Let `remembered` use a memory, or none, on this thread until the end of the block."""
    token = _MEMORY.set(memory)
    try:
        yield
    finally:
        _MEMORY.reset(token)


def remembered(
    material: Material, *, root: AnyTrustRoot, second_opinion: bool, prove: Callable[[], ProvenEnvelope]
) -> ProvenEnvelope:
    """Prove, or find the proof in the memory of this verification where it has one. Raises what `prove` raises."""
    memory = _MEMORY.get()
    return prove() if memory is None else memory.recall(material, root=root, second_opinion=second_opinion, prove=prove)


def remembered_signature(
    artifact: Spool, *, signature: bytes | None, keys: tuple[PublicKey, ...], prove: Callable[[], PublicKey]
) -> PublicKey:
    """Check a signature over a library, or find that this was done, as `remembered`."""
    memory = _MEMORY.get()
    return prove() if memory is None else memory.recall_signature(artifact, signature=signature, keys=keys, prove=prove)


def _fingerprint(material: Material) -> bytes:
    """Hash all that is judged of a material, each part with its length in front; where it was found is for people."""
    annotations = (part.encode() for pair in sorted(material.annotations.items()) for part in pair)
    digest = hashlib.sha256()
    for part in (material.form.value.encode(), material.data, str(len(material.annotations)).encode(), *annotations):
        digest.update(len(part).to_bytes(_LENGTH, "big") + part)
    for entry in material.log_entries:
        digest.update(len(entry).to_bytes(_LENGTH, "big") + entry)
    return digest.digest()
