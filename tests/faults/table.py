"""What a row is, and how the good and the bad half of it are judged."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from supplychain.artifact import EvidenceForm, EvidenceSet, Material
from supplychain.cosign import CosignPolicy, verify_image_signature
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.evidence import verify_envelope, verify_message
from supplychain.identity_pattern import IdentityPattern
from supplychain.slsa import SlsaPolicy, verify_provenance
from supplychain.trust_root import TrustRoot, parse_trust_root
from tests.support.virtual_sigstore import (
    GITHUB_ISSUER,
    VirtualSigstore,
    generator_identity,
    image_signature,
    slsa_provenance,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supplychain.errors import SupplyChainError
    from supplychain.slsa import Provenance

__all__ = [
    "ARTIFACT", "AT", "DIGEST", "MESSAGE", "OTHER", "SIGSTORE", "Built", "Case", "Envelope", "Fault", "Image", "Message", "Root", "chain", "drop", "put", "root_json",
]  # fmt: skip

SIGSTORE = VirtualSigstore()
OTHER = VirtualSigstore(seed=b"another sigstore")
AT = SIGSTORE.at
MESSAGE = b"a message"
ARTIFACT = ArtifactHash.of(b"library")
DIGEST = ManifestDigest.of(b"manifest")


class Case(Protocol):
    """Something that is judged: returns what was proven, raises what was refused."""

    def judge(self, *, second: bool) -> Any:
        """Judge by the core alone, or by both verifiers."""


@cache
def _default_root() -> bytes:
    return SIGSTORE.trusted_root()


def root_json(edit: Any = None, **windows: Any) -> bytes:
    """The trust root's JSON with one thing changed."""
    return SIGSTORE.trusted_root(edit=edit, **windows)


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A bundle with an envelope, made by `plan`; `root` says what is changed in the trust root."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    statement: Mapping[str, Any] | bytes = field(
        default_factory=lambda: {"_type": "https://in-toto.io/Statement/v1", "subject": []}
    )
    root: Mapping[str, Any] = field(default_factory=dict)
    raw: Callable[[bytes], bytes] | None = None

    def trusted(self) -> TrustRoot:
        return parse_trust_root(root_json(**self.root) if self.root else _default_root(), name="virtual")

    def made(self) -> bytes:
        data = SIGSTORE.sign_statement(self.statement, **self.plan)
        return self.raw(data) if self.raw else data

    def judge(self, *, second: bool) -> Any:
        material = Material(form=EvidenceForm.BUNDLE, data=self.made(), where="row")
        return verify_envelope(material, root=self.trusted(), second_opinion=second)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A bundle that signs `MESSAGE`, asked about by digest or as the message itself."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    by_digest: bool = True
    asked: bytes = MESSAGE
    envelope: bool = False
    """Put an envelope in the message's place."""

    def trusted(self) -> TrustRoot:
        return parse_trust_root(_default_root(), name="virtual")

    def made(self) -> bytes:
        return SIGSTORE.sign_statement({}) if self.envelope else SIGSTORE.sign_message(MESSAGE, **self.plan)

    def judge(self, *, second: bool) -> Any:
        material = Material(form=EvidenceForm.BUNDLE, data=self.made(), where="row")
        about: dict[str, Any] = {"digest": hashlib.sha256(self.asked).digest()} if self.by_digest else {"message": self.asked}
        return verify_message(material, root=self.trusted(), second_opinion=second, **about)


@dataclass(frozen=True, kw_only=True)
class Root:
    """A trust root by itself."""

    edit: Callable[[dict[str, Any]], None] | None = None
    data: Callable[[bytes], bytes] | None = None

    def judge(self, *, second: bool) -> Any:
        data = root_json(self.edit)
        return parse_trust_root(self.data(data) if self.data else data, name="virtual")


@dataclass(frozen=True, kw_only=True)
class Image:
    """A cosign signature of `DIGEST` by `github_identity()`, asked for by `policy`."""

    statement: Mapping[str, Any] = field(default_factory=lambda: image_signature(DIGEST))
    plan: Mapping[str, Any] = field(default_factory=dict)
    identity: str = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v1\.2\.3$"
    issuer: str = GITHUB_ISSUER

    def judge(self, *, second: bool) -> Any:
        trusted = parse_trust_root(_default_root(), name="virtual")
        material = Material(form=EvidenceForm.BUNDLE, data=SIGSTORE.sign_statement(self.statement, **self.plan), where="row")
        policy = CosignPolicy(identity=IdentityPattern.parse(self.identity), issuer=self.issuer)
        evidence = EvidenceSet(materials=(material,))
        return verify_image_signature(evidence, digest=DIGEST, policy=policy, root=trusted, second_opinion=second).proven


@dataclass(frozen=True, kw_only=True)
class Built:
    """Provenance of `ARTIFACT` by the generic generator, or by whatever the fields say."""

    statement: Mapping[str, Any] = field(default_factory=lambda: slsa_provenance(ARTIFACT))
    edit: Callable[[dict[str, Any]], None] | None = None
    """Changes the statement before it is signed."""
    identity: Any = field(default_factory=generator_identity)
    plan: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, *, second: bool) -> Any:
        trusted = parse_trust_root(_default_root(), name="virtual")
        statement = json.loads(json.dumps(self.statement))
        if self.edit is not None:
            self.edit(statement)
        data = SIGSTORE.sign_statement(statement, identity=self.identity, **self.plan)
        policy = SlsaPolicy(**{"source_uri": "github.com/acme/plugins", "source_tag": "v1.2.3", **self.policy})
        material = Material(form=EvidenceForm.BUNDLE, data=data, where="row")
        found: Provenance = verify_provenance(
            (material,), artifact_hash=ARTIFACT, policy=policy, root=trusted, second_opinion=second
        )
        return found.proven


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One check: `bad` is refused by it with `error` and `text` in its message, `good` is not refused at all."""

    name: str
    error: type[SupplyChainError]
    text: str
    bad: Case
    good: Case
    alone: str = ""
    """Why the second verifier cannot judge the good twin, in words from its own note."""


def put(*path: Any) -> Callable[[Any], None]:
    """Set a value: all but the last argument are the path to it."""
    *keys, last, value = path

    def edit(holder: Any) -> None:
        for key in keys:
            holder = holder[key]
        holder[last] = value

    return edit


def drop(*path: Any) -> Callable[[Any], None]:
    """Remove a value."""
    *keys, last = path

    def edit(holder: Any) -> None:
        for key in keys:
            holder = holder[key]
        del holder[last]

    return edit


def chain(*edits: Callable[[Any], None]) -> Callable[[Any], None]:
    """Do one edit after the other."""

    def edit(holder: Any) -> None:
        for one in edits:
            one(holder)

    return edit
