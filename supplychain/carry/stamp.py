"""What was verified on a mirror, and under which question: what lets a later run leave it at a look at the digests (pure).

A stamp answers for a plugin only while everything that led to the verdict is the same: references, digest, policy, platform,
given provenance, limits, trust roots, and this program's version. Revocation lists are no part of it, because they change every
day: what a stamp was made for is looked up in today's lists again, by the artifact hashes that were computed then.

A stamp is as good as the file it lies in. It makes nothing trusted on the mirror, where whoever reads verifies; it spares a look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from supplychain.carry.sync import Arrival
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.errors import SupplyChainError
from supplychain.findings import not_revoked, utc
from supplychain.mirror.artifact_form import canonical
from supplychain.output.judgement import Judgement, Scope
from supplychain.report import Layer, LayerResult, Outcome, Verdict
from supplychain.verification_key import TrustedKey

if TYPE_CHECKING:
    from datetime import timedelta

    from supplychain.carry.sync import Carried, Order
    from supplychain.limits import Limits
    from supplychain.policy import VerificationRequest
    from supplychain.revocation import RevocationSet
    from supplychain.trust_root import AnyTrustRoot

__all__ = ["Stamp", "place_of", "question"]

_HEX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One plugin that was trusted upstream and on its mirror."""

    name: str
    """Of the order: two of one reference may ask different questions."""
    upstream: str
    mirror: str
    """Both as references."""
    digest: ManifestDigest
    """What both led to."""
    question: str
    """What was asked, as `question` sums it up."""
    at: datetime
    artifacts: tuple[ArtifactHash, ...]
    """Of every plugin below `digest`."""
    layers: tuple[Layer, ...]
    """Those that passed, without the revocation lists."""

    @classmethod
    def of(cls, carried: Carried, *, question: str, at: datetime) -> Stamp | None:
        """Make the stamp of a plugin that arrived; None for any other."""
        order, closure = carried.order, carried.closure
        if closure is None or not carried.artifacts or carried.arrival not in {Arrival.COPIED, Arrival.PRESENT}:
            return None
        if any(one.verdict is not Verdict.TRUSTED for one in carried.judgements):
            return None
        passed = {result.layer for one in carried.judgements for result in one.layers if result.outcome is Outcome.PASSED}
        return cls(
            name=order.name,
            upstream=str(order.upstream),
            mirror=str(order.mirror),
            digest=closure.top,
            question=question,
            at=at,
            artifacts=tuple(ArtifactHash(text) for text in carried.artifacts),
            layers=tuple(layer for layer in Layer if layer in passed and layer is not Layer.REVOCATION),
        )

    @classmethod
    def parse(cls, value: object) -> Stamp | None:
        """Read what `as_json` wrote; None for anything else, which then counts for nothing."""
        try:
            return cls._parse(value)
        except (KeyError, TypeError, ValueError, SupplyChainError):
            return None

    @classmethod
    def _parse(cls, value: Any) -> Stamp:
        at = datetime.fromisoformat(value["at"])
        artifacts = tuple(ArtifactHash(text) for text in value["artifacts"])
        texts = [value[name] for name in ("name", "upstream", "mirror", "question")]
        if at.utcoffset() is None or not artifacts or not all(isinstance(text, str) for text in texts):
            raise ValueError("no stamp")
        return cls(
            name=value["name"],
            upstream=value["upstream"],
            mirror=value["mirror"],
            digest=ManifestDigest.parse(value["digest"]),
            question=value["question"],
            at=at.astimezone(UTC),
            artifacts=artifacts,
            layers=tuple(Layer(text) for text in value["layers"]),
        )

    def as_json(self) -> dict[str, object]:
        """Write it."""
        return {
            "name": self.name,
            "upstream": self.upstream,
            "mirror": self.mirror,
            "digest": str(self.digest),
            "question": self.question,
            "at": utc(self.at),
            "artifacts": [str(one) for one in self.artifacts],
            "layers": [layer.value for layer in self.layers],
        }

    @property
    def place(self) -> tuple[str, str, str]:
        """What it is looked up by, as `place_of` an order."""
        return self.name, self.upstream, self.mirror

    def counts(self, order: Order, *, question: str, at: datetime, max_age: timedelta | None) -> bool:
        """Whether it answers for `order`; one from the future, or as old as `max_age`, does not."""
        same = self.place == place_of(order) and self.question == question
        return same and self.at <= at and (max_age is None or at - self.at < max_age)

    def judgement(self, order: Order, *, revocations: RevocationSet | None) -> Judgement:
        """Say what was verified, when, and that today's revocation lists still know nothing of it.

        Raises:
            RevokedError: a list names an artifact now.
            RevocationListInvalidError: a list cannot clear it.
        """
        results = {
            layer: LayerResult(layer=layer, outcome=Outcome.PASSED, facts={"verifiedAt": utc(self.at)}) for layer in self.layers
        }
        if revocations is not None:
            for artifact in self.artifacts:
                revocations.check(artifact)
            facts = not_revoked(revocations).facts
            results[Layer.REVOCATION] = LayerResult(layer=Layer.REVOCATION, outcome=Outcome.PASSED, facts=facts)
        return Judgement(
            scope=Scope.PLUGIN,
            target=f"{order.name} (unchanged)",
            at=self.at,
            verdict=Verdict.TRUSTED,
            layers=tuple(results.get(layer, LayerResult(layer=layer, outcome=Outcome.NOT_CONFIGURED)) for layer in Layer),
            inputs={"digest": str(self.digest), "mirror": self.mirror, "question": self.question, "upstream": self.upstream},
        )


def place_of(order: Order) -> tuple[str, str, str]:
    """Say what the stamp of an order is looked up by."""
    return order.name, str(order.upstream), str(order.mirror)


def question(
    request: VerificationRequest, *, root: AnyTrustRoot | None, limits: Limits, second_opinion: bool, lookup: bool, version: str
) -> str:
    """Sum up everything that a verdict depends on besides the plugin and the revocation lists, as hex."""
    asked = {
        "policy": _plain(request.policy),
        "platform": _plain(request.platform),
        "provenance": _plain(request.provenance),
        "roots": [] if root is None else sorted(one.sha256 for one in root.each),
        "limits": _plain(limits),
        "secondOpinion": second_opinion,
        "lookup": lookup,
        "version": version,
    }
    return hashlib.sha256(canonical(asked)).hexdigest()


def _plain(value: object) -> object:
    """Write a value of the policy as JSON, every field that tells two of its kind apart; a kind that is not known is a defect."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes | TrustedKey):
        return value.hex() if isinstance(value, bytes) else value.fingerprint
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.compare}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a policy holds a value of an unknown kind: {type(value).__name__}")
