"""Answers of an API server that are no success, as the four errors of the operator.

Not the HTTP code alone decides: server-side apply answers unknown fields, duplicate keys and malformed times with 500, etcd does
so for objects that are too large, and a namespace that is going away forbids what no role could allow. What the server says about
a Secret is never passed on, because it quotes values; of it only field names and reasons remain.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.resources import NAMESPACE, SECRET
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError

if TYPE_CHECKING:
    from mcpg_operator.resources import Kind
    from supplychain.errors import SupplyChainError

__all__ = ["Answer", "Call", "answered", "missing", "refusal"]

_LONGEST: Final = 300
_MOST_CAUSES: Final = 5
_PERMANENT_500: Final = (
    "failed to create typed patch object",
    "failed to convert new object",
    "failed to create typed live object",
    "request is too large",
)
_PERMANENT: Final = frozenset({400, 405, 406, 413, 415, 422})
_LONGEST_WAIT: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was asked: an RBAC verb and an object, or a collection where the name is empty."""

    verb: str
    kind: Kind
    name: str = ""
    namespace: str | None = None
    subresource: str = ""

    def __str__(self) -> str:
        path = "/".join(filter(None, (self.namespace, self.name, self.subresource)))
        return f"`{self.verb} {self.kind.plural}{f' {path}' if path else ''}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer: its code, its body, and how many seconds the server asked to wait."""

    code: int
    body: bytes = b""
    retry_after: str | None = None

    def status(self) -> dict[str, Any]:
        """Read the body as a `Status` (meta/v1); empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def answered(code: int) -> bool:
    """Whether a code means that the API server is there and knows us."""
    return code not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS} and code < HTTPStatus.INTERNAL_SERVER_ERROR


def missing(call: Call, answer: Answer) -> bool:
    """Whether an answer says that this very object does not exist, and not that nobody knows its kind."""
    if answer.code != HTTPStatus.NOT_FOUND:
        return False
    status = answer.status()
    details = _mapping(status.get("details"))
    # Of an object in a namespace that does not exist, the answer speaks of the namespace.
    own = call.kind == NAMESPACE or details.get("kind") != NAMESPACE.plural
    return status.get("reason") == "NotFound" and details.get("name") == call.name and own


def refusal(call: Call, answer: Answer) -> SupplyChainError:
    """Choose the error for an answer that is no success."""
    status = answer.status()
    words = _words(call, status)
    if answer.code == HTTPStatus.CONFLICT or any(one.get("field") == "metadata.uid" for one in _causes(status)):
        return ConflictError("the object has been changed or exists already", where=str(call))
    if answer.code == HTTPStatus.FORBIDDEN:
        return _rejected(call, "the namespace is being deleted") if _ending(status) else _forbidden(call, words)
    if _mapping(status.get("details")).get("kind") == "namespaces" and answer.code == HTTPStatus.NOT_FOUND:
        return _rejected(call, "the namespace does not exist")
    if missing(call, answer):
        return ConflictError("the object is gone", where=str(call))
    if answer.code in _PERMANENT or any(text in str(status.get("message")) for text in _PERMANENT_500):
        return _rejected(call, words or f"HTTP {answer.code}")
    got = f"HTTP {answer.code}{f', {words}' if words else ''}"
    error = ClusterUnavailableError("the API server cannot answer", got=got, where=str(call))
    error.retry_after = _seconds(answer.retry_after)
    return error


def _rejected(call: Call, words: str) -> ApplyRejectedError:
    return ApplyRejectedError("the API server refused the request", got=words, where=str(call))


def _forbidden(call: Call, words: str) -> ApplyForbiddenError:
    resource = "/".join(filter(None, (call.kind.plural, call.subresource)))
    group = f" of `{call.kind.group}`" if call.kind.group else ""
    place = f" in namespace `{call.namespace}`" if call.namespace else ""
    return ApplyForbiddenError(
        f"the operator may not `{call.verb}` `{resource}`{group}{place}", got=words or None, where=f"`{call.kind}/{call.name}`"
    )


def _ending(status: dict[str, Any]) -> bool:
    return any(one.get("reason") == "NamespaceTerminating" for one in _causes(status))


def _causes(status: dict[str, Any]) -> list[dict[str, Any]]:
    causes = _mapping(status.get("details")).get("causes")
    return [_mapping(one) for one in causes] if isinstance(causes, list) else []


def _words(call: Call, status: dict[str, Any]) -> str:
    if call.kind != SECRET:
        return _cut(status.get("message"))
    fields = [f"`{_cut(one.get('field'))}`: {_cut(one.get('reason'))}" for one in _causes(status)[:_MOST_CAUSES]]
    return "; ".join(fields) or _cut(status.get("reason"))


def _cut(text: Any) -> str:
    plain = " ".join(text.split()) if isinstance(text, str) else ""
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def _seconds(text: str | None) -> float | None:
    if text is None or not (text.isascii() and text.isdecimal()):
        return None
    return float(min(int(text[:9]), _LONGEST_WAIT))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
