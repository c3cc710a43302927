"""Judgements for the tests of this folder."""

from datetime import UTC, datetime

from supplychain.errors import Remedy
from supplychain.output.account import Account, Checked, Flaw, LintAccount, Repeat, RuleText
from supplychain.output.judgement import Judgement, Scope
from supplychain.report import Candidate, Layer, LayerResult, Outcome, Problem, Verdict, VerificationReport

AT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
HASH = "ab" * 32
PROBLEM = Problem(
    reason="IdentityMismatch",
    message="the signer is not trusted",
    expected="`^https://a$`",
    got="`https://b`",
    where="referrer 1",
    hint="check the workflow",
    remedies=(
        Remedy(change="--source-tag v1", effect="another release", manifest="spec: v1"),
        Remedy(change="--source-uri x", effect="another repository is trusted", weakens=True),
    ),
)
TWICE = (
    Candidate(where="referrer 1", outcome=Outcome.REFUSED, problem=PROBLEM),
    Candidate(where="referrer 2", outcome=Outcome.PASSED),
)
PASSED = {
    Layer.PULL: {"source": "ghcr.io/acme/audit@sha256:1", "packageSize": 5},
    Layer.DESCRIPTOR: {"id": "dev.acme.audit", "tagVersion": None, "class": "audit_sink", "artifactHash": HASH},
    Layer.ED25519: {"key": "release.pub", "keyFingerprint": "sha256:22"},
    Layer.REVOCATION: {"lists": ({"name": "cluster-default", "entries": 3}, "odd")},
    Layer.COSIGN: {
        "identity": "https://github.com/acme",
        "issuer": "https://issuer",
        "times": ({"at": "now", "source": None}, "x"),
    },
    Layer.SLSA: {"sourceUri": "github.com/acme/audit", "sourceRef": "v1", "builderId": "https://builder", "inputs": {"a": "b"}},
}


def result(layer, outcome=Outcome.PASSED, **more):
    facts = PASSED[layer] if outcome is Outcome.PASSED else {}
    return LayerResult(layer=layer, outcome=outcome, **{"facts": facts, **more})


def report(*results, target="ghcr.io/acme/audit:1", **more):
    given = {one.layer: one for one in results}
    layers = tuple(given.get(layer) or result(layer) for layer in Layer)
    return VerificationReport(target=target, at=AT, layers=layers, **more)


def judgement(*results, **more):
    return Judgement.of_report(report(*results, **more))


def refused():
    return judgement(
        result(Layer.COSIGN, Outcome.REFUSED, problem=PROBLEM, candidates=TWICE[:1]), result(Layer.SLSA, Outcome.NOT_REACHED)
    )


def unavailable():
    problem = Problem(reason="NotFound", message="it is not there")
    return judgement(result(Layer.PULL, Outcome.UNAVAILABLE, problem=problem), target="other")


def invalid():
    problem = Problem(reason="InvalidReference", message="no reference", got="`x`")
    return Judgement.of_problem(problem, scope=Scope.PLUGIN, target="x", at=AT)


def account(*judgements, **more):
    return Account(**{"judgements": judgements, "verdict": Verdict.TRUSTED, "exit_code": 0, "version": "1", **more})


EVIL = "</script></style>\"'<img src=x onerror=alert(1)>&\u202e\u2066\x1b[31m\x00\ud800\ufffe\ufdd0 javascript:alert(1)"
"""What a stranger might call something: markup, reordering, control characters, and what XML and HTML cannot hold."""


def hostile():
    """Every text of a report written by somebody who means harm."""
    problem = Problem(
        reason="IdentityMismatch",
        message=f"{EVIL} `{EVIL}`",
        expected=f"`a{EVIL}z`",
        got=f"`a{EVIL}{EVIL}z`",
        where=EVIL,
        hint=EVIL,
        remedies=(Remedy(change=f"--x {EVIL}", effect=EVIL, weakens=True, manifest=EVIL), Remedy(change=EVIL, effect=EVIL)),
    )
    facts = {EVIL: EVIL, "list": (EVIL, {EVIL: EVIL}), "manifestDigest": EVIL, "artifactHash": EVIL}
    passed = result(Layer.PULL, facts=facts, warnings=(EVIL,))
    failed = result(
        Layer.COSIGN,
        Outcome.REFUSED,
        problem=problem,
        candidates=(Candidate(where=EVIL, outcome=Outcome.REFUSED, problem=problem),),
        warnings=(EVIL,),
    )
    one = judgement(passed, failed, target=EVIL, inputs={EVIL: EVIL})
    two = Judgement.of_problem(problem, scope=Scope.PLUGIN, target=EVIL, at=AT)
    repeats = ((Repeat(shows=EVIL, command=EVIL),),)
    return account(
        one,
        two,
        verdict=Verdict.REFUSED,
        exit_code=1,
        notes=(EVIL,),
        failures=(problem,),
        extra={EVIL: EVIL},
        call=EVIL,
        repeats=repeats,
    )


GATEWAY = Checked(file="m/gw.yaml", line=2, kind="MCPGGateway", namespace="team-a", name="shop")
FINE = Checked(file="m/fine.yaml", line=1, kind="MCPGTenant", name="north")


def flaw(**more):
    given = {
        "object": GATEWAY,
        "line": 10,
        "rule": "Schema",
        "failing": True,
        "field": "spec.service.port",
        "message": "the number is too small",
        "expected": "at least 1",
        "got": "`0`",
    }
    return Flaw(**{**given, **more})


WARNING = flaw(
    line=8,
    rule="ClusterNotFound",
    failing=False,
    field="spec.clusterRef.name",
    message="there is no cluster",
    expected=None,
    got=None,
)


def lint_account(*flaws, **more):
    rules = {
        "Schema": RuleText(about="A field is wrong.", failing=True),
        "ClusterNotFound": RuleText(about="Not there.", failing=False),
    }
    given = {"objects": (GATEWAY, FINE), "flaws": flaws, "rules": rules, "exit_code": 1, "version": "1", "at": AT}
    return LintAccount(**{**given, **more})
