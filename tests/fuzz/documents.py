"""What people write: descriptors, manifests, revocation lists, references, keys and identity patterns."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import yaml

from supplychain.descriptor import check_runtime, parse_descriptor
from supplychain.digest import ArtifactHash
from supplychain.ed25519 import parse_keys
from supplychain.errors import InputError, RevocationListInvalidError, RevokedError
from supplychain.identity_pattern import IdentityPattern
from supplychain.manifest_index import read_index
from supplychain.manifests import Supplements, plugin_request, revocations
from supplychain.reference import OciReference
from supplychain.revocation import RevocationSet, parse_revocation_list
from supplychain.verification_key import VerificationKey, parse_trusted_keys
from tests.fuzz.seeds import shipped
from tests.fuzz.target import Shape, Target
from tests.support.builders import DESCRIPTOR, build_descriptor, public_key
from tests.support.sigstore.keys import PrivateKey, Seed, pem, spki

__all__ = ["TARGETS"]

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_ATTACKERS = ("", "https://attacker.invalid/x", "a@attacker.invalid", "https://github.com.attacker.invalid/acme/plugins")


# --- descriptor ---------------------------------------------------------------------------------------------------------------


def _descriptors() -> dict[str, bytes]:
    return {"block style": DESCRIPTOR.encode(), "flow style": build_descriptor(provides=["kv"], provides_schemes=["vault"])}


def _judge_descriptor(data: bytes) -> None:
    found = parse_descriptor(data)
    assert parse_descriptor(data) == found
    # Whoever else reads the accepted text, with a loose reader, must not see another plugin.
    try:
        other = yaml.safe_load(data)
    except yaml.YAMLError:  # its scanner in Python takes no tab behind a colon; who refuses reads nothing else
        return
    assert (other["schema"], other["id"], other["name"], other["class"]) == (
        found.schema,
        found.id,
        found.name,
        found.plugin_class,
    )
    assert (other["runtime"], other["protocol_version"]) == (found.runtime, found.protocol_version)
    assert [one if isinstance(one, str) else one["type"] for one in other.get("required_capabilities") or []] == [
        one.kind for one in found.required_capabilities
    ]
    check_runtime(found, artifact_name="plugin.so")


# --- manifests ----------------------------------------------------------------------------------------------------------------


def _judge_manifest(data: bytes) -> None:
    index = read_index([("fuzzed.yaml", data)])
    error: InputError | None = None
    lists, _ = revocations(index)
    for document in index.of_kind("MCPGPlugin"):
        try:
            request = plugin_request(document, index=index, supplements=Supplements()).request
        except InputError as exc:
            error = exc
            continue
        # A plugin that asks for a layer gets it, or is refused: no slip may turn one off in silence.
        trust = document.spec()["trust"]
        assert request.policy.keys
        assert (request.policy.cosign is None) == (trust.get("cosignIdentity") is None)
        assert (request.policy.slsa is None) == (trust.get("slsaProvenance") is None)
    for document in index.of_kind("MCPGRevocationList"):
        if document.name == "cluster-default":
            _check_revocations(document.spec().get("revocations"), lists[0], name="artifactSha256")
    if error is not None:
        raise error


# --- revocation lists ---------------------------------------------------------------------------------------------------------


def _revocation_lists() -> dict[str, bytes]:
    entries = [
        {"artifact_sha256": f"{number:064x}", "reason": "stolen key", "revoked_at": "2025-01-01T00:00:00Z"} for number in range(3)
    ]
    return {"file": json.dumps({"version": 1, "issued_at": "2025-01-01T00:00:00Z", "revocations": entries}).encode()}


def _judge_revocations(data: bytes) -> None:
    found = parse_revocation_list(data, name="fuzzed")  # never raises
    assert parse_revocation_list(found.render(), name="again").entries == found.entries
    try:
        document = json.loads(data.decode())
    except (ValueError, RecursionError):
        assert found.problems
    else:
        _check_revocations(document.get("revocations") if isinstance(document, dict) else None, found, name="artifact_sha256")
    if found.problems:
        raise RevocationListInvalidError("problems", got=found.problems[0])


def _check_revocations(items: Any, found: Any, *, name: str) -> None:
    """A hash that anybody can read is revoked, or the list says that it cannot be read in full."""
    for item in items if isinstance(items, list) else []:
        text = item.get(name) if isinstance(item, dict) else None
        if isinstance(text, str) and _HASH.fullmatch(text):
            try:
                RevocationSet((found,)).check(ArtifactHash(text.lower()))
            except (RevokedError, RevocationListInvalidError):
                continue
            raise AssertionError(f"a revoked hash passes: {text}")
    assert found.problems or len(items or ()) == len(found.entries)


# --- references, keys, patterns -----------------------------------------------------------------------------------------------


def _references() -> dict[str, bytes]:
    digest = f"sha256:{'0123456789abcdef' * 4}"
    texts = (
        "ghcr.io/acme/plugins/audit:1.2.3-linux-amd64",
        f"registry.example:5000/a/b@{digest}",
        f"localhost/a_b/c--d/e.f:v1@{digest}",
        "[::1]:5000/acme/audit:latest",
    )
    return {text: text.encode() for text in texts}


def _judge_reference(data: bytes) -> None:
    found = OciReference.parse(data.decode("utf-8", "surrogateescape"))
    text = str(found)
    assert OciReference.parse(text) == found
    assert text.isascii()
    assert text.isprintable()
    assert not {" ", "\\", "?", "#", "%"} & set(text)
    assert ".." not in found.repository
    assert found.lookup in text


def _keys() -> dict[str, bytes]:
    raw, other = public_key(), public_key(seed=bytes(32))
    ed25519 = Seed(b"fuzz").ed25519("key")
    return {
        "raw": raw,
        "hex": raw.hex().encode() + b"\n" + other.hex().encode(),
        "PEM": pem(ed25519),
        "two PEM blocks": pem(ed25519) + b"\n" + pem(Seed(b"fuzz").ed25519("another")),
        "DER": spki(ed25519),
        "base64": b"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
    }


def _judge_keys(data: bytes) -> None:
    found = parse_keys(data, name="fuzzed")
    assert 1 <= len(found) <= 64
    assert len(set(found)) == len(found)
    for key in found:
        for text in (key.pem.encode(), key.der):
            assert [one.raw for one in parse_keys(text, name="again")] == [key.raw]


def _sigstore_keys() -> dict[str, bytes]:
    seed = Seed(b"fuzz")
    keys: dict[str, PrivateKey] = {
        "P-256": seed.p256("a"),
        "P-384": seed.p384("a"),
        "P-521": seed.p521("a"),
        "Ed25519": seed.ed25519("a"),
    }
    return {name: pem(key) for name, key in keys.items()} | {
        "several": pem(keys["P-256"]) + pem(keys["P-384"]),
        "DER": spki(keys["P-256"]),
    }


def _judge_sigstore_keys(data: bytes) -> None:
    found = parse_trusted_keys(data, name="fuzzed")
    assert found
    for key in found:
        assert VerificationKey.load(key.key.spki).spki == key.key.spki
        assert key.fingerprint == f"sha256:{hashlib.sha256(key.key.spki).hexdigest()}"
        assert not key.key.verifies(b"no signature", b"data")


def _patterns() -> dict[str, bytes]:
    texts = (
        r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/v[0-9]+\.[0-9]+$",
        r"^https://github\.com/acme/.*$",
        r"^(https://github\.com/a/b|https://gitlab\.com/c/d)@x$",
        r"^[a-z]+@acme\.example$",
        r"^https://github\.com/(?:acme|other)/[^/]+/x$",
    )
    return {text: text.encode() for text in texts}


def _judge_pattern(data: bytes) -> None:
    pattern = IdentityPattern.parse(data.decode("utf-8", "surrogateescape"))
    for subject in _ATTACKERS:
        assert "attacker" in pattern.text or not pattern.matches(subject), f"`{pattern.text}` matches `{subject}`"
    for host in ("attacker.invalid", "xgithub.com", "githubxcom", "github.com@attacker.invalid", "github.com:attacker.invalid"):
        for path in ("acme/plugins/.github/workflows/release.yml@refs/tags/v1.0", "a/b@x", "acme/x", "@acme.example"):
            subject = f"https://{host}/{path}"
            assert host in pattern.text or "attacker" in pattern.text or not pattern.matches(subject), (
                f"{pattern.text}: {subject}"
            )


def _manifests() -> dict[str, bytes]:
    with_everything = shipped("policy.yaml")
    wanted = ("bare_package_file_trusted", "complete_release_trusted", "second_of_two_keys_trusted")
    return {name: data for name, data in with_everything.items() if name.startswith(wanted)}


_ROOT_TOKENS = ("version", "artifact_sha256", "revocations", "reason", "revoked_at", "0" * 64, "A" * 64, "sha256:" + "0" * 64)
_YAML_TOKENS = ("&a ", "*a", "<<: *a", "!!python/object:os.system", "!!binary ", "? ", "- ", "---\n", "...\n", "| \n", "> \n", "{", "[", "yes", "1e3",
                "0o7", "~", "null", "%YAML 1.1\n", "\t", "# ", "\u2028", "\x85", "\x07", "'", '"')  # fmt: skip

TARGETS = (
    Target(name="descriptor", shape=Shape.YAML, good=_descriptors, judge=_judge_descriptor, tokens=_YAML_TOKENS),
    Target(
        name="manifest",
        shape=Shape.YAML,
        good=_manifests,
        judge=_judge_manifest,
        tokens=(*_YAML_TOKENS, "MCPGPlugin", "MCPGRevocationList", "cluster-default", "spec", "trust", "List", "items"),
    ),
    Target(name="revocations", shape=Shape.JSON, good=_revocation_lists, judge=_judge_revocations, tokens=_ROOT_TOKENS),
    Target(
        name="reference",
        shape=Shape.TEXT,
        good=_references,
        judge=_judge_reference,
        tokens=("@sha256:", "/", ":", "..", "://", "[", "]", "%2f", "localhost", ":0", ":65536", "__", "A" * 300, "\udc80", "ı", "K"),
    ),
    Target(name="key", shape=Shape.PEM, good=_keys, judge=_judge_keys, tokens=("-----BEGIN PUBLIC KEY-----", "PRIVATE", "0x", "=", "-", "_")),
    Target(name="sigstore-key", shape=Shape.PEM, good=_sigstore_keys, judge=_judge_sigstore_keys, tokens=("-----BEGIN PUBLIC KEY-----", "=")),
    Target(
        name="pattern",
        shape=Shape.TEXT,
        good=_patterns,
        judge=_judge_pattern,
        tokens=("^", "$", "|", "(?i)", "(?m)", "(?s)", "(?:", "(?P<a>", ")", "*", "+?", "{0,1000}", "{1000}", "[^a]", r"\Q", r"\E", r"\x{10FFFF}", r"\pL",
                r"\A", r"\z", r"\b", ".", "[[:alpha:]]", r"\C", "\n", "\udc80", "?"),
    ),
)  # fmt: skip
