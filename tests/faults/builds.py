"""Provenance: the claims of the builder's certificate among themselves, with the statement, and with what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplychain.errors import (
    BuilderMismatchError,
    CertificateError,
    ProvenanceMissingError,
    SourceMismatchError,
    StatementInvalidError,
    SubjectMismatchError,
    SupplyChainError,
    WorkflowInputMismatchError,
)
from supplychain.verification_key import parse_trusted_keys
from tests.faults.table import ARTIFACT, Built, Fault, drop, put
from tests.support.sigstore.identities import GENERATOR
from tests.support.sigstore.keys import Seed, public_key_pem
from tests.support.virtual_sigstore import generator_identity, github_identity, github_provenance, slsa_provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ROWS"]

OWN = "https://github.com/acme/plugins/.github/workflows/release.yml"
GITHUB: dict[str, Any] = {
    "statement": github_provenance(ARTIFACT),
    "identity": github_identity(),
    "policy": {"builder_ids": (OWN,)},
}


def _row(name: str, error: type[SupplyChainError], text: str, bad: Built, good: Built | None = None, *, alone: str = "") -> Fault:
    return Fault(name=name, error=error, text=text, bad=bad, good=good or Built(), alone=alone)


def _claims(claims: Mapping[int, str | None]) -> Built:
    return Built(identity=github_identity(signer=f"{GENERATOR}@refs/tags/v2.1.0", claims=claims))


# --- the certificate by itself ------------------------------------------------------------------------------------------------

CONTRADICTION = "the certificate contradicts itself"
COMMIT = "0" * 40
HONEST = "4d329c75e7ec1725f7c9ce917a8799d408d06be3"
DELEGATED = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"


def _pair(name: str, claims: Mapping[int, str | None], good: Mapping[int, str | None] | None = None) -> Fault:
    return _row(f"claims: {name}", CertificateError, CONTRADICTION, _claims(claims), _claims(good or {}))


CERTIFICATE = (
    # Every pair that says the same thing twice; the other half is what the statement says, so that only the pair can tell.
    _pair("2 and 20, event", {2: "schedule"}),
    _pair("3 and 13, commit", {3: COMMIT}),
    _pair("13 and 19, commit of the build configuration", {19: COMMIT}),
    _pair("3 and 13, where 19 is not there", {3: COMMIT, 19: None}, {19: None}),
    _pair("6 and 14, ref", {6: "refs/heads/main"}),
    _pair("5 and 12, repository", {5: "acme/another"}),
    _pair("12 and 16, owner", {16: "https://github.com/another"}),
    _pair("9 and the subject, builder", {9: f"{GENERATOR}@refs/tags/v2.0.0"}),
    _pair(
        "18 and 12, workflow of another repository",
        {18: "https://github.com/another/plugins/.github/workflows/release.yml@refs/tags/v1.2.3"},
    ),
    _pair("18 and 14, workflow at another ref", {18: f"{OWN}@refs/heads/main"}),
    _row("claims: 1 and 8, issuer", CertificateError, "two issuer claims differ", _claims({1: "https://accounts.example"})),
    _row(
        "claims: 18 is no workflow",
        BuilderMismatchError,
        "the signer is no workflow",
        _claims({18: "https://github.com/acme/plugins"}),
    ),
    *(
        _row(
            f"claims: neither {newer} nor {older}",
            CertificateError,
            "lacks a claim about the build",
            _claims({newer: None, older: None, **beside}),
            _claims({newer: None, **beside}),
        )
        for newer, older, beside in (
            (14, 6, {}),
            (13, 3, {19: None}),
            (20, 2, {}),
            (12, 5, {16: None}),
        )
    ),
    _row(
        "runner: of its own",
        BuilderMismatchError,
        "on a machine of its own",
        Built(identity=generator_identity(runner="self-hosted")),
    ),
    _row(
        "runner: an unknown word",
        BuilderMismatchError,
        "on a machine of its own",
        Built(identity=generator_identity(runner="GitHub-hosted")),
    ),
    _row(
        "builder: another issuer",
        BuilderMismatchError,
        "another issuer vouches",
        Built(policy={"issuer": "https://accounts.example"}),
    ),
    _row(
        "builder: a mail address", BuilderMismatchError, "the signer is no workflow", Built(plan={"names": (b"\x81\x05a@b.c",)})
    ),
    _row(
        "builder: an address that is no workflow",
        BuilderMismatchError,
        "the signer is no workflow",
        Built(
            identity=github_identity(
                signer="https://github.com/slsa-framework/slsa-github-generator/blob/main/x.yml@refs/tags/v2.1.0"
            )
        ),
    ),
)


# --- the builder --------------------------------------------------------------------------------------------------------------


def _at(ref: str) -> Built:
    return Built(
        identity=generator_identity(generator_ref=ref), statement=slsa_provenance(ARTIFACT, builder=f"{GENERATOR}@{ref}")
    )


def _own(**changes: Any) -> Built:
    return Built(**{**GITHUB, **changes})


OTHER_WORKFLOW = "https://github.com/acme/shared/.github/workflows/build.yml"


def _shared(ref: str) -> Built:
    signer = f"{OTHER_WORKFLOW}@{ref}"
    return _own(
        identity=github_identity(signer=signer),
        statement=github_provenance(ARTIFACT, builder=signer),
        policy={"builder_ids": (OTHER_WORKFLOW,)},
    )


LOOKS_LIKE = GENERATOR.replace("slsa-framework/", "slsa-framevvork/")
LOOK_ALIKE: dict[str, Any] = {
    "identity": github_identity(signer=f"{LOOKS_LIKE}@refs/tags/v2.1.0"),
    "statement": github_provenance(ARTIFACT, builder=f"{LOOKS_LIKE}@refs/tags/v2.1.0"),
}

BUILDER = (
    _row("builder: at a branch", BuilderMismatchError, "not at a release tag", _at("refs/heads/main"), _at("refs/tags/v2.0.0")),
    _row(
        "builder: at a pre-release",
        BuilderMismatchError,
        "not at a release tag",
        _at("refs/tags/v2.1.0-rc.0"),
        _at("refs/tags/v2.0.0"),
    ),
    _row(
        "builder: at a tag that moves", BuilderMismatchError, "not at a release tag", _at("refs/tags/v2"), _at("refs/tags/v2.0.0")
    ),
    _row(
        "builder: at a commit",
        BuilderMismatchError,
        "not at a release tag",
        _at("f7dd8c54c2067bafc12ca7a55595d5ee9b75204a"),
        _at("refs/tags/v2.0.0"),
    ),
    _row(
        "builder: a look-alike",
        BuilderMismatchError,
        "not a trusted one",
        _own(**LOOK_ALIKE, policy={"builder_ids": (GENERATOR,)}),
        _own(**LOOK_ALIKE, policy={"builder_ids": (LOOKS_LIKE,)}),
    ),
    _row(
        "builder: started by itself",
        BuilderMismatchError,
        "started by itself",
        Built(
            identity=github_identity(
                "slsa-framework/slsa-github-generator",
                workflow=".github/workflows/generator_generic_slsa3.yml",
                ref="refs/tags/v2.1.0",
            ),
            statement=slsa_provenance(
                ARTIFACT, source_uri="git+https://github.com/slsa-framework/slsa-github-generator", ref="refs/tags/v2.1.0"
            ),
            policy={"source_uri": "github.com/slsa-framework/slsa-github-generator", "source_tag": "v2.1.0"},
        ),
        Built(
            identity=generator_identity("slsa-framework/slsa-github-generator", ref="refs/tags/v2.1.0"),
            statement=slsa_provenance(
                ARTIFACT, source_uri="git+https://github.com/slsa-framework/slsa-github-generator", ref="refs/tags/v2.1.0"
            ),
            policy={"source_uri": "github.com/slsa-framework/slsa-github-generator", "source_tag": "v2.1.0"},
        ),
    ),
    _row(
        "builder: known, and not the one that the policy names",
        BuilderMismatchError,
        "not a trusted one",
        Built(policy={"builder_ids": (OWN,)}),
        Built(policy={"builder_ids": (GENERATOR,)}),
    ),
    _row(
        "builder: at another ref than the policy names",
        BuilderMismatchError,
        "not a trusted one",
        Built(policy={"builder_ids": (f"{GENERATOR}@v2.0.0",)}),
        Built(policy={"builder_ids": (f"{GENERATOR}@v2.1.0",)}),
    ),
    _row(
        "builder: the statement names another one",
        BuilderMismatchError,
        "names another builder",
        Built(edit=put("predicate", "builder", "id", f"{GENERATOR}@refs/tags/v2.0.0")),
    ),
    _row("builder: an ordinary workflow that nobody named", BuilderMismatchError, "not a trusted one", _own(policy={}), _own()),
    _row(
        "builder: a shared workflow at a branch",
        BuilderMismatchError,
        "not at a release tag",
        _shared("refs/heads/main"),
        _shared("refs/tags/v3.0.0"),
    ),
    _row(
        "builder: the statement of an ordinary workflow names another one",
        BuilderMismatchError,
        "names another builder",
        _own(edit=put("predicate", "runDetails", "builder", "id", f"{OTHER_WORKFLOW}@refs/tags/v1.2.3")),
        _own(),
    ),
    _row(
        "buildType: of another builder",
        BuilderMismatchError,
        "build type is not the builder's",
        Built(edit=put("predicate", "buildType", "https://github.com/slsa-framework/slsa-github-generator/go@v1")),
    ),
    _row(
        "buildType: not known",
        StatementInvalidError,
        "is not known",
        Built(edit=put("predicate", "buildType", "https://build.example/v1")),
    ),
    _row(
        "buildType: a generator's for an ordinary workflow",
        BuilderMismatchError,
        "build type is not the builder's",
        Built(
            identity=github_identity(),
            policy={"builder_ids": (OWN,)},
            edit=put("predicate", "builder", "id", f"{OWN}@refs/tags/v1.2.3"),
        ),
        _own(),
    ),
)


HERE = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
DELEGATOR = f"{HERE}delegator_generic_slsa3.yml"
BUILT_BY = f"{HERE}builder_gradle_slsa3.yml@refs/tags/v2.1.0"
THEIRS = "https://github.com/acme/builder/.github/workflows/build.yml"


def _delegated(builder: str = BUILT_BY, *, build_type: str = DELEGATED, **policy: Any) -> Built:
    """What a delegator signs for a builder that brings its own workflow."""
    job = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/tags/v1.2.3", "GITHUB_REF_TYPE": "tag", "GITHUB_SHA": HONEST}
    started = "acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3"
    source = {"uri": "git+https://github.com/acme/plugins@refs/tags/v1.2.3", "digest": {"gitCommit": HONEST}}
    definition = {
        "buildType": build_type,
        "externalParameters": {"inputs": {}, "vars": {}},
        "internalParameters": {**job, "GITHUB_WORKFLOW_REF": started},
        "resolvedDependencies": [source],
    }
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [{"name": "plugin.so", "digest": {"sha256": ARTIFACT.hex}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": definition, "runDetails": {"builder": {"id": builder}}},
    }
    identity = github_identity(signer=f"{DELEGATOR}@refs/tags/v2.1.0")
    return Built(statement=statement, identity=identity, policy=policy)


NAMED: dict[str, Any] = {"builder_ids": (THEIRS,)}
DELEGATION = (
    _row(
        "delegated: a builder of somebody else",
        BuilderMismatchError,
        "not a trusted one",
        _delegated(f"{THEIRS}@refs/tags/v1.0.0"),
        _delegated(),
    ),
    _row(
        "delegated: a builder that the policy does not name",
        BuilderMismatchError,
        "not a trusted one",
        _delegated(**NAMED),
        _delegated(f"{THEIRS}@refs/tags/v1.0.0", **NAMED),
    ),
    _row(
        "delegated: a builder at a branch",
        BuilderMismatchError,
        "not at a release tag",
        _delegated(f"{THEIRS}@refs/heads/main", **NAMED),
        _delegated(f"{THEIRS}@refs/tags/v1.0.0", **NAMED),
    ),
    _row(
        "delegated: no workflow for a builder",
        BuilderMismatchError,
        "names no workflow as builder",
        _delegated("https://github.com/acme/builder"),
        _delegated(),
    ),
    _row(
        "delegated: the type of another builder",
        BuilderMismatchError,
        "build type is not the builder's",
        _delegated(build_type="https://slsa.dev/container-based-build/v0.1?draft"),
        _delegated(),
    ),
)


# --- signed by a configured key: only what the statement claims can be judged -------------------------------------------------

KEY = Seed(b"one fault each").p256("configured")
KEYS = parse_trusted_keys(public_key_pem(KEY), name="cosign.pub")


def _by_key(statement: Mapping[str, Any] | None = None, **policy: Any) -> Built:
    plan = {"log": "rekor1", "keyed": True, "leaf_key": KEY}
    return Built(statement=statement or slsa_provenance(ARTIFACT), plan=plan, policy={"keys": KEYS, **policy})


def _keyed(name: str, error: type[SupplyChainError], text: str, bad: Built, good: Built | None = None) -> Fault:
    return _row(f"key-signed: {name}", error, text, bad, good or _by_key(), alone="signed by a key without certificate")


def _claiming(ref: str) -> dict[str, Any]:
    return github_provenance(ARTIFACT, builder=f"{OTHER_WORKFLOW}@{ref}")


SHARED: dict[str, Any] = {"builder_ids": (OTHER_WORKFLOW,)}
KEY_SIGNED = (
    _keyed(
        "another repository", SourceMismatchError, "built from another repository", _by_key(source_uri="github.com/acme/another")
    ),
    _keyed("another tag", SourceMismatchError, "built from another tag", _by_key(source_tag="v1.2.4")),
    _keyed("another artifact", SubjectMismatchError, "about another artifact", _by_key(slsa_provenance("0" * 64))),
    _keyed(
        "a generator at a branch",
        BuilderMismatchError,
        "not at a release tag",
        _by_key(slsa_provenance(ARTIFACT, builder=f"{GENERATOR}@refs/heads/main")),
    ),
    _keyed(
        "a workflow that nobody named",
        BuilderMismatchError,
        "not a trusted one",
        _by_key(_claiming("refs/tags/v1.0.0")),
        _by_key(_claiming("refs/tags/v1.0.0"), **SHARED),
    ),
    _keyed(
        "a workflow at a branch",
        BuilderMismatchError,
        "not at a release tag",
        _by_key(_claiming("refs/heads/main"), **SHARED),
        _by_key(_claiming("refs/tags/v1.0.0"), **SHARED),
    ),
    _keyed(
        "a generator's build type for a workflow",
        BuilderMismatchError,
        "build type is not the builder's",
        _by_key(slsa_provenance(ARTIFACT, builder=f"{OTHER_WORKFLOW}@refs/tags/v1.0.0"), **SHARED),
        _by_key(_claiming("refs/tags/v1.0.0"), **SHARED),
    ),
    _keyed(
        "no workflow for a builder",
        BuilderMismatchError,
        "names no workflow as builder",
        _by_key(slsa_provenance(ARTIFACT, builder="https://github.com/acme")),
    ),
)


# --- statement and certificate ------------------------------------------------------------------------------------------------

V02 = ("predicate", "invocation", "environment")
JOB = "tells of another job"
SOURCE = "names another source than its certificate"


def _elsewhere(repository: str, ref: str = "refs/tags/v1.2.3") -> dict[str, Any]:
    return slsa_provenance(ARTIFACT, source_uri=f"git+https://github.com/{repository}", ref=ref)


AGREEMENT = (
    _row("job: another repository", SourceMismatchError, SOURCE, Built(identity=generator_identity("another/plugins"), edit=drop(*V02, "github_run_id")),
         Built(edit=drop(*V02, "github_run_id"))),
    _row("job: another ref", SourceMismatchError, SOURCE, Built(identity=generator_identity(ref="refs/tags/v1.2.2"))),
    _row("job: another commit", SourceMismatchError, SOURCE, Built(identity=generator_identity(commit=COMMIT))),
    *(
        _row(f"job: another {name}", BuilderMismatchError, JOB, _claims(claims))
        for name, claims in (
            ("event", {2: "schedule", 20: "schedule"}),
            ("repository id", {15: "1"}),
            ("owner id", {17: "1"}),
            ("run", {21: "https://github.com/acme/plugins/actions/runs/1/attempts/1"}),
            ("attempt", {21: "https://github.com/acme/plugins/actions/runs/13531731005/attempts/2"}),
        )
    ),
    _row("job: another commit in the environment", SourceMismatchError, JOB, Built(edit=put(*V02, "github_sha1", COMMIT))),
    _row(
        "job: another workflow",
        SourceMismatchError,
        JOB,
        _own(edit=put("predicate", "buildDefinition", "externalParameters", "workflow", "path", ".github/workflows/other.yml")),
        _own(),
    ),
    _row(
        "job: another machine",
        BuilderMismatchError,
        JOB,
        _own(edit=put("predicate", "buildDefinition", "internalParameters", "github", "runner_environment", "self-hosted")),
        _own(),
    ),
    _row(
        "job: another run, GitHub's own form",
        BuilderMismatchError,
        JOB,
        _own(edit=put("predicate", "runDetails", "metadata", "invocationId", "https://github.com/acme/plugins/actions/runs/1/attempts/1")),
        _own(),
    ),
    _row("job: two sources in the statement", SourceMismatchError, "names two sources",
         Built(edit=put("predicate", "materials", 0, "uri", "git+https://github.com/another/plugins@refs/tags/v1.2.3"))),
    _row("job: two refs in its sources", SourceMismatchError, "names two sources",
         Built(edit=put("predicate", "materials", 0, "uri", "git+https://github.com/acme/plugins@refs/heads/main"))),
    _row("job: another ref in the environment", SourceMismatchError, "names two refs", Built(edit=put(*V02, "github_ref", "refs/heads/main"))),
    _row("job: two commits in the statement", SourceMismatchError, "names two commits", Built(edit=put("predicate", "materials", 0, "digest", "sha1", COMMIT))),
    _row("job: two sources, GitHub's own form", SourceMismatchError, "names two sources",
         _own(edit=put("predicate", "buildDefinition", "resolvedDependencies", 0, "uri", "git+https://github.com/another/plugins@refs/tags/v1.2.3")), _own()),
    _row("job: an unknown parameter, GitHub's own form", StatementInvalidError, "has the unknown field",
         _own(edit=put("predicate", "buildDefinition", "externalParameters", "unknown", 1)), _own()),
)  # fmt: skip


# --- what was asked for -------------------------------------------------------------------------------------------------------


def _asked(
    name: str, text: str, bad: dict[str, Any], good: dict[str, Any] | None = None, *, built: dict[str, Any] | None = None
) -> Fault:
    return _row(
        f"asked: {name}", SourceMismatchError, text, Built(**(built or {}), policy=bad), Built(**(built or {}), policy=good or {})
    )


NO_TAG: dict[str, Any] = {"source_tag": None}
BRANCH: dict[str, Any] = {
    "identity": generator_identity(ref="refs/heads/v1.2.3"), "statement": slsa_provenance(ARTIFACT, ref="refs/heads/v1.2.3"),
}  # fmt: skip
MANUAL: dict[str, Any] = {
    "identity": generator_identity(trigger="workflow_dispatch"),
    "statement": slsa_provenance(
        ARTIFACT, environment={"github_event_name": "workflow_dispatch"}, event={"inputs": {"level": "high"}}
    ),
}


def _input(name: str, text: str, bad: Built, good: Built) -> Fault:
    return _row(f"asked: {name}", WorkflowInputMismatchError, text, bad, good)


POLICY = (
    _asked("another repository", "built from another repository", {"source_uri": "github.com/acme/another"}),
    _asked("a repository whose name only begins alike", "built from another repository", {"source_uri": "github.com/acme/plug"}),
    _asked("another host", "built from another repository", {"source_uri": "gitlab.com/acme/plugins"}),
    _asked("another tag", "built from another tag", {"source_tag": "v1.2.4"}, {"source_tag": "refs/tags/v1.2.3"}),
    _asked(
        "a tag, and a branch has its name", "built from another tag", {"source_tag": "v1.2.3"}, {"source_tag": None}, built=BRANCH
    ),
    _asked(
        "another version",
        "a tag of another version",
        {**NO_TAG, "source_versioned_tag": "v1.3"},
        {**NO_TAG, "source_versioned_tag": "v1.2"},
    ),
    _asked(
        "a version, and a branch has its name",
        "a tag of another version",
        {**NO_TAG, "source_versioned_tag": "v1"},
        NO_TAG,
        built=BRANCH,
    ),
    _asked(
        "another branch", "built from another branch", {**NO_TAG, "source_branch": "next"}, {**NO_TAG, "source_branch": "main"}
    ),
    _input(
        "another input",
        "input `level` differs",
        Built(**MANUAL, policy={"workflow_inputs": {"level": "low"}}),
        Built(**MANUAL, policy={"workflow_inputs": {"level": "high"}}),
    ),
    _input(
        "an input that is not there",
        "no such input",
        Built(**MANUAL, policy={"workflow_inputs": {"more": "x"}}),
        Built(**MANUAL, policy={"workflow_inputs": {"level": "high"}}),
    ),
    _input(
        "an input, and none are recorded",
        "records no inputs",
        Built(
            identity=generator_identity(trigger="workflow_dispatch"),
            statement=slsa_provenance(ARTIFACT, environment={"github_event_name": "workflow_dispatch"}),
            policy={"workflow_inputs": {"level": "high"}},
        ),
        Built(**MANUAL, policy={"workflow_inputs": {"level": "high"}}),
    ),
    _input(
        "an input of a build that nobody started by hand",
        "records no inputs",
        Built(
            statement=slsa_provenance(ARTIFACT, event={"inputs": {"level": "high"}}),
            policy={"workflow_inputs": {"level": "high"}},
        ),
        Built(**MANUAL, policy={"workflow_inputs": {"level": "high"}}),
    ),
)


# --- the statement ------------------------------------------------------------------------------------------------------------


def _said(name: str, error: type[SupplyChainError], text: str, edit: Any, good: Any = None) -> Fault:
    return _row(f"statement: {name}", error, text, Built(edit=edit), Built(edit=good))


STATEMENT = (
    _said("another artifact", SubjectMismatchError, "about another artifact", put("subject", 0, "digest", "sha256", "0" * 64)),
    _said("the digest in capitals", SubjectMismatchError, "about another artifact", put("subject", 0, "digest", "sha256", ARTIFACT.hex.upper())),
    _said("the digest by the name of another algorithm", SubjectMismatchError, "about another artifact", put("subject", 0, "digest", {"sha512": ARTIFACT.hex})),
    _said("a SHA-1 digest alone", SubjectMismatchError, "about another artifact", put("subject", 0, "digest", {"sha1": "0" * 40}),
          put("subject", 0, "digest", {"sha1": "0" * 40, "sha256": ARTIFACT.hex})),
    _said("a digest that is no text", StatementInvalidError, "names no digests", put("subject", 0, "digest", "sha512", 1)),
    _said("no subject", StatementInvalidError, "subject` is empty", put("subject", [])),
    _said("another type", StatementInvalidError, "_type` is", put("_type", "https://in-toto.io/Statement/v2")),
    _said("an unknown field", StatementInvalidError, "has the unknown field", put("unknown", 1)),
    _said("another predicate", ProvenanceMissingError, "no provenance was found", put("predicateType", "https://cyclonedx.org/bom")),
    _said("no builder", StatementInvalidError, "is missing", drop("predicate", "builder")),
    _said("no materials", StatementInvalidError, "materials` is empty", put("predicate", "materials", [])),
    _row("statement: another payload type", StatementInvalidError, "payload's type is", Built(plan={"payload_type": "text/plain"})),
)  # fmt: skip

ROWS = (*CERTIFICATE, *BUILDER, *DELEGATION, *KEY_SIGNED, *AGREEMENT, *POLICY, *STATEMENT)
