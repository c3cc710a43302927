"""What a provenance proves about a build, and whether that is what a policy asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from supplychain.errors import BuilderMismatchError, SourceMismatchError, WorkflowInputMismatchError
from supplychain.slsa.source import TAGS, meets_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.report import Fact
    from supplychain.slsa.certificate import BuildCertificate
    from supplychain.slsa.policy import SlsaPolicy
    from supplychain.slsa.provenance import BuildClaims

__all__ = ["BuildFacts", "check_certificate", "check_policy"]

_SOURCE_CLAIMS = frozenset({13, 14, 18})


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """Who built what from where. Everything is proven, unless `signed` is false: then nothing is."""

    signed: bool
    subject: str
    """Name of the artifact in the statement; nobody checks it."""
    predicate_type: str
    build_type: str
    builder_id: str
    builder_kind: str
    source_uri: str
    source_ref: str
    source_commit: str
    workflow: str | None
    """The workflow that was started."""
    event: str | None
    invocation: str | None

    def as_facts(self) -> Mapping[str, Fact]:
        """Name the facts as the report does."""
        return {
            "signed": self.signed,
            "subject": self.subject,
            "predicateType": self.predicate_type,
            "buildType": self.build_type,
            "builderId": self.builder_id,
            "builderKind": self.builder_kind,
            "sourceUri": self.source_uri,
            "sourceRef": self.source_ref,
            "sourceCommit": self.source_commit,
            "workflow": self.workflow,
            "event": self.event,
            "invocation": self.invocation,
        }


def check_certificate(claims: BuildClaims, *, certificate: BuildCertificate, where: str) -> None:
    """Demand that the statement and the certificate of its signer tell of the same job.

    Raises:
        SourceMismatchError: of another repository, ref, commit or workflow.
        BuilderMismatchError: of another event, run, or owner.
    """
    pairs = (
        (claims.source.repository, certificate.repository),
        (claims.ref, certificate.ref),
        (claims.commit, certificate.commit),
    )
    for said, proven in pairs:
        if said != proven:
            raise SourceMismatchError(
                "the statement names another source than its certificate",
                expected=f"`{proven}`",
                got=f"`{said[:200]}`",
                where=where,
            )
    for number, said in claims.claims.items():
        proven = certificate.claims.get(number, said)
        if said != proven:
            kind = SourceMismatchError if number in _SOURCE_CLAIMS else BuilderMismatchError
            raise kind(
                "the statement tells of another job than its certificate",
                expected=f"`{proven}`",
                got=f"`{said[:200]}`",
                where=f"{where}, claim {number}",
            )


def check_policy(claims: BuildClaims, *, policy: SlsaPolicy, where: str) -> None:
    """Demand the source and the inputs that the policy asks for.

    Raises:
        SourceMismatchError: another repository, tag or branch.
        WorkflowInputMismatchError: another input, or none recorded.
    """
    try:
        _check_source(claims, policy=policy, where=where)
        for name, wanted in sorted(policy.workflow_inputs.items()):
            _check_input(claims, name=name, wanted=wanted, where=where)
    except (SourceMismatchError, WorkflowInputMismatchError) as error:
        from supplychain.slsa.nearest import nearest_source  # noqa: PLC0415 — only for a refusal

        nearest = nearest_source(claims, policy=policy)
        error.offer(nearest.remedies, distance=nearest.distance)
        raise


def _check_source(claims: BuildClaims, *, policy: SlsaPolicy, where: str) -> None:
    if claims.source.repository != policy.source.repository:
        raise SourceMismatchError(
            "built from another repository",
            expected=f"`{policy.source.repository}`",
            got=f"`{claims.source.repository}`",
            where=where,
        )
    tag = claims.ref.removeprefix(TAGS) if claims.ref.startswith(TAGS) else None
    if policy.tag is not None and tag != policy.tag:
        raise _other_ref("built from another tag", f"`{TAGS}{policy.tag}`", claims, where)
    version = policy.version
    if version is not None and (tag is None or not meets_version(tag, wanted=version)):
        raise _other_ref("built from a tag of another version", f"a version `{policy.source_versioned_tag}`", claims, where)
    if policy.branch is not None and claims.branch != policy.branch:
        got = f"`{claims.branch}`" if claims.branch is not None else f"no branch, at `{claims.ref}`"
        raise SourceMismatchError("built from another branch", expected=f"`{policy.branch}`", got=got, where=where)


def _check_input(claims: BuildClaims, *, name: str, wanted: str, where: str) -> None:
    if claims.event != "workflow_dispatch" or claims.inputs is None:
        raise WorkflowInputMismatchError(
            "the build records no inputs of a workflow started by hand", expected=f"input `{name}`", where=where
        )
    got = claims.inputs.get(name)
    if got != wanted:
        shown = "no such input" if got is None else f"`{got[:200]}`"
        raise WorkflowInputMismatchError(f"input `{name}` differs", expected=f"`{wanted}`", got=shown, where=where)


def _other_ref(what: str, expected: str, claims: BuildClaims, where: str) -> SourceMismatchError:
    return SourceMismatchError(what, expected=expected, got=f"`{claims.ref}`", where=where)
