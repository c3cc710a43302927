"""What a refusal says would make it pass is done, and it passes."""

import shlex

import pytest

from tests.supplychain.cli.conftest import IDENTITY, ISSUER

FLAGS = {
    "--key": "release.pub",
    "--plugin-id": "dev.mcpg.example.echo",
    "--plugin-version": "1.2.3",
    "--class": "tool_gate",
    "--certificate-identity-regexp": IDENTITY,
    "--certificate-oidc-issuer": ISSUER,
    "--source-uri": "github.com/acme/plugins",
    "--source-tag": "v1.2.3",
}
WORKFLOW = r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/"


@pytest.mark.parametrize(
    ("flag", "value", "found", "weakens"),
    [
        ("--plugin-id", "dev.mcpg.example.other", ("descriptor", "PluginIdMismatch"), True),
        ("--class", "audit_sink", ("descriptor", "PluginClassMismatch"), True),
        ("--plugin-version", "1.2.4", ("descriptor", "VersionMismatch"), False),
        ("--certificate-identity-regexp", WORKFLOW + r"v1\.2\.4$", ("cosign", "IdentityMismatch"), False),
        ("--certificate-identity-regexp", IDENTITY.replace("acme", "other"), ("cosign", "IdentityMismatch"), True),
        ("--certificate-oidc-issuer", "https://accounts.example", ("cosign", "IdentityMismatch"), True),
        ("--source-uri", "github.com/acme/other", ("slsa", "SourceMismatch"), True),
        ("--source-tag", "v1.2.4", ("slsa", "SourceMismatch"), False),
        ("--source-branch", "release", ("slsa", "SourceMismatch"), True),
        ("--source-versioned-tag", "v2", ("slsa", "SourceMismatch"), False),
        ("--builder-id", "https://github.com/acme/plugins/.github/workflows/own.yml", ("slsa", "BuilderMismatch"), True),
        ("--workflow-input", "flavour=plain", ("slsa", "WorkflowInputMismatch"), True),
    ],
)
def test_doing_what_the_refusal_says_makes_it_pass(run, workshop, flag, value, *, found, weakens):
    layer, reason = found
    flags = {**FLAGS, "--key": workshop.key, flag: value}
    if flag == "--source-versioned-tag":
        del flags["--source-tag"]
    refused = verify(run, workshop, flags)
    problem = refused.layer(layer)["problem"]
    assert (refused.code, problem["reason"]) == (1, reason)
    (policy,) = [
        remedy for remedy in problem["remedies"] if "--" in remedy["change"] and remedy["effect"] != "changes the evidence"
    ]
    assert policy["weakens"] is weakens
    assert (problem["remedies"].index(policy) == 0) is not weakens
    assert verify(run, workshop, done(flags, policy["change"])).code == 0


def verify(run, workshop, flags):
    words = [word for pair in flags.items() for word in pair]
    trust = ("--trust-root", workshop.folder / "root.json", "--single-verifier", "--output", "json")
    return run("verify", workshop.layout, *words, *trust)


def done(flags, change):
    words, _, dropped = change.partition("instead of ") if "instead of" in change else (change, "", "")
    if change.startswith("no "):
        words, dropped = "", change.removeprefix("no ")
    given = shlex.split(words)
    changed = {**flags, **dict(zip(given[::2], given[1::2], strict=True))}
    for one in filter(None, dropped.split(", ")):
        del changed[one.partition(" ")[0]]
    if "--certificate-identity" in changed:
        del changed["--certificate-identity-regexp"]
    return changed


def test_several_targets_keep_a_short_summary(run, workshop):
    words = [word for pair in {**FLAGS, "--key": workshop.key, "--plugin-id": "dev.mcpg.example.other"}.items() for word in pair]
    trust = ("--trust-root", workshop.folder / "root.json", "--single-verifier")
    answer = run("verify", workshop.layout, workshop.package, *words, *trust)
    summary = answer.out.rstrip().rpartition("\n\n")[2].splitlines()
    assert len(summary) == 3
    assert all(line.endswith("PluginIdMismatch") for line in summary[:2])
    assert "would pass with" not in "".join(summary)
