"""Judgements for the tests of this folder."""

from datetime import UTC, datetime

from supplychain.errors import Remedy
from supplychain.output.judgement import Judgement, Scope
from supplychain.report import Candidate, Layer, LayerResult, Outcome, Problem, VerificationReport

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
