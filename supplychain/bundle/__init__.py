"""The project's own verifier of Sigstore evidence: pure, without network, files or clock.

It proves who signed (a certificate that chains to the trust root at every proven time), when (signed entry timestamps, RFC 3161
timestamps), that the signature is in a transparency log of the root, and that certificate, signature, log entry and content
belong together. It leaves to others whether that signer is wanted and what the content says. Start reading at `verify`.
"""

from supplychain.bundle.legacy import legacy_attestation, legacy_signature, logged_envelopes
from supplychain.bundle.model import Bundle, parse_bundle
from supplychain.bundle.nearest import nearness
from supplychain.bundle.verify import (
    NAME,
    prove_envelope,
    prove_message,
    prove_unlogged_envelope,
    verify_dsse_bundle,
    verify_message_bundle,
)

__all__ = [
    "NAME",
    "Bundle",
    "legacy_attestation",
    "legacy_signature",
    "logged_envelopes",
    "nearness",
    "parse_bundle",
    "prove_envelope",
    "prove_message",
    "prove_unlogged_envelope",
    "verify_dsse_bundle",
    "verify_message_bundle",
]
