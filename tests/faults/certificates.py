"""Certificates: the signing one, the path above it, its publication, and whom it names (RFC 5280, RFC 6962, Fulcio's profile)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supplychain.errors import CertificateError
from tests.faults.table import AT, OTHER, SIGSTORE, Envelope, Fault
from tests.support.sigstore import der
from tests.support.sigstore.certificates import (
    CODE_SIGNING,
    TIME_STAMPING,
    Authority,
    Extension,
    Template,
    basic_constraints,
    email_name,
    extended_key_usage,
    key_usage,
    other_name,
    uri_name,
)
from tests.support.sigstore.keys import Seed, algorithm_of
from tests.support.sigstore.transparency import CtLog, b64, sct_extension_value
from tests.support.virtual_sigstore import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROWS"]

SECOND = timedelta(seconds=1)
START, END = AT - timedelta(days=400), AT + timedelta(days=4000)
SEED = Seed(b"one fault each")
IGNORES_CHAIN = "ignores certificates in the bundle"


def _row(name: str, text: str, bad: dict[str, Any], good: dict[str, Any] | None = None, *, alone: str = "", **root: Any) -> Fault:
    """One certificate fault: `bad` and `good` are plans, `root` what both trust instead of the usual."""
    return Fault(
        name=name,
        error=CertificateError,
        text=text,
        bad=Envelope(plan=bad, root=root),
        good=Envelope(plan=good or {}, root=root),
        alone=alone,
    )


# --- the signing certificate --------------------------------------------------------------------------------------------------


def _with(*extensions: Extension, without: str = "") -> dict[str, Any]:
    return {"edit_extensions": lambda given: [one for one in given if one.oid != without] + list(extensions)}


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


KU, BC = "2.5.29.15", "2.5.29.19"
UNKNOWN = Extension("1.2.3.4", der.null(), critical=True)
NAME_CONSTRAINTS = bytes.fromhex("300ca00a30088206652e74657374")

PROFILE = (
    _row("leaf: no key usage", "not for digital signatures", _with(without=KU)),
    _row("leaf: key usage without digital signature", "not for digital signatures", _with(key_usage(), without=KU)),
    _row("leaf: no extended key usage", "not for code signing", {"extended_key_usage": ()}),
    _row(
        "leaf: extended key usage of another purpose",
        "not for code signing",
        {"extended_key_usage": (TIME_STAMPING,)},
        {"extended_key_usage": (TIME_STAMPING, CODE_SIGNING)},
    ),
    _row(
        "leaf: is an authority",
        "is a certificate authority",
        _with(basic_constraints(ca=True)),
        _with(basic_constraints(ca=False)),
    ),
    _row(
        "leaf: may sign certificates",
        "is a certificate authority",
        _with(key_usage(digital_signature=True, sign_certificates=True), without=KU),
        _with(key_usage(digital_signature=True), without=KU),
    ),
    _row("leaf: unknown critical extension", "not understood", _with(UNKNOWN), _with(replace(UNKNOWN, critical=False))),
    *(
        _row(f"leaf: {name}", "cannot be used", {"certificate_public_key": _spki(key)})
        for name, key in {
            "RSA of 1024 bits": rsa.generate_private_key(65537, 1024),
            "RSA with exponent 3": rsa.generate_private_key(3, 2048),
            "key on P-224": ec.generate_private_key(ec.SECP224R1()),
            "key on secp256k1": ec.generate_private_key(ec.SECP256K1()),
            "Ed448 key": ed448.Ed448PrivateKey.generate(),
        }.items()
    ),
    _row(
        "leaf: no certificate at all",
        "cannot be used",
        {"edit": lambda value: value["verificationMaterial"]["certificate"].update(rawBytes=b64(b"garbage"))},
    ),
)


# --- the path -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAuthority(Authority):
    """Signs with a hash of its own."""

    hash_oid: str
    hash_algorithm: hashes.HashAlgorithm

    def issue(self, template: Template) -> bytes:
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        tbs = self.tbs(template)
        signature = self.key.sign(tbs, ec.ECDSA(self.hash_algorithm))
        return der.sequence(tbs, der.sequence(der.object_id(self.hash_oid)), der.bit_string(signature))

    def tbs(self, template: Template) -> bytes:
        tbs = Authority.tbs(self, template).replace(algorithm_of(self.key), der.sequence(der.object_id(self.hash_oid)), 1)
        return der.sequence(tbs[4:])  # the length may have changed with the algorithm


def _signed_with(oid: str, algorithm: hashes.HashAlgorithm) -> dict[str, Any]:
    ca = SIGSTORE.ca
    return {"ca": OldAuthority(name=ca.name, key=ca.key, chain=ca.chain, hash_oid=oid, hash_algorithm=algorithm)}


SHA_256 = _signed_with("1.2.840.10045.4.3.2", hashes.SHA256())


def _authority(
    *, top_extensions: tuple[Extension, ...] | None = None, extensions: Any = None, key: Any = None, **times: Any
) -> Authority:
    """A Fulcio of its own, special in one thing."""
    top = Authority.root(
        "special root", key=SEED.p384("root"), not_before=times.get("root_from", START), not_after=times.get("root_until", END)
    )
    if top_extensions is not None:
        bare = Authority(name=top.name, key=top.key, chain=())
        template = Template(
            public_key=_spki(top.key), not_before=START, not_after=END, extensions=top_extensions, serial=7, subject=top.name
        )
        top = replace(bare, chain=(bare.issue(template),))
    return top.intermediate(
        "special intermediate",
        key=key or SEED.p384("intermediate"),
        not_before=times.get("since", START),
        not_after=times.get("until", END),
        extensions=extensions,
    )


def _trust(*authorities: Authority) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        [first] = value["certificateAuthorities"]
        value["certificateAuthorities"] = [
            {**first, "certChain": {"certificates": [{"rawBytes": b64(one)} for one in authority.chain]}}
            for authority in authorities
        ]

    return edit


def _path(name: str, text: str, bad: Authority, good: Authority, *, alone: str = "") -> Fault:
    """A fault of an authority: each half trusts its own."""
    return Fault(
        name=f"path: {name}",
        error=CertificateError,
        text=text,
        bad=Envelope(plan={"ca": bad}, root={"edit": _trust(bad)}),
        good=Envelope(plan={"ca": good}, root={"edit": _trust(good)}),
        alone=alone,
    )


SKI = Extension("2.5.29.14", der.octet_string(bytes(20)))
MAY_SIGN = key_usage(sign_certificates=True)
CA = (MAY_SIGN, basic_constraints(ca=True, path_length=0), extended_key_usage(CODE_SIGNING))


def _identified(extensions: tuple[Extension, ...]) -> tuple[Extension, ...]:
    """Key identifiers, on which the second verifier's library insists."""
    top = Authority.root("special root", key=SEED.p384("root"), not_before=START, not_after=END)
    return (*extensions, SKI, top.authority_key_id)


ORDINARY = _authority(extensions=_identified(CA))
PATHS = (
    _path(
        "intermediate without basic constraints",
        "no certificate authority",
        _authority(extensions=_identified((CA[0], CA[2]))),
        ORDINARY,
    ),
    _path(
        "intermediate that is no authority",
        "no certificate authority",
        _authority(extensions=_identified((CA[0], basic_constraints(ca=False), CA[2]))),
        ORDINARY,
    ),
    _path(
        "intermediate that may not sign certificates",
        "may not sign certificates",
        _authority(extensions=_identified((key_usage(digital_signature=True), *CA[1:]))),
        ORDINARY,
    ),
    _path(
        "intermediate for another purpose",
        "not for code signing",
        _authority(extensions=_identified((*CA[:2], extended_key_usage(TIME_STAMPING)))),
        ORDINARY,
    ),
    _path(
        "intermediate with an unknown critical extension",
        "not understood",
        _authority(extensions=_identified((*CA, UNKNOWN))),
        ORDINARY,
    ),
    _path(
        "intermediate with name constraints",
        "name constraints",
        _authority(extensions=_identified((*CA, Extension("2.5.29.30", NAME_CONSTRAINTS)))),
        ORDINARY,
    ),
    _path(
        "intermediate with critical name constraints",
        "not understood",
        _authority(extensions=_identified((*CA, Extension("2.5.29.30", NAME_CONSTRAINTS, critical=True)))),
        ORDINARY,
    ),
    _path(
        "root without basic constraints",
        "no certificate authority",
        _authority(top_extensions=(MAY_SIGN, SKI), extensions=_identified(CA)),
        _authority(top_extensions=(MAY_SIGN, basic_constraints(ca=True), SKI), extensions=_identified(CA)),
    ),
    _path(
        "root that allows nothing below the next certificate",
        "longer than an authority allows",
        _authority(top_extensions=(MAY_SIGN, basic_constraints(ca=True, path_length=0), SKI), extensions=_identified(CA)),
        _authority(top_extensions=(MAY_SIGN, basic_constraints(ca=True, path_length=1), SKI), extensions=_identified(CA)),
    ),
    _path(
        "intermediate expired",
        "an issuing certificate was not valid",
        _authority(until=AT - SECOND, extensions=_identified(CA)),
        _authority(until=AT + SECOND, extensions=_identified(CA)),
    ),
    _path(
        "intermediate not yet valid",
        "an issuing certificate was not valid",
        _authority(since=AT + SECOND, extensions=_identified(CA)),
        _authority(since=AT, extensions=_identified(CA)),
    ),
    _path(
        "root expired",
        "an issuing certificate was not valid",
        _authority(root_until=AT - SECOND, extensions=_identified(CA)),
        _authority(root_until=AT + SECOND, extensions=_identified(CA)),
    ),
    _path(
        "root not yet valid",
        "an issuing certificate was not valid",
        _authority(root_from=AT + SECOND, extensions=_identified(CA)),
        _authority(root_from=AT, extensions=_identified(CA)),
    ),
    _row("path: another authority", "no authority of the trust root issued", {"ca": OTHER.ca}),
    _row(
        "path: an authority of the same name with another key",
        "no authority of the trust root issued",
        {"ca": replace(SIGSTORE.ca, key=SEED.p384("namesake"))},
    ),
    _row(
        "path: signed with SHA-1",
        "no authority of the trust root issued",
        _signed_with("1.2.840.10045.4.1", hashes.SHA1()),
        SHA_256,
    ),
    _row(
        "path: signed with SHA-224",
        "no authority of the trust root issued",
        _signed_with("1.2.840.10045.4.3.1", hashes.SHA224()),
        SHA_256,
    ),
    _row(
        "path: signed with a hash that nobody knows",
        "no authority of the trust root issued",
        _signed_with("1.2.840.10045.4.3.99", hashes.SHA256()),
        SHA_256,
    ),
    _row(
        "path: the anchor is another certificate than the issuer's issuer",
        "no authority of the trust root issued",
        {"version": "0.2", "ca": OTHER.ca},
        {"version": "0.2"},
    ),
)


def _below(name: str, **changes: Any) -> Authority:
    """An intermediate in the bundle, below one of the trust root that allows it."""
    room = basic_constraints(ca=True, path_length=changes.pop("room", 1))
    upper = _authority(
        top_extensions=(MAY_SIGN, basic_constraints(ca=True), SKI), extensions=_identified((MAY_SIGN, room, CA[2]))
    )
    return upper.intermediate(
        name,
        key=SEED.p384(name),
        not_before=changes.pop("since", START),
        not_after=changes.pop("until", END),
        extensions=(*changes.pop("extensions", CA), SKI, upper.authority_key_id),
    )


def _in_bundle(name: str, text: str, bad: Authority, **changes: Any) -> Fault:
    """Intermediates in the bundle: the trust root names the two above them."""
    good = _below("low")

    def case(authority: Authority) -> Envelope:
        upper = replace(authority, chain=authority.chain[1:])
        return Envelope(plan={"ca": authority, "version": "0.2", **changes}, root={"edit": _trust(upper)})

    # The root certificate would be ignored with a note; the one in between is in the trust root as well.
    return Fault(
        name=f"bundle's chain: {name}", error=CertificateError, text=text, bad=case(bad), good=case(good), alone=IGNORES_CHAIN
    )


IN_BUNDLE = (
    _in_bundle("one more than the authority allows", "longer than an authority allows", _below("low", room=0)),
    _in_bundle("no authority", "no certificate authority", _below("low", extensions=(CA[0], basic_constraints(ca=False), CA[2]))),
    _in_bundle(
        "may not sign certificates",
        "may not sign certificates",
        _below("low", extensions=(key_usage(digital_signature=True), *CA[1:])),
    ),
    _in_bundle(
        "for another purpose", "not for code signing", _below("low", extensions=(*CA[:2], extended_key_usage(TIME_STAMPING)))
    ),
    _in_bundle("expired", "an issuing certificate was not valid", _below("low", until=AT - SECOND)),
    _in_bundle("unknown critical extension", "not understood", _below("low", extensions=(*CA, UNKNOWN))),
    Fault(
        name="bundle's chain: the root of somebody else brings no trust",
        error=CertificateError,
        text="no authority of the trust root issued",
        bad=Envelope(plan={"ca": OTHER.ca, "version": "0.2", "edit": lambda value: _add_root(value, OTHER.ca.chain[-1])}),
        good=Envelope(plan={"version": "0.2", "edit": lambda value: _add_root(value, OTHER.ca.chain[-1])}),
        alone=IGNORES_CHAIN,
    ),
    Fault(
        name="bundle's chain: a weak key beside a good path",
        error=CertificateError,
        text="cannot be used",
        bad=Envelope(plan={"version": "0.2", "edit": lambda value: _add_root(value, _weak())}),
        good=Envelope(plan={"version": "0.2", "edit": lambda value: _add_root(value, OTHER.ca.chain[0])}),
        alone=IGNORES_CHAIN,
    ),
)


def _add_root(value: dict[str, Any], certificate: bytes) -> None:
    value["verificationMaterial"]["x509CertificateChain"]["certificates"].append({"rawBytes": b64(certificate)})


def _weak() -> bytes:
    template = Template(
        public_key=_spki(ec.generate_private_key(ec.SECP224R1())),
        not_before=START,
        not_after=END,
        extensions=CA,
        serial=9,
        subject=SIGSTORE.ca.name,
    )
    return SIGSTORE.ca.issue(template)


# --- windows ------------------------------------------------------------------------------------------------------------------


def _windows() -> tuple[Fault, ...]:
    """Both ends of every window, for the log's and for the authority's word on the time; the end itself is inside."""
    rows = []
    for log in ("rekor1", "rekor2"):
        for what, key, text in (
            ("authority", "fulcio_window", "outside the authority's time"),
            ("CT log", "ct_window", "outside the CT log's time"),
        ):
            for end, bad, good in (("start", (AT + SECOND, None), (AT, None)), ("end", (START, AT - SECOND), (START, AT))):
                rows.append(
                    Fault(
                        name=f"window: {what}, {end}, {log}",
                        error=CertificateError,
                        text=text,
                        bad=Envelope(plan={"log": log}, root={key: bad}),
                        good=Envelope(plan={"log": log}, root={key: good}),
                    )
                )
        rows += [
            _row(
                f"window: leaf, start, {log}",
                "signing certificate was not valid",
                {"log": log, "not_before": AT + SECOND},
                {"log": log, "not_before": AT},
            ),
            _row(
                f"window: leaf, end, {log}",
                "signing certificate was not valid",
                {"log": log, "not_before": AT - 9 * SECOND, "not_after": AT - SECOND},
                {"log": log, "not_before": AT - 9 * SECOND, "not_after": AT},
            ),
        ]
    return tuple(rows)


TWICE = {"log": "rekor1", "tsa": SIGSTORE.tsa, "timestamp_at": AT + 5 * SECOND}
WINDOWS = (
    *_windows(),
    *(
        Fault(
            name=f"window: {what} at the second of two proven times",
            error=CertificateError,
            text=text,
            bad=Envelope(plan=TWICE, root={key: (START, AT + 4 * SECOND)}),
            good=Envelope(plan=TWICE, root={key: (START, AT + 5 * SECOND)}),
        )
        for what, key, text in (
            ("authority", "fulcio_window", "outside the authority's time"),
            ("CT log", "ct_window", "outside the CT log's time"),
        )
    ),
    _row(
        "window: leaf at the second of two proven times",
        "signing certificate was not valid",
        {**TWICE, "not_after": AT + 4 * SECOND},
        TWICE,
    ),
    Fault(
        name="window: CT timestamp before the CT log's start, signature inside",
        error=CertificateError,
        text="outside the CT log's time",
        bad=Envelope(plan={"sct_at": AT - 2 * SECOND}, root={"ct_window": (AT - SECOND, None)}),
        good=Envelope(plan={"sct_at": AT - SECOND}, root={"ct_window": (AT - SECOND, None)}),
    ),
)


# --- certificate transparency -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideLog(CtLog):
    """Signs about another issuer."""

    def timestamp(self, **entry: Any) -> bytes:
        entry["issuer_key_hash"] = OTHER.ca.key_hash
        return CtLog.timestamp(self, **entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCertificateLog(CtLog):
    """Signs another precertificate."""

    def timestamp(self, **entry: Any) -> bytes:
        entry["precertificate"] = entry["precertificate"][:-1] + b"\xff"
        return CtLog.timestamp(self, **entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendingLog(CtLog):
    """Puts bytes into the extensions, as static logs do."""

    def timestamp(self, **entry: Any) -> bytes:
        return CtLog.timestamp(self, **entry, extensions=b"\x00\x00\x05\x00\x00\x00\x00\x01")


CT = SIGSTORE.ct_log
MATERIAL: dict[str, Any] = {"key": CT.key, "log_id": CT.log_id}


def _second_sct(change: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Two timestamps in one certificate, the second one changed."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class TwoTimestamps(Authority):
        def issue(self, template: Template) -> bytes:
            [stamped] = [one for one in template.extensions if one.oid == "1.3.6.1.4.1.11129.2.4.2"]
            block = stamped.value[stamped.value.index(b"\x00" + CT.log_id) :]
            changed = Extension(stamped.oid, sct_extension_value([block, change(block)]))
            rest = [one for one in template.extensions if one is not stamped]
            return Authority.issue(self, replace(template, extensions=[*rest, changed]))

    return {"ca": TwoTimestamps(name=SIGSTORE.ca.name, key=SIGSTORE.ca.key, chain=SIGSTORE.ca.chain)}


PUBLICATION = (
    _row("CT: none", "carries no certificate transparency timestamp", {"scts": 0}),
    _row("CT: a log that the root does not name", "by a log that the trust root does not name", {"ct_log": OTHER.ct_log}),
    _row(
        "CT: another key under the log's id",
        "timestamp does not verify",
        {"ct_log": CtLog(key=OTHER.ct_log.key, log_id=CT.log_id)},
    ),
    _row("CT: about another issuer", "timestamp does not verify", {"ct_log": BesideLog(**MATERIAL)}),
    _row("CT: about another certificate", "timestamp does not verify", {"ct_log": OtherCertificateLog(**MATERIAL)}),
    _row("CT: another hash", "does not verify", {"edit_sct": lambda sct: sct[:43] + b"\x02" + sct[44:]}),
    _row("CT: another scheme", "does not verify", {"edit_sct": lambda sct: sct[:44] + b"\x01" + sct[45:]}),
    _row("CT: another time", "does not verify", {"edit_sct": lambda sct: sct[:40] + bytes([sct[40] ^ 1]) + sct[41:]}),
    _row(
        "CT: extension bytes changed",
        "does not verify",
        {"ct_log": ExtendingLog(**MATERIAL), "edit_sct": lambda sct: sct[:50] + bytes([sct[50] ^ 1]) + sct[51:]},
        {"ct_log": ExtendingLog(**MATERIAL)},
    ),
    Fault(
        name="CT: the second of two timestamps",
        error=CertificateError,
        text="does not verify",
        bad=Envelope(plan=_second_sct(lambda sct: sct[:40] + bytes([sct[40] ^ 1]) + sct[41:])),
        good=Envelope(plan=_second_sct(lambda sct: sct)),
        alone="exactly one certificate transparency timestamp",
    ),
)


# --- identity -----------------------------------------------------------------------------------------------------------------

NAMES = (
    _row("name: none", "0 subject alternative names", {"names": ()}),
    _row(
        "name: two",
        "2 subject alternative names",
        {"names": (uri_name("https://a"), email_name("a@b.c"))},
        {"names": (uri_name("https://a"),)},
    ),
    _row(
        "name: of a host",
        "no URI, e-mail address or user name",
        {"names": (bytes([0x82, 1, 97]),)},
        {"names": (email_name("a@b.c"),)},
    ),
    _row(
        "name: another type of user name",
        "no URI, e-mail address or user name",
        {"names": (other_name("a", oid="1.2.3"),)},
        {"names": (other_name("a"),)},
    ),
    _row("name: empty", "empty or has control characters", {"names": (uri_name(""),)}, {"names": (uri_name("x"),)}),
    _row(
        "name: control character",
        "empty or has control characters",
        {"names": (uri_name("https://a\n"),)},
        {"names": (uri_name("https://a"),)},
    ),
    _row(
        "issuer: none",
        "names no issuer",
        {"identity": Identity(claims={1: None, 8: None})},
        {"identity": Identity(claims={1: None})},
    ),
    _row(
        "issuer: the older claim differs",
        "two issuer claims differ",
        {"identity": Identity(claims={1: "https://another"})},
        {"identity": Identity()},
    ),
    _row(
        "issuer: the newer claim differs",
        "two issuer claims differ",
        {"identity": Identity(claims={8: "https://another"})},
        {"identity": Identity()},
    ),
    *(
        _row(
            f"claim: {name}",
            f"claim {number} is no text",
            {"identity": Identity(raw_claims={number: value})},
            {"identity": Identity(raw_claims={number: good})},
        )
        for name, number, value, good in (
            ("no DER", 9, b"https://raw", b"\x0c\x01a"),
            ("bytes behind it", 9, b"\x0c\x01a!", b"\x0c\x01a"),
            ("of another type", 9, b"\x13\x01a", b"\x0c\x01a"),
            ("a length that is not minimal", 9, b"\x0c\x81\x01a", b"\x0c\x01a"),
            ("a length with a zero in front", 9, b"\x0c\x82\x00\x81" + b"a" * 129, b"\x0c\x81\x81" + b"a" * 129),
            ("cut to one byte", 9, b"\x0c", b"\x0c\x01a"),
            ("cut short", 9, b"\x0c\x02a", b"\x0c\x01a"),
            ("no UTF-8", 2, b"\xff", b"push"),
        )
    ),
)

ROWS = (*PROFILE, *PATHS, *IN_BUNDLE, *WINDOWS, *PUBLICATION, *NAMES)
