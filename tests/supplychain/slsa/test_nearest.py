import shlex
from dataclasses import replace
from typing import Any

import pytest

from supplychain.errors import BuilderMismatchError, SourceMismatchError, WorkflowInputMismatchError
from supplychain.slsa import SlsaPolicy
from supplychain.slsa.builders import GITHUB
from supplychain.slsa.facts import check_policy
from supplychain.slsa.nearest import nearest_source
from supplychain.slsa.source import Source
from tests.supplychain.slsa.test_builders import KNOWN, OWN, SHARED, bare, judge
from tests.supplychain.slsa.test_facts import BRANCH, CLAIMS, SOURCE

NAMES = {
    "--source-uri": "source_uri",
    "--source-tag": "source_tag",
    "--source-versioned-tag": "source_versioned_tag",
    "--source-branch": "source_branch",
}
FORK = replace(CLAIMS, source=Source(repository="https://github.com/mallory/plugins", ref=CLAIMS.ref))
NIGHTLY = replace(CLAIMS, ref="refs/tags/nightly")
PULL = replace(CLAIMS, ref="refs/pull/7/merge", branch=None)
BARE_TAG = replace(CLAIMS, ref="refs/tags/1.2.3")


def applied(wanted: dict[str, Any], change: str) -> dict[str, Any]:
    """The policy after a person did what the change says."""
    wanted = {**wanted, "workflow_inputs": dict(wanted.get("workflow_inputs", {}))}
    flags, _, dropped = change.partition(" instead of ") if " instead of " in change else (change, "", "")
    if change.startswith("no "):
        flags, dropped = "", change.removeprefix("no ")
    for one in filter(None, dropped.split(", ")):
        if one in NAMES:
            del wanted[NAMES[one]]
        else:
            del wanted["workflow_inputs"][one.removeprefix("--workflow-input ").removesuffix("=…")]
    words = shlex.split(flags)
    for flag, value in zip(words[::2], words[1::2], strict=True):
        if flag == "--workflow-input":
            name, _, text = value.partition("=")
            wanted["workflow_inputs"][name] = text
        else:
            wanted[NAMES[flag]] = value
    return wanted


@pytest.mark.parametrize(
    ("claims", "wanted", "change", "weakens", "effect"),
    [
        pytest.param(CLAIMS, {"source_tag": "v1.2.4"}, "--source-tag v1.2.3", False, "another release", id="tag"),
        pytest.param(BARE_TAG, {"source_tag": "v1.2.3"}, "--source-tag 1.2.3", False, "another release", id="tag without v"),
        pytest.param(
            NIGHTLY,
            {"source_tag": "v1.2.3"},
            "--source-tag nightly",
            True,
            "`nightly` is trusted, which is no version and may be moved",
            id="tag that moves",
        ),
        pytest.param(
            replace(CLAIMS, source=Source(repository=CLAIMS.source.repository, ref="refs/tags/v1"), ref="refs/tags/v1"),
            {"source_tag": "v1.2.3"},
            "--source-tag v1",
            True,
            "`v1` is trusted, which may be moved from release to release",
            id="tag that moves from release to release",
        ),
        pytest.param(
            CLAIMS, {"source_versioned_tag": "v2"}, "--source-versioned-tag v1.2.3", False, "another release", id="version"
        ),
        pytest.param(
            NIGHTLY,
            {"source_versioned_tag": "v2"},
            "--source-tag nightly instead of --source-versioned-tag",
            True,
            "`nightly` is trusted, which is no version and may be moved",
            id="version of a tag that moves",
        ),
        pytest.param(
            BRANCH,
            {"source_tag": "v1.2.3"},
            "--source-branch main instead of --source-tag",
            True,
            "whoever may push to branch `main` is trusted, a build that is no release is trusted",
            id="branch instead of a tag",
        ),
        pytest.param(
            BRANCH,
            {"source_versioned_tag": "v1", "source_branch": "next"},
            "--source-branch main instead of --source-versioned-tag",
            True,
            "whoever may push to branch `main` is trusted, a build that is no release is trusted",
            id="branch instead of a version and another branch",
        ),
        pytest.param(
            PULL,
            {"source_tag": "v1.2.3"},
            "no --source-tag",
            True,
            "a build from any ref is trusted",
            id="neither tag nor branch",
        ),
        pytest.param(
            CLAIMS,
            {"source_branch": "master"},
            "--source-branch main",
            True,
            "whoever may push to branch `main` is trusted",
            id="branch",
        ),
        pytest.param(
            PULL, {"source_branch": "main"}, "no --source-branch", True, "a build from any branch is trusted", id="no branch"
        ),
        pytest.param(FORK, {}, "--source-uri github.com/mallory/plugins", True, "another repository is trusted", id="repository"),
        pytest.param(
            FORK,
            {"source_tag": "v1"},
            "--source-uri github.com/mallory/plugins --source-tag v1.2.3",
            True,
            "another repository is trusted, another release",
            id="repository and tag",
        ),
        pytest.param(
            CLAIMS,
            {"workflow_inputs": {"flavour": "a b"}},
            "--workflow-input flavour=plain",
            True,
            "a build with another input `flavour` is trusted",
            id="input",
        ),
        pytest.param(
            CLAIMS,
            {"workflow_inputs": {"flavour": "plain", "other": "x", "more": "y"}},
            "no --workflow-input more=…, --workflow-input other=…",
            True,
            "any value of input `more` is trusted, any value of input `other` is trusted",
            id="inputs that are not there",
        ),
        pytest.param(
            replace(CLAIMS, inputs=None),
            {"workflow_inputs": {"flavour": "plain"}},
            "no --workflow-input flavour=…",
            True,
            "any value of input `flavour` is trusted",
            id="no inputs at all",
        ),
        pytest.param(
            replace(CLAIMS, event="push"),
            {"workflow_inputs": {"flavour": "plain"}},
            "no --workflow-input flavour=…",
            True,
            "any value of input `flavour` is trusted",
            id="not started by hand",
        ),
    ],
)
def test_the_smallest_change_of_the_policy_is_offered_and_is_enough(claims, wanted, change, weakens, effect):
    wanted = {"source_uri": SOURCE, **wanted}
    with pytest.raises((SourceMismatchError, WorkflowInputMismatchError)) as caught:
        check_policy(claims, policy=SlsaPolicy(**wanted), where="here")
    (policy,) = [one for one in caught.value.remedies if "--" in one.change]
    (evidence,) = [one for one in caught.value.remedies if one is not policy]
    assert (policy.change, policy.weakens, policy.effect) == (change, weakens, effect)
    assert caught.value.remedies == ((evidence, policy) if weakens else (policy, evidence))
    assert caught.value.distance > 0
    check_policy(claims, policy=SlsaPolicy(**applied(wanted, change)), where="here")


@pytest.mark.parametrize(
    ("claims", "wanted", "manifest"),
    [
        (CLAIMS, {"source_tag": "v1"}, "spec.trust.slsaProvenance.sourceTag: 'v1.2.3'"),
        (
            FORK,
            {"source_tag": "v1"},
            "spec.trust.slsaProvenance.sourceUri: 'github.com/mallory/plugins', spec.trust.slsaProvenance.sourceTag: 'v1.2.3'",
        ),
        (FORK, {"source_branch": "next"}, None),
        (CLAIMS, {"source_versioned_tag": "v2"}, None),
        (BRANCH, {"source_tag": "v1"}, None),
        (CLAIMS, {"source_branch": "next", "workflow_inputs": {"flavour": "x"}}, None),
    ],
)
def test_manifest_fields_are_offered_where_there_are_some_for_all_of_it(claims, wanted, manifest):
    policy, _ = sorted(
        nearest_source(claims, policy=SlsaPolicy(source_uri=SOURCE, **wanted)).remedies, key=lambda one: "--" not in one.change
    )
    assert policy.manifest == manifest


def test_the_evidence_that_would_do_is_named():
    wanted: dict[str, Any] = {"source_tag": "v2", "source_branch": "next", "workflow_inputs": {"a": "b"}}
    remedies = nearest_source(CLAIMS, policy=SlsaPolicy(source_uri=SOURCE, **wanted)).remedies
    assert remedies[-1].change == (
        "provenance of a build from `https://github.com/acme/plugins` at tag `v2` on branch `next` with input `a=b`"
    )
    remedies = nearest_source(CLAIMS, policy=SlsaPolicy(source_uri=SOURCE, source_versioned_tag="v2")).remedies
    assert "at a version `v2`" in remedies[-1].change


def test_another_tag_is_nearer_than_another_repository():
    tag = nearest_source(CLAIMS, policy=SlsaPolicy(source_uri=SOURCE, source_tag="v2"))
    branch = nearest_source(CLAIMS, policy=SlsaPolicy(source_uri=SOURCE, source_branch="next"))
    fork = nearest_source(FORK, policy=SlsaPolicy(source_uri=SOURCE))
    same = nearest_source(CLAIMS, policy=SlsaPolicy(source_uri=SOURCE, workflow_inputs={"flavour": "plain"}))
    assert same.distance < tag.distance < branch.distance < fork.distance


def test_a_text_that_nobody_could_copy_is_not_offered():
    claims = replace(CLAIMS, ref="refs/tags/\x1b[2J")
    (evidence,) = nearest_source(claims, policy=SlsaPolicy(source_uri=SOURCE, source_tag="v1")).remedies
    assert not evidence.weakens


@pytest.mark.parametrize(
    ("allowed", "place"),
    [(None, "in place of the known builders"), ([f"{SHARED}x"], "besides the ones that are allowed")],
)
def test_an_unknown_builder_can_be_allowed_at_its_ref_and_that_weakens(allowed, place):
    signer = f"{SHARED}@refs/tags/v1.0.0"
    with pytest.raises(BuilderMismatchError) as caught:
        judge(signer, build_type=GITHUB, allowed=allowed)
    evidence, policy = caught.value.remedies
    assert (evidence.weakens, policy.weakens) == (False, True)
    assert policy.change == f"--builder-id {signer}"
    assert place in policy.effect
    judge(signer, build_type=GITHUB, allowed=[*(allowed or []), policy.change.split(" ")[1]])


@pytest.mark.parametrize(("signer", "allowed"), [(f"{SHARED}@refs/heads/main", [SHARED]), (f"{KNOWN}@{'a' * 40}", None)])
def test_a_workflow_at_no_release_can_be_allowed_at_its_ref_and_that_weakens(signer, allowed):
    for ask in (judge, bare):
        with pytest.raises(BuilderMismatchError, match="not at a release tag") as caught:
            ask(signer, build_type=GITHUB, allowed=allowed)
        evidence, policy = caught.value.remedies
        assert (evidence.weakens, policy.weakens, policy.change) == (False, True, f"--builder-id {signer}")
        assert ask(signer, build_type=GITHUB, allowed=[policy.change.split(" ")[1]])


def test_nothing_makes_a_generator_count_at_a_branch():
    with pytest.raises(BuilderMismatchError) as caught:
        judge(
            "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/heads/main"
        )
    assert [one.weakens for one in caught.value.remedies] == [False]


def test_the_sources_own_workflow_can_be_allowed():
    with pytest.raises(BuilderMismatchError) as caught:
        judge(OWN, build_type=GITHUB)
    assert judge(OWN, build_type=GITHUB, allowed=[caught.value.remedies[1].change.split(" ")[1]])
