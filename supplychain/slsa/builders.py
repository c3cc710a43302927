"""Which builders are trusted, at which refs, and what they may claim about themselves.

A build is as trustworthy as the workflow that signed its provenance. Three kinds:

* generators of slsa-framework/slsa-github-generator: reusable workflows apart from the caller's (SLSA build level 3). They count
  at release tags `vX.Y.Z` alone, whatever a policy says: a branch or pre-release can change.
* its delegators, which sign for a builder that brings its own workflow: the certificate names the delegator, the statement the
  builder, and both must be at release tags. Builders in the generator's own repository are known; others a policy has to name.
* any other workflow, only where a policy names it: at a release tag, at exactly the ref that the policy names, or, for a
  workflow of the source repository itself, at the ref that was built. GitHub's own attestation workflow is known unnamed.

A commit is no substitute for a tag unless the policy names it: GitHub also serves commits of forks under a repository's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from supplychain import remedies
from supplychain.errors import BuilderMismatchError, InvalidPolicyError
from supplychain.slsa.certificate import Workflow
from supplychain.slsa.source import TAGS
from supplychain.wire import MalformedError

if TYPE_CHECKING:
    from supplychain.errors import Remedy
    from supplychain.slsa.certificate import BuildCertificate
    from supplychain.slsa.source import Source

__all__ = [
    "CONTAINER",
    "CONTAINER_BASED",
    "DELEGATED",
    "GENERIC",
    "GITHUB",
    "GITHUB_OLDER",
    "GO",
    "KNOWN_WORKFLOWS",
    "Builder",
    "BuilderId",
    "BuilderKind",
    "judge_builder",
    "judge_unsigned",
]

_GENERATOR: Final = "https://github.com/slsa-framework/slsa-github-generator"
_HERE: Final = f"{_GENERATOR}/.github/workflows/"

GENERIC: Final = f"{_GENERATOR}/generic@v1"
GO: Final = f"{_GENERATOR}/go@v1"
CONTAINER: Final = f"{_GENERATOR}/container@v1"
CONTAINER_BASED: Final = "https://slsa.dev/container-based-build/v0.1?draft"
DELEGATED: Final = f"{_GENERATOR}/delegator-generic@v0"
GITHUB: Final = "https://actions.github.io/buildtypes/workflow/v1"
GITHUB_OLDER: Final = "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1"

_GENERATORS: Final = {
    f"{_HERE}generator_generic_slsa3.yml": GENERIC,
    f"{_HERE}builder_go_slsa3.yml": GO,
    f"{_HERE}generator_container_slsa3.yml": CONTAINER,
    f"{_HERE}builder_container-based_slsa3.yml": CONTAINER_BASED,
}
_DELEGATORS: Final = frozenset(
    {f"{_HERE}delegator_generic_slsa3.yml", f"{_HERE}delegator_lowperms-generic_slsa3.yml"},
)
_JRELEASER: Final = "https://github.com/jreleaser/release-action"
"""Its releases for the delegator end in `-java`."""
_RUNNER: Final = "https://github.com/actions/runner/github-hosted"
"""What older GitHub attestations and npm name as builder: the machine, not the workflow."""

_RELEASE: Final = re.compile(r"refs/tags/v(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_BUILDER_ID: Final = re.compile(r"(https://[^\s@]{1,500})(?:@([^\s@]{1,200}))?")


class BuilderKind(StrEnum):
    """What stands behind a provenance."""

    GENERATOR = "generator"
    DELEGATED = "delegated builder"
    WORKFLOW = "workflow"
    """A workflow that a policy names. Level 3 only where it is reusable and not the caller's own."""
    RUNNER = "hosted runner"
    """Whatever workflow of the source repository ran on a machine of GitHub's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderId:
    """One entry of an allowlist: a builder at any trusted ref, or at one ref."""

    name: str
    ref: str | None = None

    @classmethod
    def parse(cls, text: str) -> BuilderId:
        """Read `https://…[@ref]`; a ref without `refs/` is a tag, unless it is a commit.

        Raises:
            InvalidPolicyError: it is no such text.
        """
        match = _BUILDER_ID.fullmatch(text)
        if match is None:
            raise InvalidPolicyError("unusable builder id", expected="`https://…` with or without `@ref`", got=f"`{text[:200]}`")
        ref = match[2]
        if ref is not None and not ref.startswith("refs/") and _COMMIT.fullmatch(ref) is None:
            ref = f"{TAGS}{ref}"
        return cls(name=match[1], ref=ref)

    def names(self, workflow: Workflow) -> bool:
        """Whether `workflow` is this builder."""
        return self.name == workflow.name and self.ref in (None, workflow.ref)

    def __str__(self) -> str:
        return self.name if self.ref is None else f"{self.name}@{self.ref}"


KNOWN_WORKFLOWS: Final = (
    BuilderId(name="https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The builder that was found to be trusted."""

    id: str
    kind: BuilderKind


def judge_builder(
    certificate: BuildCertificate, *, claimed: str, build_type: str, allowed: tuple[BuilderId, ...] | None
) -> Builder:
    """Demand that the certificate's signer is a trusted builder and that the statement claims nothing else.

    `allowed` is the policy's allowlist; None stands for the known builders.

    Raises:
        BuilderMismatchError: unknown, not at a release, or contradicted by its certificate.
    """
    signer = certificate.signer
    if signer.name in _GENERATORS or signer.name in _DELEGATORS:
        if certificate.caller == signer:
            raise BuilderMismatchError("the generator was started by itself, not called as a builder", got=f"`{signer}`")
        _demand_release(signer)
        if signer.name in _DELEGATORS:
            return _judge_delegated(claimed, build_type=build_type, allowed=allowed)
        return _judge_generator(signer, claimed=claimed, build_type=build_type, allowed=allowed)
    return _judge_workflow(certificate, claimed=claimed, build_type=build_type, allowed=allowed)


def judge_unsigned(*, claimed: str, build_type: str, allowed: tuple[BuilderId, ...] | None, source: Source) -> Builder:
    """Judge the builder that a statement claims, where no certificate can confirm it.

    Raises:
        BuilderMismatchError: even the claim is not good enough.
    """
    if build_type == DELEGATED:
        return _judge_delegated(claimed, build_type=build_type, allowed=allowed)
    if claimed == _RUNNER and BuilderId(name=_RUNNER) in (allowed or ()):
        return Builder(id=claimed, kind=BuilderKind.RUNNER)
    builder = _claimed_workflow(claimed)
    if builder.name in _GENERATORS:
        _demand_release(builder)
        return _judge_generator(builder, claimed=claimed, build_type=build_type, allowed=allowed)
    entry = _entry_for(builder, allowed)
    if entry.ref is None and (builder.repository, builder.ref) != (source.repository, source.ref):
        _demand_release(builder, is_nameable=True, known=allowed is None)
    _demand_workflow_type(build_type)
    return Builder(id=claimed, kind=BuilderKind.WORKFLOW)


def _judge_generator(signer: Workflow, *, claimed: str, build_type: str, allowed: tuple[BuilderId, ...] | None) -> Builder:
    if allowed is not None:
        _entry_for(signer, allowed)
    _demand_equal("the statement names another builder than its certificate", expected=str(signer), got=claimed)
    _demand_equal("the build type is not the builder's", expected=_GENERATORS[signer.name], got=build_type)
    return Builder(id=claimed, kind=BuilderKind.GENERATOR)


def _judge_delegated(claimed: str, *, build_type: str, allowed: tuple[BuilderId, ...] | None) -> Builder:
    builder = _claimed_workflow(claimed)
    if allowed is not None:
        _entry_for(builder, allowed)
    elif builder.repository != _GENERATOR:
        raise _unknown(builder, f"a builder in `{_GENERATOR}`", known=True)
    _demand_release(builder)
    _demand_equal("the build type is not the builder's", expected=DELEGATED, got=build_type)
    return Builder(id=claimed, kind=BuilderKind.DELEGATED)


def _judge_workflow(
    certificate: BuildCertificate, *, claimed: str, build_type: str, allowed: tuple[BuilderId, ...] | None
) -> Builder:
    signer, own = certificate.signer, certificate.signer == certificate.caller
    _demand_workflow_type(build_type)
    if claimed == _RUNNER and own and BuilderId(name=_RUNNER) in (allowed or ()):
        return Builder(id=claimed, kind=BuilderKind.RUNNER)
    entry = _entry_for(signer, allowed)
    if entry.ref is None and not own:
        _demand_release(signer, is_nameable=True, known=allowed is None)
    if not (claimed == _RUNNER and build_type == GITHUB_OLDER):
        _demand_equal("the statement names another builder than its certificate", expected=str(signer), got=claimed)
    return Builder(id=str(signer), kind=BuilderKind.WORKFLOW)


def _entry_for(builder: Workflow, allowed: tuple[BuilderId, ...] | None) -> BuilderId:
    """Find the entry that names `builder`, one with a ref before one without; None stands for the known workflows."""
    among = KNOWN_WORKFLOWS if allowed is None else allowed
    entries = sorted((entry for entry in among if entry.names(builder)), key=lambda entry: entry.ref is None)
    if not entries:
        raise _unknown(builder, " or ".join(f"`{entry}`" for entry in among), known=allowed is None)
    return entries[0]


def _unknown(builder: Workflow, expected: str, *, known: bool) -> BuilderMismatchError:
    return BuilderMismatchError(
        "the builder is not a trusted one",
        expected=expected,
        got=f"`{builder}`",
        hint="if you trust this workflow to build, allow it with `--builder-id`; that weakens the policy",
        remedies=_allowing(builder, known=known),
    )


def _allowing(builder: Workflow, *, known: bool) -> tuple[Remedy, ...]:
    """Offer to allow one builder at one ref; `known` says that it would replace the known builders."""
    place = "in place of the known builders" if known else "besides the ones that are allowed"
    effect = f"this workflow at this ref is trusted to build, {place}"
    return (
        *remedies.policy([("--builder-id", str(builder))], effect=effect, weakens=True),
        remedies.evidence("provenance by a trusted builder at a release tag"),
    )


def _demand_release(builder: Workflow, *, is_nameable: bool = False, known: bool = False) -> None:
    """Refuse any ref but a release tag; `is_nameable` says that a policy may name this builder at another one."""
    ref = builder.ref.removesuffix("-java") if builder.repository == _JRELEASER else builder.ref
    if _RELEASE.fullmatch(ref) is None:
        raise BuilderMismatchError(
            "the builder is not at a release tag",
            expected="`refs/tags/vX.Y.Z`",
            got=f"`{builder}`",
            remedies=_allowing(builder, known=known) if is_nameable else (),
        )


def _demand_workflow_type(build_type: str) -> None:
    if build_type not in (GITHUB, GITHUB_OLDER):
        raise BuilderMismatchError("the build type is not the builder's", expected=f"`{GITHUB}`", got=f"`{build_type}`")


def _demand_equal(what: str, *, expected: str, got: str) -> None:
    if expected != got:
        raise BuilderMismatchError(what, expected=f"`{expected}`", got=f"`{got[:300]}`")


def _claimed_workflow(claimed: str) -> Workflow:
    try:
        return Workflow.parse(claimed)
    except MalformedError as exc:
        raise BuilderMismatchError("the statement names no workflow as builder", got=f"`{claimed[:200]}`") from exc
