"""One AdmissionReview, `admission.k8s.io/v1`: read, judged, answered. Pure.

Reading is lenient towards what no rule needs, and whatever is wrong comes back as a denial that names the member and echoes the
`uid`: an HTTP error would only show as "failed calling webhook".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcpg_operator.resources import Kind
    from supplychain.rules.check import Ruling
    from supplychain.rules.reading import Document

__all__ = ["MalformedReviewError", "Review", "Verdict", "answer", "parse", "verdict"]

_API: Final = "admission.k8s.io/v1"
_OPERATIONS: Final = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
_MOST_LINES: Final = 200
_MOST_WARNINGS: Final = 15
"""Kubernetes drops what goes beyond 4096 characters, 256 each ("Dynamic Admission Control")."""
_REASONS: Final = {400: "BadRequest", 403: "Forbidden", 422: "Invalid", 500: "InternalError", 503: "ServiceUnavailable"}
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder()


class MalformedReviewError(ValueError):
    """A body is no review of this kind; the text names the member first."""

    def __init__(self, field: str, what: str, *, uid: str = "") -> None:
        super().__init__(f"{field}: {what}")
        self.uid = uid
        """Of the request, empty where even that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What is asked."""

    uid: str
    operation: str
    """`CREATE`, `UPDATE`, `DELETE` or `CONNECT`."""
    namespace: str | None
    """Of the request; None for cluster-scoped kinds."""
    document: Document | None
    """The object as it would be stored; None where it would go."""
    old: Document | None
    """The object as it is stored; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is answered."""

    allowed: bool
    code: int = 200
    message: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def result(self) -> str:
        """Value of the metric label `result`: `allowed`, `denied`, or `error` where nothing was decided about the object."""
        if self.allowed:
            return "allowed"
        return "denied" if self.code in {403, 422} else "error"


def parse(body: bytes, kind: Kind) -> Review:
    """Read a review about an object of this kind.

    Raises:
        MalformedReviewError: it is none.
    """
    try:
        review = _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise MalformedReviewError("(body)", f"no JSON object: {exc}") from exc
    request = review.get("request")
    if not isinstance(request, dict):
        raise MalformedReviewError("request", "expected an object")
    uid = request.get("uid")
    if not isinstance(uid, str) or not uid:
        raise MalformedReviewError("request.uid", "expected the id of the request")
    if review.get("kind") != "AdmissionReview" or review.get("apiVersion") != _API:
        raise MalformedReviewError("apiVersion", f"expected `{_API}` and the kind `AdmissionReview`", uid=uid)
    operation = request.get("operation")
    if operation not in _OPERATIONS:
        raise MalformedReviewError("request.operation", f"expected one of {', '.join(sorted(_OPERATIONS))}", uid=uid)
    asked = _mapping(request.get("kind"))
    if (asked.get("group"), asked.get("version"), asked.get("kind")) != (kind.group, kind.version, kind.name):
        raise MalformedReviewError("request.kind", f"this path reviews {kind.api_version} {kind.name}", uid=uid)
    namespace = request.get("namespace")
    found = Review(
        uid=uid,
        operation=operation,
        namespace=namespace if isinstance(namespace, str) and namespace else None,
        document=_object(request, "object", uid=uid),
        old=_object(request, "oldObject", uid=uid),
    )
    if found.document is None and operation in {"CREATE", "UPDATE"}:
        raise MalformedReviewError("request.object", f"expected the object of a {operation}", uid=uid)
    return found


def verdict(ruling: Ruling) -> Verdict:
    """Put what the rules say into the words of an answer, bounded in length."""
    found = [one.warning for one in ruling.warnings]
    warnings = tuple(_bounded(found, _MOST_WARNINGS))
    if ruling.allowed:
        return Verdict(allowed=True, warnings=warnings)
    message = "\n".join(_bounded([one.text for one in ruling.denials], _MOST_LINES))
    return Verdict(allowed=False, code=ruling.code, message=message, warnings=warnings)


def answer(uid: str, given: Verdict) -> bytes:
    """Write the answer."""
    response: dict[str, Any] = {"uid": uid, "allowed": given.allowed}
    if not given.allowed:
        response["status"] = {"code": given.code, "message": given.message, "reason": _REASONS[given.code]}
    if given.warnings:
        response["warnings"] = given.warnings
    return _ENCODER.encode({"apiVersion": _API, "kind": "AdmissionReview", "response": response})


def _bounded(lines: Sequence[str], most: int) -> list[str]:
    return [*lines[:most], *([f"and {len(lines) - most} more"] if len(lines) > most else [])]


def _object(request: Mapping[str, Any], member: str, *, uid: str) -> Document | None:
    found = request.get(member)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise MalformedReviewError(f"request.{member}", "expected an object", uid=uid)
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
