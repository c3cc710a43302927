"""From evidence to a SLSA statement about one artifact, and the second opinion on its form.

in-toto-attestation is asked where it can judge: Statement v1 with Provenance v1. It knows neither Statement v0.1 nor provenance
v0.2. It is imported when first asked, because protobuf costs 25 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.errors import StatementInvalidError, SubjectMismatchError
from supplychain.in_toto import STATEMENT_V1, Statement, parse_statement
from supplychain.slsa.provenance import PREDICATES
from supplychain.wire import MalformedError, translating

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_subject", "cross_check", "is_provenance", "read_statement"]

_V1 = "https://slsa.dev/provenance/v1"


def read_statement(payload_type: str, payload: bytes, *, where: str) -> Statement:
    """Read a payload.

    Raises:
        StatementInvalidError: it is no in-toto statement.
    """
    return parse_statement(payload_type, payload, error=StatementInvalidError, where=where)


def is_provenance(statement: Statement) -> bool:
    """Whether the statement is SLSA provenance of a known version; other attestations are nobody's fault."""
    return statement.predicate_type in PREDICATES


def check_subject(statement: Statement, *, digests: Mapping[str, str], where: str) -> str:
    """Find the artifact among the subjects by any of its digests, in hex by algorithm; return the subject's name.

    A subject whose digests agree in one algorithm and differ in another is another artifact.

    Raises:
        SubjectMismatchError: it is not there.
    """
    for subject in statement.subjects:
        common = [name for name in digests if name in subject.digests]
        if common and all(subject.digests[name] == digests[name] for name in common):
            return subject.name
    first = next(iter(statement.subjects[0].digests.items()))
    others = f" and {len(statement.subjects) - 1} more" if len(statement.subjects) > 1 else ""
    raise SubjectMismatchError(
        "the provenance is about another artifact",
        expected=f"`sha256:{digests['sha256']}`",
        got=f"`{first[0][:20]}:{first[1][:128]}`{others}",
        where=where,
    )


def cross_check(statement: Statement, payload: bytes, *, where: str) -> bool:
    """Ask in-toto-attestation for its opinion; False where it cannot judge this form.

    Raises:
        StatementInvalidError: it refuses, or reads other subjects or another builder.
    """
    if statement.type != STATEMENT_V1 or statement.predicate_type != _V1:
        return False
    from google.protobuf import json_format  # noqa: PLC0415 — see the module's text
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2  # noqa: PLC0415
    from in_toto_attestation.v1 import statement_pb2  # noqa: PLC0415
    from in_toto_attestation.v1.statement import Statement as Reader  # noqa: PLC0415

    with translating(StatementInvalidError, "in-toto-attestation does not take this statement", where=where):
        read = json_format.Parse(payload, statement_pb2.Statement(), ignore_unknown_fields=True)
        Reader.copy_from_pb(read).validate()
        predicate = json_format.MessageToDict(read.predicate)
        provenance = json_format.ParseDict(predicate, provenance_pb2.Provenance(), ignore_unknown_fields=True)
        builder = provenance.run_details.builder.id
        subjects = [dict(subject.digest) for subject in read.subject]
        if subjects != [dict(subject.digests) for subject in statement.subjects]:
            raise MalformedError("it reads other subjects")
        if builder != statement.predicate.get("runDetails", {}).get("builder", {}).get("id"):
            raise MalformedError("it reads another builder")
    return True
