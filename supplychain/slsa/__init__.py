"""SLSA provenance of a plugin's library.

Proves: a trusted builder made exactly these bytes, from the repository, tag and inputs that the policy names, by what the
statement says and by what the builder's certificate says. Leaves to others: that the source is worth building.
"""

from supplychain.slsa.facts import BuildFacts
from supplychain.slsa.file import parse_provenance_file
from supplychain.slsa.policy import GITHUB_ISSUER, SlsaPolicy
from supplychain.slsa.verify import Provenance, verify_provenance

__all__ = ["GITHUB_ISSUER", "BuildFacts", "Provenance", "SlsaPolicy", "parse_provenance_file", "verify_provenance"]
