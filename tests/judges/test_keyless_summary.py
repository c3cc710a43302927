"""A verification summary signed by a real Fulcio, Rekor and timestamp authority, and judged with the keys of that instance alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.carry.plugin_bundle.keyless import KeylessSigner, KeylessTrust
from supplychain.cosign import CosignPolicy
from supplychain.errors import SummaryMissingError, TransparencyLogUnavailableError
from supplychain.identity_pattern import IdentityPattern
from supplychain.keyless_signing import KeylessSession
from supplychain.trust_root import parse_trust_root
from tests.supplychain.carry.test_bundle_create import MemoryDestination, shops
from tests.supplychain.carry.test_summary import SUMMARY
from tests.support.bundling import NAME
from tests.support.keyless import config, token
from tests.support.private_sigstore import PrivateSigstore
from tests.support.private_sigstore.issuer import EMAIL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["shops"]


@pytest.fixture(scope="module")
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSigstore]:
    with PrivateSigstore.running(tmp_path_factory.mktemp("keyless")) as running:
        yield running


def signer(sigstore: PrivateSigstore, *, log: str, identity: str) -> KeylessSigner:
    text = config(sigstore.keys.trusted_root(), sigstore.signing_config(log))
    session = KeylessSession(token=identity, config=text, name="config")
    return KeylessSigner(session=session, root=session.root, verifier=SUMMARY.verifier)


def trust(sigstore: PrivateSigstore, subject: str = EMAIL) -> KeylessTrust:
    root = parse_trust_root(sigstore.keys.trusted_root(), name="live")
    policy = CosignPolicy(identity=IdentityPattern.exactly(subject), issuer=sigstore.issuer.url)
    return KeylessTrust(policy=policy, root=lambda: root)


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_both_verifiers_believe_what_the_instance_signed(sigstore: PrivateSigstore, log: str) -> None:
    maker = signer(sigstore, log=log, identity=sigstore.issuer.email())
    for _ in range(2):
        data = maker.seal(SUMMARY)
        proven = trust(sigstore).verify(data, verifier=SUMMARY.verifier, where="here")
        assert proven.summary == SUMMARY
        assert proven.envelope is not None
        assert proven.envelope.times
        assert len(proven.envelope.log) == 1
    with pytest.raises(SummaryMissingError, match="another identity"):
        trust(sigstore, "mallory@acme.example").verify(data, verifier=SUMMARY.verifier, where="here")
    changed = json.loads(data)
    del changed["verificationMaterial"]["tlogEntries"]
    with pytest.raises(SummaryMissingError, match="not proven"):
        trust(sigstore).verify(json.dumps(changed).encode(), verifier=SUMMARY.verifier, where="here")


def test_a_token_that_nobody_signed_gets_no_certificate(sigstore: PrivateSigstore) -> None:
    forged = token(iss=sigstore.issuer.url, email=EMAIL, email_verified=True)
    with pytest.raises(TransparencyLogUnavailableError, match="did not sign"):
        signer(sigstore, log="rekor1", identity=forged).seal(SUMMARY)


def test_a_bundle_is_signed_and_read_by_the_command(sigstore: PrivateSigstore, tmp_path: Path, capsys: Any, shops: Any) -> None:
    desk = MemoryDestination(tmp_path, capsys)
    (tmp_path / "token").write_text(sigstore.issuer.email())
    (tmp_path / "config.json").write_text(config(sigstore.keys.trusted_root(), sigstore.signing_config("rekor2")))
    (tmp_path / "live.json").write_bytes(sigstore.keys.trusted_root())
    files = ("--identity-token", tmp_path / "token", "--trust-config", tmp_path / "config.json")
    assert desk.create(NAME, "--sign-keyless", *files) == 0, desk.err
    identity = ("--verifier-certificate-identity", EMAIL, "--verifier-certificate-oidc-issuer", sigstore.issuer.url)
    own = (*("--trust-root", f"live={tmp_path / 'live.json'}"), *("--trust-root", f"virtual={tmp_path / 'root.json'}"))
    assert desk.run("bundle", "verify", desk.path, *identity, *own, "--output", "json") == 0, desk.out
    [summary] = desk.extra["summaries"]
    assert (summary["identity"], summary["issuer"]) == (EMAIL, sigstore.issuer.url)
    assert desk.run("bundle", "verify", desk.path, *identity) == 1, "the public-good root knows nothing of this instance"
