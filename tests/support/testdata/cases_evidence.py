"""Bundles with exactly one fault each; all the rest of them is honest."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.testdata.cases import case, refused, trusted
from tests.support.testdata.demo import flip
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE, Release
from tests.support.virtual_sigstore import image_signature

if TYPE_CHECKING:
    from collections.abc import Callable

_LATER = SIGSTORE.at + timedelta(hours=1)
_BEFORE = SIGSTORE.at - timedelta(days=1)


def _sign(release: Release, **faults: Any) -> None:
    release.only("cosign")
    release.sign_image = (lambda digest: SIGSTORE.sign_statement(image_signature(digest), **faults),)


def _editing(path: str, change: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    """Change the text at a dotted path of the finished bundle."""

    def edit(bundle: dict[str, Any]) -> None:
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
        place: Any = bundle
        for part in parents:
            place = place[part]
        place[last] = change(place[last])

    return edit


def _flip_base64(text: str) -> str:
    return base64.b64encode(flip(base64.b64decode(text), 20)).decode()


# --- the signature ------------------------------------------------------------------------------------------------------------


@case(refused("cosign", "EnvelopeInvalid", "EnvelopeInvalid"))
def copied_certificate_with_a_foreign_signature_refused(release: Release) -> None:
    """The certificate is the publisher's, the signature is by another key.

    Certificates are public and can be attached to anything. The certificate's own key must verify the signature.
    """
    _sign(release, leaf_key=OTHER_SIGSTORE.seed.p256("attacker"), certificate_public_key=_publisher_key())


def _publisher_key() -> bytes:
    from tests.support.sigstore.keys import spki

    return spki(SIGSTORE.seed.p256("publisher"))


@case(refused("cosign", "EnvelopeInvalid", "EnvelopeInvalid"))
def envelope_with_two_signatures_refused(release: Release) -> None:
    """The envelope carries a second signature.

    Nobody says which of the two the certificate belongs to. A bundle has exactly one.
    """
    _sign(release, envelope_signatures=lambda found: [*found, *found])


# --- the certificate ----------------------------------------------------------------------------------------------------------


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_by_another_authority_refused(release: Release) -> None:
    """Another authority issued the certificate, with the publisher's name in it.

    Everybody can run an authority. Only those of the trust root count.
    """
    _sign(release, ca=OTHER_SIGSTORE.ca)


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_that_only_names_the_authority_refused(release: Release) -> None:
    """The certificate names the right authority and is signed by another key.

    Names are text. The signature over the certificate is what counts.
    """
    _sign(release, ca=replace(SIGSTORE.ca, key=OTHER_SIGSTORE.ca.key))


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_for_another_purpose_refused(release: Release) -> None:
    """The certificate is for TLS clients, not for code signing.

    An authority may issue certificates for several purposes. A certificate proves a signer only for its own.
    """
    _sign(release, extended_key_usage=("1.3.6.1.5.5.7.3.2",))


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_expired_when_it_was_used_refused(release: Release) -> None:
    """The certificate had expired when the signature was made.

    Keyless certificates live for ten minutes, so that a stolen key is worth nothing afterwards. The proven time must lie within.
    """
    start = SIGSTORE.at - timedelta(hours=1)
    _sign(release, not_before=start, sct_at=SIGSTORE.at)


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_not_made_public_refused(release: Release) -> None:
    """The certificate carries no certificate transparency timestamp.

    Without one, an authority could issue certificates that nobody ever sees. Each must be public.
    """
    _sign(release, scts=0)


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def certificate_timestamp_by_another_key_refused(release: Release) -> None:
    """The certificate transparency timestamp names the right log and is signed by another key.

    The log's name is public, its key is not. Only the signature shows that the log saw the certificate.
    """
    _sign(release, ct_log=replace(SIGSTORE.ct_log, key=OTHER_SIGSTORE.ct_log.key))


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def authority_retired_before_signing_refused(release: Release) -> None:
    """The trust root says that the authority was retired before the signature.

    Keys are retired when they leaked or are about to. Whoever holds one then can still issue certificates.
    """
    _sign(release)
    release.trust_root = SIGSTORE.trusted_root(fulcio_window=(datetime(2024, 1, 1, tzinfo=UTC), _BEFORE))


# --- the log ------------------------------------------------------------------------------------------------------------------


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def log_key_retired_before_signing_refused(release: Release) -> None:
    """The trust root says that the log's key was retired before the signature.

    A retired key may be in anybody's hands. Entries from after its time do not count.
    """
    _sign(release, log="rekor1")
    release.trust_root = SIGSTORE.trusted_root(rekor_window=(datetime(2024, 1, 1, tzinfo=UTC), _BEFORE))


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def bundle_without_log_entry_refused(release: Release) -> None:
    """The signature was never logged.

    A signature that the publisher cannot see in the log may have been made with a stolen identity. It must be public.
    """
    _sign(release, log="none")


@case(refused("cosign", "BundleInvalid", "BundleInvalid"))
def log_entry_without_proof_refused(release: Release) -> None:
    """The log entry comes without an inclusion proof.

    Then nothing shows that it is in the log at all. The newer log gives no other promise.
    """
    _sign(release, proof=False)


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def log_entry_of_another_log_refused(release: Release) -> None:
    """The entry is in a log that the trust root does not name.

    Everybody can run a log that nobody watches. Only those of the trust root count.
    """
    _sign(release, rekor=OTHER_SIGSTORE.rekor2)


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def checkpoint_by_another_key_refused(release: Release) -> None:
    """The checkpoint names the right log and is signed by another key.

    A proof leads to a root hash, and the checkpoint says that the log has that root. Only its signature makes that true.
    """
    _sign(release, rekor=replace(SIGSTORE.rekor2, key=OTHER_SIGSTORE.rekor2.key))


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def inclusion_proof_with_one_bit_flipped_refused(release: Release) -> None:
    """One bit of the inclusion proof is flipped.

    Then it does not lead from the entry to the root hash. There is no almost.
    """
    _sign(release, edit=_editing("verificationMaterial.tlogEntries.0.inclusionProof.hashes.0", _flip_base64))


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def checkpoint_of_another_tree_refused(release: Release) -> None:
    """The log signed a checkpoint, but of a tree of another size.

    Proof and checkpoint must speak of the same tree. Otherwise an old proof could be hung on a new head.
    """
    _sign(release, edit_checkpoint=lambda text: text.replace("\n", "\n1", 1))


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def promise_with_one_bit_flipped_refused(release: Release) -> None:
    """One bit of the log's promise is flipped.

    The promise is also what proves the time. A broken one is not the same as none.
    """
    _sign(release, log="rekor1", edit=_editing(f"{_ENTRY}.inclusionPromise.signedEntryTimestamp", _flip_base64))


_ENTRY = "verificationMaterial.tlogEntries.0"


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def integrated_time_moved_refused(release: Release) -> None:
    """The time in the log entry was moved by a minute.

    Nobody signs the number itself, but the promise covers it. A moved time could bring an expired certificate back to life.
    """
    _sign(release, log="rekor1", edit=_editing(f"{_ENTRY}.integratedTime", lambda text: str(int(text) + 60)))


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def log_entry_about_another_payload_refused(release: Release) -> None:
    """The entry is proven to be in the log, but is about another payload.

    A harmless entry could cover for a harmful signature. Payload, signature and certificate of the entry must be the bundle's.
    """

    def other_payload(body: dict[str, Any]) -> None:
        body["spec"]["payloadHash"]["value"] = "0" * 64

    _sign(release, log="rekor1", edit_body=other_payload)


@case(refused("cosign", "LogEntryInvalid", "LogEntryInvalid"))
def log_entry_about_another_digest_refused(release: Release) -> None:
    """The entry in the newer log is about other signed bytes.

    A harmless entry could cover for a harmful signature. The entry's digest must be that of the signed bytes.
    """

    def other_digest(body: dict[str, Any]) -> None:
        body["spec"]["hashedRekordV002"]["data"]["digest"] = base64.b64encode(bytes(32)).decode()

    _sign(release, edit_body=other_digest)


# --- the time -----------------------------------------------------------------------------------------------------------------


@case(refused("cosign", "TrustedTimeMissing", "TrustedTimeMissing"))
def no_time_is_proven_refused(release: Release) -> None:
    """The newer log proves no time, and no timestamp is there.

    Then nobody knows whether the certificate was still valid. The machine's own clock is no proof.
    """
    _sign(release, tsa=None)


@case(refused("cosign", "TrustedTimeMissing", "TrustedTimeMissing"))
def timestamp_by_another_authority_refused(release: Release) -> None:
    """A timestamp authority that the trust root does not name gave the time.

    Everybody can run one that says what is wanted. Only those of the trust root count.
    """
    _sign(release, tsa=OTHER_SIGSTORE.tsa)


@case(refused("cosign", "TrustedTimeMissing", "TrustedTimeMissing"))
def timestamp_over_another_signature_refused(release: Release) -> None:
    """The timestamp is genuine, but was made for another signature.

    Timestamps are public and can be copied. One proves the time of the bytes it is over, and of nothing else.
    """
    _sign(release, timestamped=b"another signature")


@case(refused("cosign", "TrustedTimeMissing", "TrustedTimeMissing"))
def timestamp_by_a_retired_authority_refused(release: Release) -> None:
    """The trust root says that the timestamp authority was retired before.

    Whoever holds a retired key can date anything back. Its time is over at the end of its window.
    """
    _sign(release)
    release.trust_root = SIGSTORE.trusted_root(tsa_window=(datetime(2024, 1, 1, tzinfo=UTC), _BEFORE))


@case(refused("cosign", "CertificateInvalid", "CertificateInvalid"))
def signed_after_the_certificate_expired_refused(release: Release) -> None:
    """The timestamp says that the signature is an hour younger than the certificate.

    A stolen key signs later. Ten minutes after its birth it is worth nothing.
    """
    _sign(release, timestamp_at=_LATER)


# --- two verifiers ------------------------------------------------------------------------------------------------------------


@case(trusted())
def certificate_that_was_published_twice_trusted(release: Release) -> None:
    """The certificate carries two good transparency timestamps; the second verifier knows only one.

    What the second verifier cannot judge is judged by the first alone, and the report says so. It is no disagreement.
    """
    _sign(release, scts=2)
