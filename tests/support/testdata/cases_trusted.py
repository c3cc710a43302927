"""Good releases in every form that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.builders import build_elf
from tests.support.sigstore.keys import pem
from tests.support.testdata.cases import case, trusted
from tests.support.testdata.demo import revocation_file
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE, Release, sign_image, signing_key
from tests.support.virtual_sigstore import (
    Identity,
    generator_identity,
    github_identity,
    github_provenance,
    image_signature,
    slsa_provenance,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oci import Stored


@case(trusted())
def complete_release_trusted(release: Release) -> None:
    """Everything is asked for and everything is there.

    The honest case: all five checks are configured and pass. If this one fails, the refusals of the others prove nothing.
    """
    release.arguments = ["--revocations", "{case}/revocations.json"]

    def write(folder: Path) -> None:
        (folder / "revocations.json").write_bytes(revocation_file("0" * 64))

    release.edit_directory = write


@case(trusted())
def evidence_of_the_older_log_trusted(release: Release) -> None:
    """Signature and provenance are in a Rekor v1 log.

    The time is proven by the log's promise instead of a timestamp authority, and entries are `dsse` 0.0.1. Both logs of a trust
    root count alike.
    """
    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), log="rekor1"),)
    release.attest_build = (
        lambda artifact: SIGSTORE.sign_statement(slsa_provenance(artifact), identity=generator_identity(), log="rekor1"),
    )


@case(trusted(layer="slsa", candidates=("StatementInvalid",)))
def provenance_attached_to_the_manifest_trusted(release: Release) -> None:
    """The ConfigMap does not exist, the provenance is attached to the manifest.

    The fallback is the manifest's own referrers and nothing else. It is judged exactly like the file; the image signature beside it
    is no provenance and is passed over.
    """
    release.config_map = False
    release.attach_provenance = True


@case(trusted())
def github_attestation_by_an_allowed_builder_trusted(release: Release) -> None:
    """GitHub's own attestation, whose builder the user allows by name.

    An ordinary workflow attests its own build, so it is trusted only where somebody names it. Statement and predicate are of
    version 1 here.
    """
    release.attest_build = (lambda artifact: SIGSTORE.sign_statement(github_provenance(artifact)),)
    release.arguments = ["--builder-id", "https://github.com/acme/plugins/.github/workflows/release.yml"]


@case(trusted())
def second_of_two_keys_trusted(release: Release) -> None:
    """The key Secret holds the old and the new key.

    During a key rotation either key may verify. The report names the one that did.
    """
    release.only()
    release.trusted_keys = pem(signing_key("older")) + pem(signing_key())


@case(trusted(layer="cosign", candidates=("BundleInvalid", "CertificateInvalid")))
def one_good_signature_among_bad_ones_trusted(release: Release) -> None:
    """Anybody who can write to the repository can attach rubbish.

    One valid signature is enough, whatever lies beside it. The others are listed with why they do not count.
    """
    release.only("cosign")
    release.sign_image = (
        lambda _: b"{}",
        lambda digest: SIGSTORE.sign_statement(image_signature(digest), ca=OTHER_SIGSTORE.ca),
        sign_image,
    )


@case(trusted())
def signer_with_a_mail_address_trusted(release: Release) -> None:
    """A person signed, so the subject is a mail address.

    The pattern is matched against the whole subject, whatever its kind. The issuer is another one, too.
    """
    release.only("cosign")
    person = Identity(email="release@acme.example", issuer="https://accounts.acme.example")
    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), identity=person),)
    release.spec["trust"]["cosignIdentity"] = {
        "certificateIdentityRegexp": r"^release@acme\.example$",
        "oidcIssuer": "https://accounts.acme.example",
    }


@case(trusted())
def image_index_with_several_platforms_trusted(release: Release) -> None:
    """The tag names an image index; the child for the gateway's platform is taken.

    The signature is about the child, because that is what is loaded. The other platform's build is never looked at.
    """
    release.only("cosign")
    release.tag = None
    release.target = "oci-layout:{case}/layout:1.2.3"
    release.spec["oci"]["image"] = "ghcr.io/acme/plugins/audit:1.2.3"

    def add_index(stored: Stored, plugin: dict[str, Any]) -> None:
        other = Release(library=build_elf(architecture="arm64"), tag=None, sign_image=()).stored()
        stored.blobs |= other.blobs
        arm = other.listed[0]
        stored.listed = [each for each in stored.listed if each["digest"] != plugin["digest"]]
        stored.index(
            {**arm, "platform": {"os": "linux", "architecture": "arm64"}},
            {**plugin, "platform": {"os": "linux", "architecture": "amd64"}},
            tag="1.2.3",
        )

    release.edit_stored = add_index


@case(trusted())
def older_word_for_the_class_trusted(release: Release) -> None:
    """The manifest says `binding`, the descriptor `backend`.

    They are the older and the newer word for one class. Nothing but this pair and `cluster_backend`/`cluster` is equal.
    """
    release.only()
    assert isinstance(release.descriptor, dict)
    release.descriptor["class"] = "backend"
    release.spec["pluginClass"] = "binding"


@case(trusted())
def bare_package_file_trusted(release: Release) -> None:
    """A package file without a registry around it.

    Descriptor, signature and library are all in the file. Layers that need a manifest are not configured.
    """
    release.only()
    release.target = "{case}/plugin.zip"


@case(trusted())
def tag_of_a_release_signed_by_its_digest_trusted(release: Release) -> None:
    """The manifest pins the digest, the version check has no tag to look at.

    A digest says more than any tag. The signature still has to be about exactly this digest.
    """
    release.only("cosign")
    digest = release.stored().listed[0]["digest"]
    release.target = f"oci-layout:{{case}}/layout@{digest}"
    release.spec["oci"]["image"] = f"ghcr.io/acme/plugins/audit@{digest}"


@case(trusted())
def signer_identity_with_all_claims_trusted(release: Release) -> None:
    """A reusable workflow signed on behalf of the release.

    The subject is the reusable workflow, the calling repository stands in other claims. The pattern names the subject.
    """
    release.only("cosign")
    signer = "https://github.com/acme/workflows/.github/workflows/sign.yml@refs/tags/v3.0.0"
    release.sign_image = (
        lambda digest: SIGSTORE.sign_statement(image_signature(digest), identity=github_identity(signer=signer)),
    )
    release.spec["trust"]["cosignIdentity"]["certificateIdentityRegexp"] = (
        r"^https://github\.com/acme/workflows/\.github/workflows/sign\.yml@refs/tags/v3\.0\.0$"
    )


@case(trusted())
def signature_under_the_fallback_tag_trusted(release: Release) -> None:
    """The signature is found under the fallback tag alone.

    Registries without a list of referrers keep an index at the tag `sha256-<digest>` instead. What is found there is judged alike.
    """
    release.only("cosign")

    def move(stored: Stored, plugin: dict[str, Any]) -> None:
        attached = stored.listed.pop()
        stored.index(attached, tag=plugin["digest"].replace(":", "-"))

    release.edit_stored = move
