"""Layer 1: the publisher's detached Ed25519 signature over the artifact's bytes (RFC 8032, PureEdDSA).

Proves that the holder of one trusted key signed exactly these bytes of `plugin.so` or `plugin.wasm`. It does not cover the
descriptor, so id, class and version are not proven by it, and it knows no time: an old build stays validly signed.
"""

from __future__ import annotations

from supplychain.ed25519.keys import PublicKey, parse_keys
from supplychain.ed25519.verify import verify_detached

__all__ = ["PublicKey", "parse_keys", "verify_detached"]
