"""Cosign keyless signatures of a plugin's manifest.

Proves: somebody whom the policy names signed exactly this manifest digest, while their certificate was valid, in public. Leaves
to others: that the manifest holds the package (it is pulled by this digest), and who built it.
"""

from supplychain.cosign.verify import CosignPolicy, ImageSignature, verify_image_signature

__all__ = ["CosignPolicy", "ImageSignature", "verify_image_signature"]
