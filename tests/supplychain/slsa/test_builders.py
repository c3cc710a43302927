import pytest

from supplychain.errors import BuilderMismatchError, InvalidPolicyError
from supplychain.slsa.builders import (
    CONTAINER,
    CONTAINER_BASED,
    DELEGATED,
    GENERIC,
    GITHUB,
    GITHUB_OLDER,
    GO,
    BuilderId,
    BuilderKind,
    judge_builder,
    judge_unsigned,
)
from supplychain.slsa.certificate import BuildCertificate, Workflow
from supplychain.slsa.source import Source

HERE = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
GENERATOR = f"{HERE}generator_generic_slsa3.yml"
DELEGATOR = f"{HERE}delegator_generic_slsa3.yml@refs/tags/v2.1.0"
TAG = "@refs/tags/v2.1.0"
OWN = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3-rc.1"
SHARED = "https://github.com/acme/shared/.github/workflows/build.yml"
KNOWN = "https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml"
RUNNER = "https://github.com/actions/runner/github-hosted"
SOURCE = Source(repository="https://github.com/acme/plugins", ref="refs/tags/v1.2.3-rc.1")


def judge(signer, *, claimed=None, build_type=GENERIC, allowed=None, caller=OWN):
    certificate = BuildCertificate(
        signer=Workflow.parse(signer),
        repository="https://github.com/acme/plugins",
        ref="refs/tags/v1.2.3-rc.1",
        commit="0" * 40,
        event="push",
        caller=Workflow.parse(caller),
        claims={},
    )
    entries = None if allowed is None else tuple(map(BuilderId.parse, allowed))
    return judge_builder(certificate, claimed=claimed or signer, build_type=build_type, allowed=entries)


def bare(claimed, *, build_type=GENERIC, allowed=None):
    entries = None if allowed is None else tuple(map(BuilderId.parse, allowed))
    return judge_unsigned(claimed=claimed, build_type=build_type, allowed=entries, source=SOURCE)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (GENERATOR, BuilderId(name=GENERATOR)),
        (f"{GENERATOR}@v2.1.0", BuilderId(name=GENERATOR, ref="refs/tags/v2.1.0")),
        (f"{GENERATOR}@refs/heads/main", BuilderId(name=GENERATOR, ref="refs/heads/main")),
        (f"{GENERATOR}@{'a' * 40}", BuilderId(name=GENERATOR, ref="a" * 40)),
    ],
)
def test_a_builder_id_is_read_with_or_without_its_ref(text, entry):
    assert BuilderId.parse(text) == entry


def test_a_builder_id_prints_as_it_was_meant():
    assert str(BuilderId.parse(f"{GENERATOR}@v2.1.0")) == f"{GENERATOR}@refs/tags/v2.1.0"
    assert str(BuilderId.parse(GENERATOR)) == GENERATOR


@pytest.mark.parametrize("text", ["", "x", "http://github.com/x", "https://a b", "https://a@b@c", "https://a@"])
def test_an_unusable_builder_id_is_a_wrong_policy(text):
    with pytest.raises(InvalidPolicyError):
        BuilderId.parse(text)


@pytest.mark.parametrize(
    ("name", "build_type"),
    [
        ("generator_generic_slsa3.yml", GENERIC),
        ("builder_go_slsa3.yml", GO),
        ("generator_container_slsa3.yml", CONTAINER),
        ("builder_container-based_slsa3.yml", CONTAINER_BASED),
    ],
)
def test_the_generators_are_known_each_with_its_build_type(name, build_type):
    builder = judge(f"{HERE}{name}{TAG}", build_type=build_type)
    assert builder.kind is BuilderKind.GENERATOR
    assert builder.id == f"{HERE}{name}{TAG}"
    others = {GENERIC, GO, CONTAINER, CONTAINER_BASED, DELEGATED, GITHUB} - {build_type}
    for other in others:
        with pytest.raises(BuilderMismatchError, match="the build type is not the builder's"):
            judge(f"{HERE}{name}{TAG}", build_type=other)


@pytest.mark.parametrize("entry", [GENERATOR, f"{GENERATOR}@v2.1.0", f"{GENERATOR}{TAG}"])
def test_a_named_generator_passes(entry):
    assert judge(f"{GENERATOR}{TAG}", allowed=[SHARED, entry]).kind is BuilderKind.GENERATOR


@pytest.mark.parametrize("entry", [f"{GENERATOR}@v2.0.0", f"{HERE}builder_go_slsa3.yml", GENERATOR[:-1]])
def test_a_generator_that_the_policy_does_not_name_is_refused(entry):
    with pytest.raises(BuilderMismatchError, match="not a trusted one") as caught:
        judge(f"{GENERATOR}{TAG}", allowed=[entry])
    assert "--builder-id" in caught.value.hint


@pytest.mark.parametrize(
    "ref",
    ["refs/heads/main", "refs/tags/v2", "refs/tags/v2.1", "refs/tags/v2.1.0-rc.1", "refs/tags/v2.1.0+x", "refs/tags/2.1.0",
     "refs/tags/v02.1.0", "refs/tags/v2.1.0-java", "f" * 40, "v2.1.0"],
)  # fmt: skip
def test_a_generator_counts_at_release_tags_alone_even_where_named(ref):
    for allowed in (None, [GENERATOR], [f"{GENERATOR}@{ref}"]):
        with pytest.raises(BuilderMismatchError, match="not at a release tag"):
            judge(f"{GENERATOR}@{ref}", allowed=allowed)


def test_a_statement_that_names_another_builder_is_refused():
    with pytest.raises(BuilderMismatchError, match="another builder than its certificate"):
        judge(f"{GENERATOR}{TAG}", claimed=f"{GENERATOR}@refs/tags/v2.0.0")


def test_a_generator_that_nobody_called_is_refused():
    with pytest.raises(BuilderMismatchError, match="started by itself"):
        judge(f"{GENERATOR}{TAG}", caller=f"{GENERATOR}{TAG}")


@pytest.mark.parametrize("name", ["delegator_generic_slsa3.yml", "delegator_lowperms-generic_slsa3.yml"])
def test_a_delegated_builder_in_the_generators_repository_is_known(name):
    builder = judge(f"{HERE}{name}{TAG}", claimed=f"{HERE}builder_maven_slsa3.yml{TAG}", build_type=DELEGATED)
    assert builder.kind is BuilderKind.DELEGATED
    assert builder.id == f"{HERE}builder_maven_slsa3.yml{TAG}"


def test_another_delegated_builder_has_to_be_named():
    claimed = f"{SHARED}@refs/tags/v2.0.0"
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        judge(DELEGATOR, claimed=claimed, build_type=DELEGATED)
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        judge(DELEGATOR, claimed=claimed, build_type=DELEGATED, allowed=[DELEGATOR])
    assert judge(DELEGATOR, claimed=claimed, build_type=DELEGATED, allowed=[SHARED]).id == claimed


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v2.0.0-java", "refs/tags/v2"])
def test_a_delegated_builder_counts_at_release_tags_alone(ref):
    with pytest.raises(BuilderMismatchError, match="not at a release tag"):
        judge(DELEGATOR, claimed=f"{SHARED}@{ref}", build_type=DELEGATED, allowed=[SHARED])


def test_jreleaser_has_releases_of_its_own_form():
    name = "https://github.com/jreleaser/release-action/.github/workflows/builder_slsa3.yml"
    assert judge(DELEGATOR, claimed=f"{name}@refs/tags/v1.1.0-java", build_type=DELEGATED, allowed=[name])
    with pytest.raises(BuilderMismatchError, match="not at a release tag"):
        judge(DELEGATOR, claimed=f"{name}@refs/tags/v1.1.0-rc", build_type=DELEGATED, allowed=[name])


def test_a_delegator_counts_at_release_tags_alone():
    with pytest.raises(BuilderMismatchError, match="not at a release tag"):
        judge(
            f"{HERE}delegator_generic_slsa3.yml@refs/heads/main",
            claimed=f"{HERE}builder_maven_slsa3.yml{TAG}",
            build_type=DELEGATED,
        )


@pytest.mark.parametrize("claimed", [RUNNER, "x", HERE])
def test_a_delegated_builder_is_a_workflow(claimed):
    with pytest.raises(BuilderMismatchError, match="names no workflow as builder"):
        judge(DELEGATOR, claimed=claimed, build_type=DELEGATED)


def test_a_delegator_signs_its_own_build_type_alone():
    with pytest.raises(BuilderMismatchError, match="the build type is not the builder's"):
        judge(DELEGATOR, claimed=f"{HERE}builder_maven_slsa3.yml{TAG}", build_type=GENERIC)


def test_a_fork_of_the_generator_is_no_generator():
    fork = "https://github.com/mallory/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0"
    with pytest.raises(BuilderMismatchError):
        judge(fork)
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        judge(fork, build_type=GITHUB)


@pytest.mark.parametrize("build_type", [GITHUB, GITHUB_OLDER])
def test_a_workflow_has_to_be_named(build_type):
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        judge(f"{SHARED}@refs/tags/v1.0.0", build_type=build_type)
    builder = judge(f"{SHARED}@refs/tags/v1.0.0", build_type=build_type, allowed=[SHARED])
    assert (builder.kind, builder.id) == (BuilderKind.WORKFLOW, f"{SHARED}@refs/tags/v1.0.0")


def test_githubs_own_attestation_workflow_is_known_at_releases():
    assert judge(f"{KNOWN}@refs/tags/v1.0.0", build_type=GITHUB).kind is BuilderKind.WORKFLOW
    with pytest.raises(BuilderMismatchError, match="not at a release tag"):
        judge(f"{KNOWN}@{'a' * 40}", build_type=GITHUB)


@pytest.mark.parametrize("ref", ["refs/heads/main", "a" * 40, "refs/tags/v1.0.0-rc.1"])
def test_a_reusable_workflow_counts_elsewhere_only_where_the_policy_names_the_ref(ref):
    with pytest.raises(BuilderMismatchError, match="not at a release tag"):
        judge(f"{SHARED}@{ref}", build_type=GITHUB, allowed=[SHARED])
    assert judge(f"{SHARED}@{ref}", build_type=GITHUB, allowed=[SHARED, f"{SHARED}@{ref}"])


def test_the_sources_own_workflow_counts_at_the_ref_that_was_built():
    assert judge(OWN, build_type=GITHUB, allowed=[OWN.partition("@")[0]]).kind is BuilderKind.WORKFLOW


def test_a_workflow_writes_githubs_build_types_alone():
    with pytest.raises(BuilderMismatchError, match="the build type is not the builder's"):
        judge(f"{SHARED}@refs/tags/v1.0.0", build_type=GENERIC, allowed=[SHARED])


def test_an_older_attestation_may_name_the_machine_instead_of_the_workflow():
    signer = f"{SHARED}@refs/tags/v1.0.0"
    assert judge(signer, claimed=RUNNER, build_type=GITHUB_OLDER, allowed=[SHARED]).id == signer
    with pytest.raises(BuilderMismatchError, match="another builder than its certificate"):
        judge(signer, claimed=RUNNER, build_type=GITHUB, allowed=[SHARED])
    with pytest.raises(BuilderMismatchError, match="another builder than its certificate"):
        judge(signer, claimed=f"{SHARED}@refs/tags/v9.0.0", build_type=GITHUB_OLDER, allowed=[SHARED])


def test_a_hosted_runner_has_to_be_named_and_to_run_the_sources_own_workflow():
    assert judge(OWN, claimed=RUNNER, build_type=GITHUB_OLDER, allowed=[RUNNER]).kind is BuilderKind.RUNNER
    for allowed in (None, [SHARED], [f"{RUNNER}@v1"]):
        with pytest.raises(BuilderMismatchError, match="not a trusted one"):
            judge(OWN, claimed=RUNNER, build_type=GITHUB_OLDER, allowed=allowed)
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        judge(f"{SHARED}@refs/tags/v1.0.0", claimed=RUNNER, build_type=GITHUB_OLDER, allowed=[RUNNER])
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        judge(OWN, build_type=GITHUB, allowed=[RUNNER])


def test_claims_without_certificate_are_held_to_the_same_rules():
    assert bare(f"{GENERATOR}{TAG}").kind is BuilderKind.GENERATOR
    assert bare(f"{GENERATOR}{TAG}", allowed=[GENERATOR]).kind is BuilderKind.GENERATOR
    assert bare(f"{HERE}builder_maven_slsa3.yml{TAG}", build_type=DELEGATED).kind is BuilderKind.DELEGATED
    assert bare(f"{SHARED}@refs/tags/v1.0.0", build_type=GITHUB, allowed=[SHARED]).kind is BuilderKind.WORKFLOW
    assert bare(f"{SHARED}@refs/heads/main", build_type=GITHUB, allowed=[f"{SHARED}@refs/heads/main"])
    assert bare(OWN, build_type=GITHUB, allowed=[OWN.partition("@")[0]]).kind is BuilderKind.WORKFLOW
    assert bare(RUNNER, build_type=GITHUB_OLDER, allowed=[RUNNER]).kind is BuilderKind.RUNNER


@pytest.mark.parametrize(
    ("claimed", "options"),
    [
        pytest.param(f"{GENERATOR}@refs/heads/main", {}, id="a branch of the generator"),
        pytest.param(f"{GENERATOR}{TAG}", {"build_type": GO}, id="another build type"),
        pytest.param(f"{GENERATOR}{TAG}", {"allowed": [SHARED]}, id="a generator that is not named"),
        pytest.param(f"{SHARED}@refs/tags/v1.0.0", {"build_type": GITHUB}, id="a workflow that is not named"),
        pytest.param(f"{SHARED}@refs/tags/v1.0.0", {"allowed": [SHARED]}, id="a workflow of another build type"),
        pytest.param(f"{SHARED}@refs/heads/main", {"build_type": GITHUB, "allowed": [SHARED]}, id="a branch of a workflow"),
        pytest.param(RUNNER, {"build_type": GITHUB_OLDER}, id="a runner that is not named"),
        pytest.param(f"{OWN}", {"build_type": GITHUB, "allowed": [RUNNER]}, id="a workflow where only the runner is named"),
        pytest.param("x", {}, id="no workflow"),
    ],
)
def test_claims_that_no_certificate_could_save_are_refused(claimed, options):
    with pytest.raises(BuilderMismatchError):
        bare(claimed, **options)


def test_a_delegated_builder_without_certificate_has_to_be_named_as_well():
    claimed = f"{SHARED}@refs/tags/v2.0.0"
    assert bare(claimed, build_type=DELEGATED, allowed=[SHARED]).id == claimed
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        bare(claimed, build_type=DELEGATED)
    with pytest.raises(BuilderMismatchError, match="not a trusted one"):
        bare(f"{HERE}builder_maven_slsa3.yml{TAG}", build_type=DELEGATED, allowed=[SHARED])


def test_the_builder_that_is_reported_is_the_one_that_was_judged():
    assert judge(OWN, claimed=RUNNER, build_type=GITHUB_OLDER, allowed=[RUNNER]).id == RUNNER
    assert bare(RUNNER, build_type=GITHUB_OLDER, allowed=[RUNNER]).id == RUNNER
    assert bare(OWN, build_type=GITHUB, allowed=[OWN.partition("@")[0]]).id == OWN


def test_a_strangers_workflow_is_offered_quoted_for_the_shell_and_nowhere_else():
    name = "https://github.com/evil/x/.github/workflows/$(id).yml"
    with pytest.raises(BuilderMismatchError) as caught:
        judge_unsigned(
            claimed=f"{name}@refs/tags/v1.0.0",
            build_type=GITHUB,
            allowed=None,
            source=Source(repository="https://github.com/evil/x"),
        )
    assert "$" not in (caught.value.hint or "")
    assert any(remedy.change == f"--builder-id '{name}@refs/tags/v1.0.0'" for remedy in caught.value.remedies)
