"""Each check of certificates refuses a bundle whose only fault is the one that it looks for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from supplychain.errors import (
    CertificateError,
)
from tests.supplychain.bundle.support import (
    AT,
    END,
    OTHER,
    SECOND,
    SIGSTORE,
    START,
    accept,
    material,
    refuse,
    root_with,
    statement,
)
from tests.support.sigstore import signing, transparency
from tests.support.sigstore.certificates import (
    TIME_STAMPING,
    Authority,
    Extension,
    basic_constraints,
    email_name,
    extended_key_usage,
    key_usage,
    other_name,
    uri_name,
)
from tests.support.sigstore.keys import Seed, sign, spki
from tests.support.sigstore.transparency import CtLog, b64, sct_extension_value
from tests.support.virtual_sigstore import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.trust_root import TrustRoot


def test_a_certificate_by_another_authority_is_refused() -> None:
    refuse(statement(ca=OTHER.ca), CertificateError, "no authority of the trust root issued")


def _authority(**changes: Any) -> tuple[Authority, TrustRoot]:
    """A Fulcio whose intermediate is special, and a root that trusts it."""
    seed = Seed(b"special")
    top = Authority.root(
        "special root",
        key=changes.get("root_key") or seed.p384("root"),
        not_before=changes.get("root_from", START),
        not_after=changes.get("root_until", END),
    )
    authority = top.intermediate(
        "special intermediate",
        key=changes.get("key") or seed.p384("intermediate"),
        not_before=changes.get("since", START),
        not_after=changes.get("until", END),
        extensions=changes.get("extensions"),
    )

    def trust(value: dict[str, Any]) -> None:
        chain = [{"rawBytes": b64(der)} for der in authority.chain[: changes.get("trusted", 2)]]
        value["certificateAuthorities"][0]["certChain"]["certificates"] = chain

    return authority, root_with(trust)


CA = (key_usage(sign_certificates=True), basic_constraints(ca=True, path_length=0))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"extensions": CA}, id="no purposes, no key identifiers"),
        pytest.param({"extensions": (basic_constraints(ca=True, critical=False),)}, id="nothing but the basic constraints"),
        pytest.param({"key": Seed(b"x").ed25519("ca")}, id="Ed25519"),
        pytest.param({"trusted": 1}, id="only the intermediate is trusted"),
        pytest.param({"until": AT}, id="valid to the last second"),
    ],
)
def test_unusual_authorities_are_accepted(changes: dict[str, Any]) -> None:
    authority, trusted = _authority(**changes)
    accept(statement(ca=authority), trusted=trusted)


NAME_CONSTRAINTS = bytes.fromhex("300ca00a30088206652e74657374")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"extensions": (key_usage(sign_certificates=True),)}, "no certificate authority", id="no basic constraints"),
        pytest.param({"extensions": (CA[0], basic_constraints(ca=False))}, "no certificate authority", id="not an authority"),
        pytest.param({"extensions": (key_usage(digital_signature=True), CA[1])}, "may not sign certificates", id="key usage"),
        pytest.param({"extensions": (*CA, extended_key_usage(TIME_STAMPING))}, "not for code signing", id="purposes"),
        pytest.param({"extensions": (*CA, Extension("1.2.3.4", b"\x05\x00", critical=True))}, "not understood", id="critical"),
        pytest.param({"extensions": (*CA, Extension("2.5.29.30", NAME_CONSTRAINTS))}, "name constraints", id="name constraints"),
        pytest.param({"until": AT - SECOND}, "an issuing certificate was not valid", id="intermediate expired"),
        pytest.param({"since": AT + SECOND}, "an issuing certificate was not valid", id="intermediate not yet valid"),
        pytest.param({"root_until": AT - SECOND}, "an issuing certificate was not valid", id="root expired"),
    ],
)
def test_an_authority_that_may_not_issue_is_refused(changes: dict[str, Any], text: str) -> None:
    authority, trusted = _authority(**changes)
    refuse(statement(ca=authority), CertificateError, text, trusted=trusted)


def test_a_path_longer_than_an_authority_allows_is_refused() -> None:
    lower = SIGSTORE.ca.intermediate("one too many", key=Seed(b"x").p384("low"), not_before=START, not_after=END)
    refuse(statement(ca=lower, version="0.2"), CertificateError, "longer than an authority allows")


def test_a_path_that_never_reaches_the_anchor_is_refused() -> None:
    def unrelated_anchor(value: dict[str, Any]) -> None:
        theirs = json.loads(OTHER.trusted_root())["certificateAuthorities"][0]["certChain"]["certificates"]
        chain = value["certificateAuthorities"][0]["certChain"]
        chain["certificates"] = [*chain["certificates"], theirs[-1]]

    refuse(statement(), CertificateError, "no authority of the trust root issued", trusted=root_with(unrelated_anchor))


def test_an_endless_chain_is_given_up() -> None:
    low = SIGSTORE.ca
    for depth in range(7):
        low = low.intermediate(f"depth {depth}", key=Seed(b"x").p256(str(depth)), not_before=START, not_after=END)
    refuse(
        statement(ca=low, version="0.2", edit=lambda v: material(v)["x509CertificateChain"]["certificates"].pop()),
        CertificateError,
        "no authority of the trust root issued",
    )


def _extensions(*unwanted: str, add: tuple[Extension, ...] = ()) -> Callable[[list[Extension]], list[Extension]]:
    return lambda extensions: [one for one in extensions if one.oid not in unwanted] + list(add)


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        pytest.param({"extended_key_usage": (TIME_STAMPING,)}, "not for code signing", id="other purpose"),
        pytest.param({"extended_key_usage": ()}, "not for code signing", id="no purpose"),
        pytest.param({"edit_extensions": _extensions("2.5.29.15")}, "not for digital signatures", id="no key usage"),
        pytest.param(
            {"edit_extensions": _extensions("2.5.29.15", add=(key_usage(sign_certificates=True),))},
            "not for digital signatures",
            id="other key usage",
        ),
        pytest.param(
            {"edit_extensions": _extensions("2.5.29.15", add=(key_usage(digital_signature=True, sign_certificates=True),))},
            "is a certificate authority",
            id="may sign certificates",
        ),
        pytest.param(
            {"edit_extensions": _extensions(add=(basic_constraints(ca=True),))},
            "is a certificate authority",
            id="authority",
        ),
        pytest.param(
            {"edit_extensions": _extensions(add=(Extension("1.2.3.4", b"\x05\x00", critical=True),))},
            "not understood",
            id="critical",
        ),
        pytest.param({"scts": 0}, "no certificate transparency timestamp", id="no SCT"),
        pytest.param({"ct_log": OTHER.ct_log}, "by a log that the trust root does not name", id="foreign SCT"),
        pytest.param(
            {"ct_log": CtLog(key=OTHER.ct_log.key, log_id=SIGSTORE.ct_log.log_id)},
            "timestamp does not verify",
            id="forged SCT",
        ),
        pytest.param({"edit_sct": lambda sct: sct[:43] + b"\x02" + sct[44:]}, "does not verify", id="SCT with another hash"),
        pytest.param({"edit_sct": lambda sct: sct[:44] + b"\x01" + sct[45:]}, "does not verify", id="SCT with another scheme"),
        pytest.param({"edit_sct": lambda sct: sct[:20]}, "cannot be (read|used)", id="SCT cut short"),
        pytest.param({"names": ()}, "0 subject alternative names", id="no name"),
        pytest.param({"names": (uri_name("https://a"), email_name("a@b.c"))}, "2 subject alternative names", id="two names"),
        pytest.param({"names": (bytes([0x82, 1, 97]),)}, "no URI, e-mail address or user name", id="DNS name"),
        pytest.param({"names": (other_name("a", oid="1.2.3"),)}, "no URI, e-mail address or user name", id="foreign otherName"),
        pytest.param({"names": (uri_name(""),)}, "empty or has control characters", id="empty name"),
        pytest.param({"names": (uri_name("https://a\n"),)}, "empty or has control characters", id="control character"),
        pytest.param({"identity": Identity(claims={1: None, 8: None})}, "names no issuer", id="no issuer"),
        pytest.param({"identity": Identity(claims={1: "https://another"})}, "two issuer claims differ", id="two issuers"),
        pytest.param({"identity": Identity(raw_claims={8: b"https://raw"})}, "claim 8 is no text", id="claim no DER"),
        pytest.param({"identity": Identity(raw_claims={9: b"\x0c\x01a!"})}, "claim 9 is no text", id="bytes behind a claim"),
        pytest.param({"identity": Identity(raw_claims={9: b"\x13\x01a"})}, "claim 9 is no text", id="claim of another type"),
        pytest.param({"identity": Identity(raw_claims={2: b"\xff"})}, "claim 2 is no text", id="claim no UTF-8"),
    ],
)
def test_a_certificate_that_breaks_the_profile_is_refused(plan: dict[str, Any], text: str) -> None:
    refuse(statement(**plan), CertificateError, text)


def test_a_second_ct_timestamp_that_does_not_verify_is_refused() -> None:
    accept(statement(scts=2))


def test_a_certificate_may_say_that_it_is_no_authority() -> None:
    accept(statement(edit_extensions=_extensions(add=(basic_constraints(ca=False),))))


def test_an_unknown_extension_that_is_not_critical_does_not_matter() -> None:
    accept(statement(edit_extensions=_extensions(add=(Extension("1.2.3.4", b"\x05\x00"),))))


def test_identities_of_every_kind_are_read() -> None:
    assert accept(statement(identity=Identity(email="a@example.test"))).signer.subject_kind == "email"
    signer = accept(statement(names=(other_name("user!host"),))).signer
    assert (signer.subject_kind, signer.subject) == ("other-name", "user!host")
    assert accept(statement()).signer.claims[12] == "https://github.com/acme/plugins"


def test_an_issuer_in_the_older_claim_alone_counts_and_unknown_later_claims_may_be_anything() -> None:
    signer = accept(statement(identity=Identity(claims={8: None}, raw_claims={99: b"\x01\x01\xff"}))).signer
    assert signer.issuer == "https://token.actions.githubusercontent.com"
    assert 99 not in signer.claims


def test_the_issuer_in_the_newer_claim_alone_counts() -> None:
    assert accept(statement(identity=Identity(claims={1: None}))).signer.issuer


def test_a_weak_leaf_key_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    refuse(statement(certificate_public_key=spki(ec.generate_private_key(ec.SECP256K1()))), CertificateError, "cannot be used")


def test_garbage_in_place_of_a_certificate_is_refused() -> None:
    raw = statement(edit=lambda value: material(value)["certificate"].update(rawBytes=b64(b"garbage")))
    refuse(raw, CertificateError, "cannot be used")


@pytest.mark.parametrize("spoil", [lambda sct: sct[:-1] + bytes([sct[-1] ^ 1]), lambda sct: sct[:1] + bytes(32) + sct[33:]])
def test_every_ct_timestamp_must_verify_and_not_only_the_first(monkeypatch: pytest.MonkeyPatch, spoil: Any) -> None:
    monkeypatch.setattr(signing, "sct_extension_value", lambda scts: sct_extension_value([scts[0], spoil(scts[1])]))
    refuse(statement(scts=2), CertificateError, "a certificate transparency timestamp")


@pytest.mark.parametrize("milliseconds", [1, 500, 999])
def test_a_ct_timestamp_counts_to_the_millisecond(milliseconds: int) -> None:
    accept(statement(sct_at=AT + timedelta(milliseconds=milliseconds)))


def test_a_ct_log_with_a_larger_key_signs_with_sha256_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Seed(b"x").p384("ct")
    log = CtLog.of(own)

    def signed(key: Any, data: bytes) -> bytes:
        return own.sign(data, ec.ECDSA(hashes.SHA256())) if key is own else sign(key, data)

    def trust(value: dict[str, Any]) -> None:
        public = {**value["ctlogs"][0]["publicKey"], "rawBytes": b64(spki(log.key)), "keyDetails": "PKIX_ECDSA_P384_SHA_384"}
        value["ctlogs"] = [{**value["ctlogs"][0], "publicKey": public, "logId": {"keyId": b64(log.log_id)}}]

    refuse(statement(ct_log=log), CertificateError, "does not verify", trusted=root_with(trust))
    monkeypatch.setattr(transparency, "sign", signed)
    accept(statement(ct_log=log), trusted=root_with(trust))


def test_a_ct_timestamp_of_an_unknown_scheme_is_refused() -> None:
    for place in (43, 44):
        raw = statement(edit_sct=lambda sct, place=place: sct[:place] + b"\x63" + sct[place + 1 :])
        refuse(raw, CertificateError, "certificate transparency timestamp cannot be judged|cannot be used")


def test_a_workflow_is_named_by_a_uri() -> None:
    assert accept(statement()).signer.subject_kind == "uri"


def test_claims_are_text_as_far_as_the_specification_goes() -> None:
    refuse(statement(identity=Identity(raw_claims={24: b"raw"})), CertificateError, "claim 24 is no text")
    assert 25 not in accept(statement(identity=Identity(raw_claims={25: b"raw"}))).signer.claims


def test_an_authority_whose_time_is_over_does_not_stand_in_the_way_of_the_next_one() -> None:
    def closed_first(value: dict[str, Any]) -> None:
        [own] = value["certificateAuthorities"]
        closed = {**own, "validFor": {"start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"}}
        value["certificateAuthorities"] = [closed, own]

    accept(statement(), trusted=root_with(closed_first))
