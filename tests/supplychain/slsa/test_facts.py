from dataclasses import replace

import pytest

from supplychain.errors import BuilderMismatchError, SourceMismatchError, WorkflowInputMismatchError
from supplychain.slsa import SlsaPolicy
from supplychain.slsa.certificate import BuildCertificate, Workflow
from supplychain.slsa.facts import BuildFacts, check_certificate, check_policy
from supplychain.slsa.provenance import BuildClaims
from supplychain.slsa.source import Source

COMMIT = "4d329c75e7ec1725f7c9ce917a8799d408d06be3"
CLAIMS = BuildClaims(
    builder_id="b",
    build_type="t",
    source=Source(repository="https://github.com/acme/plugins", ref="refs/tags/v1.2.3"),
    ref="refs/tags/v1.2.3",
    commit=COMMIT,
    branch="main",
    event="workflow_dispatch",
    inputs={"flavour": "plain"},
    claims={13: COMMIT, 14: "refs/tags/v1.2.3", 15: "1", 17: "2", 18: "caller", 20: "push", 21: "run", 11: "github-hosted"},
)
CERTIFICATE = BuildCertificate(
    signer=Workflow(repository="r", path="p", ref="x"),
    repository="https://github.com/acme/plugins",
    ref="refs/tags/v1.2.3",
    commit=COMMIT,
    event="push",
    caller=None,
    claims=CLAIMS.claims,
)
SOURCE = "github.com/acme/plugins"
TAG = replace(CLAIMS, event="push", inputs=None)
BRANCH = replace(CLAIMS, ref="refs/heads/main", source=replace(CLAIMS.source, ref="refs/heads/main"))


def check(claims=CLAIMS, **fields):
    check_policy(claims, policy=SlsaPolicy(**({"source_uri": SOURCE} | fields)), where="here")


def test_statement_and_certificate_of_one_job_agree():
    check_certificate(CLAIMS, certificate=CERTIFICATE, where="here")


def test_a_certificate_too_old_to_say_contradicts_nothing():
    check_certificate(CLAIMS, certificate=replace(CERTIFICATE, claims={}), where="here")


@pytest.mark.parametrize(
    "field", [{"repository": "https://github.com/acme/other"}, {"ref": "refs/heads/main"}, {"commit": "0" * 40}]
)
def test_another_source_in_the_certificate_is_refused(field):
    with pytest.raises(SourceMismatchError, match="another source than its certificate"):
        check_certificate(CLAIMS, certificate=replace(CERTIFICATE, **field), where="here")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (11, BuilderMismatchError),
        (13, SourceMismatchError),
        (14, SourceMismatchError),
        (15, BuilderMismatchError),
        (17, BuilderMismatchError),
        (18, SourceMismatchError),
        (20, BuilderMismatchError),
        (21, BuilderMismatchError),
    ],
)
def test_another_job_in_the_certificate_is_refused(number, error):
    certificate = replace(CERTIFICATE, claims={**CLAIMS.claims, number: "other"})
    with pytest.raises(error, match="another job than its certificate") as caught:
        check_certificate(CLAIMS, certificate=certificate, where="here")
    assert caught.value.where == f"here, claim {number}"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"source_uri": "git+https://github.com/acme/plugins.git"},
        {"source_tag": "v1.2.3"},
        {"source_tag": "refs/tags/v1.2.3"},
        {"source_versioned_tag": "v1"},
        {"source_branch": "main"},
        {"source_branch": "refs/heads/main", "source_tag": "v1.2.3"},
        {"workflow_inputs": {"flavour": "plain"}},
    ],
)
def test_what_was_asked_for_passes(fields):
    check(**fields)


@pytest.mark.parametrize(
    "uri", ["github.com/acme/plugin", "github.com/acme/plugins2", "github.com/Acme/plugins", "gitlab.com/acme/plugins"]
)
def test_another_repository_is_refused(uri):
    with pytest.raises(SourceMismatchError, match="another repository"):
        check(source_uri=uri)


@pytest.mark.parametrize("tag", ["v1.2.4", "v1.2", "1.2.3", "V1.2.3", "v1.2.3 "])
def test_another_tag_is_refused(tag):
    with pytest.raises(SourceMismatchError, match="another tag") as caught:
        check(source_tag=tag)
    assert caught.value.got == "`refs/tags/v1.2.3`"


def test_a_branch_is_no_tag():
    with pytest.raises(SourceMismatchError, match="another tag"):
        check(BRANCH, source_tag="main")
    with pytest.raises(SourceMismatchError, match="another tag"):
        check(BRANCH, source_tag="refs/heads/main")
    with pytest.raises(SourceMismatchError, match="another version"):
        check(BRANCH, source_versioned_tag="v1")


def test_another_version_is_refused():
    with pytest.raises(SourceMismatchError, match="another version"):
        check(source_versioned_tag="v2")


def test_another_branch_is_refused():
    with pytest.raises(SourceMismatchError, match=r"expected `master`, got `main`"):
        check(source_branch="master")
    with pytest.raises(SourceMismatchError, match=r"no branch, at `refs/tags/v1\.2\.3`"):
        check(replace(CLAIMS, branch=None), source_branch="main")


@pytest.mark.parametrize(
    ("claims", "inputs"),
    [
        (CLAIMS, {"flavour": "sour"}),
        (CLAIMS, {"other": "plain"}),
        (CLAIMS, {"flavour": "plain", "other": ""}),
        (replace(CLAIMS, event="push"), {"flavour": "plain"}),
        (replace(CLAIMS, inputs=None), {"flavour": "plain"}),
    ],
)
def test_another_input_is_refused(claims, inputs):
    with pytest.raises(WorkflowInputMismatchError):
        check(claims, workflow_inputs=inputs)


def test_facts_are_named_as_in_the_report():
    names = ("subject", "predicate_type", "build_type", "builder_id", "builder_kind", "source_uri", "source_ref", "source_commit")
    facts = BuildFacts(signed=True, **{name: name for name in names}, workflow=None, event=None, invocation=None)
    assert facts.as_facts()["builderId"] == "builder_id"
    assert facts.as_facts()["signed"] is True
    assert len(facts.as_facts()) == len(names) + 4


@pytest.mark.parametrize(
    ("inputs", "got"),
    [
        pytest.param({"flavour": "sour"}, "`sour`", id="another"),
        pytest.param({"flavour": "x" * 201}, f"`{'x' * 200}`", id="a long one"),
        pytest.param({}, "no such input", id="none"),
    ],
)
def test_the_input_that_was_recorded_is_shown(inputs, got):
    with pytest.raises(WorkflowInputMismatchError) as caught:
        check(replace(CLAIMS, inputs=inputs), workflow_inputs={"flavour": "plain"})
    assert caught.value.got == got
