"""Evidence as it was written before Sigstore bundles, and evidence signed by a key: good, and with one fault each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.sigstore.keys import public_key_pem
from tests.support.sigstore.legacy import bare_envelope, layer_annotations, served_entry
from tests.support.testdata.cases import case, refused, trusted, unavailable
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE, Release, attest_build
from tests.support.virtual_sigstore import generator_identity, github_identity, slsa_provenance

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oci import Stored

_LAYERS = {
    "sig": "application/vnd.dev.cosign.simplesigning.v1+json",
    "att": "application/vnd.dsse.envelope.v1+json",
}
_PROVENANCE_KEY = SIGSTORE.seed.p256("a key for provenance")


def _payload(digest: str, **critical: Any) -> bytes:
    about = {
        "identity": {"docker-reference": "ghcr.io/acme/plugins/audit"},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": {**about, **critical}, "optional": None}).encode()


def _sign(payload: bytes, **plan: Any) -> tuple[bytes, dict[str, str]]:
    """One layer of a `.sig` object: the document, and what cosign writes beside it."""
    return payload, layer_annotations(SIGSTORE.sign_message(payload, **{"log": "rekor1", **plan}))


def _attach(kind: str, *layers: tuple[bytes, dict[str, str]]) -> Any:
    """Store the layers as an image under the tag that belongs to the plugin's digest."""

    def edit(stored: Stored, plugin: dict[str, Any]) -> None:
        listed = []
        for data, notes in layers:
            layer = stored.blob(data, _LAYERS[kind])
            listed.append({**layer, "annotations": notes})
        image = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": stored.blob(b"{}", "application/vnd.oci.image.config.v1+json"),
            "layers": listed,
        }
        stored.manifest(image, tag=f"{plugin['digest'].replace(':', '-')}.{kind}")

    return edit


def _signed(release: Release, *plans: dict[str, Any], **critical: Any) -> None:
    """Replace the bundle by an object with one layer for each of `plans`."""
    release.only("cosign")
    release.sign_image = ()
    digest = str(release.stored().listed[0]["digest"])
    release.edit_stored = _attach("sig", *(_sign(_payload(digest, **critical), **plan) for plan in plans))


@case(trusted())
def signature_in_the_older_form_trusted(release: Release) -> None:
    """The signature is a layer of a `.sig` object, with a signed entry timestamp and no inclusion proof.

    cosign wrote this form until version 3, and plenty of mirrors hold nothing else. It is judged by the same steps as a bundle.
    """
    _signed(release, {})


@case(trusted(layer="cosign", candidates=("IdentityMismatch",)))
def second_layer_of_an_older_signature_trusted(release: Release) -> None:
    """A stranger's signature is the first layer of the `.sig` object, the good one the second.

    cosign appends a layer for each signer. Every layer is a candidate, and a bad one must not hide a good one.
    """
    _signed(release, {"identity": github_identity("stranger/plugins")}, {})


@case(refused("cosign", "SignedDigestMismatch", "SignedDigestMismatch"))
def older_signature_tagged_for_another_image_refused(release: Release) -> None:
    """A genuine `.sig` object of another image got the tag of this one.

    A tag is a name that anybody with push rights can give. Only the digest inside the signed document says what was signed.
    """
    _signed(release, {}, image={"docker-manifest-digest": f"sha256:{'0' * 64}"})


@case(refused("cosign", "CosignSignatureInvalid", "CosignSignatureInvalid"))
def older_signature_of_another_kind_refused(release: Release) -> None:
    """The signed document says of itself that it is something else than an image signature.

    What the same signer says in another context must not be taken for a signature.
    """
    _signed(release, {}, type="atomic container signature")


@case(refused("cosign", "IdentityMismatch", "IdentityMismatch"))
def older_signature_by_a_stranger_refused(release: Release) -> None:
    """A stranger signed the image in the older form.

    The identity is asked for whatever the form; anybody can get a certificate for a workflow of their own.
    """
    _signed(release, {"identity": github_identity("stranger/plugins")})


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def older_signature_from_a_strange_sigstore_refused(release: Release) -> None:
    """The certificate in the annotations was issued by an authority that nobody trusts.

    The annotation with the chain must not bring its own trust.
    """
    _signed(release, {"ca": OTHER_SIGSTORE.ca})


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def older_signature_with_the_log_entry_of_another_refused(release: Release) -> None:
    """The log entry in the annotations is genuine, and about another signature.

    It would prove a time at which this signature was never seen.
    """
    release.only("cosign")
    release.sign_image = ()
    digest = str(release.stored().listed[0]["digest"])
    payload, notes = _sign(_payload(digest))
    _, other = _sign(_payload(f"sha256:{'0' * 64}"))
    release.edit_stored = _attach("sig", (payload, notes | {key: other[key] for key in notes if key.endswith("/bundle")}))


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def older_signature_without_its_log_entry_refused(release: Release) -> None:
    """The annotation with the log entry was left out; a timestamp authority stands in.

    The trust root names a log that was in force then, so a signature that nobody could see in public does not count.
    """
    _signed(release, {"log": "none"})


@case(unavailable("cosign", "EvidenceUnsupported", "EvidenceUnsupported"))
def older_signature_by_a_bare_key_unavailable(release: Release) -> None:
    """The signature in the older form carries no certificate.

    A key names no identity, so nothing can be said about who signed. That is neither a bad signature nor a missing one.
    """
    _signed(release, {"keyed": True})


@case(trusted())
def provenance_in_the_older_form_trusted(release: Release) -> None:
    """Provenance is a layer of an `.att` object, as the container generator pushed it before bundles.

    Certificate and signed entry timestamp stand in annotations.
    """
    release.only("slsa")
    release.config_map = False
    attested = SIGSTORE.sign_statement(slsa_provenance(release.artifact_hash), identity=generator_identity(), log="rekor1")
    release.edit_stored = _attach("att", (bare_envelope(attested), layer_annotations(attested)))


def _bare(release: Release, *, entry_of: str | None = None) -> None:
    """Replace the provenance by a bare envelope, with `entry.json` beside the policy."""
    release.only("slsa")
    attested = SIGSTORE.sign_statement(slsa_provenance(release.artifact_hash), identity=generator_identity(), log="rekor1")
    logged = SIGSTORE.sign_statement(
        slsa_provenance(entry_of or release.artifact_hash), identity=generator_identity(), log="rekor1"
    )
    release.attest_build = (lambda _: bare_envelope(attested),)

    def add_entry(folder: Path) -> None:
        (folder / "entry.json").write_text(json.dumps(served_entry(logged), indent=2) + "\n")

    release.edit_directory = add_entry
    release.arguments = ["--rekor-entry", "{case}/entry.json"]


@case(trusted())
def bare_envelope_with_its_log_entry_trusted(release: Release) -> None:
    """The provenance is a bare envelope, and its log entry is given in a file.

    Generators wrote no log proof before bundles; the entry can be fetched once and kept beside the file.
    """
    _bare(release)


@case(refused("slsa", "LogEntryInvalid", "LogEntryInvalid"))
def bare_envelope_with_the_log_entry_of_another_refused(release: Release) -> None:
    """The log entry that is given is genuine, and about another statement.

    Anybody can fetch genuine entries; only one about this very payload shows anything.
    """
    _bare(release, entry_of="0" * 64)


def _keyed(release: Release, **plan: Any) -> None:
    """Sign the provenance by a key, whose public half lies beside the policy."""
    release.only("slsa")
    plan = {"keyed": True, "leaf_key": _PROVENANCE_KEY, **plan}
    release.attest_build = (
        lambda artifact: SIGSTORE.sign_statement(slsa_provenance(artifact), identity=generator_identity(), **plan),
    )
    release.edit_directory = lambda folder: (folder / "cosign.pub").write_bytes(public_key_pem(_PROVENANCE_KEY))
    release.arguments = ["--provenance-key", "{case}/cosign.pub"]


@case(trusted())
def provenance_by_a_configured_key_trusted(release: Release) -> None:
    """The provenance is signed by a key that the user names.

    Whoever runs their own builder may sign by a key. Its holder stands for what the statement says, and the report says so.
    """
    _keyed(release)


@case(refused("slsa", "EnvelopeInvalid", "EnvelopeInvalid"))
def provenance_by_another_key_refused(release: Release) -> None:
    """The provenance is signed by another key than the one that the user names.

    It is even logged; anybody can log what they signed.
    """
    _keyed(release, leaf_key=SIGSTORE.seed.p256("somebody else"))


@case(refused("slsa", "BundleInvalid", "BundleInvalid"))
def keyless_provenance_where_a_key_is_asked_refused(release: Release) -> None:
    """The user names a key, and the provenance is signed with a certificate.

    Naming a key means that this key alone is trusted; a trusted builder of everybody's does not stand in for it.
    """
    _keyed(release)
    release.attest_build = (attest_build,)
