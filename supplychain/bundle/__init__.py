"""The project's own verifier of Sigstore bundles: pure, without network, files or clock.

It proves who signed (a certificate that chains to the trust root at every proven time), when (signed entry timestamps, RFC 3161
timestamps), that the signature is in a transparency log of the root, and that certificate, signature, log entry and content
belong together. It leaves to others whether that signer is wanted and what the content says. Start reading at `verify`.
"""

from supplychain.bundle.model import Bundle, parse_bundle
from supplychain.bundle.verify import NAME, verify_dsse_bundle, verify_message_bundle

__all__ = ["NAME", "Bundle", "parse_bundle", "verify_dsse_bundle", "verify_message_bundle"]
