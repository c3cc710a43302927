"""Provenance that cannot be what was asked for, however well it is signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.judges.live.case import PERSON, PROVENANCE, RELEASE, Case, changed
from tests.judges.live.tampering import DROP, flip, like, set_to
from tests.support.sigstore.identities import GENERATOR

__all__ = ["CASES"]

_B = "bundles.0.content."
_SIGNER_ONLY = "asks who signed, and what kind of predicate it is; not what the predicate says"
_CERTIFICATE = "looks at the signer alone, which is the same generator for every repository"


def _asked(name: str, form: str | None, why: str, *, right: bool = False, beside: tuple[str, ...] = (), **more: Any) -> Case:
    notes = {party: more.pop(party, None) for party in ("cosign", "ours")}
    question = replace(PROVENANCE, **more)
    return Case(name=name, right=right, why=why, start=form, beside=beside, question=question, **notes)


CASES = (
    _asked("provenance: none", None, "nobody attested anything"),
    _asked("provenance: signed, never attested", "rekor1", "a signature says nothing about the build", identity=RELEASE),
    _asked("provenance: signed, never attested, `.sig`", ".sig", "a signature says nothing about the build", identity=RELEASE),
    _asked("provenance: another kind of attestation", "attest another kind", "it is no provenance", identity=RELEASE),
    _asked("provenance: of another image", "attest other image", "it says so itself"),
    _asked("provenance: `.att` of another image under this one's tag", ".att other image", "it says so itself"),
    _asked("provenance: built from mallory's repository", "attest mallory", "another source", cosign=_CERTIFICATE),
    _asked("provenance: built from mallory's repository, which says it was ours", "attest lie",
           "the certificate names the true repository", cosign=_CERTIFICATE),
    _asked("provenance: built on somebody's own machine", "attest self-hosted", "its owner could have changed the build",
           cosign=_CERTIFICATE),
    _asked("provenance: signed by a person", "attest person", "no builder", identity=PERSON, issuer=None, cosign=_SIGNER_ONLY),
    _asked("provenance: by a workflow that the policy does not name", "attest v1", "not a trusted builder", identity=RELEASE,
           provenance="slsaprovenance1", cosign=_SIGNER_ONLY),
    _asked("provenance: signed by a key, asked for a signer", "attest key", "nobody says who holds the key"),
    _asked("provenance: signed by a key, asked for another key", "attest key", "not that key", key="another", builder=GENERATOR),
    _asked("provenance: signed by the generator, asked for a key", "attest", "not that key", key="cosign", builder=GENERATOR),
    _asked("provenance: `.att` by a key, asked for another key", ".att key", "not that key", key="another", builder=GENERATOR),
    _asked("provenance: mallory's beside the good one", "attest mallory", "one good statement is enough", right=True,
           beside=("attest",)),
    _asked("provenance: `.att` beside a bundle that signs", "rekor1", "the older attestation is good", right=True, beside=(".att",),
           cosign="looks for older attestations only where there is no bundle"),
    _asked("provenance: a timestamp alone, where the root names a log", "attest none", "what is not logged is hidden",
           flags=("--use-signed-timestamps",)),
    changed("provenance: another source in the statement", "attest",
            (_B + "dsseEnvelope.payload.predicate.invocation.configSource.uri", set_to("git+https://github.com/acme/x")),
            why="the signature is not over this statement"),
    changed("provenance: the statement names another image", "attest",
            (_B + "dsseEnvelope.payload.subject.0.digest.sha256", set_to("0" * 64)), why="the signature is not over this statement"),
    changed("provenance: one bit of the signature", "attest", (_B + "dsseEnvelope.signatures.0.sig", flip),
            why="the signature does not verify"),
    changed("provenance: the certificate of the release workflow", "attest",
            (_B + "verificationMaterial.certificate.rawBytes", like("rekor1 before")), why="its key did not make this signature"),
    changed("provenance: the entry of a signature", "attest", (_B + "verificationMaterial.tlogEntries", like("rekor1 after")),
            why="the log proves another one"),
    changed("provenance: no signed entry timestamp", "attest",
            (_B + "verificationMaterial.tlogEntries.0.inclusionPromise", set_to(DROP)), why="nothing proves the time"),
)  # fmt: skip
