"""What the API server refuses before it stores anything, as far as the operator can run into it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

from mcpg_operator.resources import CONFIG_MAP, EVENT, GROUP, LEASE, ROLE_BINDING, SECRET
from supplychain.errors import ApplyRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcpg_operator.resources import Key

__all__ = ["check", "check_update"]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_SECRET_LIMIT = 1_048_576
_OBJECT_LIMIT = 1_572_864
_BODY_LIMIT = 3_145_728


def check(key: Key, body: Mapping[str, Any], *, status_only: bool = False) -> None:
    """Refuse what the API server would refuse (422, 400, 413, or the 500 of a typed patch).

    A null that lies in a spec since an older schema keeps nobody from writing the status: a server with a schema reads it as absent.
    """
    _metadata(key, body)
    size = len(json.dumps(body))
    if size > _BODY_LIMIT or size > _OBJECT_LIMIT:
        _refuse(key, f"request is too large: {size} bytes")
    if key.kind == SECRET:
        _secret(key, body)
    if key.kind == LEASE:
        for field in ("acquireTime", "renewTime"):
            _micro(key, (body.get("spec") or {}).get(field), field)
    if key.kind == EVENT:
        _event(key, body)
    parts = ("status",) if status_only else ("spec", "status")
    if key.kind.group == GROUP and _has_null({name: body[name] for name in parts if name in body}):
        _refuse(key, 'must be of type object: "null"')
    if key.kind == ROLE_BINDING and not (body.get("roleRef") or {}).get("name"):
        _refuse(key, "roleRef.name: Required value")


def check_update(key: Key, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse changes of what never changes."""
    if key.kind == SECRET and old.get("type") != new.get("type"):
        _refuse(key, "type: field is immutable")
    frozen = key.kind in {SECRET, CONFIG_MAP} and old.get("immutable")
    if frozen and (any(old.get(part) != new.get(part) for part in ("data", "binaryData")) or not new.get("immutable")):
        _refuse(key, "data: field is immutable when `immutable` is set")
    if key.kind == ROLE_BINDING and old.get("roleRef") != new.get("roleRef"):
        _refuse(key, "roleRef: cannot change roleRef")


def _metadata(key: Key, body: Mapping[str, Any]) -> None:
    metadata = body.get("metadata") or {}
    if key.kind != ROLE_BINDING and (len(key.name) > 253 or not _SUBDOMAIN.fullmatch(key.name)):
        _refuse(key, "metadata.name: Invalid value: a lowercase RFC 1123 subdomain is wanted")
    if not key.name or "/" in key.name:
        _refuse(key, "metadata.name: Invalid value")
    for name, value in (metadata.get("labels") or {}).items():
        if not _LABEL_NAME.fullmatch(name) or not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            _refuse(key, f"metadata.labels: Invalid value: {name}={value}")
    annotations = metadata.get("annotations") or {}
    for name, value in annotations.items():
        if not _LABEL_NAME.fullmatch(name.lower()) or not isinstance(value, str):
            _refuse(key, f"metadata.annotations: Invalid value: {name}")
    if sum(len(name) + len(value.encode()) for name, value in annotations.items()) > 262_144:
        _refuse(key, "metadata.annotations: Too long: may not be more than 262144 bytes")
    for owner in metadata.get("ownerReferences") or []:
        if not all(owner.get(field) for field in ("apiVersion", "kind", "name", "uid")):
            _refuse(key, "metadata.ownerReferences: Required value")


def _secret(key: Key, body: Mapping[str, Any]) -> None:
    total = 0
    for name, value in (body.get("data") or {}).items():
        if not _DATA_KEY.fullmatch(name):
            _refuse(key, f"data[{name}]: Invalid value")
        try:
            total += len(base64.b64decode(value, validate=True))
        except (binascii.Error, TypeError, ValueError):
            _refuse(key, "illegal base64 data")
    if total > _SECRET_LIMIT:
        _refuse(key, f"data: Too long: may not be more than {_SECRET_LIMIT} bytes")


def _event(key: Key, body: Mapping[str, Any]) -> None:
    _micro(key, body.get("eventTime"), "eventTime")
    for field in ("eventTime", "action", "reason", "type", "reportingController", "reportingInstance"):
        if not body.get(field):
            _refuse(key, f"{field}: Required value")
    if len(body.get("note") or "") > 1024:
        _refuse(key, "note: Invalid value: can have at most 1024 characters")
    if key.namespace != ((body.get("regarding") or {}).get("namespace") or "default"):
        _refuse(key, "involvedObject.namespace: Invalid value: does not match event.namespace")


def _micro(key: Key, value: Any, field: str) -> None:
    if value is not None and not (isinstance(value, str) and _MICRO.fullmatch(value)):
        _refuse(key, f"{field}: cannot parse as a time with microseconds")


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_null(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_null(inner) for inner in value)
    return value is None


def _refuse(key: Key, text: str) -> None:
    raise ApplyRejectedError("the API server refused an object", got=text, where=f"`{key}`")
