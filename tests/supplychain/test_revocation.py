"""Revocation lists: valid entries always count, and a list that cannot be read clears nobody."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.digest import ArtifactHash
from supplychain.errors import RevocationListInvalidError, RevocationListStaleError, RevokedError
from supplychain.revocation import (
    Outdated,
    Revocation,
    RevocationList,
    RevocationSet,
    from_spec,
    parse_revocation_list,
    render_revocation_list,
)
from tests.support.builders import VECTOR_HASH

HASH = ArtifactHash(VECTOR_HASH)
OTHER = ArtifactHash("ab" * 32)
ENTRY = {"artifact_sha256": VECTOR_HASH, "reason": "test"}
VECTOR = "7664331359630c154618e09024aed5917c337ef93afe81e4d425c467dc26bc4f"


def read(document: Any) -> RevocationList:
    return parse_revocation_list(json.dumps(document).encode(), name="list.json")


def with_entries(*entries: Any) -> RevocationList:
    return read({"version": 1, "revocations": list(entries)})


def test_a_misspelt_field_of_the_resource_does_not_pass_for_an_empty_list() -> None:
    found = from_spec({"version": 1, "revocation": [{"artifactSha256": VECTOR_HASH, "reason": "x"}]}, name="cluster-default")
    assert found.problems == ("unknown field `revocation`",)
    with pytest.raises(RevocationListInvalidError):
        RevocationSet((found,)).check(HASH)


def test_an_unknown_field_of_an_entry_of_the_resource_is_a_problem_and_the_entry_counts() -> None:
    entry = {"artifactSha256": VECTOR_HASH, "reason": "x", "revoked": "2026"}
    found = from_spec({"version": 1, "revocations": [entry]}, name="cluster-default")
    assert found.problems == ("unknown field `revocations[0].revoked`",)
    assert VECTOR_HASH in found.entries


def test_an_unknown_field_of_the_file_is_a_warning_because_the_gateway_ignores_it() -> None:
    found = read({"version": 1, "revocation": [], "revocations": [{**ENTRY, "note": "x"}]})
    assert found.problems == ()
    assert found.warnings == ("unknown field `revocation`",)


def test_warnings_about_unknown_fields_are_bounded() -> None:
    assert 0 < len(read({"version": 1, "revocations": [], **{str(number): 1 for number in range(1000)}}).warnings) < 20


def test_a_file_in_which_another_field_may_be_meant_to_be_the_list_proves_nothing() -> None:
    assert read({"version": 1, "revocation": [ENTRY]}).problems == ("unknown field `revocation`",)
    assert read({"version": 1}).problems == ()


def test_a_good_list_is_read() -> None:
    data = json.dumps({"version": 1, "issued_at": "2026-01-02T03:04:05Z", "revocations": [ENTRY], "extra": 1}).encode()
    found = parse_revocation_list(data, name="list.json")
    assert found.entries == {VECTOR_HASH: Revocation(hash=HASH, reason="test")}
    assert (found.name, found.problems, found.warnings) == ("list.json", (), ("unknown field `extra`",))
    assert found.issued_at == "2026-01-02T03:04:05Z"
    assert found.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("document", [{"version": 1}, {"version": 1, "revocations": []}])
def test_an_empty_list_is_valid_and_clears(document: Any) -> None:
    RevocationSet((read(document),)).check(HASH)


@pytest.mark.parametrize("text", [VECTOR_HASH.upper(), f" {VECTOR_HASH}\n"])
def test_a_hash_is_trimmed_and_lower_cased(text: str) -> None:
    assert set(with_entries({**ENTRY, "artifact_sha256": text}).entries) == {VECTOR_HASH}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "no usable JSON", id="empty-file"),
        pytest.param(b"{", "no usable JSON", id="cut-off"),
        pytest.param(b'{"version": 1, "version": 1}', "same key twice", id="duplicate-key"),
        pytest.param(b"[" * 500 + b"]" * 500, "nested deeper", id="depth"),
        pytest.param(b"[]", "not a mapping", id="a-list"),
        pytest.param(b"null", "not a mapping", id="null"),
        pytest.param(b"{}", "`version` is not 1", id="no-version"),
        pytest.param(b'{"version": 2}', "`version` is not 1", id="version-2"),
        pytest.param(b'{"version": 1.0}', "`version` is not 1", id="version-fraction"),
        pytest.param(b'{"version": "1"}', "`version` is not 1", id="version-text"),
        pytest.param(b'{"version": true}', "`version` is not 1", id="version-boolean"),
        pytest.param(b'{"version": 1, "revocations": null}', "`revocations` is not a list", id="null-list"),
        pytest.param(b'{"version": 1, "revocations": {}}', "`revocations` is not a list", id="mapping-as-list"),
    ],
)
def test_an_unusable_list_clears_nobody(data: bytes, problem: str) -> None:
    found = parse_revocation_list(data, name="list.json")
    assert problem in found.problems[0]
    with pytest.raises(RevocationListInvalidError) as caught:
        RevocationSet((found,)).check(HASH)
    assert problem in str(caught.value.got)
    assert caught.value.where == "`list.json`"


def test_a_list_over_its_limit_clears_nobody() -> None:
    assert "longer than" in parse_revocation_list(b'{"version": 1}', name="x", limit=5).problems[0]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param("text", "`revocations[1]` is not a mapping", id="text"),
        pytest.param({"reason": "x"}, "`revocations[1]` has no usable `artifact_sha256`", id="no-hash"),
        pytest.param({"artifact_sha256": 1, "reason": "x"}, "has no usable `artifact_sha256`", id="number"),
        pytest.param({"artifact_sha256": "ab" * 31, "reason": "x"}, "has no usable `artifact_sha256`", id="short"),
        pytest.param({"artifact_sha256": "zz" * 32, "reason": "x"}, "has no usable `artifact_sha256`", id="no-hex"),
        pytest.param({"artifact_sha256": "sha256:" + "ab" * 32, "reason": "x"}, "has no usable `artifact_sha256`", id="prefixed"),
        pytest.param(
            {**ENTRY, "artifact_sha256": VECTOR_HASH.upper()}, "`revocations[1]` repeats an earlier hash", id="repeated"
        ),
        pytest.param({"artifact_sha256": "cd" * 32}, "`revocations[1]` has no usable `reason`", id="no-reason"),
        pytest.param({"artifact_sha256": "cd" * 32, "reason": " \t"}, "has no usable `reason`", id="blank-reason"),
        pytest.param({"artifact_sha256": "cd" * 32, "reason": 5}, "has no usable `reason`", id="reason-number"),
    ],
)
def test_a_bad_entry_is_a_problem_and_the_valid_ones_still_count(entry: Any, problem: str) -> None:
    found = with_entries(ENTRY, entry)
    assert problem in found.problems[0]
    lists = RevocationSet((found,))
    with pytest.raises(RevokedError):
        lists.check(HASH)
    with pytest.raises(RevocationListInvalidError):
        lists.check(OTHER)


def test_entries_of_a_list_of_another_version_still_count() -> None:
    with pytest.raises(RevokedError):
        RevocationSet((read({"version": 9, "revocations": [ENTRY]}),)).check(HASH)


def test_an_entry_whose_reason_cannot_be_read_still_revokes() -> None:
    with pytest.raises(RevokedError, match="no reason given"):
        RevocationSet((with_entries({"artifact_sha256": VECTOR_HASH}),)).check(HASH)


def test_many_problems_are_counted() -> None:
    with pytest.raises(RevocationListInvalidError) as caught:
        RevocationSet((with_entries(*range(10)),)).check(HASH)
    assert "`revocations[2]`" in str(caught.value.got)
    assert str(caught.value.got).endswith("; and 7 more")


def test_a_revoked_artifact_is_refused_with_hash_reason_time_and_list() -> None:
    found = with_entries({**ENTRY, "reason": "key \x1b[31mstolen", "revoked_at": "2026-01-02T03:04:05+02:00"})
    with pytest.raises(RevokedError) as caught:
        RevocationSet((with_entries(), found)).check(HASH)
    text = str(caught.value)
    assert VECTOR_HASH in text
    assert "key \\x1b[31mstolen" in text
    assert "2026-01-02T01:04:05Z" in text
    assert "`list.json`" in text


def test_a_hit_in_any_list_comes_before_a_problem_in_another() -> None:
    with pytest.raises(RevokedError):
        RevocationSet((parse_revocation_list(b"", name="broken"), with_entries(ENTRY))).check(HASH)


def test_no_list_takes_away_what_another_says() -> None:
    lists = RevocationSet((with_entries(ENTRY), with_entries({**ENTRY, "artifact_sha256": OTHER.hex})))
    for artifact_hash in (HASH, OTHER):
        with pytest.raises(RevokedError):
            lists.check(artifact_hash)
    lists.check(ArtifactHash("cd" * 32))


def test_find_names_list_and_entry() -> None:
    found = with_entries(ENTRY)
    assert RevocationSet((found,)).find(HASH) == (found, found.entries[VECTOR_HASH])
    assert RevocationSet((found,)).find(OTHER) is None


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.5-01:30", "2026-01-02T04:34:05.500000Z"),
    ],
)
def test_times_are_brought_to_utc(text: str, utc: str) -> None:
    found = with_entries({**ENTRY, "revoked_at": text})
    assert found.entries[VECTOR_HASH].revoked_at == utc


@pytest.mark.parametrize(
    "value", ["yesterday", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "0001-01-01T00:00:00+14:00", 5, [], ""]
)
def test_an_unusable_time_is_a_warning_and_decides_nothing(value: Any) -> None:
    found = read({"version": 1, "issued_at": value, "revocations": [{**ENTRY, "revoked_at": value}]})
    assert found.problems == ()
    assert found.warnings == ("`issued_at` is no RFC 3339 time", "`revocations[0].revoked_at` is no RFC 3339 time")
    assert (found.issued_at, found.entries[VECTOR_HASH].revoked_at) == (None, None)


def test_a_null_time_is_an_absent_one() -> None:
    assert read({"version": 1, "issued_at": None, "revocations": [{**ENTRY, "revoked_at": None}]}).warnings == ()


def test_the_resource_form_is_read_by_its_own_names() -> None:
    spec = {
        "version": 1,
        "issuedAt": "2026-01-02T03:04:05Z",
        "revocations": [{"artifactSha256": VECTOR_HASH.upper(), "reason": "test", "revokedAt": "2026-01-02T03:04:05Z"}],
    }
    found = from_spec(spec, name="cluster-default")
    assert found.entries[VECTOR_HASH].revoked_at == found.issued_at == "2026-01-02T03:04:05Z"
    assert found.problems == ()
    assert found.sha256 == hashlib.sha256(found.render()).hexdigest()


def test_the_version_of_a_resource_defaults_to_1() -> None:
    assert from_spec({"revocations": []}, name="x").problems == ()
    assert from_spec({"version": 2}, name="x").problems == ("`version` is not 1",)


def test_the_names_of_the_file_form_are_no_names_of_the_resource_form() -> None:
    assert from_spec({"revocations": [ENTRY]}, name="x").problems == ("`revocations[0]` has no usable `artifactSha256`",)


def test_a_time_that_a_yaml_reader_already_converted_is_taken() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    assert from_spec({"issuedAt": at}, name="x").issued_at == "2026-01-02T02:04:05Z"
    assert from_spec({"issuedAt": datetime(2026, 1, 2)}, name="x").warnings  # noqa: DTZ001 — what a YAML reader makes of a bare date
    assert from_spec({"issuedAt": at.astimezone(UTC)}, name="x").issued_at == "2026-01-02T02:04:05Z"


def test_a_reason_that_cannot_be_written_is_a_problem_and_still_revokes() -> None:
    found = from_spec({"revocations": [{"artifactSha256": VECTOR_HASH, "reason": "\ud800"}]}, name="x")
    assert found.problems == ("`revocations[0]` has no usable `reason`",)
    assert b"no reason given" in found.render()


def test_the_canonical_rendering_has_its_published_hash() -> None:
    rendered = render_revocation_list([Revocation(hash=HASH, reason="test")])
    assert hashlib.sha256(rendered).hexdigest() == VECTOR
    assert with_entries(ENTRY).render() == rendered
    assert from_spec({"revocations": [{"artifactSha256": VECTOR_HASH, "reason": "test"}]}, name="x").sha256 == VECTOR


def test_the_rendering_keeps_order_text_and_times() -> None:
    first = Revocation(hash=OTHER, reason="schlüssel gestohlen", revoked_at="2026-01-02T03:04:05Z")
    rendered = render_revocation_list([first, Revocation(hash=HASH, reason="b")], issued_at="2026-01-03T00:00:00Z")
    assert "schlüssel gestohlen" in rendered.decode()
    assert not rendered.endswith(b"\n")
    found = parse_revocation_list(rendered, name="x")
    assert list(found.entries.values()) == [first, Revocation(hash=HASH, reason="b")]
    assert found.render() == rendered


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([VECTOR_HASH, "test", 1]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["version", "revocations", "artifactSha256", "reason", "revokedAt", "issuedAt"]), inner
            )
        ),
        max_leaves=10,
    )
)
def test_no_document_is_ever_too_strange(document: Any) -> None:
    if not isinstance(document, dict):
        document = {"revocations": document}
    found = from_spec(document, name="x")
    assert found.problems or len(found.entries) == len(document.get("revocations", []))
    found.render()


def test_a_later_list_that_cannot_be_read_clears_nobody() -> None:
    unreadable = read({"version": 2, "revocations": []})
    with pytest.raises(RevocationListInvalidError, match="cannot be read in full"):
        RevocationSet((with_entries(), unreadable)).check(HASH)


def test_a_refusal_says_since_when_only_where_the_list_does() -> None:
    with pytest.raises(RevokedError) as caught:
        RevocationSet((with_entries(ENTRY),)).check(HASH)
    assert caught.value.what == f"artifact `{HASH}` is revoked: test"
    with pytest.raises(RevokedError, match=r"is revoked since 2026-01-02T03:04:05Z: test"):
        RevocationSet((with_entries({**ENTRY, "revoked_at": "2026-01-02T03:04:05Z"}),)).check(HASH)


@pytest.mark.parametrize(
    ("count", "got"),
    [
        (3, "`revocations[0]` is not a mapping; `revocations[1]` is not a mapping; `revocations[2]` is not a mapping"),
        (
            4,
            "`revocations[0]` is not a mapping; `revocations[1]` is not a mapping; `revocations[2]` is not a mapping; and 1 more",
        ),
    ],
)
def test_a_refusal_shows_the_first_problems_and_counts_the_others(count: int, got: str) -> None:
    with pytest.raises(RevocationListInvalidError) as caught:
        RevocationSet((with_entries(*[1] * count),)).check(HASH)
    assert caught.value.got == got


def test_a_file_that_is_no_json_keeps_its_name_and_its_hash() -> None:
    found = parse_revocation_list(b"{", name="list.json")
    assert (found.name, found.sha256) == ("list.json", hashlib.sha256(b"{").hexdigest())


def test_the_resource_keeps_its_name_and_its_times() -> None:
    spec = {"issuedAt": "2026-01-02T03:04:05Z", "revocations": [{"artifactSha256": VECTOR_HASH, "reason": "x"}]}
    found = from_spec(spec, name="cluster-default")
    assert found.name == "cluster-default"
    assert json.loads(found.render())["issued_at"] == "2026-01-02T03:04:05Z"
    assert found.sha256 == hashlib.sha256(found.render()).hexdigest()


def test_an_unknown_field_beside_the_entries_of_the_resource_is_a_problem() -> None:
    assert from_spec({"revocations": [], "note": 1}, name="cluster-default").problems == ("unknown field `note`",)


def test_what_is_no_list_says_so() -> None:
    assert read([]).problems == ("not a mapping",)
    assert read({"version": 1, "revocations": {}}).problems == ("`revocations` is not a list",)


@pytest.mark.parametrize("reason", ["a\ud800b", "a\udfff", "\udbff\ud800"])
def test_a_reason_with_a_lone_surrogate_anywhere_is_a_problem(reason: str) -> None:
    spec = {"revocations": [{"artifactSha256": VECTOR_HASH, "reason": reason}]}
    found = from_spec(spec, name="cluster-default")
    assert found.problems == ("`revocations[0]` has no usable `reason`",)
    assert VECTOR_HASH in found.entries


def test_one_list_that_is_too_old_clears_nothing_and_still_revokes():
    fresh = parse_revocation_list(b'{"version": 1, "revocations": []}', name="fresh")
    entry = {"artifact_sha256": "a" * 64, "reason": "stolen key"}
    old = replace(
        parse_revocation_list(json.dumps({"version": 1, "revocations": [entry]}).encode(), name="old"),
        outdated=Outdated(expected="issued within 7 days", got="issued 9 days ago"),
    )
    lists = RevocationSet((fresh, old))
    with pytest.raises(RevocationListStaleError, match="expected issued within 7 days, got issued 9 days ago, in `old`"):
        lists.check(ArtifactHash("b" * 64))
    with pytest.raises(RevokedError):
        lists.check(ArtifactHash("a" * 64))
    RevocationSet((fresh,)).check(ArtifactHash("b" * 64))
