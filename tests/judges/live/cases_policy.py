"""Good evidence, asked about wrongly: other signers, other roots, ends of windows, and evidence of another image or kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.judges.live.case import PERSON, RELEASE, SIGNATURE, Case, changed
from tests.judges.live.signing import OTHER_IMAGE
from tests.judges.live.tampering import set_to

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["IDENTITIES", "OTHERS", "PLACES", "ROOTS"]

_MANIFEST = "bundles.0.manifest"
_OTHER = {key: OTHER_IMAGE[key] for key in ("mediaType", "digest", "size")}
_TRICK = "https://github.com/mallory/plugins/.github/workflows/release.yml@refs/heads/github.com/acme/plugins"
_ENDED = {"start": "2024-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"}
_FUTURE = {"start": "2999-01-01T00:00:00Z"}
_ATTESTED_ONLY = "takes every attestation of the image for a signature of it"
_KEY_WINDOW = "compares a log's window with the time in a signed entry timestamp, and Rekor v2 writes none"


def _window(path: str, window: dict[str, str]) -> Callable[[Any], None]:
    def edit(root: Any) -> None:
        *steps, last = path.split(".")
        for step in steps:
            root = root[int(step)] if isinstance(root, list) else root[step]
        root[last] = window

    return edit


def _without(name: str, position: int = 0) -> Callable[[Any], None]:
    def edit(root: Any) -> None:
        del root[name][position]

    return edit


def _swapped_keys(root: Any) -> None:
    first, second = root["tlogs"][0]["publicKey"], root["ctlogs"][0]["publicKey"]
    root["tlogs"][0]["publicKey"], root["ctlogs"][0]["publicKey"] = second, first


def _asked(name: str, form: str | None, why: str, *, right: bool = False, beside: tuple[str, ...] = (), **more: Any) -> Case:
    notes = {party: more.pop(party, None) for party in ("cosign", "ours")}
    question = replace(SIGNATURE, **more)
    return Case(name=name, right=right, why=why, start=form, beside=beside, question=question, **notes)


IDENTITIES = (
    _asked("another repository", "rekor1", "mallory did not sign", identity=RELEASE.replace("acme", "mallory")),
    _asked("another workflow file", "rekor1", "not that workflow", identity=RELEASE.replace("release.yml", "build.yml")),
    _asked("another tag", "rekor1", "not at that tag", identity=RELEASE.replace("v1.2.3", "v1.2.4")),
    _asked("the identity in capitals", "rekor1", "subjects are compared letter by letter", identity=RELEASE.upper()),
    _asked("a prefix of the identity", "rekor1", "a subject is compared as a whole", identity=RELEASE[:-2]),
    _asked("another issuer", "rekor1", "that issuer did not vouch", issuer="https://issuer.example"),
    _asked("the issuer with a slash behind it", "rekor1", "issuers are compared letter by letter", issuer=f"{SIGNATURE.issuer}/"),
    _asked("a job instead of a person", "rekor1 person", "the person signed, not the job"),
    _asked("another person", "rekor1 person", "not that person", identity="mallory@acme.example", issuer=None),
    _asked("the person by the issuer of jobs", "rekor1 person", "that issuer does not vouch for people", identity=PERSON),
    _asked(
        "a pattern for the repository's tags",
        "rekor1",
        "it names host and owner, and matches the whole subject",
        right=True,
        pattern=r"^https://github\.com/acme/plugins/\.github/workflows/release\.yml@refs/tags/.+$",
    ),
    _asked(
        "a pattern that a branch name of mallory's matches",
        "rekor1 branch",
        "mallory signed, at a branch that is called like the repository",
        pattern="github.com/acme/plugins",
        cosign="searches the pattern anywhere in the subject",
    ),
    _asked(
        "a pattern with a free alternative",
        "rekor1 mallory",
        "one alternative matches everybody",
        pattern=r"^https://github\.com/acme/plugins/.+$|.*",
        cosign="does not judge patterns",
    ),
    _asked("mallory's branch, asked for exactly", "rekor1 branch", "exactly that job signed", right=True, identity=_TRICK),
    _asked("signed by a key", "rekor1 key", "nobody says who holds the key"),
    _asked("signed by a key, `.sig`", ".sig key", "nobody says who holds the key"),
)

ROOTS = (
    _asked("the root of another Sigstore", "rekor1", "its authorities did not sign any of this", other_root=True),
    _asked("the root of another Sigstore, `.sig`", ".sig", "its authorities did not sign any of this", other_root=True),
    _asked("a root without the CT log", "rekor1", "nothing shows that the certificate is public", root=_without("ctlogs")),
    _asked("a root without the log", "rekor1", "the entry is by a log that nobody named", root=_without("tlogs")),
    _asked("a root without the log, Rekor v2", "rekor2", "the entry is by a log that nobody named", root=_without("tlogs", 1)),
    _asked("a root without the log, `.sig`", ".sig", "the entry is by a log that nobody named", root=_without("tlogs")),
    _asked(
        "a root without the timestamp authority, Rekor v2",
        "rekor2",
        "nothing proves the time",
        root=_without("timestampAuthorities"),
    ),
    _asked("a root with the keys of log and CT log swapped", "rekor1", "neither key made these signatures", root=_swapped_keys),
    _asked("a log whose time had ended", "rekor1", "that key vouched for nothing any more",
           root=_window("tlogs.0.publicKey.validFor", _ENDED)),
    _asked("a log whose time had ended, Rekor v2", "rekor2", "that key vouched for nothing any more", cosign=_KEY_WINDOW,
           root=_window("tlogs.1.publicKey.validFor", _ENDED)),
    _asked("a log whose time had ended, `.sig`", ".sig", "that key vouched for nothing any more",
           root=_window("tlogs.0.publicKey.validFor", _ENDED)),
    _asked("a log whose time has not begun", "rekor1", "that key vouches for nothing yet",
           root=_window("tlogs.0.publicKey.validFor", _FUTURE)),
    _asked("a CT log whose time had ended", "rekor1", "that key vouched for nothing any more",
           root=_window("ctlogs.0.publicKey.validFor", _ENDED)),
    _asked("an authority whose time had ended", "rekor1", "it vouched for nobody any more",
           root=_window("certificateAuthorities.0.validFor", _ENDED)),
    _asked("an authority whose time has not begun", "rekor1", "it vouches for nobody yet",
           root=_window("certificateAuthorities.0.validFor", _FUTURE)),
    _asked("an authority whose time had ended, `.sig`", ".sig", "it vouched for nobody any more",
           root=_window("certificateAuthorities.0.validFor", _ENDED)),
    _asked("a timestamp authority whose time had ended", "rekor2", "it proves no time any more",
           root=_window("timestampAuthorities.0.validFor", _ENDED)),
    _asked("a timestamp alone, where the root names a log", "none", "what is not logged is hidden",
           flags=("--use-signed-timestamps",)),
    _asked("a timestamp alone, where the root names a log, `.sig`", ".sig none", "what is not logged is hidden",
           flags=("--use-signed-timestamps",)),
)  # fmt: skip

OTHERS = (
    _asked("an unsigned image", None, "nobody signed it"),
    _asked("only attested, never signed", "attest v1", "an attestation says how it was built, not that it may be used",
           cosign=_ATTESTED_ONLY),
    _asked("only attested with another predicate", "attest another kind", "an attestation is no signature", cosign=_ATTESTED_ONLY),
    _asked("only attested, `.att`", ".att", "an attestation is no signature"),
    _asked("the signature of another image, attached to this one", "rekor1 other", "it says so itself"),
    _asked("the `.sig` of another image under this one's tag", ".sig other", "it says so itself"),
    _asked("the manifest signed as a file", "manifest as file",
           "a signed file is no signed image: signer and kind of statement differ"),
    _asked("only mallory's signature", "rekor1 mallory", "mallory is not trusted"),
    _asked("mallory's signature beside the good one", "rekor1", "one good signature is enough", right=True,
           beside=("rekor1 mallory",)),
    _asked("mallory's signature before the good one, `.sig`", ".sig mallory", "one good signature is enough", right=True,
           beside=(".sig",)),
    _asked("the signature of another image beside the good one", "rekor1 other", "one good signature is enough", right=True,
           beside=("rekor1",)),
    _asked("mallory's bundle beside a good `.sig`", "rekor1 mallory", "whoever may push cannot hide a good signature", right=True,
           beside=(".sig",), cosign="looks for older signatures only where there is no bundle"),
    _asked("provenance as a bundle beside a good `.sig`", "attest v1", "the older signature is good", right=True, beside=(".sig",)),
)  # fmt: skip

PLACES = (
    changed("a referrer without annotations", "rekor1", (f"{_MANIFEST}.annotations", set_to({})), right=True,
            why="the bundle says what it is, annotations are not signed"),
    changed("a referrer whose annotations lie", "rekor1",
            (f"{_MANIFEST}.annotations", set_to({"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"})),
            right=True, why="the bundle says what it is, annotations are not signed"),
    changed("a referrer of another artifact type", "rekor1", (f"{_MANIFEST}.artifactType", set_to("application/x")), right=True,
            why="registries rewrite it; the layer says what it is"),
    changed("a referrer whose layer is called something else", "rekor1", (f"{_MANIFEST}.layer type", set_to("application/json")),
            why="nothing says that this is a bundle"),
    changed("a referrer with the bundle twice", "rekor1", (f"{_MANIFEST}.copies", set_to(2)),
            why="cosign attaches exactly one bundle"),
    replace(changed("a list of referrers under the fallback tag", "rekor1", right=True, why="what a registry without the API has"),
            fallback=True),
    replace(changed("the list of referrers of another image under this one's fallback tag", "rekor1 other",
                    (f"{_MANIFEST}.subject", set_to(_OTHER)), why="they are about the other image"), fallback=True),
    replace(changed("a referrer in the list that names another subject", "rekor1",
                    (f"{_MANIFEST}.subject", set_to(_OTHER)),
                    why="a referrer says itself what it is attached to",
                    cosign="does not compare the subject with the image"), fallback=True),
)  # fmt: skip
