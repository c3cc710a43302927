"""Both are asked the same question about the same image in the same registry."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from supplychain.cli.main import main
from tests.judges.live.signing import run_cosign

if TYPE_CHECKING:
    from pathlib import Path

    from tests.judges.live.case import Question
    from tests.judges.live.signing import Scene

__all__ = ["Answer", "ask_cosign", "ask_us"]

_EXIT = {0: "accepts", 1: "refuses", 2: "refuses the request", 3: "cannot judge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One verdict in a word, and the reason in few."""

    verdict: str
    reason: str
    detail: str = ""
    """For people who look into a failure; never in the table."""

    @property
    def accepted(self) -> bool:
        """Whether it was a yes."""
        return self.verdict == "accepts"


def ask_cosign(question: Question, reference: str, *, root: Path, scene: Scene) -> Answer:
    """`cosign verify` or `cosign verify-attestation`."""
    words: list[object] = ["verify"]
    if question.provenance is not None:
        words = ["verify-attestation", "--type", question.provenance]
    words += ["--allow-http-registry", "--trusted-root", root, *question.flags]
    if question.key is not None:
        words += ["--key", scene.directory / f"{question.key}.pub"]
    else:
        option = "--certificate-identity" + ("" if question.pattern is None else "-regexp")
        words += [option, question.pattern or question.identity, "--certificate-oidc-issuer", _issuer(question, scene)]
    done = run_cosign([*words, reference], directory=scene.directory)
    return Answer(verdict=_EXIT[0] if done.returncode == 0 else _EXIT[1], reason="", detail=done.stderr[-500:])


def ask_us(question: Question, reference: str, *, root: Path, scene: Scene) -> Answer:
    """`supplychain check cosign`, or `supplychain check provenance` of the image with what hangs on it."""
    layer = "cosign" if question.provenance is None else "provenance"
    asked = _signer(question, scene) if question.provenance is None else _builder(question, scene)
    words = ["check", layer, reference, "--output", "json", "--trust-root", str(root), *asked]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([*words, "--insecure-registry", reference.partition("/")[0]])
    (report,) = json.loads(out.getvalue())["reports"]
    found: dict[str, Any] = next(iter(report.get("layers", [])), {})
    if code == 0:
        return Answer(verdict=_EXIT[0], reason=_judges(found["facts"]["judgedBy"]))
    problem = found.get("problem") or report["error"]
    return Answer(verdict=_EXIT[code], reason=f"`{problem['reason']}`", detail=json.dumps(found or report, indent=1))


def _signer(question: Question, scene: Scene) -> list[str]:
    option = "--certificate-identity" + ("" if question.pattern is None else "-regexp")
    return ["--certificate-oidc-issuer", _issuer(question, scene), option, question.pattern or question.identity]


def _builder(question: Question, scene: Scene) -> list[str]:
    words = ["--source-uri", "github.com/acme/plugins", "--source-tag", "v1.2.3"]
    if question.builder is not None:
        words += ["--builder-id", question.builder]
    if question.key is not None:
        words += ["--provenance-key", str(scene.directory / f"{question.key}.pub")]
    return words


def _judges(names: tuple[str, ...] | list[str]) -> str:
    return "both verifiers" if len(names) > 1 else "one verifier"


def _issuer(question: Question, scene: Scene) -> str:
    return question.issuer if question.issuer is not None else scene.sigstore.issuer.url
