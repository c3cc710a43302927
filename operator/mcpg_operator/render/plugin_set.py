"""The objects that a set brings into its namespace: the operator's right, the copies of plugins, and the resolved document.

Names and labels are valid for the longest and strangest inputs; the exact texts stand in annotations. A copy belongs to every set
that needs it, by one owner reference each, none of which is the controller, so that deleting one set leaves it to the others.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.names import COMPONENT, MANAGED_BY, MANAGER, OPERATOR, digest_label, label_value
from mcpg_operator.resources import PLUGIN_SET, ROLE_BINDING, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcpg_operator.render.resolved_set import ResolvedSet
    from mcpg_operator.resources import Resource

__all__ = [
    "BINDING",
    "BINDING_LABELS",
    "CHILDREN",
    "DOCUMENT_KEY",
    "DOCUMENT_TYPE",
    "PAYLOAD",
    "RESOLVED_HASH",
    "SEAL",
    "SET",
    "UNUSED_SINCE",
    "binding_manifest",
    "binding_problem",
    "copy_labels",
    "copy_manifest",
    "copy_metadata",
    "document_manifest",
    "document_name",
    "is_ours",
    "owner",
]

BINDING: Final = "mcpg-operator-tenant-secrets"
"""Name of the RoleBinding and of the ClusterRole that it binds."""
BINDING_LABELS: Final = {MANAGED_BY: OPERATOR, COMPONENT: "tenant-rbac"}
CHILDREN: Final = {**MANAGER, COMPONENT: "plugin-set"}
"""Labels of every copy and document, and of nothing else."""
DOCUMENT_TYPE: Final = "mcpg.dev/resolved-set"
DOCUMENT_KEY: Final = "plugins.json"
SET: Final = "mcpg.dev/managed-by-set"
RESOLVED_HASH: Final = "mcpg.dev/resolved-hash"
SEAL: Final = "mcpg.dev/seal"
"""Annotation: proves that this operator wrote the document."""
PAYLOAD: Final = "mcpg.dev/payload-sha256"
"""Annotation of a copy: the hash that its payload had when it was written."""
UNUSED_SINCE: Final = "mcpg.dev/unused-since"
"""Annotation of a copy: since when no set needs it."""

_PLUGIN: Final = "mcpg.dev/plugin"
_VERSION: Final = "mcpg.dev/version"
_SOURCE: Final = "mcpg.dev/source-namespace"
_SUFFIX: Final = "-resolved"
_ROOM: Final = 253 - len(_SUFFIX)
"""The longest name of an object, without the suffix."""
_DIGITS: Final = 32
"""Hex digits of the hash in a cut name."""
_HASHED: Final = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}\Z", re.ASCII)


def document_name(set_name: str) -> str:
    """Name the document `<set>-resolved`, so that no two sets of a namespace have one name.

    A name that would be too long is cut and gets a hash of all of it; one that is as long as what is cut and ends like it gets a
    hash as well, because somebody could choose it to be another's.
    """
    if len(set_name) <= _ROOM and not (len(set_name) >= _ROOM - 1 and _HASHED.search(set_name)):
        return f"{set_name}{_SUFFIX}"
    digest = hashlib.sha256(set_name.encode()).hexdigest()[:_DIGITS]
    # A name has no two dots in a row, so a cut one is at most one character shorter than there is room for.
    return f"{set_name[: _ROOM - _DIGITS - 1].removesuffix('.')}-{digest}{_SUFFIX}"


def is_ours(resource: Resource) -> bool:
    """Whether the operator wrote this copy or document: by its labels, or by the annotation that they left behind."""
    marks = {PAYLOAD, SEAL} & resource.annotations.keys()
    return CHILDREN.items() <= resource.labels.items() or bool(marks)


def owner(plugin_set: Resource, *, controller: bool = False) -> dict[str, Any]:
    """Refer to a set as an owner of something in its namespace."""
    return {
        "apiVersion": PLUGIN_SET.api_version,
        "kind": PLUGIN_SET.name,
        "name": plugin_set.name,
        "uid": plugin_set.uid,
        "controller": controller,
        "blockOwnerDeletion": False,
    }


def binding_manifest(*, namespace: str, service_account: str, operator_namespace: str) -> dict[str, Any]:
    """Give the operator its rights on the Secrets of one namespace."""
    return {
        "apiVersion": ROLE_BINDING.api_version,
        "kind": ROLE_BINDING.name,
        "metadata": {"name": BINDING, "namespace": namespace, "labels": dict(BINDING_LABELS)},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": BINDING},
        "subjects": [{"kind": "ServiceAccount", "name": service_account, "namespace": operator_namespace}],
    }


def binding_problem(found: Resource, wanted: Mapping[str, Any]) -> str | None:
    """Say how a RoleBinding differs from the wanted one in what it gives to whom; None where it does not.

    The right to `bind` a role does not restrict subjects: whoever may edit the binding may add others, who then read every
    Secret of the namespace in the operator's name.
    """
    role = _pick(found.body.get("roleRef"), ("apiGroup", "kind", "name"))
    if role != wanted["roleRef"]:
        return f"it binds {role.get('kind') or 'nothing'} `{role.get('name', '')}` and not ClusterRole `{BINDING}`"
    subjects = found.body.get("subjects")
    present = [_pick(one, ("kind", "name", "namespace")) for one in subjects] if isinstance(subjects, list) else []
    if present != wanted["subjects"]:
        named = ", ".join(f"{one.get('kind')} `{_place(one)}`" for one in present) or "nobody"
        return f"its subjects are {named}, and not ServiceAccount `{_place(wanted['subjects'][0])}` alone"
    return None


def copy_labels(*, source_namespace: str) -> dict[str, str]:
    """Labels that every copy must bear, whatever set asked for it first."""
    return {**CHILDREN, _SOURCE: label_value(source_namespace)}


def copy_manifest(
    *,
    name: str,
    namespace: str,
    source_namespace: str,
    secret_type: str,
    payload: Mapping[str, bytes],
    digest: str,
    plugin_id: str,
    version: str,
) -> dict[str, Any]:
    """Write a copy as it is created: content and labels. Its owners follow by `copy_metadata`, without the bytes."""
    named = {_PLUGIN: plugin_id, _VERSION: version} if plugin_id else {}
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.name,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                **copy_labels(source_namespace=source_namespace),
                **{key: label_value(text) for key, text in named.items()},
            },
            "annotations": {PAYLOAD: digest, _SOURCE: source_namespace, **named},
        },
        "type": secret_type,
        "immutable": True,
        "data": {key: base64.b64encode(value).decode("ascii") for key, value in payload.items()},
    }


def copy_metadata(
    copy: Resource, *, source_namespace: str, owners: Sequence[Mapping[str, Any]], unused_since: str | None = None
) -> dict[str, Any]:
    """Write who owns an existing copy, since when nobody needs it, and the labels that it must bear."""
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.name,
        "metadata": {
            "name": copy.name,
            "namespace": copy.namespace,
            "resourceVersion": copy.resource_version,
            "labels": copy_labels(source_namespace=source_namespace),
            "annotations": {} if unused_since is None else {UNUSED_SINCE: unused_since},
            "ownerReferences": [dict(one) for one in owners],
        },
    }


def document_manifest(plugin_set: Resource, document: ResolvedSet, *, seal: str) -> dict[str, Any]:
    """Write the resolved document of a set, a Secret because configurations may hold credentials."""
    digest = document.hash
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.name,
        "metadata": {
            "name": document_name(plugin_set.name),
            "namespace": plugin_set.namespace,
            "labels": {**CHILDREN, SET: label_value(plugin_set.name), RESOLVED_HASH: digest_label(digest)},
            "annotations": {SET: plugin_set.name, RESOLVED_HASH: digest, SEAL: seal},
            "ownerReferences": [owner(plugin_set, controller=True)],
        },
        "type": DOCUMENT_TYPE,
        "data": {DOCUMENT_KEY: base64.b64encode(document.text.encode("ascii")).decode("ascii")},
    }


def _pick(value: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: value[name] for name in names if value.get(name)} if isinstance(value, dict) else {}


def _place(subject: Mapping[str, Any]) -> str:
    return "/".join(filter(None, (subject.get("namespace"), subject.get("name", ""))))
