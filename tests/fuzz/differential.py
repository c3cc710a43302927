"""The core against sigstore-python, each asked alone: every disagreement must be of a class that is listed here with its reason.

In a verification nobody sees most of these: what the core refuses is refused before the second verifier is asked. Listed is what
each would have said by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supplychain.bundle import verify_dsse_bundle, verify_message_bundle
from supplychain.errors import SupplyChainError
from supplychain.second_opinion import Verdict, envelope_opinion, message_opinion

if TYPE_CHECKING:
    from supplychain.proof import ProvenEnvelope, ProvenMessage
    from supplychain.trust_root import TrustRoot

__all__ = ["CORE_STRICTER", "SECOND_STRICTER", "SINGLE", "Answers", "ask"]

CORE_STRICTER = {
    r"outside the (log|CT log|authority)'s time": "it compares no window but a timestamp authority's",
    r"an issuing certificate was not valid": "it stops at the first certificate that it trusts, so an expired root above that one is not seen",
    r"no certificate authority|longer than an authority allows": "the same: what the anchor itself says is not looked at",
    r"issuing certificate is not for code signing|name constraints|got `2\.5\.29\.30`": "it checks no purposes and no name constraints of issuers",
    r"no authority of the trust root issued": "a root's signature over itself; it compares no names where the trusted certificate has the key",
    r"CertificateError: a certificate transparency timestamp (does not verify|is by a log)": "it finds the log by its key and not by the id",
    r"TrustedTimeError: the timestamp is over another signature": "it lets a bad timestamp pass beside a good promise",
    r"the entry's index differs": "nothing signs the outer index of a Rekor v2 entry, and it does not compare it",
    r"a Rekor v2 log, which makes none": "it looks at promises of Rekor v1 logs only",
    r"by a log that the trust root does not name: got log id": "of a log's id it compares no more than the four bytes of a key hint, or finds the log by its key",
    r"log's own|another origin": "it does not compare the name in a note with the log's",
    r"checkpoint is of another tree": "it compares the root hash and not the size",
    r"the checkpoint is unusable": "it skips lines of a note that are no signatures, and has no limit",
    r"subject alternative name|issuer claims differ|names no issuer|claim \d+ is no text": "whom a certificate names is not asked here, because policies judge what the core has read",
    r"not canonical|not base64": "it reads several spellings of base64, and white space in it",
    r"no natural number": "it reads numbers in other spellings, and does not read those that it does not need",
    r"no strict JSON: (the same key twice|longer)": "it takes the last of two equal names, and any length",
}
"""What the core refuses and sigstore-python accepts: pattern of the core's refusal, reason."""

SINGLE = {
    "Merkle: a sibling that is no hash": "it does not ask for the length of a path's hashes; nobody but the log itself can make use of it",
}
"""The same for one case by its name, where the refusal alone would excuse too much."""

SECOND_STRICTER = {
    r"Extra inputs are not permitted|validation error": "pydantic refuses what the protobuf JSON mapping allows, such as an unknown field that is null",
}
"""What the core accepts and sigstore-python refuses: pattern of its refusal, reason."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What both said; None is acceptance, and the second one's silence where it cannot judge is no disagreement."""

    core: str | None
    second: str | None
    judged: bool

    @property
    def disagree(self) -> bool:
        return self.judged and (self.core is None) != (self.second is None)

    @property
    def explained(self) -> str | None:
        """The pattern of the class that a disagreement is of."""
        table, text = (SECOND_STRICTER, self.second) if self.core is None else (CORE_STRICTER, self.core)
        return next((pattern for pattern in table if re.search(pattern, text or "")), None)


def ask(raw: bytes, root: TrustRoot, *, digest: bytes | None = None) -> Answers:
    """Ask both about an envelope, or about a message with this SHA-256 digest."""
    proven: ProvenEnvelope | ProvenMessage | None = None
    core = None
    try:
        proven = verify_dsse_bundle(raw, root=root) if digest is None else verify_message_bundle(raw, root=root, digest=digest)
    except SupplyChainError as error:
        core = f"{type(error).__name__}: {error}"
    times = proven.times if proven is not None else ()
    opinion = (
        envelope_opinion(raw, root=root, times=times)
        if digest is None
        else message_opinion(raw, digest=digest, root=root, times=times)
    )
    second = None if opinion.verdict is Verdict.ACCEPTED else opinion.reason
    return Answers(core=core, second=second, judged=opinion.verdict is not Verdict.CANNOT_JUDGE)
