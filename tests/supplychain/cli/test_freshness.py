"""`--max-age` on the command line: what it takes, what a report says of it, and that what is too old lets nothing in."""

import argparse
import os
from datetime import timedelta
from typing import Any

import pytest

from supplychain.cli.freshness import budget_of, freshness_facts
from supplychain.errors import InvalidPolicyError
from supplychain.freshness import Budget, Dated, Subject
from tests.support.scenario import AT

DAY = timedelta(days=1)


def args(*max_age, days=None):
    return argparse.Namespace(max_age=list(max_age), max_trust_root_age=days)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (args(), Budget()),
        (argparse.Namespace(), Budget()),
        (args("90d"), Budget(trust_root=90 * DAY, revocations=90 * DAY, verification=90 * DAY)),
        (args("90d", "revocations=12h"), Budget(trust_root=90 * DAY, revocations=DAY / 2, verification=90 * DAY)),
        (args("revocations=12h", "90d"), Budget(trust_root=90 * DAY, revocations=DAY / 2, verification=90 * DAY)),
        (args("trust-root=1d"), Budget(trust_root=DAY)),
        (args("verification=1w"), Budget(verification=7 * DAY)),
        (args(days=30), Budget(trust_root=30 * DAY)),
        (args("9d", days=30), Budget(trust_root=30 * DAY, revocations=9 * DAY, verification=9 * DAY)),
    ],
)
def test_an_age_for_one_kind_counts_more_than_one_for_all(given, expected):
    assert budget_of(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (args("1d", "2d"), "two greatest ages for the same"),
        (args("revocations=1d", "revocations=1d"), "two greatest ages for the same"),
        (args("trust-root=1d", days=1), "two greatest ages for the trust root"),
        (args("lists=1d"), "no kind of thing that has an age"),
        (args("=1d"), "no kind of thing that has an age"),
        (args("revocations="), "no duration"),
        (args("soon"), "no duration"),
    ],
)
def test_what_could_be_meant_in_two_ways_is_refused(given, message):
    with pytest.raises(InvalidPolicyError, match=message):
        budget_of(given)


def test_without_a_budget_a_report_says_nothing_of_it():
    assert freshness_facts(args(), at=AT, roots=[Dated(subject=Subject.TRUST_ROOT, name="x", as_of=None)]) == {}


def test_verdicts_of_others_take_the_place_of_this_one():
    theirs = [Dated(subject=Subject.VERIFICATION, name="summary", as_of=AT - 2 * DAY)]
    facts: Any = freshness_facts(args("verification=1d"), at=AT, verifications=theirs)
    (found,) = facts["freshness"]
    assert (found["name"], found["state"]) == ("summary", "Expired")


def listing(workshop, issued_at, *, revoked=()):
    entries = ",".join(f'{{"artifact_sha256": "{one}", "reason": "stolen"}}' for one in revoked)
    issued = f'"issued_at": "{issued_at}", ' if issued_at else ""
    return workshop.write("list.json", f'{{"version": 1, {issued}"revocations": [{entries}]}}')


def test_a_young_list_is_trusted_and_the_report_says_until_when(run, workshop):
    found = run(
        *("verify", workshop.layout, "--key", workshop.key, "--revocations", listing(workshop, "2025-06-01T00:00:00Z")),
        *("--max-age", "revocations=90d", "--max-age", "verification=12h", "--output", "json"),
    )
    assert (found.code, found.report["verdict"]) == (0, "Trusted")
    lists, verdict = found.json["extra"]["freshness"]
    assert (lists["kind"], lists["name"], lists["maxAge"]) == ("revocations", "list.json", "90d")
    assert (lists["state"], lists["expires"]) == ("Fresh", "2025-08-30T00:00:00Z")
    assert verdict["kind"] == "verification"
    assert (verdict["state"], verdict["maxAge"]) == ("Fresh", "12h")


def test_an_old_list_is_unavailable_and_never_refused(run, workshop):
    flags = ("verify", workshop.layout, "--key", workshop.key, "--revocations", listing(workshop, "2025-01-01T00:00:00Z"))
    assert run(*flags).code == 0
    found = run(*flags, "--max-age", "90d", "--output", "json")
    assert (found.code, found.report["verdict"]) == (3, "Unavailable")
    assert found.layer("revocation")["problem"]["reason"] == "RevocationListStale"
    assert [one["state"] for one in found.json["extra"]["freshness"]] == ["Expired", "Fresh"]
    text = run(*flags, "--max-age", "90d")
    assert "RevocationListStale" in text.out
    assert "state Expired" in text.out


def test_an_old_list_still_refuses_what_it_names(run, workshop):
    artifact = run("verify", workshop.layout, "--key", workshop.key, "--output", "json")
    revoked = artifact.layer("descriptor")["facts"]["artifactHash"].removeprefix("sha256:")
    old = listing(workshop, None, revoked=[revoked])
    found = run("verify", workshop.layout, "--key", workshop.key, "--revocations", old, "--max-age", "1d", "--output", "json")
    assert (found.code, found.layer("revocation")["problem"]["reason"]) == (1, "ArtefactRevoked")


def test_an_old_root_is_unavailable_and_shown_with_its_day(run, workshop):
    written = (AT - 100 * DAY).timestamp()
    os.utime(workshop.folder / "root.json", (written, written))
    flags = ("verify", workshop.layout, "--key", workshop.key, *workshop.keyless, "--output", "json")
    found = run(*flags, "--max-age", "trust-root=90d")
    assert (found.code, found.layer("cosign")["problem"]["reason"]) == (3, "TrustRootUnavailable")
    [root] = found.json["extra"]["freshness"]
    assert (root["kind"], root["state"], root["asOf"]) == ("trust-root", "Expired", str((AT - 100 * DAY).date()))
    assert run(*flags, "--max-age", "trust-root=101d").code == 0


def test_a_wrong_age_is_a_wrong_request_before_anything_is_pulled(run):
    found = run("verify", "registry.example/none:1", "--key", "none.pub", "--max-age", "sometime")
    assert found.code == 2
