"""Why a bundle file, or what is said inside of it, is refused."""

from __future__ import annotations

from supplychain.errors.base import UnavailableError, VerificationError

__all__ = [
    "BundleFileError",
    "BundleFileInvalidError",
    "BundlePartMismatchError",
    "BundlePartMissingError",
    "SummaryMismatchError",
    "SummaryMissingError",
]


class BundleFileError(VerificationError):
    reason = "BundleFileRefused"
    meaning = "A bundle file was read and does not hold what it must."
    why = (
        "Between two networks a bundle lies on media that many hands touch. Nothing in it is believed for being in it: neither "
        "the plugins nor the policy, the root and the lists that came along."
    )


class BundleFileInvalidError(BundleFileError):
    reason = "BundleFileInvalid"
    meaning = (
        "A bundle file breaks its format: another kind of archive, broken, reordered, or with something in it that is not named."
    )
    why = (
        "An archive that two readers can read in two ways shows each of them another plugin. A bundle therefore has one form of "
        "its bytes, and every other one is refused, links, sparse files and names with slashes among them."
    )
    default_hint = "copy the file again, or create it again with `supplychain bundle create`; do not pack it with `tar`"
    default_change = "the bundle as `supplychain bundle create` wrote it"


class BundlePartMismatchError(BundleFileError):
    reason = "BundlePartMismatch"
    meaning = "A part of a split bundle has other bytes than it names, or is a part of another bundle."
    why = (
        "Parts travel on several media and are mixed up easily. Each names its set, its number and its digest, so that the one "
        "that is damaged or strange is found, and not only that something is."
    )
    default_hint = "copy the named part again from its medium"
    default_change = "all parts as one `supplychain bundle create` wrote them"


class SummaryMissingError(BundleFileError):
    reason = "SummaryMissing"
    meaning = "No verification summary in the bundle, signed by a key or an identity that the reader trusts, covers a plugin."
    why = (
        "The policy inside a bundle counts only because somebody whom the reader trusts signed that the plugin was verified by "
        "it. Without that, whoever packs a plugin would also choose what it has to show."
    )
    default_hint = (
        "ask for a bundle that was created with `--sign-key` or `--sign-keyless`, give the public key by `--verifier-key` or the "
        "identity by `--verifier-certificate-identity`, or give your own policy"
    )
    default_change = "a summary of this plugin, signed by the verifier"


class SummaryMismatchError(BundleFileError):
    reason = "SummaryMismatch"
    meaning = "A verification summary is signed by a trusted key, and is about something else than this bundle holds."
    why = (
        "A true summary of another bundle, of an older list or of a stricter policy is the best of all forgeries: its signature "
        "is good. It counts for exactly the plugin, the policy, the root and the lists whose digests it names."
    )
    default_hint = "create the bundle again; do not put parts of several bundles together"
    default_change = "the bundle as its verifier signed it"


class BundlePartMissingError(UnavailableError):
    reason = "BundlePartMissing"
    meaning = "A part of a split bundle is not there."
    why = (
        "A bundle counts whole or not at all. A part that did not arrive yet is no proof of anything bad, and none of anything "
        "good."
    )
    default_hint = "copy all parts into one folder and name the first one, or the name without a number"
