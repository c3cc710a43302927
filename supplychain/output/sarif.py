"""Reports as SARIF 2.1.0 (OASIS, with errata 01), for code scanning.

One result for each thing that stands in the way; what passed is listed among the artifacts. Equal reports give equal bytes, ASCII
only. Fingerprints hold across releases and moved lines: they are made of names, never of digests, messages or line numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from supplychain.output.json_report import plain, utc
from supplychain.output.style import clean
from supplychain.reasons import find
from supplychain.report import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from supplychain.output.account import Account, Flaw, LintAccount, RuleText
    from supplychain.output.judgement import Judgement
    from supplychain.report import Problem

__all__ = ["SCHEMA_URI", "render", "render_lint", "target_uri"]

SCHEMA_URI: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_PROJECT: Final = "https://github.com/mcpg-dev/supplychain"
_WORDS: Final = {
    0: "trusted, or nothing is wrong",
    1: "refused",
    2: "the request is wrong",
    3: "could not be evaluated",
}


def render(account: Account) -> str:
    """Write the judgements of one call."""
    results = [result for one in account.judgements for result in _results(one, manifest=account.manifest)]
    results += [_failure(one, account) for one in account.failures]
    run = _run(account, category=account.category, results=results)
    run["tool"]["driver"]["rules"] = [_reason_rule(word) for word in _rule_words(results)]
    run["artifacts"] = [_artifact(one, manifest=account.manifest) for one in account.judgements]
    run["invocations"][0]["toolExecutionNotifications"] = [
        *_notifications(account.notes),
        *(_warning(text, one, manifest=account.manifest) for one in account.judgements for text in _warnings(one)),
    ]
    run["properties"] = {"verdict": account.word, "extra": _harmless(plain(account.extra))}
    return _write(run)


def render_lint(account: LintAccount) -> str:
    """Write the problems of manifests."""
    results = [_flaw(flaw) for flaw in account.flaws]
    run = _run(account, category="lint", results=results)
    run["tool"]["driver"]["rules"] = [_manifest_rule(word, account.rules.get(word)) for word in _rule_words(results)]
    files = sorted({one.file for one in account.objects} | {flaw.object.file for flaw in account.flaws})
    run["artifacts"] = [{"location": {"uri": _uri(file)}} for file in files]
    run["invocations"][0]["toolExecutionNotifications"] = _notifications(account.notes)
    run["properties"] = {"objects": len(account.objects)}
    return _write(run)


def target_uri(target: str, *, manifest: str | None) -> str:
    """Name a target by a URI that code scanning takes: the manifest that asks for it, its own file, or a relative path."""
    if target.startswith("MCPGPlugin/") and manifest is not None:
        return _uri(manifest)
    scheme, colon, rest = target.partition(":")
    if colon and scheme in {"oci-layout", "bundle"}:
        path, at, _ = rest.partition("@sha256:")
        folder, slash, last = path.rpartition("/")
        return _uri(f"{folder}{slash}{last if at else last.partition(':')[0]}")
    return _uri(target)


def _uri(path: str) -> str:
    quoted = quote(path.encode("utf-8", "surrogatepass"), safe="/-._~")
    return f"file://{quoted}" if path.startswith("/") else quoted


def _run(account: Account | LintAccount, *, category: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    invocation: dict[str, Any] = {
        "executionSuccessful": account.exit_code in {0, 1},
        "exitCode": account.exit_code,
        "exitCodeDescription": _WORDS[account.exit_code],
    }
    if account.call is not None:
        invocation["commandLine"] = clean(account.call)
    seen: Counter[str] = Counter()
    for result in results:
        print_ = result["partialFingerprints"]["primaryLocationLineHash"]
        seen[print_] += 1
        result["partialFingerprints"]["primaryLocationLineHash"] = f"{print_}:{seen[print_]}"
    return {
        "tool": {"driver": {"name": "supplychain", "version": account.version, "informationUri": _PROJECT}},
        "automationDetails": {"id": f"supplychain/{category}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": results,
    }


def _write(run: dict[str, Any]) -> str:
    document = {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _results(judgement: Judgement, *, manifest: str | None) -> Iterator[dict[str, Any]]:
    if judgement.error is not None:
        yield _result(judgement.error, judgement.step, judgement, manifest=manifest)
    for layer in judgement.layers:
        if layer.problem is not None:
            result = _result(layer.problem, layer.layer.value, judgement, manifest=manifest)
            unavailable = layer.outcome is Outcome.UNAVAILABLE
            result["message"]["text"] = ("Could not be evaluated. " if unavailable else "") + result["message"]["text"]
            result["properties"]["outcome"] = layer.outcome.value
            result["properties"]["candidates"] = [
                {"where": clean(one.where), "outcome": one.outcome.value, "reason": one.problem.reason if one.problem else None}
                for one in layer.candidates
            ]
            yield result


def _failure(problem: Problem, account: Account) -> dict[str, Any]:
    """What could not be done with what was judged; it is found where the call is, or at its first target."""
    target = account.manifest or next((one.target for one in account.judgements), account.category)
    where = {"physicalLocation": {"artifactLocation": {"uri": target_uri(target, manifest=None)}, "region": {"startLine": 1}}}
    return {
        "ruleId": problem.reason,
        "level": "error",
        "message": {"text": _message(problem, target="this call", step=account.category)},
        "locations": [where],
        "partialFingerprints": _fingerprint("call", account.category, target, problem.reason),
    }


def _result(problem: Problem, step: str, judgement: Judgement, *, manifest: str | None) -> dict[str, Any]:
    location = {
        "physicalLocation": {
            "artifactLocation": {"uri": target_uri(judgement.target, manifest=manifest)},
            "region": {"startLine": 1},
        },
        "logicalLocations": [{"name": step, "fullyQualifiedName": f"{clean(judgement.target)}#{step}", "kind": "resource"}],
    }
    return {
        "ruleId": problem.reason,
        "level": "error",
        "message": {"text": _message(problem, target=judgement.target, step=step)},
        "locations": [location],
        "partialFingerprints": _fingerprint(judgement.scope.value, judgement.target, step, problem.reason),
        "properties": {
            "target": clean(judgement.target),
            "step": step,
            "remedies": [
                {"change": clean(one.change), "effect": clean(one.effect), "weakens": one.weakens} for one in problem.remedies
            ],
        },
    }


def _message(problem: Problem, *, target: str, step: str) -> str:
    lines = [f"{clean(target)}, {step}: {clean(problem.message)}."]
    for key, text in (("Expected", problem.expected), ("Got", problem.got), ("Where", problem.where), ("Hint", problem.hint)):
        if text:
            lines.append(f"{key}: {clean(text)}")
    return "\n".join(lines)


def _flaw(flaw: Flaw) -> dict[str, Any]:
    place = flaw.object
    where = f"{clean(flaw.field)}: " if flaw.field else ""
    return {
        "ruleId": flaw.rule,
        "level": "error" if flaw.failing else "warning",
        "message": {"text": f"{where}{clean(flaw.message)}."},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(place.file)},
                    "region": {"startLine": max(flaw.line, 1)},
                },
                "logicalLocations": [{"fullyQualifiedName": clean(f"{place.title}#{flaw.field}"), "kind": "member"}],
            }
        ],
        "partialFingerprints": _fingerprint(place.file, place.title, flaw.field, flaw.rule),
    }


def _fingerprint(*names: str) -> dict[str, str]:
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    # The name is the one that code scanning reads; it computes one of its own from the lines of a file where none is given.
    return {"primaryLocationLineHash": digest[:32]}


def _rule_words(results: Sequence[dict[str, Any]]) -> list[str]:
    words = list(dict.fromkeys(result["ruleId"] for result in results))
    for result in results:
        result["ruleIndex"] = words.index(result["ruleId"])
    return words


def _reason_rule(word: str) -> dict[str, Any]:
    found = find(word)
    if found is None:  # a report that another version wrote
        return {"id": word, "name": word}
    help_ = f"{found.meaning} {found.why}"
    return {
        "id": word,
        "name": word,
        "shortDescription": {"text": found.meaning},
        "fullDescription": {"text": help_},
        "help": {
            "text": f"{help_}\n\nWhat to do: {found.what_to_do}.",
            "markdown": f"{found.meaning}\n\n**Why the check exists.** {found.why}\n\n**What to do.** {found.what_to_do}.",
        },
        "helpUri": f"{_PROJECT}/blob/main/docs/reasons.md",
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["security", "supply-chain"], "exitCode": found.group.exit_code},
    }


def _manifest_rule(word: str, rule: RuleText | None) -> dict[str, Any]:
    if rule is None:
        return _reason_rule(word)  # the models refuse fields by the reasons of `verify`
    return {
        "id": word,
        "name": word,
        "shortDescription": {"text": rule.about},
        "fullDescription": {"text": rule.about},
        "help": {"text": f"{rule.about}\n\n`supplychain explain {word}` says it again."},
        "helpUri": f"{_PROJECT}/blob/main/docs/rules.md",
        "defaultConfiguration": {"level": "error" if rule.failing else "warning"},
    }


def _artifact(judgement: Judgement, *, manifest: str | None) -> dict[str, Any]:
    artifact: dict[str, Any] = {
        "location": {"uri": target_uri(judgement.target, manifest=manifest)},
        "description": {"text": clean(judgement.target)},
        "properties": {"verdict": judgement.word, "judgedAt": utc(judgement.at), "scope": judgement.scope.value},
    }
    facts = {key: value for layer in judgement.layers for key, value in layer.facts.items()}
    if isinstance(manifest_digest := facts.get("manifestDigest"), str):
        artifact["properties"]["manifestDigest"] = clean(manifest_digest)
    if isinstance(artifact_hash := facts.get("artifactHash"), str):
        artifact["properties"]["artifactHash"] = clean(artifact_hash)
    if judgement.verdict is Verdict.TRUSTED:
        artifact["roles"] = ["analysisTarget"]
    return artifact


def _harmless(value: Any) -> Any:
    if isinstance(value, dict):
        return {clean(key): _harmless(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    return clean(value) if isinstance(value, str) else value


def _notifications(texts: Iterable[str]) -> list[dict[str, Any]]:
    return [{"level": "note", "message": {"text": clean(text)}} for text in texts]


def _warnings(judgement: Judgement) -> Iterator[str]:
    for layer in judgement.layers:
        yield from (f"{layer.layer.value}: {text}" for text in layer.warnings)


def _warning(text: str, judgement: Judgement, *, manifest: str | None) -> dict[str, Any]:
    uri = target_uri(judgement.target, manifest=manifest)
    return {
        "level": "warning",
        "message": {"text": clean(f"{judgement.target}, {text}")},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}],
    }
