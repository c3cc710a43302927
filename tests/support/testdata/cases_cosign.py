"""Image signatures that do not count for this manifest, this signer or this policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.oci import BUNDLE_TYPE
from tests.support.sigstore.certificates import email_name, uri_name
from tests.support.sigstore.statements import COSIGN_SIGN, SLSA_V0_2
from tests.support.testdata.cases import case, refused, unavailable
from tests.support.testdata.demo import flip
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE, Release, attest_build, sign_image
from tests.support.virtual_sigstore import Identity, github_identity, image_signature

if TYPE_CHECKING:
    from tests.support.oci import Stored


def _by(release: Release, identity: Identity) -> None:
    release.only("cosign")
    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), identity=identity),)


def _other_digest(release: Release) -> str:
    """The manifest digest of another release, honestly signed by the same workflow."""
    other = Release(library=flip(release.library, 200))
    return str(other.stored().listed[0]["digest"])


@case(refused("cosign", "CosignSignatureMissing"))
def image_without_signature_refused(release: Release) -> None:
    """Nothing is attached to the manifest.

    Leaving the signature out must not be easier than forging it. It is also what a mirror shows that was copied without signatures.
    """
    release.only("cosign")
    release.sign_image = ()


@case(refused("cosign", "CosignSignatureMissing", "CosignSignatureInvalid"))
def image_that_is_only_attested_refused(release: Release) -> None:
    """Provenance is attached, an image signature is not.

    An attestation by the right workflow is no signature: it says how something was built, not that it was released. Other tools
    mix the two up.
    """
    release.only("cosign")
    release.sign_image = ()
    release.attach_provenance = True


@case(refused("cosign", "SignedDigestMismatch", "SignedDigestMismatch"))
def signature_object_of_another_release_refused(release: Release) -> None:
    """A genuine signature of another release is attached to this manifest.

    Whoever can write to the repository can hang any public signature anywhere. The signed digest must be the pulled one.
    """
    release.only("cosign")
    release.sign_image = (lambda _: sign_image(_other_digest(release)),)


@case(refused("cosign", "CosignSignatureMissing"))
def signature_listed_for_another_manifest_refused(release: Release) -> None:
    """A signature object names another manifest as its subject, and the list of referrers claims it is ours.

    Lists of referrers are written by whoever stores them. The object's own subject is compared.
    """
    release.only("cosign")
    release.sign_image = ()

    def relist(stored: Stored, plugin: dict[str, Any]) -> None:
        subject = {**plugin, "digest": _other_digest(release)}
        attached = stored.attach(sign_image(plugin["digest"]), subject=subject, predicate_type=COSIGN_SIGN)
        stored.listed.pop()
        fallback = {**attached, "artifactType": BUNDLE_TYPE}
        stored.index(fallback, tag=plugin["digest"].replace(":", "-"))

    release.edit_stored = relist


@case(refused("cosign", "IdentityMismatch", "IdentityMismatch"))
def signer_in_a_fork_refused(release: Release) -> None:
    """The same workflow signed, in somebody's fork.

    Everybody can run the publisher's workflow in a copy of the repository. Owner and repository are part of the identity.
    """
    _by(release, github_identity("acme-fork/plugins"))


@case(refused("cosign", "IdentityMismatch", "IdentityMismatch"))
def signer_on_a_branch_refused(release: Release) -> None:
    """The right workflow signed on a branch.

    Whoever can push a branch can run the workflow on it. The policy wants a release tag.
    """
    _by(release, github_identity(ref="refs/heads/main"))


@case(refused("cosign", "IdentityMismatch", "IdentityMismatch"))
def signer_that_contains_the_wanted_one_refused(release: Release) -> None:
    """The signer's subject contains the wanted one as a part.

    A pattern that is searched instead of matched would find it. The whole subject must match.
    """
    wanted = github_identity().subject
    _by(release, Identity(subject_uri=f"https://evil.example/?q={wanted}"))


@case(refused("cosign", "IdentityMismatch", "IdentityMismatch"))
def right_subject_by_another_issuer_refused(release: Release) -> None:
    """The subject is the wanted one, another issuer vouches for it.

    Anybody may run an identity provider that claims any workflow. Subject and issuer belong together.
    """
    _by(release, Identity(issuer="https://token.actions.example"))


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_with_two_subjects_refused(release: Release) -> None:
    """The certificate names the wanted subject and another one.

    If any one of several names counted, one signature would be by two signers. There is exactly one name.
    """
    release.only("cosign")
    names = (uri_name(github_identity().subject), email_name("attacker@evil.example"))
    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), names=names),)


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_with_two_issuers_refused(release: Release) -> None:
    """The older and the newer issuer claim of the certificate differ.

    One verifier reads the one, another the other. They must agree where both are there.
    """
    _by(release, Identity(claims={1: "https://token.actions.example"}))


@case(refused("cosign", "BundleInvalid", "BundleInvalid"))
def bundle_that_is_no_json_refused(release: Release) -> None:
    """The attached object is not what its type says.

    Anybody can push bytes under any media type. They are judged, not believed.
    """
    release.only("cosign")
    release.sign_image = (lambda _: b"not JSON at all",)


@case(refused("cosign", "BundleInvalid", "BundleInvalid"))
def bundle_nested_without_end_refused(release: Release) -> None:
    """The bundle is a hundred thousand opening brackets.

    Parsers that descend for each of them fall over. The depth is bounded.
    """
    release.only("cosign")
    release.sign_image = (lambda _: b"[" * 100_000,)


@case(refused("cosign", "EnvelopeInvalid", "EnvelopeInvalid"))
def payload_changed_after_signing_refused(release: Release) -> None:
    """A genuine signature of another release, its payload edited to name this digest.

    Certificate, log entry and signature are public and can be copied. Only the payload does not fit them any more.
    """
    release.only("cosign")

    def edited(digest: str) -> bytes:
        from tests.support.sigstore.transparency import b64

        payload = json.dumps(image_signature(digest), separators=(",", ":")).encode()

        def replace_payload(bundle: dict[str, Any]) -> None:
            bundle["dsseEnvelope"]["payload"] = b64(payload)

        return SIGSTORE.sign_statement(image_signature(_other_digest(release)), edit=replace_payload)

    release.sign_image = (edited,)


@case(refused("cosign", "CosignSignatureMissing", "CosignSignatureInvalid"))
def statement_of_another_type_refused(release: Release) -> None:
    """The right workflow signed a statement about this digest, but not as an image signature.

    A statement says something only together with its type: it may as well say that the image is malware.
    """
    release.only("cosign")
    statement = "https://example.com/scan-report/v1"
    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest, predicate_type=statement)),)


@case(unavailable("cosign", "EvidenceUnsupported", "EvidenceUnsupported"))
def signature_by_a_bare_key_unavailable(release: Release) -> None:
    """The bundle was signed with a key pair instead of a certificate.

    Such a bundle names no identity that the policy could be compared with. It is not bad, it cannot be judged.
    """
    release.only("cosign")

    def replace_certificate(bundle: dict[str, Any]) -> None:
        material = bundle["verificationMaterial"]
        del material["certificate"]
        material["publicKey"] = {"hint": "release"}

    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), edit=replace_certificate),)


@case(unavailable("cosign", "EvidenceLimit", "EvidenceUnsupported", *["BundleInvalid"] * 4))
def signature_behind_too_many_others_unavailable(release: Release) -> None:
    """The repository holds more signature objects than are looked at.

    Somebody who may attach objects could make every verification slow. The number is bounded, and the bound is said.
    """
    release.only("cosign")
    release.sign_image = tuple(lambda _, number=number: b'{"rubbish": %d}' % number for number in range(5))  # type: ignore[misc]
    release.arguments = ["--limit-candidates", "4"]


@case(refused("cosign", "SignedDigestMismatch", "SignedDigestMismatch"))
def signature_over_the_package_instead_refused(release: Release) -> None:
    """The signed digest is that of the library.

    Four different hashes name parts of a plugin. A signature over one says nothing about the others.
    """
    release.only("cosign")
    release.sign_image = (lambda _: sign_image(f"sha256:{release.artifact_hash}"),)


@case(refused("cosign", "CosignSignatureInvalid", "CosignSignatureInvalid", "IdentityMismatch", "LogEntryInvalid"))
def several_signatures_of_which_none_counts_refused(release: Release) -> None:
    """Provenance, a stranger's signature and one from a strange Sigstore are attached.

    Each fails for its own reason, and two halves do not make a whole. All of them are listed.
    """
    release.only("cosign")
    stranger = SIGSTORE, github_identity("stranger/plugins")
    strange = OTHER_SIGSTORE, github_identity()

    def attach(stored: Stored, plugin: dict[str, Any]) -> None:
        stored.attach(attest_build(release.artifact_hash), subject=plugin, predicate_type=SLSA_V0_2)
        for sigstore, identity in (stranger, strange):
            signature = sigstore.sign_statement(image_signature(plugin["digest"]), identity=identity)
            stored.attach(signature, subject=plugin, predicate_type=COSIGN_SIGN)

    release.sign_image = ()
    release.edit_stored = attach
