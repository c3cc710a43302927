"""In-toto statements: what an envelope's payload says, and about what; nothing is verified here.

Follows the in-toto attestation framework, Statement v0.1 and v1 (in-toto/attestation, spec/v1/statement.md and
resource_descriptor.md). A statement has four fields and no fifth. Descriptors may have more fields than are read, as their
specification allows; predicates are for the layer that knows their type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supplychain.artifact import EvidenceForm
from supplychain.dsse import parse_envelope
from supplychain.errors import BundleInvalidError
from supplychain.wire import Fields, MalformedError, parse_json, translating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.artifact import Material
    from supplychain.dsse import Envelope
    from supplychain.errors import SupplyChainError

__all__ = [
    "MAX_SUBJECTS",
    "PAYLOAD_TYPE",
    "STATEMENT_V0_1",
    "STATEMENT_V1",
    "Statement",
    "Subject",
    "claimed_envelope",
    "parse_statement",
]

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_V0_1: Final = "https://in-toto.io/Statement/v0.1"
STATEMENT_V1: Final = "https://in-toto.io/Statement/v1"

MAX_SUBJECTS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One artifact that a statement is about; `digests` maps algorithm to hex."""

    name: str
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A parsed statement. Who says it is for others to prove."""

    type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]


def parse_statement(envelope_type: str, payload: bytes, *, error: type[SupplyChainError], where: str) -> Statement:
    """Read the payload of an envelope of type `envelope_type`.

    Raises:
        SupplyChainError: `error`, where it is no in-toto statement of a known version.
    """
    with translating(error, "the signed payload is no in-toto statement", where=where):
        if envelope_type != PAYLOAD_TYPE:
            raise MalformedError(f"the payload's type is `{envelope_type[:100]}`, not `{PAYLOAD_TYPE}`")
        fields = Fields(parse_json(payload), "statement")
        version = fields.text("_type")
        if version not in (STATEMENT_V0_1, STATEMENT_V1):
            raise MalformedError(f"`statement._type` is `{version[:100]}`")
        statement = Statement(
            type=version,
            subjects=tuple(_subject(item) for item in fields.objects("subject", limit=MAX_SUBJECTS)),
            predicate_type=fields.text("predicateType"),
            predicate=predicate.rest() if (predicate := fields.optional("predicate")) else {},
        )
        fields.done()
        if not statement.subjects:
            raise MalformedError("`statement.subject` is empty")
        return statement


def claimed_envelope(material: Material) -> Envelope:
    """Read the envelope inside evidence before anything about it is proven, to sort out what need not be proven.

    Raises:
        BundleInvalidError: no JSON, or a bundle without an envelope.
        EnvelopeInvalidError: the envelope is malformed.
    """
    if material.form is not EvidenceForm.BUNDLE:
        return parse_envelope(material.data)
    with translating(BundleInvalidError, "not a readable Sigstore bundle", where=material.where):
        inner = Fields(parse_json(material.data), "bundle").optional("dsseEnvelope")
        if inner is None:
            raise BundleInvalidError("the bundle signs no statement", expected="a DSSE envelope", where=material.where)
        return parse_envelope(inner.rest())


def _subject(fields: Fields) -> Subject:
    digests = fields.fields("digest").rest()
    if not digests or not all(isinstance(value, str) for value in digests.values()):
        raise MalformedError(f"`{fields.where}.digest` names no digests")
    return Subject(name=fields.text("name", ""), digests=digests)
