"""`supplychain bundle verify`: by whose policy, and every way in which something could be exchanged inside a bundle."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from supplychain.carry.plugin_bundle.inventory import SUMMARY_TYPE
from supplychain.carry.plugin_bundle.terms import LIST_TYPE, ROOT_TYPE, TERMS_TYPE
from supplychain.cli.main import main
from supplychain.digest import ArtifactHash
from supplychain.revocation import Revocation, render_revocation_list
from tests.support.builders import build_elf, public_key
from tests.support.bundling import IDENTITY, ISSUER, NAME, Forgery, make_bundle, verifier_public
from tests.support.carrying import plugin, plugin_index
from tests.support.scenario import AT, LIBRARY, SIGSTORE, TAG, policy, request

OTHER = f"ghcr.io/acme/other:{TAG}"


class MemoryDestination:
    """A reader with a folder and nothing else."""

    def __init__(self, folder, capsys):
        self.folder = folder
        self.capsys = capsys
        (folder / "verifier.pub").write_bytes(verifier_public())
        (folder / "release.pub").write_bytes(public_key())
        (folder / "root.json").write_bytes(SIGSTORE.trusted_root())

    @property
    def path(self):
        return self.folder / "b.mcpg.tar.zst"

    def run(self, *argv):
        self.capsys.readouterr()
        self.code = main(["bundle", *map(str, argv)], clock=lambda: AT)
        printed = self.capsys.readouterr()
        self.err = printed.err
        assert "Traceback" not in printed.err
        return printed.out

    def verify(self, *argv, key=True):
        signed = ("--verifier-key", self.folder / "verifier.pub") if key else ()
        out = self.run("verify", self.path, "--output", "json", "--single-verifier", *signed, *argv)
        self.report = json.loads(out)
        return self.code

    @property
    def reasons(self):
        found = []
        for one in self.report["reports"]:
            problem = one.get("error") or next((layer["problem"] for layer in one["layers"] if layer.get("problem")), None)
            found.append(None if problem is None else problem["reason"])
        return found

    @property
    def messages(self):
        return [(one.get("error") or {}).get("message") for one in self.report["reports"]]


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    return MemoryDestination(tmp_path, capsys)


def revoking(*hashes, at=AT):
    entries = [Revocation(hash=one, reason="withdrawn") for one in hashes]
    return render_revocation_list(entries, issued_at=at.isoformat().replace("+00:00", "Z"))


def test_the_enclosed_policy_counts_under_the_key_that_the_reader_gives(desk):
    make_bundle(desk.path, lists=(revoking(),))
    assert desk.verify() == 0, desk.report
    facts = desk.report["extra"]["bundle"]
    assert facts["policy"] == "enclosed"
    assert facts["revocationLists"][0]["ageDays"] == 0
    assert facts["summaries"][0]["levels"] == ["SLSA_BUILD_LEVEL_2"]


def test_without_a_key_and_without_a_policy_of_his_own_the_reader_is_asked_for_one(desk):
    make_bundle(desk.path)
    assert desk.verify(key=False) == 2
    assert desk.reasons == ["InvalidPolicy"]
    assert "--verifier-key" in desk.report["reports"][0]["error"]["expected"]


def test_a_bundle_without_summaries_has_no_policy_for_anybody_but_its_reader(desk):
    make_bundle(desk.path, signed=False)
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMissing"]
    assert desk.verify("--key", desk.folder / "release.pub", key=False) == 0
    assert "does not count" in desk.err


def test_a_policy_of_the_readers_own_needs_no_summary_and_the_enclosed_root_is_not_taken_for_it(desk):
    make_bundle(desk.path)
    keyless = (
        *("--key", desk.folder / "release.pub", "--certificate-identity-regexp", IDENTITY),
        *("--certificate-oidc-issuer", ISSUER),
    )
    assert desk.verify(*keyless, key=False) == 1, "judged by the public-good root, which knows none of it"
    assert desk.verify(*keyless, "--trust-root", desk.folder / "root.json", key=False) == 0
    assert desk.verify(*keyless) == 0, "the enclosed root counts under the verifier's key"


def test_the_readers_own_list_counts_beside_the_enclosed_one(desk):
    make_bundle(desk.path, lists=(revoking(),))
    own = desk.folder / "own.json"
    own.write_bytes(revoking(ArtifactHash.of(LIBRARY)))
    assert desk.verify("--revocations", own) == 1
    assert desk.reasons == ["ArtefactRevoked"]


def test_policy_flags_without_a_policy_are_refused_and_not_ignored(desk):
    make_bundle(desk.path)
    assert desk.verify("--plugin-id", "dev.other") == 2
    assert desk.verify("--rekor-lookup") == 2
    assert desk.reasons == ["InvalidPolicy"]


def test_a_reference_narrows_it_down(desk):
    make_bundle(desk.path, (NAME, plugin()[0]), (OTHER, plugin(library=build_elf(payload=b"other"))[0]))
    assert desk.verify() == 0
    assert len(desk.report["reports"]) == 2
    assert desk.verify(OTHER) == 0
    assert len(desk.report["reports"]) == 1
    assert desk.verify("ghcr.io/acme/nobody:1") == 3
    assert desk.reasons == ["NotFound"]


def test_an_index_is_judged_with_all_of_its_platforms(desk):
    make_bundle(desk.path, (NAME, plugin_index()[0]))
    assert desk.verify() == 0
    assert [one["target"] for one in desk.report["reports"]] == [
        f"{request().target} linux/amd64",
        f"{request().target} linux/arm64",
    ]


def test_ages_past_their_budget_make_a_bundle_unavailable_and_not_refused(desk):
    make_bundle(desk.path, lists=(revoking(at=AT - timedelta(days=9)),))
    assert desk.verify("--max-age", "revocations=10d") == 0
    [aged] = [one for one in desk.report["extra"]["freshness"] if one["kind"] == "revocations"]
    assert aged["state"] == "Stale"
    assert desk.verify("--max-age", "revocations=7d") == 3
    assert desk.reasons == ["RevocationListStale"]


def test_a_verification_past_its_budget_is_too_old_and_not_bad(desk):
    make_bundle(desk.path, at=AT - timedelta(days=9))
    assert desk.verify("--max-age", "verification=10d") == 0
    assert desk.verify("--max-age", "verification=7d") == 3
    assert desk.reasons == ["VerificationExpired"]
    assert desk.verify("--max-age", "verification=7d", "--key", desk.folder / "release.pub") == 3
    assert desk.verify("--max-age", "verification=7d", "--key", desk.folder / "release.pub", key=False) == 0
    make_bundle(desk.path, at=AT + timedelta(days=9))
    assert desk.verify("--max-age", "verification=10d") == 3, "a time that is still to come says nothing"


# -- what could be exchanged ------------------------------------------------------------------------------------------


def forged(desk, change=None, *, name="b.mcpg.tar.zst"):
    """The good bundle with two lists, changed and put together again with every digest right."""
    path = make_bundle(desk.path, lists=(revoking(ArtifactHash.of(b"something else")),))
    forgery = Forgery.of(path)
    if change is not None:
        change(forgery)
    return forgery.write(path)


def test_putting_a_bundle_together_again_unchanged_is_no_forgery(desk):
    before = make_bundle(desk.path, lists=(revoking(ArtifactHash.of(b"something else")),)).read_bytes()
    forged(desk)
    assert desk.path.read_bytes() == before
    assert desk.verify() == 0


def test_a_weakened_policy_is_refused(desk):
    forged(desk, lambda one: one.edit_terms(lambda terms: terms["plugins"][0]["policy"].pop("cosign")))
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMismatch"]


def test_another_publishers_key_in_the_policy_is_refused(desk):
    stranger = base64.b64encode(public_key(seed=bytes(32))).decode()
    forged(desk, lambda one: one.edit_terms(lambda terms: terms["plugins"][0]["policy"]["keys"][0].update(key=stranger)))
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMismatch"]


def test_a_replaced_root_is_refused_whether_or_not_the_terms_name_it(desk):
    from tests.support.virtual_sigstore import VirtualSigstore

    strange = VirtualSigstore(seed=b"a stranger").trusted_root()
    forged(desk, lambda one: one.enclose(ROOT_TYPE, strange))
    assert desk.verify() == 1
    assert desk.reasons == ["BundleFileInvalid"]

    def both(one):
        import hashlib

        one.enclose(ROOT_TYPE, strange)
        one.edit_terms(lambda terms: terms["trustRoots"][0].update(sha256=hashlib.sha256(strange).hexdigest()))

    forged(desk, both)
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMismatch"]


@pytest.mark.parametrize("exchanged", [(), (revoking(at=AT - timedelta(days=300)),)])
def test_a_list_that_is_missing_or_older_or_without_the_entry_is_refused(desk, exchanged):
    forged(desk, lambda one: one.enclose(LIST_TYPE, *exchanged))
    assert desk.verify() == 1
    assert desk.reasons == ["BundleFileInvalid"]

    def both(one):
        import hashlib

        one.enclose(LIST_TYPE, *exchanged)
        lists = [{"name": "list 0", "sha256": hashlib.sha256(data).hexdigest()} for data in exchanged]
        one.edit_terms(lambda terms: terms.update(revocationLists=lists))

    forged(desk, both)
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMismatch"]


def test_the_summary_of_another_bundle_is_refused(desk):
    other = make_bundle(desk.folder / "other.mcpg.tar.zst", asked=replace(request(), policy=policy(plugin_class=None)))
    summaries = Forgery.of(other).of_type(SUMMARY_TYPE)
    forged(desk, lambda one: one.enclose(SUMMARY_TYPE, *summaries))
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMismatch"]


def test_a_summary_over_other_digests_is_refused(desk):
    """Another release of the same name and policy, put in the place of the one that was verified."""
    release = build_elf(payload=b"another release")
    other = Forgery.of(make_bundle(desk.folder / "other.mcpg.tar.zst", (NAME, plugin(library=release)[0])))
    good = Forgery.of(make_bundle(desk.path))
    other.enclose(TERMS_TYPE, *good.of_type(TERMS_TYPE)).enclose(SUMMARY_TYPE, *good.of_type(SUMMARY_TYPE)).write(desk.path)
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMismatch", "SummaryMismatch"]
    assert desk.messages == ["the summary is over other digests", "the bundle lacks a plugin that its terms name"]


def test_a_summary_over_other_terms_beside_a_good_one_does_not_count(desk):
    both = ((NAME, plugin()[0]), (OTHER, plugin(library=build_elf(payload=b"other"))[0]))
    stricter = Forgery.of(
        make_bundle(desk.folder / "o", *both, asked=replace(request(), policy=policy(plugin_class=None)))
    ).of_type(SUMMARY_TYPE)
    good = Forgery.of(make_bundle(desk.path, *both))
    mixed = [one for one in good.of_type(SUMMARY_TYPE) if subject_of(one) == NAME]
    mixed += [one for one in stricter if subject_of(one) == OTHER]
    good.enclose(SUMMARY_TYPE, *mixed).write(desk.path)
    assert desk.verify() == 1
    assert desk.reasons == [None, "SummaryMismatch"]


def subject_of(summary):
    return json.loads(base64.b64decode(json.loads(summary)["payload"]))["predicate"]["resourceUri"].removeprefix("oci://")


def test_the_evidence_of_another_plugin_is_refused(desk):
    """Evidence taken away, and that of another release put there."""
    release = build_elf(payload=b"another release")
    other = Forgery.of(make_bundle(desk.folder / "other.mcpg.tar.zst", (OTHER, plugin(library=release)[0])))

    def exchange(one):
        plain = [entry for entry in one.index["manifests"] if not entry.get("annotations") and "artifactType" not in entry]
        one.index["manifests"] = [entry for entry in one.index["manifests"] if entry not in plain]
        one._swept()
        one.take_over(other, only="nothing")

    forged(desk, exchange)
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMismatch"]
    assert desk.messages == ["the summary is over other attestations"]
    own = ("--key", desk.folder / "release.pub", "--trust-root", desk.folder / "root.json")
    keyless = (
        "--certificate-identity-regexp",
        IDENTITY,
        "--certificate-oidc-issuer",
        ISSUER,
    )
    assert desk.verify(*own, *keyless, key=False) == 1
    assert desk.reasons == ["CosignSignatureMissing"]


def test_a_plugin_that_no_summary_covers_is_refused(desk):
    other = Forgery.of(
        make_bundle(desk.folder / "other.mcpg.tar.zst", (OTHER, plugin(library=build_elf(payload=b"x"))[0]), signed=False)
    )
    make_bundle(desk.path)
    Forgery.of(desk.path).take_over(other).write(desk.path)
    assert desk.verify() == 1
    assert desk.reasons == [None, "SummaryMissing"]
    assert desk.verify(NAME) == 0


def test_a_plugin_that_was_taken_out_is_missed(desk):
    make_bundle(desk.path, (NAME, plugin()[0]), (OTHER, plugin(library=build_elf(payload=b"other"))[0]))
    one = Forgery.of(desk.path)
    about = next(e for e in one.index["manifests"] if e.get("annotations", {}).get("dev.mcpg.bundle.plugin") == OTHER)
    one.index["manifests"].remove(about)
    kept = [
        e
        for e in one.index["manifests"]
        if json.loads(one.blobs[e["digest"][7:]]).get("subject", {}).get("digest") != about["digest"]
    ]
    one.index["manifests"] = kept
    one._swept().write(desk.path)
    assert desk.verify() == 1
    assert desk.messages == [None, "the bundle lacks a plugin that its terms name"]


def test_renaming_a_plugin_is_refused(desk):
    def rename(one):
        for entry in one.index["manifests"]:
            if "dev.mcpg.bundle.plugin" in entry.get("annotations", {}):
                entry["annotations"] = {"dev.mcpg.bundle.plugin": OTHER, "org.opencontainers.image.ref.name": OTHER}

    forged(desk, rename)
    assert desk.verify() == 1
    assert desk.reasons == ["SummaryMissing", "SummaryMismatch"]


def test_the_order_of_what_is_enclosed_changes_nothing(desk):
    forged(desk, lambda one: one.with_layers(one.enclosed["layers"][::-1]))
    assert desk.verify() == 0


def test_another_verifier_of_the_same_key_does_not_count(desk):
    make_bundle(desk.path)
    assert desk.verify("--verifier-id", "https://somebody.example") == 1
    assert desk.reasons == ["SummaryMismatch"]


def test_a_library_that_was_changed_is_refused_by_its_digest(desk):
    def change(one):
        [(name, data)] = one.packages.items()
        one.packages[name] = data[:-1] + b"?"

    forged(desk, change)
    assert desk.verify() == 1
    assert desk.reasons == ["BundleFileInvalid"]


def test_terms_that_nobody_can_read_are_refused(desk):
    forged(desk, lambda one: one.enclose(TERMS_TYPE))
    assert desk.verify() == 1
    assert desk.reasons == ["BundleFileInvalid"]
    forged(desk, lambda one: one.edit_terms(lambda terms: terms.update(extra=1)))
    assert desk.verify() == 1
    assert desk.reasons == ["BundleFileInvalid"]


def test_neither_network_nor_home_directory_nor_environment_is_used(desk, monkeypatch):
    import socket
    from pathlib import Path

    def forbidden(*_, **__):
        raise AssertionError("looked beyond the bundle")

    make_bundle(desk.path)
    for name in ("HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG", "USER", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(Path, "home", forbidden)
    monkeypatch.setattr("supplychain.tuf_root.fetch_trust_root", forbidden)
    assert desk.verify() == 0
    assert desk.verify("--key", desk.folder / "release.pub", key=False) == 0


def test_enclosed_lists_are_told_from_the_readers_own(desk):
    make_bundle(desk.path, lists=(revoking(),))
    own = desk.folder / "list 0"
    own.write_bytes(revoking())
    assert desk.verify("--revocations", own, "--max-age", "revocations=7d") == 0
    lists = desk.report["extra"]["bundle"]["revocationLists"]
    assert [one["name"] for one in lists] == ["list 0", "list 0 (enclosed)"]
    names = [one["name"] for one in desk.report["extra"]["freshness"] if one["kind"] == "revocations"]
    assert names == ["list 0", "list 0 (enclosed)"]


def test_a_changed_byte_is_a_refusal_of_the_target_and_no_wrong_request(desk):
    make_bundle(desk.path)
    data = bytearray(desk.path.read_bytes())
    data[len(data) // 2] ^= 1
    desk.path.write_bytes(data)
    out = desk.run("verify", desk.path, "--verifier-key", desk.folder / "verifier.pub")
    assert (desk.code, [line.split()[:2] for line in out.splitlines()[1:2]]) == (1, [["✗", "target"]])
    out = desk.run("verify", desk.path, "--verifier-key", desk.folder / "verifier.pub", "--output", "junit")
    assert ('name="target"' in out, "<failure" in out, "<error" in out) == (True, True, False)
    out = desk.run("verify", desk.path, "--verifier-key", desk.folder / "verifier.pub", "--output", "html")
    assert "The target: " in out
    assert "The request: " not in out


def test_a_plugin_that_is_named_twice_is_judged_once(desk):
    make_bundle(desk.path)
    digest = Forgery.of(desk.path).index["manifests"][1]["digest"]
    assert desk.verify(NAME, digest) == 0
    assert len(desk.report["reports"]) == 1


def test_a_platform_that_the_enclosed_policy_would_not_ask_for_is_not_ignored(desk):
    make_bundle(desk.path)
    assert desk.verify("--platform", "linux/arm64") == 2
    assert "--platform" in desk.messages[0]
