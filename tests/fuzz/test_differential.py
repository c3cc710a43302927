"""Over good, foreign and changed evidence both verifiers agree, but for the listed classes; and every class has a case."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.errors import InvalidTrustRootError
from supplychain.trust_root import TrustRoot, embedded, parse_trust_root
from tests.faults import table
from tests.faults.test_faults import ROWS
from tests.fuzz.differential import CORE_STRICTER, SECOND_STRICTER, SINGLE, Answers, ask
from tests.fuzz.seeds import MESSAGE, SIGSTORE, envelopes, foreign, messages, root
from tests.fuzz.targets import TARGETS
from tests.support.components import evidence_directory
from tests.support.mutations import mutants

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGEST = hashlib.sha256(MESSAGE).digest()
FORMS: tuple[tuple[str, bytes, bytes | None], ...] = (
    ("envelope, v1", envelopes()["v1"], None),
    ("envelope, v2", envelopes()["v2"], None),
    ("message, v1", messages()["rekor1"], DIGEST),
    ("message, v2", messages()["rekor2"], DIGEST),
)


def of_mutants() -> Iterator[tuple[str, Answers]]:
    """Every leaf of one bundle of each form."""
    for form, raw, digest in FORMS:
        for name, mutant in mutants(json.loads(raw)):
            yield f"{form}: {name}", ask(json.dumps(mutant).encode(), root(), digest=digest)


def of_root_mutants() -> Iterator[tuple[str, Answers]]:
    """Every leaf of the trust root that can still be read."""
    for name, mutant in mutants(json.loads(SIGSTORE.trusted_root())):
        try:
            trusted = parse_trust_root(json.dumps(mutant).encode(), name="mutant")
        except InvalidTrustRootError:
            continue
        for form, raw, digest in FORMS[:2]:
            yield f"{form}, root: {name}", ask(raw, trusted, digest=digest)


def of_faults() -> Iterator[tuple[str, Answers]]:
    """The bad half of every row of the one-fault table that is a bundle."""
    for row in ROWS:
        match row.bad:
            case table.Envelope() as case:
                yield row.name, ask(case.made(), case.trusted())
            case table.Message(by_digest=True) as case:
                yield row.name, ask(case.made(), case.trusted(), digest=hashlib.sha256(case.asked).digest())


def of_fuzz() -> Iterator[tuple[str, Answers]]:
    for target, digest in (("bundle", None), ("message-bundle", DIGEST)):
        for number in range(200):
            yield f"{target} {number}", ask(TARGETS[target].input(5, number), root(), digest=digest)


def of_null_fields() -> Iterator[tuple[str, Answers]]:
    for form, raw, digest in FORMS:
        value = json.loads(raw)
        value["verificationMaterial"]["unknown"] = None
        yield f"{form}: an unknown field that is null", ask(json.dumps(value).encode(), root(), digest=digest)


def test_every_disagreement_is_of_a_listed_class_and_every_class_has_a_case() -> None:
    seen: dict[str, list[str]] = defaultdict(list)
    unexplained = []
    asked = disagreed = 0
    for source in (of_mutants, of_root_mutants, of_faults, of_fuzz, of_null_fields):
        for name, answers in source():
            asked += 1
            if answers.disagree:
                disagreed += 1
                explained = name if name in SINGLE else answers.explained
                if explained is None:
                    unexplained.append((name, answers.core, answers.second))
                else:
                    seen[explained].append(name)
    assert unexplained == []
    assert {*CORE_STRICTER, *SECOND_STRICTER, *SINGLE} - set(seen) == set()
    assert asked > 1000
    assert disagreed < asked / 5


def test_good_evidence_is_accepted_by_both() -> None:
    for form, raw, digest in FORMS:
        assert ask(raw, root(), digest=digest) == Answers(core=None, second=None, judged=True), form


def test_on_foreign_evidence_there_is_no_disagreement_at_all() -> None:
    evidence_directory()
    judged, accepted = [], []
    for entry, directory in foreign("sigstore", "sigstore-go", "github", "slsa"):
        name, own = entry["files"].get("bundle"), entry["files"].get("trusted_root")
        if name is None:
            continue
        try:
            trusted: TrustRoot = parse_trust_root((directory / own).read_bytes(), name="given") if own else embedded()
        except InvalidTrustRootError:
            continue
        raw = (directory / name).read_bytes()
        digest: Any = None if b"dsseEnvelope" in raw else bytes.fromhex(entry["files"].get("artifact_sha256") or "00" * 32)
        answers = ask(raw, trusted, digest=digest)
        assert not answers.disagree, (entry["id"], answers)
        judged += [entry["id"]] if answers.judged else []
        accepted += [entry["id"]] if answers.core is None else []
    assert len(judged) >= 20
    assert len(accepted) >= 10


@pytest.mark.parametrize("explained", [*CORE_STRICTER.values(), *SECOND_STRICTER.values(), *SINGLE.values()])
def test_every_class_says_why(explained: str) -> None:
    assert len(explained.split()) >= 4
