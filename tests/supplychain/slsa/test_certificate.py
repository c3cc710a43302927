import pytest

from supplychain.errors import BuilderMismatchError, CertificateError
from supplychain.identity import SignerIdentity
from supplychain.slsa.certificate import BuildCertificate, Workflow
from supplychain.wire import MalformedError
from tests.support.virtual_sigstore import GITHUB_ISSUER, generator_identity

HONEST = generator_identity()
CLAIMS = {1: GITHUB_ISSUER, 8: GITHUB_ISSUER, **HONEST.claims}
OLD = {number: CLAIMS[number] for number in range(1, 7)}


def read(claims=CLAIMS, *, subject=HONEST.subject, kind="uri", issuer=GITHUB_ISSUER, **changes):
    changed = {
        number: text for number, text in ({**claims, **{int(n[1:]): t for n, t in changes.items()}}).items() if text is not None
    }
    identity = SignerIdentity(subject=subject, subject_kind=kind, issuer=changed.get(8, changed[1]), claims=changed)
    return BuildCertificate.read(identity, issuer=issuer)


def test_a_workflow_is_read_and_printed():
    workflow = Workflow.parse("https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1")
    assert workflow == Workflow(
        repository="https://github.com/acme/plugins", path=".github/workflows/release.yml", ref="refs/tags/v1"
    )
    assert workflow.name == "https://github.com/acme/plugins/.github/workflows/release.yml"
    assert str(workflow) == f"{workflow.name}@refs/tags/v1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://github.com/acme/plugins/.github/workflows/release.yml",
        "https://github.com/acme/plugins/.github/workflows/release.yml@",
        "https://github.com/acme/plugins/.github/workflows/release.yml@a@b",
        "https://github.com/acme/plugins/.github/workflows/x/release.yml@a",
        "https://github.com/acme/plugins/release.yml@a",
        "https://github.com/acme/.github/workflows/release.yml@a",
        "http://github.com/acme/plugins/.github/workflows/release.yml@a",
        "https://github.com@evil/acme/plugins/.github/workflows/release.yml@a",
        "https://github.com/acme/plugins/.github/workflows/release.sh@a",
    ],
)
def test_what_is_no_workflow_at_one_ref_is_refused(text):
    with pytest.raises(MalformedError):
        Workflow.parse(text)


def test_the_claims_of_a_job_are_read():
    certificate = read()
    assert str(certificate.signer) == HONEST.subject
    assert certificate.repository == "https://github.com/acme/plugins"
    assert certificate.ref == "refs/tags/v1.2.3"
    assert certificate.commit == CLAIMS[13]
    assert certificate.event == "push"
    assert str(certificate.caller) == CLAIMS[18]


def test_an_old_certificate_says_less():
    certificate = read(OLD)
    assert certificate.repository == "https://github.com/acme/plugins"
    assert certificate.ref == "refs/tags/v1.2.3"
    assert certificate.caller is None


def test_a_certificate_may_carry_the_newer_claims_alone():
    certificate = read({number: text for number, text in CLAIMS.items() if number >= 8} | {1: GITHUB_ISSUER})
    assert (certificate.repository, certificate.ref) == ("https://github.com/acme/plugins", "refs/tags/v1.2.3")
    assert (certificate.commit, certificate.event) == (CLAIMS[13], "push")


def test_another_issuer_is_refused():
    with pytest.raises(BuilderMismatchError, match="another issuer"):
        read(issuer="https://token.actions.githubusercontent.com/acme")
    with pytest.raises(BuilderMismatchError, match="another issuer"):
        read(c1="https://issuer.attacker.example", c8="https://issuer.attacker.example")


def test_a_machine_of_its_own_is_refused():
    with pytest.raises(BuilderMismatchError, match="a machine of its own"):
        read(c11="self-hosted")


@pytest.mark.parametrize(
    ("subject", "kind"),
    [("release@acme.example", "email"), (HONEST.subject, "email"), ("https://acme.example/x", "uri"), ("x!y", "other-name")],
)
def test_a_signer_that_is_no_workflow_is_refused(subject, kind):
    with pytest.raises(BuilderMismatchError, match="the signer is no workflow"):
        read(subject=subject, kind=kind, c9=subject)


@pytest.mark.parametrize("missing", [(5, 12), (3, 13), (6, 14), (2, 20)])
def test_a_missing_claim_is_refused(missing):
    with pytest.raises(CertificateError, match="lacks a claim"):
        read({number: text for number, text in CLAIMS.items() if number not in missing})


@pytest.mark.parametrize(
    ("number", "value"),
    [
        pytest.param(1, "https://other.example", id="issuer"),
        pytest.param(2, "schedule", id="event"),
        pytest.param(3, "0" * 40, id="commit, older claim"),
        pytest.param(19, "0" * 40, id="commit of the workflow"),
        pytest.param(5, "acme/other", id="repository"),
        pytest.param(6, "refs/heads/main", id="ref"),
        pytest.param(9, "https://github.com/acme/plugins/.github/workflows/x.yml@refs/tags/v1.2.3", id="signer"),
        pytest.param(16, "https://github.com/other", id="owner"),
        pytest.param(
            18, "https://github.com/acme/other/.github/workflows/release.yml@refs/tags/v1.2.3", id="caller's repository"
        ),
        pytest.param(18, "https://github.com/acme/plugins/.github/workflows/release.yml@refs/heads/main", id="caller's ref"),
    ],
)
def test_a_certificate_that_contradicts_itself_is_refused(number, value):
    with pytest.raises(CertificateError, match="contradicts itself") as caught:
        read(**{f"c{number}": value})
    assert caught.value.where is not None


def test_a_caller_that_is_no_workflow_is_refused():
    with pytest.raises(BuilderMismatchError) as caught:
        read(c18="https://github.com/acme/plugins/release.yml@a@b")
    assert caught.value.where == "claim 18"
