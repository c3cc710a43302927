"""Every rule about a revocation list: what is to be written, and what its status says afterwards. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mcpg_operator.conditions import Condition, Truth
from mcpg_operator.controllers.revocation_list.copies import COPY, content_hash
from mcpg_operator.names import MANAGER
from mcpg_operator.resources import CONFIG_MAP, REVOCATION_LIST
from mcpg_operator.revocations import KEPT, KEPT_ANNOTATIONS, LIST, kept_manifest, lasting_spec
from mcpg_operator.services import Outcome
from supplychain.errors import RevocationListStaleError
from supplychain.freshness import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcpg_operator.controllers.revocation_list.observe import Observation
    from mcpg_operator.resources import Resource
    from supplychain.freshness import Freshness
    from supplychain.revocation import RevocationList

__all__ = ["MISSING_SINCE", "Done", "Plan", "Trouble", "Verdict", "advisory", "aging", "judge", "plan", "seed_manifest"]

MISSING_SINCE: Final = "mcpg.dev/list-missing-since"
"""Annotation of the kept entries: when the list was found missing."""
_PROBLEMS_SHOWN: Final = 20
_BLOCKED_SHOWN: Final = 200
_FAILURES_SHOWN: Final = 3
_OUTCOMES: Final = dict.fromkeys(("RevocationListInvalid", "RevocationListTooLarge"), Outcome.PERMANENT_ERROR)


class Trouble(NamedTuple):
    """A reason, and a clause about it."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done, in this order."""

    seed: bool = False
    """Create an empty list."""
    keep: Mapping[str, Any] | None = None
    """The ConfigMap to apply that outlives the list; None: it is right as it is."""
    vanished: bool = False
    """Tell that the list is gone, which is news."""
    unkept: Trouble | None = None
    """Why the entries cannot be kept."""
    write: tuple[str, ...] = ()
    """Namespaces whose copy is missing or wrong."""
    remove: Mapping[str, str] = field(default_factory=dict)
    """Copies that nobody needs any more: uid by namespace."""

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return self.seed or self.keep is not None or bool(self.write or self.remove)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a plan: messages by namespace, and what kept the entries from being kept."""

    failures: Mapping[str, str] = field(default_factory=dict)
    keep_failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the status is to say."""

    ready: Condition
    fields: Mapping[str, Any]
    outcome: Outcome = Outcome.SUCCESS


def plan(seen: Observation, *, namespace: str, now: str) -> Plan:
    """Say what is to be done; `namespace` is the operator's, `now` a timestamp."""
    if seen.revocations is None:
        # Neither the list nor anything kept of it: there never was one.
        return Plan(seed=True)
    wanted = () if seen.settled or seen.rendered is None else sorted(seen.namespaces - seen.occupied)
    write = tuple(one for one in wanted if one not in seen.copies or not seen.copies[one].right)
    remove = {one: copy.uid for one, copy in sorted(seen.copies.items()) if one not in seen.namespaces}
    keep, vanished, unkept = _keeping(seen, namespace=namespace, now=now)
    return Plan(write=write, remove=remove, keep=keep, vanished=vanished, unkept=unkept)


def _keeping(seen: Observation, *, namespace: str, now: str) -> tuple[Mapping[str, Any] | None, bool, Trouble | None]:
    """Say what to keep of the list, whether it vanished just now, and why nothing can be kept."""
    if seen.kept is not None and not MANAGER.items() <= seen.kept.labels.items():
        text = f"ConfigMap `{namespace}/{KEPT}` is somebody else's, so the entries are not kept for the time after a restart"
        return None, False, Trouble("NameConflict", text)
    since = None if seen.kept is None else seen.kept.annotations.get(MISSING_SINCE)
    missing = {} if seen.resource is not None else {MISSING_SINCE: since or now}
    vanished = bool(missing) and since is None
    if seen.last is not None:
        spec = seen.last.spec if seen.revocations is None else lasting_spec(seen.last.spec, in_force=seen.revocations)
        keep = kept_manifest(spec, namespace=namespace, annotations=missing)
        if keep is None:
            return None, False, Trouble("RevocationListTooLarge", "the list is too large to be kept for the time after a restart")
    elif seen.kept is not None:  # after a restart there is nothing but what was kept
        keep = _marked(seen.kept, missing)
    else:
        return None, False, None
    return (None if seen.kept is not None and _says(seen.kept, keep) else keep), vanished, None


def judge(seen: Observation, revocations: RevocationList, *, planned: Plan, done: Done) -> Verdict:
    """Say what the status of `cluster-default` is to say: the gravest trouble is the reason, all of it is in the message."""
    failed = set(done.failures) & seen.namespaces
    reached = 0 if seen.rendered is None else len(seen.namespaces - seen.occupied - failed)
    fields: dict[str, Any] = {
        "observedRevocations": len(revocations.entries),
        "materialisedNamespaces": reached,
        "pluginsBlocked": list(seen.blocked[:_BLOCKED_SHOWN]),
    }
    troubles = _troubles(seen, revocations, planned=planned, done=done)
    if seen.rendered is not None:
        fields["contentHash"] = content_hash(seen.rendered)
    count = _summary(seen, revocations, reached=reached)
    if troubles:
        message = "; ".join([*(text for _, text in troubles), count])
        ready = Condition(type="Ready", status=Truth.FALSE, reason=troubles[0].reason, message=message)
        return Verdict(ready=ready, fields=fields, outcome=_OUTCOMES.get(ready.reason, Outcome.DEPENDENCY_PENDING))
    return Verdict(ready=Condition(type="Ready", status=Truth.TRUE, reason="Reconciled", message=count), fields=fields)


def advisory(revocations: RevocationList) -> Verdict:
    """Say what the status of a list of another name is to say."""
    fields = {
        "observedRevocations": len(revocations.entries),
        "materialisedNamespaces": 0,
        "pluginsBlocked": [],
        "contentHash": revocations.sha256,
    }
    if revocations.problems:
        ready = Condition(type="Ready", status=Truth.FALSE, reason="RevocationListInvalid", message=_problems(revocations))
        return Verdict(ready=ready, fields=fields, outcome=Outcome.PERMANENT_ERROR)
    message = f"only `{LIST}` counts for every plugin; this list adds to it for gateways that name it"
    return Verdict(ready=Condition(type="Ready", status=Truth.TRUE, reason="Advisory", message=message), fields=fields)


def aging(found: Freshness) -> Condition | None:
    """Say whether a list is young enough to clear what it does not name; None where any age is."""
    if found.limit is None:
        return None
    if not found.counts:
        said = f"nothing new is let in, what was let in stays: expected {found.expected}, got {found.got}"
        return Condition(type="Fresh", status=Truth.FALSE, reason=RevocationListStaleError.reason, message=said)
    due = found.state is State.STALE
    return Condition(type="Fresh", status=Truth.TRUE, reason="RenewalDue" if due else "Reconciled", message=found.got)


def seed_manifest() -> dict[str, Any]:
    """Render the empty list that a new cluster gets."""
    return {
        "apiVersion": REVOCATION_LIST.api_version,
        "kind": REVOCATION_LIST.name,
        "metadata": {"name": LIST, "labels": dict(MANAGER)},
        "spec": {"version": 1, "revocations": []},
    }


def _troubles(seen: Observation, revocations: RevocationList, *, planned: Plan, done: Done) -> list[Trouble]:
    """Give what is wrong, the gravest first."""
    found = []
    if revocations.problems:
        found.append(Trouble("RevocationListInvalid", _problems(revocations)))
    if seen.rendered is None:
        text = "the list is larger than a ConfigMap can be, so gateways keep the one before"
        found.append(Trouble("RevocationListTooLarge", text))
    if planned.unkept is not None:
        found.append(planned.unkept)
    if done.keep_failure:
        text = f"the entries could not be kept for the time after a restart: {done.keep_failure}"
        found.append(Trouble("ApplyFailed", text))
    if seen.occupied:
        text = f"ConfigMap `{COPY}` is somebody else's in {_some([f'`{one}`' for one in sorted(seen.occupied)])}"
        found.append(Trouble("NameConflict", text))
    if done.failures:
        texts = [f"`{namespace}`: {text}" for namespace, text in sorted(done.failures.items())]
        found.append(Trouble("Progressing", f"namespaces failed: {_some(texts)}"))
    return found


def _summary(seen: Observation, revocations: RevocationList, *, reached: int) -> str:
    parts = [f"entries in force: {len(revocations.entries)}", f"namespaces reached: {reached} of {len(seen.namespaces)}"]
    if seen.blocked:
        shown = f", of which {_BLOCKED_SHOWN} are listed" if len(seen.blocked) > _BLOCKED_SHOWN else ""
        parts.append(f"plugins blocked: {len(seen.blocked)}{shown}")
    return "; ".join(parts)


def _problems(revocations: RevocationList) -> str:
    """Name every bad entry, up to a bound; the good ones count all the same."""
    return f"bad entries, the others are in force: {_some(revocations.problems, shown=_PROBLEMS_SHOWN)}"


def _some(texts: Sequence[str], *, shown: int = _FAILURES_SHOWN) -> str:
    more = len(texts) - shown
    return "; ".join(texts[:shown]) + (f"; and {more} more" if more > 0 else "")


def _marked(kept: Resource, missing: Mapping[str, str]) -> dict[str, Any]:
    """Render the kept entries as they are, with a mark."""
    annotations = {key: value for key, value in kept.annotations.items() if key in KEPT_ANNOTATIONS}
    metadata = {
        "name": kept.name,
        "namespace": kept.namespace,
        "labels": dict(MANAGER),
        "annotations": {**annotations, **missing},
    }
    data = {key: kept.body[key] for key in ("data", "binaryData") if key in kept.body}
    return {"apiVersion": CONFIG_MAP.api_version, "kind": CONFIG_MAP.name, "metadata": metadata, **data}


def _says(kept: Resource, manifest: Mapping[str, Any]) -> bool:
    """Whether the ConfigMap is what the manifest wants, apart from what others may have added to its metadata."""
    wanted = manifest["metadata"]["annotations"]
    annotations = {key: value for key, value in kept.annotations.items() if key in {*KEPT_ANNOTATIONS, MISSING_SINCE}}
    same = all((kept.body.get(key) or None) == (manifest.get(key) or None) for key in ("data", "binaryData"))
    return annotations == wanted and same
