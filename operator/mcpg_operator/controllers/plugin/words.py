"""Findings in words for conditions and events: whole, escaped, bounded, and the same for the same finding (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.report import Layer, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.artifact import PulledArtifact
    from supplychain.report import Fact, LayerResult, Problem, VerificationReport

__all__ = ["cut", "origin", "proof", "say"]

_LONGEST: Final = 1024
_WARNINGS: Final = 8


def cut(text: str) -> str:
    """Escape what is not printable, and leave at most 1,024 characters."""
    shown = (
        text
        if text.isprintable()
        else "".join(
            one
            if one.isprintable()
            else one.encode("unicode_escape").decode("ascii")
            if one >= " " or one in "\n\r\t"
            else f"\\x{ord(one):02x}"
            for one in text
        )
    )
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def say(problem: Problem) -> str:
    """Write what failed with both sides, place and next step; hints for the command line are left out."""
    text = problem.message
    match (problem.expected, problem.got):
        case (None, None):
            pass
        case (expected, None):
            text += f": expected {expected}"
        case (None, got):
            text += f": got {got}"
        case (expected, got):
            text += f": expected {expected}, got {got}"
    if problem.where:
        text += f", in {problem.where}"
    if problem.hint and "`--" not in problem.hint.replace("`--max-verification-age-secs`", ""):
        text += f"; {problem.hint}"
    return cut(text)


def origin(pulled: PulledArtifact) -> str:
    """Say where the bytes came from, index and child both."""
    chosen = f", chosen from the index `{pulled.index_digest}`" if pulled.index_digest is not None else ""
    return cut(f"`{pulled.source}`{chosen}")


def proof(report: VerificationReport) -> str:
    """Say what was proven, layer by layer, and what is worth knowing besides."""
    results = {one.layer: one for one in report.layers}
    parts = [f"library signed by the Ed25519 key `{_fact(results, Layer.ED25519, 'keyFingerprint')}`"]
    if _passed(results, Layer.COSIGN):
        identity, issuer = _fact(results, Layer.COSIGN, "identity"), _fact(results, Layer.COSIGN, "issuer")
        parts.append(f"manifest signed by `{identity}`" + (f" (issuer `{issuer}`)" if issuer else ""))
    if _passed(results, Layer.SLSA):
        builder = _fact(results, Layer.SLSA, "builderId") or _fact(results, Layer.SLSA, "builder") or "a trusted builder"
        parts.append(f"built by `{builder}`")
    judges = results[Layer.COSIGN].facts.get("judgedBy") or results[Layer.SLSA].facts.get("judgedBy")
    if isinstance(judges, tuple):
        parts.append("judged by " + " and ".join(f"`{one}`" for one in judges))
    warnings = [warning for one in report.layers for warning in one.warnings]
    parts.extend(f"note: {warning}" for warning in warnings[:_WARNINGS])
    return cut("; ".join(parts))


def _passed(results: Mapping[Layer, LayerResult], layer: Layer) -> bool:
    return results[layer].outcome is Outcome.PASSED


def _fact(results: Mapping[Layer, LayerResult], layer: Layer, name: str) -> Fact:
    return results[layer].facts.get(name)
