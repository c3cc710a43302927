"""`--rekor-lookup`: off unless it is asked for, and what comes back is judged like a file."""

import hashlib

import pytest

from supplychain.mirror.rekor import RekorLookup
from tests.support.fake_rekor import FakeRekor, old_provenance
from tests.support.loopback_server import Answer, serving
from tests.support.scenario import LIBRARY, SIGSTORE
from tests.support.sigstore.identities import generator_identity
from tests.support.sigstore.statements import slsa_provenance

ENVELOPE, ENTRY = old_provenance(
    SIGSTORE.sign_statement, slsa_provenance(hashlib.sha256(LIBRARY).hexdigest()), identity=generator_identity()
)
SOURCE = ("--source-uri", "github.com/acme/plugins")


@pytest.fixture
def rekor():
    return FakeRekor()


@pytest.fixture
def flags(workshop, rekor):
    """What both commands have in common; the trust root names a log on loopback."""
    with serving(rekor) as server:

        def moved(root):
            root["tlogs"][0]["baseUrl"] = server.url

        root = workshop.write("moved.json", SIGSTORE.trusted_root(edit=moved))
        file = workshop.write("old.intoto.jsonl", ENVELOPE)
        yield ("--provenance", file, *SOURCE, "--trust-root", root, "--single-verifier", "--output", "json")


@pytest.fixture(params=["check", "verify"])
def command(request, workshop, flags):
    if request.param == "check":
        return ("check", "provenance", "plugin.so", *flags)
    return ("verify", workshop.package, "--key", workshop.key, *flags)


def test_old_provenance_counts_with_the_entry_that_the_log_gives(run, command, rekor, monkeypatch):
    closed: list[None] = []
    honest = RekorLookup.close
    monkeypatch.setattr(RekorLookup, "close", lambda self: closed.append(honest(self)))
    rekor.add(ENTRY)
    found = run(*command, "--rekor-lookup")
    assert found.code == 0
    assert "the log entry was looked up at `127.0.0.1`" in found.out
    assert len(closed) == 1


def test_without_the_flag_nobody_is_asked(run, command, rekor):
    rekor.add(ENTRY)
    found = run(*command)
    assert (found.code, rekor.asked) == (3, [])
    assert "--rekor-lookup" in found.layer("slsa")["problem"]["hint"]


@pytest.mark.parametrize(("faults", "got"), [([], "none in"), ([Answer(status=404)], "status 404")])
def test_a_log_that_does_not_help_leaves_it_unavailable(run, command, rekor, faults, got):
    rekor.faults = [*faults]
    found = run(*command, "--rekor-lookup")
    problem = found.layer("slsa")["problem"]
    assert (found.code, problem["reason"]) == (3, "TransparencyLogUnavailable")
    assert got in problem["got"]
    assert "--rekor-entry" in problem["hint"]


def test_an_entry_that_does_not_prove_the_envelope_is_no_help(run, command, rekor):
    [entry] = ENTRY.values()
    rekor.add({"x": {**entry, "integratedTime": entry["integratedTime"] + 1}})
    found = run(*command, "--rekor-lookup")
    assert (found.code, found.layer("slsa")["problem"]["reason"]) == (1, "LogEntryInvalid")


@pytest.mark.parametrize(
    "other", [("--offline",), ("--rekor-entry", "old.intoto.jsonl"), ("--allow-unsigned-provenance",)], ids=lambda one: one[0]
)
def test_what_forbids_a_lookup_or_needs_none_contradicts_it(run, command, rekor, other):
    found = run(*command, "--rekor-lookup", *other)
    assert (found.code, rekor.asked) == (2, [])
    assert f"`--rekor-lookup` contradicts `{other[0]}`" in found.out


@pytest.mark.parametrize(("given", "missing"), [((), "--source-uri"), (SOURCE, "--provenance")])
def test_a_lookup_for_nothing_is_a_wrong_request(run, workshop, given, missing):
    found = run("verify", workshop.package, "--key", workshop.key, "--rekor-lookup", *given)
    assert found.code == 2
    assert "`--rekor-lookup` has no effect here" in found.out
    assert missing in found.out


def test_an_unusable_ca_file_makes_the_request_wrong(run, command, rekor):
    found = run(*command, "--rekor-lookup", "--ca-file", "missing.pem")
    assert (found.code, rekor.asked) == (2, [])
    assert found.report["error"]["reason"] == "UnreadableFile"
