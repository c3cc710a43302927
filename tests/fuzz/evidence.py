"""Signed evidence: bundles, older forms, envelopes, statements, timestamps, certificates and the trust root itself.

Whoever holds no key of the private Sigstore cannot make it say anything else: where a changed bundle is still accepted, signer
and content are those of the bundle that it was made from, and the second verifier does not refuse it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from supplychain.artifact import EvidenceForm, Material
from supplychain.bundle import verify_dsse_bundle, verify_message_bundle
from supplychain.bundle.certificate import load_leaf, verify_path
from supplychain.bundle.sct import verify_timestamps
from supplychain.bundle.signer import read_signer
from supplychain.bundle.timestamp import verify_timestamp
from supplychain.dsse import parse_envelope
from supplychain.errors import InvalidTrustRootError, StatementInvalidError, SupplyChainError
from supplychain.evidence import verify_envelope, verify_message
from supplychain.in_toto import PAYLOAD_TYPE
from supplychain.second_opinion import Verdict, envelope_opinion, message_opinion
from supplychain.slsa import SlsaPolicy, parse_provenance_file, verify_provenance
from supplychain.slsa.facts import check_policy
from supplychain.slsa.provenance import read_claims
from supplychain.slsa.statement import check_subject, cross_check, is_provenance, read_statement
from supplychain.trust_root import embedded, parse_trust_root, parse_trust_roots
from tests.fuzz.differential import SECOND_STRICTER
from tests.fuzz.seeds import ARTIFACT, MESSAGE, SIGSTORE, envelopes, foreign, messages, root, statements
from tests.fuzz.target import Shape, Target
from tests.support.sigstore import legacy
from tests.support.virtual_sigstore import generator_identity

if TYPE_CHECKING:
    from supplychain.proof import ProvenEnvelope, ProvenMessage
    from supplychain.second_opinion import Opinion
    from supplychain.trust_root import TrustRoot

__all__ = ["TARGETS"]

_DIGEST = hashlib.sha256(MESSAGE).digest()


# --- bundles ------------------------------------------------------------------------------------------------------------------


def _judge_bundle(data: bytes) -> None:
    proven = verify_dsse_bundle(data, root=root())
    honest = json.dumps(statements()["generator provenance"], separators=(",", ":")).encode()
    assert (proven.payload_type, proven.payload) == (PAYLOAD_TYPE, honest)
    _check_signer(proven)
    opinion = envelope_opinion(data, root=root(), times=proven.times)
    _check_opinion(opinion)
    assert opinion.content in (None, (proven.payload_type, proven.payload))


def _judge_message(data: bytes) -> None:
    proven = verify_message_bundle(data, root=root(), digest=_DIGEST)
    assert (proven.algorithm, proven.digest) == ("sha256", _DIGEST)
    _check_signer(proven)
    opinion = message_opinion(data, digest=_DIGEST, root=root(), times=proven.times)
    _check_opinion(opinion)


def _check_opinion(opinion: Opinion) -> None:
    known = any(re.search(pattern, opinion.reason) for pattern in SECOND_STRICTER)
    assert opinion.verdict is not Verdict.REFUSED or known, f"the second verifier refuses: {opinion.reason}"


def _check_signer(proven: ProvenEnvelope | ProvenMessage) -> None:
    assert proven.certificate_sha256 in _certificates()
    assert {time.at for time in proven.times} == {SIGSTORE.at}
    assert all(entry.log_id in (SIGSTORE.rekor1.log_id.hex(), SIGSTORE.rekor2.log_id.hex()) for entry in proven.log)


@cache
def _certificates() -> frozenset[str]:
    found = set()
    for data in (*envelopes().values(), *messages().values()):
        material = json.loads(data)["verificationMaterial"]
        first = material.get("certificate") or material["x509CertificateChain"]["certificates"][0]
        found.add(hashlib.sha256(base64.b64decode(first["rawBytes"])).hexdigest())
    return frozenset(found)


@cache
def _real() -> dict[str, bytes]:
    """Public-good bundles of other projects."""
    good = {}
    for entry, directory in foreign("sigstore", "sigstore-go", "github", "slsa"):
        name = entry["files"].get("bundle")
        if name is None or entry["expected"] != "trusted" or "trusted_root" in entry["files"]:
            continue
        data = (directory / name).read_bytes()
        try:
            verify_dsse_bundle(data, root=embedded())
        except SupplyChainError:
            continue
        good[entry["id"]] = data
    return good or {"private": envelopes()["v1"]}


@cache
def _real_contents() -> frozenset[tuple[str, str, str | None]]:
    return frozenset(_told(verify_dsse_bundle(data, root=_real_root())) for data in _real().values())


def _real_root() -> Any:
    return root() if "private" in _real() else embedded()


def _told(proven: ProvenEnvelope) -> tuple[str, str, str | None]:
    return proven.payload_type, hashlib.sha256(proven.payload).hexdigest(), proven.certificate_sha256


def _judge_real(data: bytes) -> None:
    proven = verify_dsse_bundle(data, root=_real_root())
    assert _told(proven) in _real_contents()
    opinion = envelope_opinion(data, root=_real_root(), times=proven.times)
    _check_opinion(opinion)


# --- older forms --------------------------------------------------------------------------------------------------------------


def _layers() -> dict[str, bytes]:
    """Layers of both kinds as one JSON object, so that annotations and content change alike."""
    message, envelope = messages()["rekor1"], envelopes()["v1"]
    bare, chain = json.loads(legacy.bare_envelope(envelope)), SIGSTORE.ca.chain
    values: dict[str, dict[str, Any]] = {
        ".sig": {"annotations": legacy.layer_annotations(message, chain=chain)},
        ".att": {"annotations": legacy.layer_annotations(envelope, chain=chain), "envelope": bare},
        "entry": {"envelope": bare, "entries": [legacy.served_entry(envelope)]},
    }
    return {name: json.dumps(value).encode() for name, value in values.items()}


def _judge_layer(data: bytes) -> None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    value = value if isinstance(value, dict) else {}
    notes = value.get("annotations")
    texts = {key: text for key, text in notes.items() if isinstance(text, str)} if isinstance(notes, dict) else {}
    if "envelope" not in value:
        material = Material(form=EvidenceForm.LEGACY_SIGNATURE, data=MESSAGE, where="fuzzed", annotations=texts)
        proven = verify_message(material, root=root(), message=MESSAGE, second_opinion=False)
        assert proven.digest == _DIGEST
        _check_signer(proven)
        return
    content = json.dumps(value["envelope"]).encode("utf-8", "surrogatepass")
    if "entries" in value:
        entries = tuple(json.dumps(one).encode("utf-8", "surrogatepass") for one in [value["entries"]])
        material = Material(form=EvidenceForm.ENVELOPE, data=content, where="fuzzed", log_entries=entries)
    else:
        material = Material(form=EvidenceForm.LEGACY_ATTESTATION, data=content, where="fuzzed", annotations=texts)
    envelope = verify_envelope(material, root=root(), second_opinion=False)
    assert json.loads(envelope.payload) == statements()["generator provenance"]
    _check_signer(envelope)


# --- envelopes and statements -------------------------------------------------------------------------------------------------


def _bare() -> dict[str, bytes]:
    found = {
        name: json.dumps(json.loads(data)["dsseEnvelope"]).encode() for name, data in envelopes().items() if name in ("v1", "v2")
    }
    url_safe = json.loads(found["v1"])
    payload = base64.b64decode(url_safe["payload"]) + b"~~~???"
    found["URL-safe"] = json.dumps({**url_safe, "payload": base64.urlsafe_b64encode(payload).decode(), "keyid": "x"}).encode()
    return found


def _judge_envelope(data: bytes) -> None:
    found = parse_envelope(data)
    signatures = [{"sig": base64.b64encode(one.sig).decode(), "keyid": one.keyid} for one in found.signatures]
    value = {"payload": base64.b64encode(found.payload).decode(), "payloadType": found.payload_type, "signatures": signatures}
    assert parse_envelope(json.dumps(value).encode(), strict=True) == found
    head, _, rest = found.signed_bytes.partition(b" ")
    length, _, rest = rest.partition(b" ")
    assert (head, rest[: int(length)].decode("utf-8", "surrogatepass")) == (b"DSSEv1", found.payload_type)
    assert rest.endswith(found.payload)


def _payloads() -> dict[str, bytes]:
    return {name: json.dumps(value).encode() for name, value in statements().items() if name != "image signature"}


_POLICY = SlsaPolicy(source_uri="github.com/acme/plugins", source_tag="v1.2.3")


def _judge_statement(data: bytes) -> None:
    statement = read_statement(PAYLOAD_TYPE, data, where="fuzzed")
    if not is_provenance(statement):
        raise StatementInvalidError("another kind")
    name = check_subject(statement, digests={"sha256": ARTIFACT}, where="fuzzed")
    other = json.loads(data)
    assert any(one["digest"]["sha256"] == ARTIFACT and (one.get("name") or "") == name for one in other["subject"])
    claims = read_claims(statement, where="fuzzed")
    check_policy(claims, policy=_POLICY, where="fuzzed")
    assert claims.source.repository == "https://github.com/acme/plugins"
    assert claims.ref == "refs/tags/v1.2.3"
    assert json.dumps(claims.commit) in data.decode() or len(claims.commit) < 40
    cross_check(statement, data, where="fuzzed")


def _provenance_files() -> dict[str, bytes]:
    lines = [envelopes()["v1"], *_bare().values(), envelopes()["v2"]]
    return {
        "lines": b"\n".join(lines),
        "one": envelopes()["v2"],
        "pretty": json.dumps(json.loads(envelopes()["v1"]), indent=2).encode(),
    }


def _judge_provenance_file(data: bytes) -> None:
    materials = parse_provenance_file(data, where="fuzzed")
    assert 1 <= len(materials) <= 64
    assert all(one.data in data for one in materials)
    verify_provenance(materials, artifact_hash=_artifact(), policy=_POLICY, root=root(), second_opinion=False)


def _artifact() -> Any:
    from supplychain.digest import ArtifactHash

    return ArtifactHash(ARTIFACT)


# --- DER ----------------------------------------------------------------------------------------------------------------------


def _tokens() -> dict[str, bytes]:
    return {str(embed): SIGSTORE.tsa.timestamp(b"signature", at=SIGSTORE.at, embed=embed) for embed in (True, False)}


def _judge_token(data: bytes) -> None:
    assert verify_timestamp(data, signature=b"signature", root=root()).at == SIGSTORE.at


@cache
def _leaf() -> bytes:
    return base64.b64decode(json.loads(envelopes()["v2"])["verificationMaterial"]["certificate"]["rawBytes"])


def _judge_certificate(data: bytes) -> None:
    leaf = load_leaf(data)
    try:
        signer = read_signer(leaf)
    finally:  # both, so that the second is reached even where the first refuses
        issuer = root().authorities[0].certificates[0]
        verify_timestamps(leaf.certificate, issuer, root=root(), times=(SIGSTORE.at,))
    verify_path(leaf, (), root=root(), times=(SIGSTORE.at,))
    assert signer.subject == generator_identity().subject
    assert leaf.der == _leaf()


# --- trust roots --------------------------------------------------------------------------------------------------------------


def _roots() -> dict[str, bytes]:
    private = SIGSTORE.trusted_root()
    lines = b"\n".join(json.dumps(json.loads(one)).encode() for one in (private, embedded().document))
    return {"private": private, "public good": embedded().document, "two lines": lines}


def _judge_root(data: bytes) -> None:
    roots = parse_trust_roots(data, name="fuzzed")
    with contextlib.suppress(InvalidTrustRootError):  # what is one root is not several
        assert [one.sha256 for one in roots] == [parse_trust_root(data, name="fuzzed").sha256]
    for found in roots:
        _check_root(found)


def _check_root(found: TrustRoot) -> None:
    assert found.sha256 == hashlib.sha256(found.document).hexdigest()
    assert found.authorities or found.logs
    other = json.loads(found.document)
    for name, parts in (("tlogs", found.logs), ("ctlogs", found.ct_logs)):
        assert len(parts) == len(other.get(name) or [])
    windows = [one.window for one in (*found.authorities, *found.timestamp_authorities)]
    windows += [one.window for one in (*found.logs, *found.ct_logs)]
    assert all(window.end is None or window.start <= window.end for window in windows)
    with contextlib.suppress(SupplyChainError):
        _check_signer(verify_dsse_bundle(envelopes()["v1"], root=found))


_BUNDLE_TOKENS = (
    "mediaType", "verificationMaterial", "certificate", "x509CertificateChain", "publicKey", "tlogEntries", "timestampVerificationData",
    "inclusionProof", "inclusionPromise", "checkpoint", "canonicalizedBody", "messageSignature", "dsseEnvelope", "hashedrekord", "dsse", "intoto",
    "0.0.1", "0.0.2", "application/vnd.dev.sigstore.bundle+json;version=0.1", "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle.v0.3+json", "SHA2_256", "SHA2_512", "keyid", "sha512", "PKIX_ED25519",
)  # fmt: skip
_STATEMENT_TOKENS = (
    "_type", "subject", "predicate", "predicateType", "buildType", "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1",
    "https://slsa.dev/provenance/v0.2", "materials", "resolvedDependencies", "digest", "sha1", "gitCommit", "git+https://github.com/acme/plugins",
    "refs/heads/main", "https://actions.github.io/buildtypes/workflow/v1", ARTIFACT, "environment", "invocation",
)  # fmt: skip

TARGETS = (
    Target(name="bundle", shape=Shape.JSON, good=envelopes, judge=_judge_bundle, tokens=_BUNDLE_TOKENS),
    Target(name="message-bundle", shape=Shape.JSON, good=messages, judge=_judge_message, tokens=_BUNDLE_TOKENS),
    Target(name="real-bundle", shape=Shape.JSON, good=_real, judge=_judge_real, tokens=_BUNDLE_TOKENS),
    Target(name="legacy", shape=Shape.JSON, good=_layers, judge=_judge_layer, tokens=_BUNDLE_TOKENS),
    Target(
        name="envelope",
        shape=Shape.JSON,
        good=_bare,
        judge=_judge_envelope,
        tokens=("payload", "payloadType", "signatures", "sig", "keyid", "-_", "="),
    ),
    Target(name="statement", shape=Shape.JSON, good=_payloads, judge=_judge_statement, tokens=_STATEMENT_TOKENS),
    Target(
        name="provenance-file",
        shape=Shape.TEXT,
        good=_provenance_files,
        judge=_judge_provenance_file,
        tokens=("\n", "\r", "{", "}\n{", "\u2028"),
    ),
    Target(name="timestamp", shape=Shape.DER, good=_tokens, judge=_judge_token),
    Target(name="certificate", shape=Shape.DER, good=lambda: {"leaf": _leaf()}, judge=_judge_certificate),
    Target(
        name="trust-root",
        shape=Shape.JSON,
        good=_roots,
        judge=_judge_root,
        tokens=("validFor", "start", "end", "2020-01-01T00:00:00Z", "PKIX_ED25519"),
    ),
)
