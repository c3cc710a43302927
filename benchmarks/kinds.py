"""Every kind of evidence in one warm process, beside stock sigstore-python on the same bundle: p50 and p99 per verification."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING

from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier
from sigstore.verify.policy import UnsafeNoOp

from benchmarks.warm import percentiles
from supplychain.artifact import EvidenceForm, Material
from supplychain.evidence import verify_envelope, verify_message
from supplychain.verification_key import parse_trusted_keys
from tests.support import scenario
from tests.support.sigstore.keys import public_key_pem
from tests.support.sigstore.legacy import bare_envelope, layer_annotations, served_entry

if TYPE_CHECKING:
    from collections.abc import Callable

_MESSAGE = b"a signed document"
_SIGN = scenario.SIGSTORE
_KEY = _SIGN.seed.p256("a benchmark's key")
_NO_PEER = "sigstore-python cannot judge it"


def main() -> None:
    logging.getLogger("sigstore").setLevel(logging.CRITICAL)
    print(
        "kinds: one piece of evidence, warm, in process; ours with the core alone, and stock sigstore-python on the same bundle"
    )
    for name, ours, bundle in _kinds():
        middle, late = percentiles(ours)
        line = f"  {name:<44} p50 {middle:6.2f} ms   p99 {late:6.2f} ms"
        if bundle is None:
            print(f"{line}   {_NO_PEER}")
        else:
            theirs, theirs_late = percentiles(partial(stock, peer(), bundle))
            print(f"{line}   sigstore-python {theirs:6.2f} and {theirs_late:6.2f} ms   ratio {middle / theirs:.2f}")


def _kinds() -> list[tuple[str, Callable[[], object], bytes | None]]:
    root = scenario.trust_root()
    one = partial(verify_envelope, root=root, second_opinion=False)
    v1, v2 = scenario.provenance_bundle(), scenario.signature_bundle()
    message1, message2 = _SIGN.sign_message(_MESSAGE, log="rekor1"), _SIGN.sign_message(_MESSAGE)
    keyed = scenario.provenance_bundle(keyed=True, leaf_key=_KEY)
    keys = parse_trusted_keys(public_key_pem(_KEY), name="a key")
    intoto = scenario.provenance_bundle(kind="intoto")
    att = Material(form=EvidenceForm.LEGACY_ATTESTATION, data=bare_envelope(v1), where="", annotations=layer_annotations(v1))
    sig = Material(form=EvidenceForm.LEGACY_SIGNATURE, data=_MESSAGE, where="", annotations=layer_annotations(message1))
    entry = Material(
        form=EvidenceForm.ENVELOPE, data=bare_envelope(v1), where="", log_entries=(json.dumps(served_entry(v1)).encode(),)
    )
    return [
        ("statement, Rekor v1", partial(one, _bundle(v1)), v1),
        ("statement, Rekor v2 and timestamp", partial(one, _bundle(v2)), v2),
        ("message, Rekor v1", partial(_message, _bundle(message1), root), message1),
        ("message, Rekor v2 and timestamp", partial(_message, _bundle(message2), root), message2),
        ("statement, Rekor v1 entry of kind intoto", partial(one, _bundle(intoto)), None),
        ("statement signed by a key, Rekor v1", partial(one, _bundle(keyed), keys=keys), None),
        ("`.att` layer", partial(one, att), None),
        ("`.sig` layer", partial(_message, sig, root), None),
        ("bare envelope with its log entry", partial(one, entry), None),
    ]


def _bundle(data: bytes) -> Material:
    return Material(form=EvidenceForm.BUNDLE, data=data, where="")


def _message(material: Material, root: object) -> object:
    return verify_message(material, root=root, message=_MESSAGE, second_opinion=False)  # type: ignore[arg-type]


def peer() -> Verifier:
    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": json.loads(_SIGN.trusted_root()),
        "signingConfig": {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"},
    }
    return Verifier(trusted_root=ClientTrustConfig.from_json(json.dumps(config)).trusted_root)


def stock(verifier: Verifier, raw: bytes) -> None:
    bundle = Bundle.from_json(raw)
    if "dsseEnvelope" in json.loads(raw):
        verifier.verify_dsse(bundle, UnsafeNoOp())
    else:
        verifier.verify_artifact(_MESSAGE, bundle, UnsafeNoOp())
