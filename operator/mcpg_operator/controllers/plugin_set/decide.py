"""The rules of a set, pure: how each entry stands, what stays, what leaves at once, and what the document then says.

* An entry is resolved from what this process has proven (the ledger), never from a status.
* An entry that fails keeps what the document last said of it, as a whole: new configuration never meets an old artifact.
* A revoked plugin is the exception: it leaves, whatever else is known or unknown. So does one that the tenant of the namespace
  does not allow, or no longer: who narrows the list wants it gone. A tenant that could not be looked up changes nothing.
* While a plugin of the set is not judged yet, nothing but that changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mcpg_operator.ledger import Standing, Verified
from mcpg_operator.render.grants import Grants, expand
from mcpg_operator.render.resolved_set import Entry, Part, ResolvedSet, render_entry
from supplychain.rules.reading import at, items, name_of, spec_of
from supplychain.rules.tenancy import admits, allows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcpg_operator.controllers.plugin_set.observe import Observation
    from mcpg_operator.ledger import Stored
    from mcpg_operator.resources import Resource
    from supplychain.api.plugin_set import PluginEntry, PluginSetSpec
    from supplychain.artifact import PluginPackage
    from supplychain.digest import ArtifactHash

__all__ = [
    "APPLY_FAILED",
    "MISSING",
    "NAME_CONFLICT",
    "NOT_ALLOWED",
    "PENDING",
    "REVOKED",
    "Candidate",
    "Failure",
    "Verdict",
    "allowed",
    "compose",
    "judge",
    "keepable",
    "pending",
    "strip",
    "warnings",
]

MISSING: Final = "ArtefactSecretMissing"
PENDING: Final = "Pending"
REVOKED: Final = "PluginRevoked"
NOT_ALLOWED: Final = "PluginNotAllowed"
NAME_CONFLICT: Final = "NameConflict"
APPLY_FAILED: Final = "ApplyFailed"
_NOT_READY: Final = "PluginNotReady"
_LONGEST: Final = 300
"""Characters of what a plugin says of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an entry cannot be used; `reason` is stable, `message` is for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry whose plugin is proven; its Secrets have not been looked at yet."""

    entry: PluginEntry
    verified: Verified
    package: PluginPackage
    artifact_hash: ArtifactHash
    stored: Stored
    grants: Grants

    def render(self, parts: Iterable[Part]) -> Entry:
        """Write the entry, once its Secrets are in place."""
        return render_entry(
            entry_id=self.entry.id,
            plugin=self.verified.name,
            version=self.verified.version,
            descriptor=self.package.descriptor,
            artifact_hash=self.artifact_hash,
            artifact_name=self.package.artifact_name,
            artifact_size=self.package.artifact.size,
            secret=self.stored.secret,
            parts=parts,
            keys=self.verified.keys,
            grants=self.grants.granted,
            config=self.entry.config,
            enforce=self.entry.enforce,
        )


Verdict = Candidate | Failure
"""How one enabled entry stands. A disabled one has no verdict; it counts as resolved."""


def judge(spec: PluginSetSpec, observation: Observation) -> dict[str, Verdict]:
    """Judge every enabled entry, by id in the order of the set. The first failing rule names the reason."""
    return {
        entry.id: _judge(entry, spec.capability_grants.get(entry.id, ()), observation) for entry in spec.entries if entry.enabled
    }


def _judge(entry: PluginEntry, kinds: Iterable[str], observation: Observation) -> Verdict:
    name = entry.plugin_ref.name
    plugin, verified = observation.plugins.get(name), observation.standings.get(name)
    if plugin is None:
        return Failure(reason="PluginNotFound", message=f"there is no MCPGPlugin `{name}`")
    if not allowed(name, entry.id, observation):
        return Failure(reason=NOT_ALLOWED, message=_refused(name, observation))
    if verified is None:
        return Failure(reason=PENDING, message=_pending(plugin))
    if verified.plugin_id and verified.plugin_id != entry.id:
        return Failure(reason="PluginIdMismatch", message=f"MCPGPlugin `{name}` is `{verified.plugin_id}`")
    return _revoked(verified, observation) or _unready(plugin, verified) or _candidate(entry, kinds, verified)


def _pending(plugin: Resource) -> str:
    """Say what is waited for: a download as its own status tells of it, else its turn."""
    name = f"MCPGPlugin `{plugin.name}`"
    for one in plugin.conditions:
        if (one.get("type"), one.get("status")) == ("Progressing", "True"):
            return f"{name} is not judged yet: {str(one.get('message'))[:_LONGEST]}"
    return f"{name} has not been judged since the operator started"


def allowed(plugin: str, entry_id: str, observation: Observation) -> bool:
    """Whether the tenant that owns the namespace allows a plugin; without one everything is.

    Of a plugin that is not there only names are known; the id was proven when the entry was resolved. It counts as allowed if the
    list could allow it by the place of its image, because nobody can tell.
    """
    tenant, found = observation.tenant, observation.plugins.get(plugin)
    if tenant is None:
        return True
    if found is not None:
        return allows(tenant, found.body)
    by_place = any(at(one, "registryPrefix") for one in items(spec_of(tenant).get("allowedPlugins")))
    return by_place or admits(tenant, names=(plugin, entry_id), image="")


def _refused(plugin: str, observation: Observation) -> str:
    owner = "" if observation.tenant is None else name_of(observation.tenant)
    return f"MCPGTenant `{owner}`, which owns the namespace, does not allow MCPGPlugin `{plugin}`"


def _revoked(verified: Verified, observation: Observation) -> Failure | None:
    if verified.standing is Standing.REVOKED:
        return Failure(reason=REVOKED, message=f"MCPGPlugin `{verified.name}`: {verified.message}")
    if verified.artifact_hash is not None and observation.revocations.find(verified.artifact_hash) is not None:
        return Failure(reason=REVOKED, message=f"artifact `{verified.artifact_hash}` of MCPGPlugin `{verified.name}` is revoked")
    return None


def _unready(plugin: Resource, verified: Verified) -> Failure | None:
    # What was judged has to be what is there: the same object, and the present spec.
    if (verified.uid, verified.generation) != (plugin.uid, plugin.generation):
        return Failure(reason=_NOT_READY, message=f"MCPGPlugin `{verified.name}` has changed and is not judged again yet")
    if verified.standing is not Standing.VERIFIED or not verified.plugin_id:
        return Failure(reason=_NOT_READY, message=f"MCPGPlugin `{verified.name}`: {verified.reason}: {verified.message}")
    return None


def _candidate(entry: PluginEntry, kinds: Iterable[str], verified: Verified) -> Verdict:
    package, artifact_hash, stored = verified.package, verified.artifact_hash, verified.stored
    if stored is None or package is None or artifact_hash is None:
        return Failure(reason=MISSING, message=f"nothing is stored of MCPGPlugin `{verified.name}`")
    grants = expand(kinds, package.descriptor.required_capabilities)
    if grants.excess:
        unwanted = ", ".join(f"`{one}`" for one in grants.excess)
        return Failure(reason="GrantNotRequired", message=f"the plugin's descriptor does not require {unwanted}")
    return Candidate(entry=entry, verified=verified, package=package, artifact_hash=artifact_hash, stored=stored, grants=grants)


def pending(verdicts: Mapping[str, Verdict]) -> bool:
    """Whether some plugin is not judged yet, so that the set must hold still."""
    return any(isinstance(one, Failure) and one.reason == PENDING for one in verdicts.values())


def keepable(entry: Entry, observation: Observation) -> bool:
    """Whether an old entry may stay: no list names its artifact, its plugin does not stand revoked, and the tenant allows it."""
    if not allowed(entry.plugin, entry.id, observation):
        return False
    standing = observation.standings.get(entry.plugin)
    if standing is not None and standing.standing is Standing.REVOKED:
        return False
    return not any(entry.digest in one.entries for one in observation.revocations.lists)


def strip(old: ResolvedSet, observation: Observation) -> ResolvedSet:
    """Take what is revoked or not allowed out of a document and change nothing else."""
    left = tuple(one for one in old.entries if keepable(one, observation))
    return old if len(left) == len(old.entries) else ResolvedSet(entries=left, complete=False)


def compose(
    spec: PluginSetSpec, verdicts: Mapping[str, Verdict], parts: Mapping[str, tuple[Part, ...]], kept: Mapping[str, Entry]
) -> ResolvedSet:
    """Write the document: proven entries whose Secrets are in place, and the old form of those that fail.

    Args:
        spec: of the set.
        verdicts: after the Secrets were delivered.
        parts: Secrets by entry id, for every `Candidate`.
        kept: old entries that may stay and whose Secrets are in place, by id.
    """
    entries = []
    wanted = [one.id for one in spec.entries if one.enabled]
    for entry_id in wanted:
        verdict = verdicts[entry_id]
        if isinstance(verdict, Candidate):
            entries.append(verdict.render(parts[entry_id]))
        elif entry_id in kept:
            entries.append(kept[entry_id])
    return ResolvedSet(entries=tuple(entries), complete=len(entries) == len(wanted))


def warnings(verdicts: Mapping[str, Verdict]) -> tuple[str, ...]:
    """Say what is required and not granted: such a gateway refuses to start."""
    return tuple(
        f"`{entry_id}` requires {', '.join(f'`{kind}`' for kind in one.grants.missing)}, which the set does not grant"
        for entry_id, one in verdicts.items()
        if isinstance(one, Candidate) and one.grants.missing
    )
