"""What the real cosign signed and a real Rekor v1 logged is found there again, by nothing but the bare envelope."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from supplychain.artifact import EvidenceForm, Material
from supplychain.digest import ArtifactHash
from supplychain.dsse import parse_envelope
from supplychain.errors import TransparencyLogUnavailableError
from supplychain.evidence import verify_logged_envelope
from supplychain.mirror.rekor import RekorLookup
from supplychain.slsa import SlsaPolicy, verify_provenance
from supplychain.trust_root import parse_trust_root
from tests.judges.live.signing import IMAGE, Scene
from tests.support.private_sigstore import PrivateSigstore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.trust_root import TrustRoot
    from tests.support.registries import RunningRegistries

HASH = ArtifactHash(IMAGE["digest"].removeprefix("sha256:"))
POLICY = SlsaPolicy(source_uri="github.com/acme/plugins", source_tag="v1.2.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """A running log, the root that names it, and the layer of an `.att` object."""

    rekor: str
    root: TrustRoot
    layer: dict[str, Any]

    def generated(self, note: str) -> bytes:
        """The envelope as slsa-github-generator wrote it to a file, with the certificate in it; `note` makes it another text."""
        envelope = json.loads(self.layer["payload"])
        [signature] = envelope["signatures"]
        envelope["signatures"] = [{"keyid": "", "sig": signature["sig"], "cert": self.layer["notes"]["certificate"]}]
        envelope["note"] = note
        return json.dumps(envelope).encode()

    def log(self, envelope: bytes, kind: str) -> None:
        """Enter it into the log as a generator did."""
        pem = base64.b64encode(self.layer["notes"]["certificate"].encode()).decode()
        spec = {
            "intoto": {"content": {"envelope": envelope.decode()}, "publicKey": pem},
            "dsse": {"proposedContent": {"envelope": envelope.decode(), "verifiers": [pem]}},
        }[kind]
        proposed = {"kind": kind, "apiVersion": "0.0.1", "spec": spec}
        answer = httpx.post(f"{self.rekor}/api/v1/log/entries", json=proposed, trust_env=False, timeout=30)
        assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def attested(tmp_path_factory: pytest.TempPathFactory, registries: RunningRegistries) -> Iterator[Attested]:
    """One attestation in the older form."""
    directory = tmp_path_factory.mktemp("lookup")
    (directory / "sigstore").mkdir()
    with ExitStack() as stack:
        sigstore = stack.enter_context(PrivateSigstore.running(directory / "sigstore"))
        scene = Scene(directory=directory, sigstore=sigstore, registries=registries)
        scene.write_files()
        scene.sign(".att")
        [layer] = scene.attached[".att"].tree["att"]

        def named(root: dict[str, Any]) -> None:
            root["tlogs"][0]["baseUrl"] = sigstore.rekor1

        root = parse_trust_root(sigstore.keys.trusted_root(edit=named), name="live")
        yield Attested(rekor=sigstore.rekor1, root=root, layer=layer)


def bare(envelope: bytes) -> tuple[Material, ...]:
    return (Material(form=EvidenceForm.ENVELOPE, data=envelope, where="old.intoto.jsonl"),)


@pytest.mark.parametrize("kind", ["dsse", "intoto"])
def test_an_envelope_with_its_certificate_is_found_by_its_content_alone(attested: Attested, kind: str) -> None:
    envelope = attested.generated(kind)
    attested.log(envelope, kind)
    with RekorLookup() as lookup:
        found = verify_provenance(bare(envelope), artifact_hash=HASH, policy=POLICY, root=attested.root, lookup=lookup)
    assert found.proven is not None
    assert found.proven.log[0].kind == f"{kind}/0.0.1"
    assert found.proven.log[0].origin is not None
    assert "the log entry was looked up at `127.0.0.1`" in found.proven.notes


def test_what_the_log_does_not_find_without_its_index_stays_unavailable(attested: Attested) -> None:
    never_logged = attested.generated("never logged")
    without_certificate = attested.layer["payload"].encode()
    assert parse_envelope(without_certificate).payload == parse_envelope(never_logged).payload
    with RekorLookup() as lookup:
        for envelope in (never_logged, without_certificate):
            with pytest.raises(TransparencyLogUnavailableError) as caught:
                verify_logged_envelope(bare(envelope)[0], root=attested.root, lookup=lookup, artifact=HASH.hex)
            assert caught.value.got in {"status 404", "status 501"}
