"""The parts of a private Sigstore that signs anything for anyone at any time; `tests.support.virtual_sigstore` puts them together.

Everything here is TEST MATERIAL: keys come from seeds that stand in the source, so nothing signed with them proves anything.
"""
