import json
from copy import deepcopy

import pytest

from supplychain.errors import SourceMismatchError, StatementInvalidError
from supplychain.in_toto import PAYLOAD_TYPE
from supplychain.slsa.builders import CONTAINER_BASED, DELEGATED, GITHUB_OLDER
from supplychain.slsa.provenance import BuildClaims, read_claims
from supplychain.slsa.source import Source
from supplychain.slsa.statement import read_statement
from tests.support.virtual_sigstore import github_provenance, slsa_provenance

HASH = "ab" * 32
COMMIT = "4d329c75e7ec1725f7c9ce917a8799d408d06be3"
SOURCE = Source(repository="https://github.com/acme/plugins", ref="refs/tags/v1.2.3")
RUN = "https://github.com/acme/plugins/actions/runs/13531731005/attempts/1"
V1 = "https://slsa.dev/provenance/v1"


def delegated(*, build_type=DELEGATED, dependency="git+https://github.com/acme/plugins@refs/tags/v1.2.3", **internal):
    """What the delegators and the container-based builder write."""
    ref = internal.get("GITHUB_REF", "refs/tags/v1.2.3")
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [{"name": "plugin.so", "digest": {"sha256": HASH}}],
        "predicateType": V1,
        "predicate": {
            "buildDefinition": {
                "buildType": build_type,
                "externalParameters": {"inputs": {"directory": "x"}, "vars": {}},
                "internalParameters": {
                    "GITHUB_EVENT_NAME": "push",
                    "GITHUB_REF": ref,
                    "GITHUB_REF_TYPE": "tag" if ref.startswith("refs/tags/") else "branch",
                    "GITHUB_REPOSITORY_ID": "486325809",
                    "GITHUB_REPOSITORY_OWNER_ID": "80431187",
                    "GITHUB_RUN_ATTEMPT": "1",
                    "GITHUB_RUN_ID": 13531731005,
                    "GITHUB_SHA": COMMIT,
                    "GITHUB_WORKFLOW_REF": f"acme/plugins/.github/workflows/release.yml@{ref}",
                    "GITHUB_EVENT_PAYLOAD": {"base_ref": "refs/heads/main"},
                    **internal,
                },
                "resolvedDependencies": [{"uri": dependency, "digest": {"gitCommit": COMMIT}}],
            },
            "runDetails": {"builder": {"id": "https://github.com/acme/b/.github/workflows/b.yml@refs/tags/v1.0.0"}},
        },
    }


def read(statement):
    return read_claims(read_statement(PAYLOAD_TYPE, json.dumps(statement).encode(), where="here"), where="here")


def changed(statement, path, value):
    """Change the leaf at `path`; None takes it away."""
    statement = deepcopy(statement)
    place = statement["predicate"]
    *parents, last = path.split("/")
    for name in parents:
        place = place[int(name) if name.isdecimal() else name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return statement


def test_a_generators_v0_2_is_read():
    assert read(slsa_provenance(HASH)) == BuildClaims(
        builder_id="https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0",
        build_type="https://github.com/slsa-framework/slsa-github-generator/generic@v1",
        source=SOURCE,
        ref="refs/tags/v1.2.3",
        commit=COMMIT,
        branch="main",
        event="push",
        inputs=None,
        claims={20: "push", 14: "refs/tags/v1.2.3", 13: COMMIT, 15: "486325809", 17: "80431187", 21: RUN},
    )


@pytest.mark.parametrize("build_type", [DELEGATED, CONTAINER_BASED])
def test_a_builders_v1_is_read(build_type):
    claims = read(delegated(build_type=build_type))
    assert (claims.source, claims.ref, claims.commit, claims.branch) == (SOURCE, "refs/tags/v1.2.3", COMMIT, "main")
    assert claims.claims[21] == RUN
    assert claims.claims[18] == "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3"


@pytest.mark.parametrize("build_type", ["https://actions.github.io/buildtypes/workflow/v1", GITHUB_OLDER])
def test_githubs_v1_is_read(build_type):
    claims = read(github_provenance(HASH, build_type=build_type))
    assert (claims.source, claims.ref, claims.commit) == (SOURCE, "refs/tags/v1.2.3", COMMIT)
    assert (claims.branch, claims.event, claims.inputs) == (None, "push", None)
    assert claims.claims == {
        18: "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3",
        20: "push",
        15: "486325809",
        17: "80431187",
        11: "github-hosted",
        21: RUN,
    }


def test_what_github_leaves_out_is_not_claimed():
    statement = changed(github_provenance(HASH, ref="refs/heads/main"), "runDetails/metadata", None)
    claims = read(changed(statement, "buildDefinition/internalParameters/github/event_name", None))
    assert claims.branch == "main"
    assert claims.event is None
    assert not {20, 21} & set(claims.claims)
    assert 21 not in read(changed(github_provenance(HASH), "runDetails/metadata", {})).claims


def test_github_inputs_are_read():
    statement = changed(
        github_provenance(HASH), "buildDefinition/externalParameters/inputs", {"a": "b", "c": True, "d": 1, "e": [1]}
    )
    statement = changed(statement, "buildDefinition/externalParameters/vars", {})
    assert read(statement).inputs == {"a": "b", "c": "true", "d": "1"}


def test_the_event_tells_inputs_and_branch():
    by_hand = slsa_provenance(HASH, ref="refs/heads/main", event={"inputs": {"some_bool": "true"}})
    assert read(by_hand).inputs == {"some_bool": "true"}
    assert read(by_hand).branch == "main"


@pytest.mark.parametrize(
    ("event_name", "event", "branch"),
    [
        ("push", {"base_ref": None}, None),
        ("push", {"base_ref": "refs/heads/release/1.x"}, "release/1.x"),
        ("push", {"base_ref": "refs/tags/x"}, None),
        ("release", {"release": {"target_commitish": "main"}}, "main"),
        ("release", {"release": {"target_commitish": COMMIT}}, None),
        ("release", {"release": {"target_commitish": ""}}, None),
        ("release", {"release": {}}, None),
        ("release", {}, None),
        ("push", {"release": {"target_commitish": "main"}, "base_ref": ""}, None),
    ],
)
def test_the_branch_of_a_tag_comes_from_its_event(event_name, event, branch):
    claims = read(slsa_provenance(HASH, environment={"github_event_name": event_name}, event=event))
    assert claims.branch == branch


def test_a_delegator_may_leave_the_ref_of_the_source_out():
    assert read(delegated(dependency="git+https://github.com/acme/plugins")).source == SOURCE


def test_an_older_builder_says_less():
    statement = delegated()
    for name in ("GITHUB_EVENT_PAYLOAD", "GITHUB_RUN_ID", "GITHUB_REPOSITORY_ID"):
        statement = changed(statement, f"buildDefinition/internalParameters/{name}", None)
    statement = changed(statement, "buildDefinition/resolvedDependencies/0/digest", {"sha1": COMMIT})
    claims = read(statement)
    assert claims.commit == COMMIT
    assert not {15, 21} & set(claims.claims)


V0_2_LEAVES = [
    "builder", "builder/id", "buildType", "invocation", "invocation/configSource", "invocation/configSource/uri",
    "invocation/configSource/digest/sha1", "invocation/environment", "invocation/environment/github_ref",
    "invocation/environment/github_ref_type", "invocation/environment/github_event_name", "invocation/environment/github_sha1",
    "invocation/environment/github_run_attempt", "materials", "materials/0/uri", "materials/0/digest/sha1",
]  # fmt: skip
BUILDER_LEAVES = [
    "buildDefinition", "buildDefinition/buildType", "buildDefinition/resolvedDependencies", "buildDefinition/resolvedDependencies/0/uri",
    "buildDefinition/resolvedDependencies/0/digest", "buildDefinition/internalParameters", "runDetails", "runDetails/builder/id",
    "buildDefinition/internalParameters/GITHUB_REF", "buildDefinition/internalParameters/GITHUB_REF_TYPE",
    "buildDefinition/internalParameters/GITHUB_WORKFLOW_REF", "buildDefinition/internalParameters/GITHUB_SHA",
]  # fmt: skip
GITHUB_LEAVES = [
    "buildDefinition/externalParameters", "buildDefinition/externalParameters/workflow", "buildDefinition/internalParameters/github",
    "buildDefinition/externalParameters/workflow/ref", "buildDefinition/externalParameters/workflow/repository",
    "buildDefinition/externalParameters/workflow/path",
]  # fmt: skip


@pytest.mark.parametrize("value", [None, 7, ["x"]])
@pytest.mark.parametrize(
    ("statement", "path"),
    [
        pytest.param(statement, path, id=f"{name} {path}")
        for name, statement, paths in (
            ("v0.2", slsa_provenance(HASH), V0_2_LEAVES),
            ("builder", delegated(), BUILDER_LEAVES),
            ("github", github_provenance(HASH), GITHUB_LEAVES),
        )
        for path in paths
    ],
)
def test_a_field_missing_or_of_another_type_is_refused(statement, path, value):
    if path.endswith("run_attempt") and value == 7:
        return  # a number is fine there
    with pytest.raises(StatementInvalidError, match="unusable SLSA provenance"):
        read(changed(statement, path, value))


@pytest.mark.parametrize("place", ["", "/workflow"])
def test_an_unknown_parameter_of_githubs_build_type_is_refused(place):
    with pytest.raises(StatementInvalidError, match="unknown field"):
        read(changed(github_provenance(HASH), f"buildDefinition/externalParameters{place}/new", "x"))


def test_other_unknown_fields_are_allowed():
    assert read(changed(slsa_provenance(HASH), "new", 1))
    assert read(changed(github_provenance(HASH), "buildDefinition/new", 1))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(slsa_provenance(HASH, build_type="https://github.com/npm/cli/gha@v1"), id="v0.2"),
        pytest.param(slsa_provenance(HASH, build_type=DELEGATED), id="a type of v1 in v0.2"),
        pytest.param(github_provenance(HASH, build_type="https://cloudbuild.googleapis.com/GoogleHostedWorker@v1"), id="v1"),
        pytest.param(
            github_provenance(HASH, build_type=slsa_provenance(HASH)["predicate"]["buildType"]), id="a type of v0.2 in v1"
        ),
    ],
)
def test_an_unknown_build_type_is_refused(statement):
    with pytest.raises(StatementInvalidError, match="not known"):
        read(statement)


@pytest.mark.parametrize("predicate_type", ["https://slsa.dev/provenance/v0.1", "https://slsa.dev/provenance/v2", ""])
def test_another_predicate_type_is_refused(predicate_type):
    with pytest.raises(StatementInvalidError, match="no SLSA provenance"):
        read(slsa_provenance(HASH) | {"predicateType": predicate_type})


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        pytest.param(
            changed(slsa_provenance(HASH), "materials/0/uri", "git+https://github.com/acme/other@refs/tags/v1.2.3"),
            "two sources",
            id="v0.2 repository",
        ),
        pytest.param(
            changed(slsa_provenance(HASH), "materials/0/uri", "git+https://github.com/acme/plugins@refs/heads/main"),
            "two sources",
            id="v0.2 ref",
        ),
        pytest.param(changed(slsa_provenance(HASH), "materials/0/digest/sha1", "0" * 40), "two commits", id="v0.2 commit"),
        pytest.param(slsa_provenance(HASH, environment={"github_ref": "refs/tags/v9"}), "two refs", id="v0.2 job"),
        pytest.param(slsa_provenance(HASH, ref="refs/tags/v1@x"), None, id="a ref with an at sign"),
        pytest.param(delegated(dependency="git+https://github.com/acme/other@refs/tags/v1.2.3"), "two sources", id="builder"),
        pytest.param(
            delegated(GITHUB_WORKFLOW_REF="acme/other/.github/workflows/release.yml@refs/tags/v1.2.3"), "two sources", id="caller"
        ),
        pytest.param(
            delegated(
                dependency="git+https://github.com/acme/plugins", GITHUB_WORKFLOW_REF="acme/plugins/.github/workflows/r.yml@x"
            ),
            "two refs",
            id="caller's ref",
        ),
        pytest.param(
            changed(github_provenance(HASH), "buildDefinition/resolvedDependencies/0/uri", "git+https://github.com/acme/other"),
            "two sources",
            id="github",
        ),
    ],
)
def test_a_statement_that_names_two_sources_is_refused(statement, what):
    if what is None:
        assert read(statement).ref == "refs/tags/v1@x"
    else:
        with pytest.raises(SourceMismatchError, match=what):
            read(statement)


def test_a_delegated_builder_is_the_one_that_the_statement_names():
    claims = read(delegated())
    assert claims.builder_id == "https://github.com/acme/b/.github/workflows/b.yml@refs/tags/v1.0.0"
    assert claims.build_type == DELEGATED


def test_the_branch_of_a_branch_build_is_its_ref_whatever_the_event_says():
    claims = read(slsa_provenance(HASH, ref="refs/heads/feature", event={"base_ref": "refs/heads/main"}))
    assert claims.branch == "feature"


@pytest.mark.parametrize(
    ("statement", "path"),
    [(slsa_provenance(HASH), "materials"), (github_provenance(HASH), "buildDefinition/resolvedDependencies")],
)
def test_a_build_from_nothing_is_refused(statement, path):
    with pytest.raises(StatementInvalidError, match="is empty"):
        read(changed(statement, path, []))
