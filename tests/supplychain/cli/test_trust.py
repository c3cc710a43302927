"""Which trust roots the flags mean, how old they are said to be, and how the command shows and refreshes them."""

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import jsonschema
import pytest

from supplychain.cli.main import build_parser
from supplychain.cli.trust import TrustRootChoice
from supplychain.errors import InvalidTrustRootError, TrustRootUnavailableError, UnreadableFileError
from supplychain.output.schema import report_schema
from supplychain.trust_root import EMBEDDED_AS_OF, embedded, parse_trust_root
from supplychain.tuf_root import OnlineRoot
from tests.supplychain.cli.conftest import IDENTITY, ISSUER
from tests.support.scenario import AT, SIGSTORE
from tests.support.virtual_sigstore import VirtualSigstore

LATER = datetime.combine(EMBEDDED_AS_OF, datetime.min.time(), UTC) + timedelta(days=91)
OTHER = VirtualSigstore(seed=b"another instance")


def choose(*flags, at=AT, limit=1 << 20):
    return TrustRootChoice(build_parser("verify").parse_args(["verify", "x", *map(str, flags)]), limit=limit, at=at)


def online(**changes):
    as_of = date(2026, 11, 20)
    root = replace(embedded(), name="https://tuf.example", as_of=as_of)
    return replace(OnlineRoot(root=root, current=True, expires=LATER), **changes)


@pytest.fixture
def fetched(monkeypatch):
    """Answers in place of the repository; a list, whose last item counts."""
    answers = [online()]

    def fetch():
        if isinstance(answers[-1], Exception):
            raise answers[-1]
        return answers[-1]

    monkeypatch.setattr("supplychain.tuf_root.fetch_trust_root", fetch)
    return answers


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "root.json").write_bytes(SIGSTORE.trusted_root())
    (tmp_path / "other.json").write_bytes(OTHER.trusted_root())
    lines = [json.dumps(json.loads(one.trusted_root())) for one in (SIGSTORE, OTHER)]
    (tmp_path / "both.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def names(choice):
    return [root.name for root in choice().each]


# -- which roots -------------------------------------------------------------------------------------------------------


def test_roots_are_loaded_once_and_only_when_asked_for():
    choice = choose("--offline", at=LATER)
    assert (choice.facts(), choice.warnings(), choice.loaded) == ((), (), ())
    roots = choice()
    assert choice() is roots
    assert roots.each == (embedded(),)
    [facts] = cast("Any", choice.facts())
    assert (facts["source"], facts["sha256"]) == ("embedded", embedded().sha256)
    assert (facts["asOf"], facts["ageDays"], facts["expires"]) == (EMBEDDED_AS_OF.isoformat(), 91, None)


def test_an_unreadable_root_is_an_error(files):
    with pytest.raises(UnreadableFileError):
        choose("--trust-root", "/nonexistent")()
    with pytest.raises(UnreadableFileError, match="too large"):
        choose("--trust-root", "root.json", limit=10)()


def test_several_files_are_several_roots_by_name(files):
    assert names(choose("--trust-root", "root.json", "--trust-root", "corp=other.json")) == ["root.json", "corp"]
    assert names(choose("--trust-root", "github=both.jsonl")) == ["github:1", "github:2"]
    assert names(choose("--trust-root", str(files / "root.json"), "--offline")) == [str(files / "root.json")]


def test_a_path_with_an_equals_sign_is_a_path_where_no_name_can_stand_before_it(files):
    (files / "a=b.json").write_bytes(SIGSTORE.trusted_root())
    assert names(choose("--trust-root", "./a=b.json")) == ["./a=b.json"]
    assert names(choose("--trust-root", "x=a=b.json")) == ["x"]
    with pytest.raises(UnreadableFileError, match=r"`b\.json`"):
        choose("--trust-root", "a=b.json")()
    for empty in ("a=", "=root.json"):
        with pytest.raises(UnreadableFileError):
            choose("--trust-root", empty)()


def test_two_roots_of_one_name_are_a_wrong_request(files):
    with pytest.raises(InvalidTrustRootError, match="same name"):
        choose("--trust-root", "a=root.json", "--trust-root", "a=other.json")()


def test_the_public_good_root_stands_beside_files_when_it_is_named(files, fetched):
    beside = ("--trust-root", "corp=root.json", "--trust-root", "public-good")
    assert names(choose(*beside, "--offline")) == ["corp", embedded().name]
    assert names(choose(*beside)) == ["corp", "https://tuf.example"]
    fetched.append(TrustRootUnavailableError("must not be asked"))
    assert names(choose(*beside[:2])) == ["corp"]
    with pytest.raises(TrustRootUnavailableError):
        choose(*beside)()


# -- how they were had, and how old they are ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "source", "warned"),
    [
        ({}, "online", ()),
        (
            {"current": False, "problem": "no network"},
            "cache",
            ("the trust root comes from the cache, because it was not confirmed: no network",),
        ),
        (
            {"current": False},
            "cache",
            ("the trust root comes from the cache, because it was not confirmed: no reason given",),
        ),
        ({"cache_problem": "others may write"}, "online", ("the cache of the trust root is not used: others may write",)),
    ],
)
def test_without_a_flag_the_online_root_is_asked_and_says_how_it_was_had(fetched, answer, source, warned):
    fetched.append(online(**answer))
    choice = choose(at=LATER - timedelta(days=60))
    assert names(choice) == ["https://tuf.example"]
    [facts] = cast("Any", choice.facts())
    assert (facts["source"], facts["warnings"], choice.warnings()) == (source, warned, warned)
    assert facts["expires"] == LATER.isoformat().replace("+00:00", "Z")


def test_an_old_root_is_a_warning_with_the_number():
    young, old = choose("--offline", at=LATER - timedelta(days=1)), choose("--offline", at=LATER)
    young(), old()
    assert young.warnings() == ()
    [warning] = old.warnings()
    assert f"`{embedded().name}` is 91 days old, more than 90" in warning


def test_an_old_cache_is_warned_of_alike(fetched):
    fetched.append(online(current=False, problem="x"))
    choice = choose(at=LATER)
    choice()
    assert [warning.startswith("the trust root `https://tuf.example` is 92 days old") for warning in choice.warnings()] == [
        False,
        True,
    ]


def test_a_limit_of_age_takes_the_place_of_the_warning():
    choice = choose("--offline", "--max-trust-root-age", 91, at=LATER)
    choice()
    assert choice.warnings() == ()
    refused = choose("--offline", "--max-trust-root-age", 90, at=LATER)
    for _ in range(2):
        with pytest.raises(TrustRootUnavailableError) as caught:
            refused()
    assert caught.value.expected == "at most 90d old"
    assert refused.facts() == ()


def test_the_age_of_a_file_is_told_only_to_who_sets_a_limit(files):
    """Otherwise a fresh copy of equal files would give another report."""
    written = (AT - timedelta(days=30)).timestamp()
    os.utime(files / "root.json", (written, written))
    free = choose("--trust-root", "root.json")
    free()
    assert cast("Any", free.facts())[0]["ageDays"] is None
    bound = choose("--trust-root", "root.json", "--max-trust-root-age", 30)
    bound()
    assert cast("Any", bound.facts())[0]["ageDays"] == 30
    with pytest.raises(TrustRootUnavailableError, match="at most 29d old, got as of 2025-06-01, good until 2025-07-01T00:00:00Z"):
        choose("--trust-root", "root.json", "--max-trust-root-age", 29)()


def test_every_root_must_be_young_enough(files):
    os.utime(files / "other.json", (0, 0))
    with pytest.raises(TrustRootUnavailableError, match=r"`other\.json`"):
        choose("--trust-root", "public-good", "--offline", "--trust-root", "other.json", "--max-trust-root-age", 500, at=LATER)()


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "", "100000", "٣"])
def test_a_limit_of_age_is_a_number_of_days(run, text):
    assert run("verify", "x.zip", f"--max-trust-root-age={text}").code == 2


def test_a_root_of_which_a_kind_has_ended_says_so(files):
    end = AT - timedelta(days=1)
    (files / "ended.json").write_bytes(SIGSTORE.trusted_root(rekor_window=(datetime(2024, 1, 1, tzinfo=UTC), end)))
    choice = choose("--trust-root", "old=ended.json")
    choice()
    assert choice.warnings() == (
        f"trust root `old`: none of its transparency logs is in force; the last one ended on {end.date().isoformat()}",
    )


# -- in the reports ----------------------------------------------------------------------------------------------------


def keyless(workshop, *roots):
    flags = [word for word in workshop.keyless if word not in ("--trust-root", workshop.folder / "root.json")]
    return (*flags, *(word for root in roots for word in ("--trust-root", root)))


def test_a_verdict_by_several_roots_names_all_and_the_one_that_counted(run, workshop):
    (workshop.folder / "other.json").write_bytes(OTHER.trusted_root())
    roots = keyless(workshop, "other=other.json", "mine=root.json")
    found = run("verify", workshop.layout, "--key", workshop.key, *roots, "--output", "json")
    assert found.code == 0
    assert [root["name"] for root in found.report["inputs"]["trustRoots"]] == ["other", "mine"]
    assert {found.layer(name)["facts"]["trustRoot"]["name"] for name in ("cosign", "slsa")} == {"mine"}
    jsonschema.validate(found.json, report_schema())
    text = run("verify", workshop.layout, "--key", workshop.key, *roots).out
    assert "trust root `other`" in text
    assert "trust root `mine`" in text


def test_a_refusal_by_several_roots_tells_what_each_said(run, workshop):
    for name in ("other", "third"):
        (workshop.folder / f"{name}.json").write_bytes(VirtualSigstore(seed=name.encode()).trusted_root())
    roots = keyless(workshop, "other=other.json", "third=third.json")
    found = run("verify", workshop.layout, "--key", workshop.key, *roots, "--output", "json")
    assert found.code == 1
    problem = found.layer("cosign")["problem"]
    assert "by trust root `other`; by `third`: " in problem["message"]


def test_one_layer_alone_says_its_roots_whether_it_passes_or_not(run, workshop):
    cosign = ("--certificate-identity-regexp", IDENTITY, "--certificate-oidc-issuer", ISSUER, "--single-verifier")
    for root, code in (("root.json", 0), ("other.json", 1)):
        (workshop.folder / "other.json").write_bytes(OTHER.trusted_root())
        found = run("check", "cosign", workshop.layout, *cosign, "--trust-root", root, "--output", "json")
        assert found.code == code
        assert [one["name"] for one in found.report["inputs"]["trustRoots"]] == [root]
        jsonschema.validate(found.json, report_schema())


def test_warnings_about_the_root_go_to_standard_error_and_into_the_document(run, workshop):
    ended = SIGSTORE.trusted_root(ct_window=(datetime(2024, 1, 1, tzinfo=UTC), AT - timedelta(days=1)))
    (workshop.folder / "ended.json").write_bytes(ended)
    cosign = ("--certificate-identity-regexp", IDENTITY, "--certificate-oidc-issuer", ISSUER, "--single-verifier")
    for command in (
        ("check", "cosign", workshop.layout, *cosign),
        ("verify", workshop.layout, "--key", workshop.key, *cosign),
    ):
        found = run(*command, "--trust-root", "ended.json", "--output", "json")
        assert "note: trust root `ended.json`: none of its certificate transparency logs" in found.err
        [root] = found.report["inputs"]["trustRoots"]
        assert len(root["warnings"]) == 1
        assert run(*command, "--trust-root", "ended.json", "--quiet").err == ""


def test_a_root_that_is_too_old_is_not_evaluated_and_never_refused(run, workshop):
    os.utime(workshop.folder / "root.json", (0, 0))
    found = run(
        "verify", workshop.layout, "--key", workshop.key, *workshop.keyless, "--max-trust-root-age", 9, "--output", "json"
    )
    assert found.code == 3
    assert found.layer("cosign")["problem"]["reason"] == "TrustRootUnavailable"
    found = run("verify", workshop.layout, "--key", workshop.key, "--max-trust-root-age", 9)
    assert found.code == 0  # no layer asks for a root


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_roots_in_use_are_shown_with_every_key_and_its_window(run, files):
    found = run("trust-root", "show", "--offline", "--trust-root", "public-good", "--trust-root", "corp=root.json")
    assert found.code == 0
    assert found.out.startswith("at 20")
    assert "cache " + str(files) in found.out
    for text in (embedded().sha256, "state ended, name https://fulcio.sigstore.dev", "log2025-1.rekor.sigstore.dev", "corp\n"):
        assert text in found.out


def test_the_roots_in_use_are_shown_as_json(run, files):
    found = run("trust-root", "show", "--trust-root", "corp=root.json", "--output", "json")
    assert found.code == 0
    assert (found.json["schema"], found.json["roots"][0]["name"]) == ("mcpg.dev/supplychain-trust-root/v1", "corp")
    [root] = found.json["roots"]
    parsed = parse_trust_root(SIGSTORE.trusted_root(), name="x")
    assert root["sha256"] == parsed.sha256
    assert [log["keySha256"] for log in root["logs"]] == [log.key.fingerprint.hex() for log in parsed.logs]
    assert {log["state"] for log in root["logs"]} == {"in force"}
    assert root["timestampAuthorities"][0]["end"] is None
    assert found.out == run("trust-root", "show", "--trust-root", "corp=root.json", "--output", "json").out


def test_what_is_not_yet_in_force_is_shown_as_such(run, files):
    (files / "new.json").write_bytes(SIGSTORE.trusted_root(tsa_window=(AT + timedelta(days=1), None)))
    found = run("trust-root", "show", "--trust-root", "new.json")
    assert "state not yet, name https://tsa" in found.out
    assert "none of its timestamp authorities is in force yet" in found.out


def test_what_cannot_be_shown_has_the_codes_of_every_command(run, files, fetched):
    (files / "bad.json").write_text("{}")
    bad = run("trust-root", "show", "--trust-root", "bad.json")
    assert (bad.code, "InvalidTrustRoot" in bad.err, bad.out) == (2, True, "")
    fetched.append(TrustRootUnavailableError("no network"))
    away = run("trust-root", "show")
    assert (away.code, "TrustRootUnavailable" in away.err, away.out) == (3, True, "")
    assert run("trust-root").code == 2


def test_a_user_without_home_is_shown_no_cache(run, files, monkeypatch):
    def nowhere():
        raise RuntimeError("no home")

    monkeypatch.setattr("pathlib.Path.home", nowhere)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert ", cache none\n" in run("trust-root", "show", "--offline").out
    assert run("trust-root", "show", "--offline", "--output", "json").json["cache"] is None


def test_an_update_writes_the_confirmed_root_to_carry_elsewhere(run, files, fetched):
    found = run("trust-root", "update", "--out", "fresh.json", "--output", "json")
    assert found.code == 0
    assert (files / "fresh.json").read_bytes() == embedded().document
    assert (found.json["roots"][0]["source"], found.json["roots"][0]["sha256"]) == ("online", embedded().sha256)
    assert names(choose("--trust-root", "fresh.json")) == ["fresh.json"]
    assert run("trust-root", "update").code == 0


@pytest.mark.parametrize(
    ("answer", "flags", "expected"),
    [
        ({"current": False, "problem": "no network"}, ("--out", "fresh.json"), (3, "TrustRootUnavailable")),
        ({"current": False, "problem": "no network"}, (), (3, "TrustRootUnavailable")),
        ({}, ("--out", "missing/fresh.json"), (2, "OutputFailed")),
        ({"cache_problem": "others may write"}, (), (2, "OutputFailed")),
    ],
)
def test_an_update_that_confirms_or_keeps_nothing_fails(run, fetched, answer, flags, expected):
    fetched.append(online(**answer))
    found = run("trust-root", "update", *flags)
    assert (found.code, found.err.split()[1].rstrip(":"), found.out) == (*expected, "")
    assert not os.path.exists("fresh.json")  # noqa: PTH110 — `run` works in a folder of its own


def test_an_update_into_a_file_needs_no_cache(run, files, fetched):
    fetched.append(online(cache_problem="others may write"))
    assert run("trust-root", "update", "--out", "fresh.json").code == 0
    assert (files / "fresh.json").is_file()
