import shlex

import pytest
import yaml

from supplychain.cosign.nearest import signer_mismatch
from supplychain.identity import SignerIdentity
from supplychain.identity_pattern import IdentityPattern

ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/acme/plugins/.github/workflows/release.yml"
EXACT = IdentityPattern.exactly(f"{WORKFLOW}@refs/tags/v1.2.3")
TAGS = IdentityPattern.parse(r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v1\.[0-9.]+$")
TWO = IdentityPattern.parse(
    r"^https://github\.com/acme/plugins/\.github/workflows/a\.yml@refs/tags/v1$|^https://gitlab\.com/x/y/ci\.yml@refs/heads/main$"
)


def signer(subject, issuer=ISSUER):
    return SignerIdentity(subject=subject, subject_kind="uri", issuer=issuer)


def flags(change):
    words = shlex.split(change)
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    ("identity", "subject", "what", "effect", "weakens"),
    [
        pytest.param(
            EXACT,
            f"{WORKFLOW}@refs/tags/v1.2.2",
            ": ref `refs/tags/v1.2.2`, asked for `refs/tags/v1.2.3`",
            "another release of the same workflow",
            False,
            id="another release",
        ),
        pytest.param(
            TAGS,
            f"{WORKFLOW}@refs/tags/v2.0.0",
            ": ref `refs/tags/v2.0.0`, asked for one such as `refs/tags/v1.1`",
            "another release of the same workflow",
            False,
            id="another major release",
        ),
        pytest.param(
            EXACT,
            f"{WORKFLOW}@refs/tags/v1",
            ": ref `refs/tags/v1`, asked for `refs/tags/v1.2.3`",
            "`refs/tags/v1` is trusted, which is no release and can change",
            True,
            id="a tag that moves from release to release",
        ),
        pytest.param(
            EXACT,
            f"{WORKFLOW}@refs/heads/main",
            ": ref `refs/heads/main`, asked for `refs/tags/v1.2.3`",
            "`refs/heads/main` is trusted, which is no release and can change",
            True,
            id="a branch",
        ),
        pytest.param(
            EXACT,
            f"{WORKFLOW}@refs/tags/nightly",
            ": ref `refs/tags/nightly`, asked for `refs/tags/v1.2.3`",
            "`refs/tags/nightly` is trusted, which is no release and can change",
            True,
            id="a tag that moves",
        ),
        pytest.param(
            IdentityPattern.exactly(f"{WORKFLOW}@refs/heads/main"),
            f"{WORKFLOW}@refs/tags/v1.2.3",
            ": ref `refs/tags/v1.2.3`, asked for `refs/heads/main`",
            "`refs/tags/v1.2.3` is trusted",
            True,
            id="a release instead of a branch",
        ),
        pytest.param(
            EXACT,
            "https://github.com/acme/plugins/.github/workflows/ci.yml@refs/tags/v1.2.3",
            ": workflow `.github/workflows/ci.yml`, asked for `.github/workflows/release.yml`",
            "another workflow is trusted",
            True,
            id="another workflow",
        ),
        pytest.param(
            EXACT,
            "https://github.com/acme/tools/.github/workflows/release.yml@refs/tags/v1.2.3",
            ": repository `tools`, asked for `plugins`",
            "another repository is trusted",
            True,
            id="another repository",
        ),
        pytest.param(
            EXACT,
            "https://github.com/mallory/plugins/.github/workflows/release.yml@refs/tags/v1.2.3",
            ": owner `mallory`, asked for `acme`",
            "another owner is trusted",
            True,
            id="another owner",
        ),
        pytest.param(
            EXACT,
            "https://github.example/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3",
            ": host `https://github.example`, asked for `https://github.com`",
            "another host is trusted",
            True,
            id="another host",
        ),
        pytest.param(
            EXACT,
            "https://github.com/mallory/plugins/.github/workflows/release.yml@refs/heads/main",
            ": owner `mallory`, asked for `acme`; ref `refs/heads/main`, asked for `refs/tags/v1.2.3`",
            "another owner is trusted",
            True,
            id="several parts",
        ),
        pytest.param(
            TWO,
            "https://gitlab.com/x/y/ci.yml@refs/heads/next",
            ": ref `refs/heads/next`, asked for one such as `refs/heads/main`",
            "`refs/heads/next` is trusted, which is no release and can change",
            True,
            id="the nearest of two alternatives",
        ),
        pytest.param(EXACT, "joe@example.com", "", "another signer is trusted", True, id="an address"),
        pytest.param(
            IdentityPattern.exactly("joe@example.com"),
            f"{WORKFLOW}@x",
            "",
            "another signer is trusted",
            True,
            id="no workflow wanted",
        ),
        pytest.param(
            IdentityPattern.parse(r"^https://github\.com/acme/.*@\bx$"),
            f"{WORKFLOW}@\x07",
            ": ref `\x07`, asked for `x`",
            None,
            True,
            id="nothing to copy",
        ),
        pytest.param(EXACT, f"{WORKFLOW}@{'x' * 1100}", None, None, True, id="longer than a pattern"),
    ],
)
def test_the_nearest_miss_names_what_differs_and_what_it_would_cost(identity, subject, what, effect, weakens):
    error = signer_mismatch(signer(subject), identity=identity, issuer=ISSUER, where="here")
    assert what is None or error.what == f"the signer is not the trusted one{what}"
    assert (error.expected, error.got, error.where) == (f"a match of `{identity}`", f"`{subject}`", "here")
    policies = [one for one in error.remedies if one.change.startswith("--")]
    (evidence,) = [one for one in error.remedies if one not in policies]
    assert not evidence.weakens
    if effect is None:
        assert policies == []
        return
    (policy,) = policies
    assert (policy.effect, policy.weakens) == (effect, weakens)
    assert error.remedies[-1 if weakens else 0] == policy
    assert flags(policy.change) == {"--certificate-identity": subject}
    assert policy.manifest is not None
    fields = yaml.safe_load(policy.manifest)
    pattern = IdentityPattern.parse(fields["spec.trust.cosignIdentity.certificateIdentityRegexp"])
    assert pattern.matches(subject)


def test_the_less_differs_the_nearer_it_is():
    subjects = [
        f"{WORKFLOW}@refs/tags/v1.2.2",
        "https://github.com/acme/plugins/.github/workflows/ci.yml@refs/tags/v1.2.3",
        "https://github.com/acme/tools/.github/workflows/release.yml@refs/heads/main",
        "https://github.com/mallory/plugins/.github/workflows/release.yml@refs/tags/v1.2.3",
        "joe@example.com",
    ]
    found = [signer_mismatch(signer(subject), identity=EXACT, issuer=ISSUER, where="").distance for subject in subjects]
    found.append(signer_mismatch(signer(f"{WORKFLOW}@refs/tags/v1.2.3"), identity=EXACT, issuer="x", where="").distance)
    assert found == sorted(set(found))


def test_another_issuer_is_never_a_small_change():
    subject = f"{WORKFLOW}@refs/tags/v1.2.3"
    error = signer_mismatch(signer(subject, "https://other"), identity=EXACT, issuer=ISSUER, where="here")
    assert error.what == "another issuer vouches for the signer"
    assert (error.expected, error.got, error.where) == (f"`{ISSUER}`", "`https://other`", "here")
    evidence, policy = error.remedies
    assert ISSUER in evidence.change
    assert flags(policy.change) == {"--certificate-oidc-issuer": "https://other"}
    assert policy.weakens
    assert policy.effect == "another issuer then says who is who"
    assert policy.manifest == "spec.trust.cosignIdentity.oidcIssuer: 'https://other'"


def test_another_issuer_and_another_signer_are_one_change():
    subject = f"{WORKFLOW}@refs/tags/v1.2.2"
    error = signer_mismatch(signer(subject, "https://other"), identity=EXACT, issuer=ISSUER, where="here")
    assert error.what.endswith(
        "; besides, the signer is not the trusted one: ref `refs/tags/v1.2.2`, asked for `refs/tags/v1.2.3`"
    )
    _, policy = error.remedies
    assert flags(policy.change) == {"--certificate-identity": subject, "--certificate-oidc-issuer": "https://other"}
    assert policy.weakens
