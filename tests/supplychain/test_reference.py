"""OCI references: every part is written, and nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.digest import ManifestDigest
from supplychain.errors import InvalidReferenceError
from supplychain.reference import OciReference

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("ghcr.io/acme/audit:1.2.3", "ghcr.io", "acme/audit", "1.2.3", None),
        (f"ghcr.io/acme/audit@sha256:{HEX}", "ghcr.io", "acme/audit", None, HEX),
        (f"ghcr.io/acme/audit:1.2.3@sha256:{HEX}", "ghcr.io", "acme/audit", "1.2.3", HEX),
        ("registry.example.com:5000/a:2", "registry.example.com:5000", "a", "2", None),
        ("localhost/a:1", "localhost", "a", "1", None),
        ("localhost:5000/a/b/c:1", "localhost:5000", "a/b/c", "1", None),
        ("[::1]:5000/a:1", "[::1]:5000", "a", "1", None),
        ("127.0.0.1/a:1", "127.0.0.1", "a", "1", None),
        ("my-host.example/a__b/c-d.e:latest", "my-host.example", "a__b/c-d.e", "latest", None),
    ],
)
def test_a_reference_is_taken_apart_and_printed_back(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    found = OciReference.parse(text)
    assert (found.registry, found.repository, found.tag) == (registry, repository, tag)
    assert found.digest == (None if digest is None else ManifestDigest(digest))
    assert str(found) == text
    assert found.name == f"{registry}/{repository}"


def test_host_and_digest_are_lower_cased() -> None:
    assert str(OciReference.parse(f"GHCR.io/a@sha256:{HEX.upper()}")) == f"ghcr.io/a@sha256:{HEX}"


def test_a_digest_is_looked_up_before_a_tag() -> None:
    assert OciReference.parse("ghcr.io/a:1").lookup == "1"
    assert OciReference.parse(f"ghcr.io/a:1@sha256:{HEX}").lookup == f"sha256:{HEX}"


def test_pinning_drops_the_tag() -> None:
    assert str(OciReference.parse("ghcr.io/a:1").pinned(ManifestDigest(HEX))) == f"ghcr.io/a@sha256:{HEX}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("https://ghcr.io/a:1", "no URL scheme"), ("oci://ghcr.io/a:1", "no URL scheme"),
        ("", "host is missing"), ("a:1", "host is missing"), ("a/b:1", "host is missing"), ("/a:1", "host is missing"),
        ("library/redis:7", "host is missing"), ("ghcr.io", "host is missing"),
        ("ghcr.io/a", "neither tag nor digest"), ("registry.example.com:5000/a", "neither tag nor digest"),
        ("ghcr.io/a:", "unusable tag"), ("ghcr.io/a:.1", "unusable tag"), ("ghcr.io/a:1/b", "unusable tag"),
        ("ghcr.io/a:" + "x" * 129, "unusable tag"), ("ghcr.io/a:1\n", "unusable tag"), ("ghcr.io/a:1+b", "unusable tag"),
        ("ghcr.io/a@", "unusable digest"), ("ghcr.io/a@sha256:abc", "unusable digest"), (f"ghcr.io/a@sha512:{HEX}", "unusable digest"),
        (f"ghcr.io/a@sha256:{HEX}\n", "unusable digest"), (f"ghcr.io/a@sha256:{HEX}@sha256:{HEX}", "unusable digest"),
        ("ghcr.io/A:1", "unusable repository"), ("ghcr.io//a:1", "unusable repository"), ("ghcr.io/a/:1", "unusable repository"),
        ("ghcr.io/a..b:1", "unusable repository"), ("ghcr.io/../a:1", "unusable repository"), ("ghcr.io/a b:1", "unusable repository"),
        ("ghcr.io/" + "a" * 256 + ":1", "unusable repository"),
        ("ghcr..io/a:1", "unusable registry"), ("-ghcr.io/a:1", "unusable registry"), ("ghcr.io:x/a:1", "unusable registry"),
        ("gh cr.io/a:1", "unusable registry"), ("user@ghcr.io/a:1", "unusable digest"), (".../a:1", "unusable registry"),
    ],
)  # fmt: skip
def test_what_is_no_full_reference_is_refused_by_its_part(text: str, what: str) -> None:
    with pytest.raises(InvalidReferenceError, match=what):
        OciReference.parse(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.:/@-_A1[] \nsha256", max_size=40))
def test_any_text_gives_our_error_or_a_reference_that_prints_back(text: str) -> None:
    try:
        found = OciReference.parse(text)
    except InvalidReferenceError:
        return
    assert OciReference.parse(str(found)) == found


@pytest.mark.parametrize("host", ["localhost:0", "localhost:65536", "registry.example:99999", "[::1]:70000"])
def test_a_port_that_no_network_has_is_refused(host: str) -> None:
    with pytest.raises(InvalidReferenceError, match="registry host"):
        OciReference.parse(f"{host}/a/b:1")


@pytest.mark.parametrize("host", ["localhost:1", "registry.example:65535", "[::1]:5000", "[::1]"])
def test_every_other_port_is_fine(host: str) -> None:
    assert OciReference.parse(f"{host}/a/b:1").registry == host


def test_the_longest_repository_is_one() -> None:
    assert OciReference.parse(f"ghcr.io/{'a' * 255}:1").repository == "a" * 255
