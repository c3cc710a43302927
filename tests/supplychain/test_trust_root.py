"""A trust root is read as a whole or refused as a whole."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.errors import InvalidTrustRootError
from supplychain.trust_root import (
    EMBEDDED_AS_OF,
    EMBEDDED_NAME,
    MEDIA_TYPES,
    TrustRoots,
    Window,
    embedded,
    parse_trust_root,
    parse_trust_roots,
)
from tests.support.sigstore.keys import Seed, spki
from tests.support.sigstore.transparency import b64
from tests.support.virtual_sigstore import VirtualSigstore

if TYPE_CHECKING:
    from collections.abc import Callable

SIGSTORE = VirtualSigstore()
AT = datetime(2025, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def parse(edit: Any = None) -> Any:
    return parse_trust_root(SIGSTORE.trusted_root(edit=edit), name="given")


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    *keys, last, new = path

    def edit(value: Any) -> None:
        for key in keys:
            value = value[key]
        if new is None:
            del value[last]
        else:
            value[last] = new

    return edit


def test_the_embedded_root_is_the_public_good_one_and_says_its_day() -> None:
    root = embedded()
    assert root.as_of == EMBEDDED_AS_OF
    assert [log.name for log in root.logs] == ["rekor.sigstore.dev", "log2025-1.rekor.sigstore.dev"]
    assert [log.is_v2 for log in root.logs] == [False, True]
    assert root.sha256 == hashlib.sha256(root.document).hexdigest()
    assert root is embedded()


def test_a_root_says_its_name_and_fingerprint() -> None:
    root = parse()
    assert (root.name, root.as_of) == ("given", None)
    assert root.sha256 == hashlib.sha256(root.document).hexdigest()
    assert root.authorities[0].name == "https://fulcio.sigstore.example"


def test_the_other_media_type_is_read() -> None:
    parse(put("mediaType", MEDIA_TYPES[1]))


def test_windows_include_both_ends_and_nothing_beyond() -> None:
    window = Window(start=AT, end=AT + timedelta(days=1))
    assert window.contains(AT)
    assert window.contains(AT + timedelta(days=1))
    assert not window.contains(AT - INSTANT)
    assert not window.contains(AT + timedelta(days=1) + INSTANT)
    assert Window(start=AT).contains(datetime.max.replace(tzinfo=UTC))
    assert str(window) == "2025-01-01T00:00:00+00:00 to 2025-01-02T00:00:00+00:00"
    assert str(Window(start=AT)).endswith(" to now")


def test_an_authority_without_address_is_called_by_its_subject() -> None:
    root = parse(put("certificateAuthorities", 0, "uri", None))
    assert root.authorities[0].name == "TEST Sigstore, never trust test-fulcio-root"

    def nameless(value: dict[str, Any]) -> None:
        del value["certificateAuthorities"][0]["uri"]
        del value["certificateAuthorities"][0]["subject"]

    assert parse(nameless).authorities[0].name == ""


def test_operators_are_for_people_and_checkpoint_ids_are_kept() -> None:
    def edit(value: dict[str, Any]) -> None:
        value["certificateAuthorities"][0]["operator"] = "somebody"
        value["tlogs"][0]["operator"] = "somebody"
        value["tlogs"][0]["checkpointKeyId"] = {"keyId": b64(b"1234")}

    assert parse(edit).logs[0].checkpoint_id == b"1234"
    assert parse().logs[0].checkpoint_id == parse().logs[0].id


def test_a_log_without_id_is_known_by_its_key() -> None:
    [ct_log] = parse(put("ctlogs", 0, "logId", None)).ct_logs
    assert ct_log.id == SIGSTORE.ct_log.log_id


@pytest.mark.parametrize(
    ("url", "name"),
    [("https://a.example:3000/x", "a.example"), ("http://[::1]:80", "::1"), ("a.example", "a.example"), ("//", "//")],
)
def test_a_log_is_called_by_the_host_of_its_address(url: str, name: str) -> None:
    assert parse(put("tlogs", 0, "baseUrl", url)).logs[0].name == name


KEY = ("tlogs", 0, "publicKey")
CA = ("certificateAuthorities", 0)


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (put("mediaType", None), "mediaType"),
        (put("mediaType", "application/json"), "mediaType"),
        (put("unknown", 1), "unknown field `unknown`"),
        (put(*CA, "unknown", 1), "unknown field"),
        (put(*CA, "subject", "unknown", 1), "unknown field"),
        (put(*CA, "certChain", None), "certChain` is missing"),
        (put(*CA, "certChain", "certificates", []), "certificates` is empty"),
        (put(*CA, "certChain", "unknown", 1), "unknown field"),
        (put(*CA, "certChain", "certificates", 0, "unknown", 1), "unknown field"),
        (put(*CA, "certChain", "certificates", 0, "rawBytes", "AAAA"), "no readable certificate"),
        (put(*CA, "validFor", None), "validFor` is missing"),
        (put(*CA, "validFor", {}), "start` is missing"),
        (put(*CA, "validFor", {"start": "yesterday"}), "no UTC time"),
        (put(*CA, "validFor", {"start": "2025-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"}), "ends before it starts"),
        (put(*CA, "validFor", "unknown", 1), "unknown field"),
        (put(*KEY, "validFor", None), "validFor` is missing"),
        (put(*KEY, "validFor", {}), "start` is missing"),
        (put(*KEY, "keyDetails", "PKIX_ED25519"), "keyDetails` is `PKIX_ED25519`"),
        (put(*KEY, "keyDetails", "LMS_SHA256"), "keyDetails` is `LMS_SHA256`"),
        (put(*KEY, "rawBytes", "AAAA"), "not a readable public key"),
        (put(*KEY, "unknown", 1), "unknown field"),
        (put("tlogs", 0, "hashAlgorithm", "SHA2_512"), "hashAlgorithm"),
        (put("tlogs", 0, "unknown", 1), "unknown field"),
        (put("tlogs", 0, "logId", "unknown", 1), "unknown field"),
        (put("tlogs", 0, "logId", {}), "keyId` is missing"),
        (put("tlogs", 0, "baseUrl", "http://["), "no URL"),
        (put("ctlogs", 0, "publicKey", "validFor", {}), "start` is missing"),
        (put("timestampAuthorities", 0, "validFor", {}), "start` is missing"),
        (lambda value: value.update(tlogs=value["tlogs"] * 2), "same id"),
        (lambda value: value.update(ctlogs=value["ctlogs"] * 65), "more than 64"),
    ],
)
def test_a_root_with_an_unusable_part_is_refused(edit: Any, text: str) -> None:
    with pytest.raises(InvalidTrustRootError, match=text) as caught:
        parse(edit)
    assert caught.value.where == "`given`"


def test_a_weak_key_in_a_root_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    weak = b64(spki(ec.generate_private_key(ec.SECP256K1())))
    with pytest.raises(InvalidTrustRootError, match="kind or strength"):
        parse(put(*KEY, "rawBytes", weak))


def test_a_certificate_with_a_weak_key_in_a_root_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from tests.support.sigstore.certificates import Authority

    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2044, 1, 1, tzinfo=UTC)
    key = rsa.generate_private_key(65537, 1024)
    weak = Authority.root("weak", key=key, not_before=start, not_after=end).chain[0]
    with pytest.raises(InvalidTrustRootError, match="kind or strength"):
        parse(put(*CA, "certChain", "certificates", 1, "rawBytes", b64(weak)))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"{" * 100_000, json.dumps("x").encode()])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidTrustRootError):
        parse_trust_root(data, name="x")


def test_keys_of_every_accepted_kind_are_read() -> None:
    for key, details in (
        (Seed(b"x").p384("log"), "PKIX_ECDSA_P384_SHA_384"),
        (Seed(b"x").ed25519("log"), "PKIX_ED25519"),
    ):
        root = parse(_with_key(spki(key), details))
        assert root.ct_logs[0].key.spki == spki(key)


def _with_key(der: bytes, details: str) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        value["ctlogs"][0]["publicKey"].update(rawBytes=b64(der), keyDetails=details)

    return edit


# -- several roots -----------------------------------------------------------------------------------------------------


def line(seed: bytes = b"virtual sigstore") -> bytes:
    return json.dumps(json.loads(VirtualSigstore(seed=seed).trusted_root())).encode()


def test_a_file_with_one_root_holds_one_whatever_its_line_breaks() -> None:
    for data in (SIGSTORE.trusted_root(), line(), b"\n" + line() + b"\n", SIGSTORE.trusted_root().replace(b"\n", b"\r\n")):
        [root] = parse_trust_roots(data, name="given")
        assert root.name == "given"
        assert root.document == data


def test_a_file_with_one_root_a_line_holds_each_under_its_line() -> None:
    other = line(b"other")
    roots = parse_trust_roots(b"\n" + line() + b" \r\n\n" + other + b"\n", name="github.jsonl", as_of=EMBEDDED_AS_OF)
    assert [root.name for root in roots] == ["github.jsonl:2", "github.jsonl:4"]
    assert [root.document for root in roots] == [line(), other]
    assert roots[1].sha256 == hashlib.sha256(other).hexdigest()
    assert {root.as_of for root in roots} == {EMBEDDED_AS_OF}


@pytest.mark.parametrize("bad", [b"{}", b'{"mediaType": "application/json"}', line()[:-1] + b', "x": 1}'])
def test_one_unusable_root_refuses_the_file(bad: bytes) -> None:
    with pytest.raises(InvalidTrustRootError) as caught:
        parse_trust_roots(line() + b"\n" + bad, name="x")
    assert caught.value.where == "`x:2`"


@pytest.mark.parametrize("bad", [line() + b"\n[]", line() + b"\n" + line()[:-1], line() + line()])
def test_lines_that_are_no_objects_are_read_as_one_document_and_refused(bad: bytes) -> None:
    with pytest.raises(InvalidTrustRootError) as caught:
        parse_trust_roots(bad, name="x")
    assert caught.value.where == "`x`"


def test_the_number_of_roots_in_a_file_is_bounded() -> None:
    with pytest.raises(InvalidTrustRootError, match="at most 16, got 17"):
        parse_trust_roots(b"{}\n" * 17, name="x")
    with pytest.raises(InvalidTrustRootError, match="x:1"):
        parse_trust_roots(b"{}\n" * 16, name="x")


def test_several_roots_have_names_of_their_own() -> None:
    one, other = parse(), parse_trust_root(line(b"other"), name="other")
    assert TrustRoots((one, other)).each == (one, other)
    assert one.each == (one,)
    with pytest.raises(InvalidTrustRootError, match="same name: got `given`"):
        TrustRoots((one, other, parse()))
    with pytest.raises(InvalidTrustRootError, match="no trust root"):
        TrustRoots(())


def test_a_root_of_githubs_form_names_authorities_alone() -> None:
    """Its document has no fields for logs at all, and addresses without a scheme."""

    def edit(value: dict[str, Any]) -> None:
        del value["tlogs"], value["ctlogs"]
        value["certificateAuthorities"][0]["uri"] = "fulcio.githubapp.com"
        value["timestampAuthorities"][0]["uri"] = "timestamp.githubapp.com"

    root = parse(edit)
    assert (root.logs, root.ct_logs) == ((), ())
    assert (root.authorities[0].name, root.timestamp_authorities[0].name) == ("fulcio.githubapp.com", "timestamp.githubapp.com")


def test_the_embedded_root_is_called_by_its_name_and_knows_its_day() -> None:
    assert embedded().as_of == EMBEDDED_AS_OF
    assert embedded().name == EMBEDDED_NAME
    assert embedded().logs[0].url == "https://rekor.sigstore.dev"


def test_a_root_that_is_broken_into_lines_anywhere_is_one() -> None:
    data = SIGSTORE.trusted_root()
    compact = json.dumps(json.loads(data), separators=(",", ":")).encode()
    broken = compact.replace(b"},", b"}\n,", 1)
    assert b"}\n," in broken
    [one] = parse_trust_roots(broken, name="given", as_of=EMBEDDED_AS_OF)
    assert (one.name, one.as_of) == ("given", EMBEDDED_AS_OF)


@pytest.mark.parametrize(
    ("subject", "name"), [({"organization": "acme"}, "acme"), ({"commonName": "fulcio"}, "fulcio"), ({}, "")]
)
def test_an_authority_is_called_by_what_there_is_of_its_subject(subject: dict[str, str], name: str) -> None:
    def edit(value: dict[str, Any]) -> None:
        value["certificateAuthorities"][0].update(uri=None, subject=subject)

    assert parse(edit).authorities[0].name == name


def test_a_log_without_scheme_is_called_by_its_host_alone() -> None:
    assert parse(put("tlogs", 0, "baseUrl", "a.example:3000/x")).logs[0].name == "a.example"


def test_a_window_may_be_a_single_moment() -> None:
    moment = {"start": "2025-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"}
    assert parse(put("tlogs", 0, "publicKey", "validFor", moment)).logs[0].window.contains(AT)


def test_a_root_without_authorities_is_for_signatures_by_configured_keys() -> None:
    assert parse(put("certificateAuthorities", [])).authorities == ()

    def nothing(value: dict[str, Any]) -> None:
        value.update(certificateAuthorities=[], tlogs=[])

    with pytest.raises(InvalidTrustRootError, match="neither certificate authorities nor logs"):
        parse(nothing)
