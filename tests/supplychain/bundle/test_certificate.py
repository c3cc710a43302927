"""Certificates signed with a broken hash or a short one, which no other test can make."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from supplychain.bundle.certificate import load_leaf, verify_path
from supplychain.errors import CertificateError
from tests.supplychain.bundle.support import SIGSTORE, root
from tests.support.sigstore import der
from tests.support.sigstore.certificates import Authority, Template
from tests.support.sigstore.keys import algorithm_of
from tests.support.sigstore.signing import issue_leaf
from tests.support.virtual_sigstore import github_identity

HASHES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "sha1": ("1.2.840.10045.4.1", hashes.SHA1()),
    "sha224": ("1.2.840.10045.4.3.1", hashes.SHA224()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAuthority(Authority):
    """Signs with a hash of its own."""

    hash_name: str

    def issue(self, template: Template) -> bytes:
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        oid, algorithm = HASHES[self.hash_name]
        identifier = der.sequence(der.object_id(oid))
        tbs = Authority.tbs(self, template).replace(algorithm_of(self.key), identifier, 1)
        tbs = der.sequence(tbs[4:])  # the length may have changed with the algorithm
        return der.sequence(tbs, identifier, der.bit_string(self.key.sign(tbs, ec.ECDSA(algorithm))))


@pytest.mark.parametrize("name", HASHES)
def test_a_certificate_signed_with_another_hash_is_refused(name: str) -> None:
    ca = SIGSTORE.ca
    plan = SIGSTORE.plan(b"x", identity=github_identity(), log="none", scts=0)
    good = load_leaf(issue_leaf(plan))
    times = (datetime(2025, 6, 2, 12, tzinfo=UTC),)
    assert verify_path(good, (), root=root(), times=times).issuers
    old = OldAuthority(name=ca.name, key=ca.key, chain=ca.chain, hash_name=name)
    bad = load_leaf(issue_leaf(SIGSTORE.plan(b"x", identity=github_identity(), log="none", scts=0, ca=old)))
    assert bad.certificate.signature_hash_algorithm is not None
    assert bad.certificate.signature_hash_algorithm.name == name
    with pytest.raises(CertificateError, match="no authority"):
        verify_path(bad, (), root=root(), times=times)


def test_a_path_names_its_authority_and_ends_at_the_anchor() -> None:
    leaf = load_leaf(issue_leaf(SIGSTORE.plan(b"x", identity=github_identity(), log="none", scts=0)))
    path = verify_path(leaf, (), root=root(), times=(SIGSTORE.at,))
    assert path.authority is root().authorities[0]
    assert path.issuers == path.authority.certificates
