"""A real private Sigstore on loopback: Fulcio, a CT log, Rekor v1 and v2, a timestamp authority, and an OIDC issuer.

    with PrivateSigstore.running(directory) as sigstore:
        token = sigstore.issuer.github()
        root = sigstore.keys.trusted_root()

The programs are the projects' own, built from `tools/`. Their keys are those of a virtual Sigstore with a random seed, so its
trusted root describes them too. Every port is free at the start, every process is stopped by its own id.
"""

from tests.support.private_sigstore.issuer import EMAIL, Issuer
from tests.support.private_sigstore.stack import PROGRAMS, PrivateSigstore

__all__ = ["EMAIL", "PROGRAMS", "Issuer", "PrivateSigstore"]
