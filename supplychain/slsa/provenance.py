"""SLSA provenance v0.2 and v1, in the shapes that GitHub's builders write, as one `BuildClaims` value.

Follows slsa.dev/provenance/v0.2 and /v1 and, for what these leave to the builder, the build type: where source, ref, event and
inputs stand depends on it, so an unknown build type cannot be understood and is refused. Plain checks instead of pydantic models:
importing pydantic costs 45 ms, more than all of the verification. Fields that are not read are allowed, as the specification
demands, except in `externalParameters` of GitHub's own build type: whatever is new there may change what was built.

Nothing here is proven. `claims` lists what the statement says about the job in the numbers of Fulcio's certificate claims, to be
compared with the certificate by whoever has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from supplychain.errors import SourceMismatchError, StatementInvalidError
from supplychain.slsa.builders import CONTAINER, CONTAINER_BASED, DELEGATED, GENERIC, GITHUB, GITHUB_OLDER, GO
from supplychain.slsa.certificate import Workflow
from supplychain.slsa.source import BRANCHES, Source
from supplychain.wire import Fields, MalformedError, translating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.in_toto import Statement

__all__ = ["PREDICATES", "BuildClaims", "read_claims"]

_V0_2: Final = "https://slsa.dev/provenance/v0.2"
_V1: Final = "https://slsa.dev/provenance/v1"
PREDICATES: Final = frozenset({_V0_2, _V1})

_MAX_LIST: Final = 4096
_COMMIT_LENGTH: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildClaims:
    """What a provenance says about one build."""

    builder_id: str
    build_type: str
    source: Source
    """Repository and ref of what was built; the two places that name it agree."""
    ref: str
    """The ref that the build ran at."""
    commit: str
    branch: str | None
    """Short name of the branch, also for tag builds where the event names one."""
    event: str | None
    inputs: Mapping[str, str] | None
    """Inputs of a workflow that was started by hand; None where none are recorded."""
    claims: Mapping[int, str] = field(default_factory=dict)


def read_claims(statement: Statement, *, where: str) -> BuildClaims:
    """Read the predicate of a statement.

    Raises:
        StatementInvalidError: another predicate type, an unknown build type, or a field missing or of another type.
        SourceMismatchError: two places name two sources.
    """
    with translating(StatementInvalidError, "unusable SLSA provenance", where=where):
        predicate = Fields(dict(statement.predicate), "predicate")
        match statement.predicate_type:
            case "https://slsa.dev/provenance/v0.2":
                return _read_v0_2(predicate, where)
            case "https://slsa.dev/provenance/v1":
                return _read_v1(predicate, where)
            case other:
                raise StatementInvalidError(
                    "no SLSA provenance", expected=f"`{_V1}` or `{_V0_2}`", got=f"`{other[:200]}`", where=where
                )


def _read_v0_2(predicate: Fields, where: str) -> BuildClaims:
    build_type = _known(predicate.text("buildType"), (GENERIC, GO, CONTAINER))
    invocation = predicate.fields("invocation")
    config = invocation.fields("configSource")
    material = _first(predicate, "materials")
    trigger, commit = Source.parse(config.text("uri")), config.fields("digest").text("sha1")
    source = _same_source(trigger, Source.parse(material.text("uri")), where)
    _same_commit(commit, material.fields("digest").text("sha1"), where)
    environment = invocation.fields("environment")
    return _assemble(
        _Job(environment, prefix="github_", commit="github_sha1"),
        builder_id=predicate.fields("builder").text("id"),
        build_type=build_type,
        source=source,
        commit=commit,
        where=where,
    )


def _read_v1(predicate: Fields, where: str) -> BuildClaims:
    definition, run = predicate.fields("buildDefinition"), predicate.fields("runDetails")
    build_type = _known(definition.text("buildType"), (CONTAINER_BASED, DELEGATED, GITHUB, GITHUB_OLDER))
    builder_id = run.fields("builder").text("id")
    dependency = _first(definition, "resolvedDependencies")
    source, digest = Source.parse(dependency.text("uri")), dependency.fields("digest")
    commit = digest.text("gitCommit" if "gitCommit" in digest else "sha1")
    internal = definition.fields("internalParameters")
    if build_type in (GITHUB, GITHUB_OLDER):
        claims = _read_github(definition.fields("externalParameters"), internal, source, commit, where)
        metadata = run.optional("metadata")
        invocation = {21: metadata.text("invocationId")} if metadata is not None and "invocationId" in metadata else {}
        return BuildClaims(builder_id=builder_id, build_type=build_type, **{**claims, "claims": claims["claims"] | invocation})
    caller = Workflow.parse(f"https://github.com/{internal.text('GITHUB_WORKFLOW_REF')}")
    source = _same_source(Source(repository=caller.repository, ref=caller.ref), source, where)
    job = _Job(internal, prefix="GITHUB_", commit="GITHUB_SHA")
    job.claims[18] = str(caller)
    return _assemble(job, builder_id=builder_id, build_type=build_type, source=source, commit=commit, where=where)


def _read_github(external: Fields, internal: Fields, source: Source, commit: str, where: str) -> dict[str, Any]:
    """Read GitHub's own build type; the workflow that wrote it is not apart from the build, so only its certificate counts."""
    workflow = external.fields("workflow")
    trigger = Source(repository=Source.parse(workflow.text("repository")).repository, ref=workflow.text("ref"))
    path = workflow.text("path")
    inputs = external.optional("inputs")
    external.optional("vars")
    for part in (workflow, external):
        part.done()
    github = internal.fields("github")
    claims = {18: f"{trigger.repository}/{path}@{trigger.ref}"}
    for name, number in (("event_name", 20), ("repository_id", 15), ("repository_owner_id", 17), ("runner_environment", 11)):
        if name in github:
            claims[number] = github.text(name)
    return {
        "source": _same_source(trigger, source, where),
        "ref": trigger.ref,
        "commit": commit,
        "branch": trigger.ref.removeprefix(BRANCHES) if trigger.ref and trigger.ref.startswith(BRANCHES) else None,
        "event": claims.get(20),
        "inputs": _inputs(inputs),
        "claims": claims,
    }


class _Job:
    """The variables of a GitHub job as generators copy them, in either of two spellings."""

    def __init__(self, variables: Fields, *, prefix: str, commit: str) -> None:
        def name(word: str) -> str:
            return prefix + (word.upper() if prefix.isupper() else word)

        self.ref = variables.text(name("ref"))
        self.event = variables.text(name("event_name"))
        self.claims = {20: self.event, 14: self.ref, 13: variables.text(commit)}
        for word, number in (("repository_id", 15), ("repository_owner_id", 17)):
            if name(word) in variables:
                self.claims[number] = str(variables.integer(name(word)))
        self.run = (
            f"runs/{variables.integer(name('run_id'))}/attempts/{variables.integer(name('run_attempt'))}"
            if name("run_id") in variables
            else None
        )
        is_branch = variables.text(name("ref_type")) == "branch"
        payload = variables.optional(name("event_payload")) or Fields({}, "payload")
        self.branch = self.ref.removeprefix(BRANCHES) if is_branch else _branch_of(payload, self.event)
        self.inputs = _inputs(payload.optional("inputs"))


def _assemble(job: _Job, *, builder_id: str, build_type: str, source: Source, commit: str, where: str) -> BuildClaims:
    if source.ref != job.ref:
        raise SourceMismatchError("the statement names two refs", expected=f"`{source.ref}`", got=f"`{job.ref}`", where=where)
    claims = dict(job.claims)
    if job.run is not None:
        claims[21] = f"{source.repository}/actions/{job.run}"
    return BuildClaims(
        builder_id=builder_id,
        build_type=build_type,
        source=source,
        ref=job.ref,
        commit=commit,
        branch=job.branch,
        event=job.event,
        inputs=job.inputs,
        claims=claims,
    )


def _branch_of(payload: Fields, event: str) -> str | None:
    """Find the branch that a tag was made on, where GitHub knew: in a push, or in a release made from a branch."""
    if event == "release":
        release = payload.optional("release")
        target = release.text("target_commitish", "") if release is not None else ""
        return target if target and len(target) != _COMMIT_LENGTH else None
    base = payload.text("base_ref", "")
    return base.removeprefix(BRANCHES) if base.startswith(BRANCHES) else None


def _inputs(fields: Fields | None) -> Mapping[str, str] | None:
    """Read workflow inputs as text, as GitHub shows them; anything but text, numbers and booleans is left out."""
    if fields is None:
        return None
    texts = {}
    for name, value in fields.rest().items():
        match value:
            case bool():
                texts[name] = str(value).lower()
            case str() | int() | float():
                texts[name] = str(value)
            case _:
                pass
    return texts


def _known(build_type: str, known: tuple[str, ...]) -> str:
    if build_type not in known:
        raise MalformedError(f"the build type `{build_type[:200]}` is not known, so nobody can tell what it means")
    return build_type


def _first(fields: Fields, name: str) -> Fields:
    """Take the first entry of a list: builders put the source there."""
    entries = fields.objects(name, limit=_MAX_LIST)
    if not entries:
        raise MalformedError(f"`{fields.where}.{name}` is empty")
    return entries[0]


def _same_source(trigger: Source, source: Source, where: str) -> Source:
    """Demand that what was started and what was built are one; delegators leave the ref of the second out."""
    if trigger.repository != source.repository or source.ref not in (None, trigger.ref):
        raise SourceMismatchError("the statement names two sources", expected=f"`{trigger}`", got=f"`{source}`", where=where)
    return trigger


def _same_commit(trigger: str, source: str, where: str) -> None:
    if trigger != source:
        raise SourceMismatchError("the statement names two commits", expected=f"`{trigger}`", got=f"`{source}`", where=where)
