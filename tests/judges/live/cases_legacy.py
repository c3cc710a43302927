"""The older `.sig` and `.att` objects, every part of one changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.judges.live.case import Case, changed
from tests.judges.live.cases_honest import UNLOGGED
from tests.judges.live.tampering import DROP, flip, like, set_to

if TYPE_CHECKING:
    from tests.judges.live.tampering import Change

__all__ = ["CASES"]

_SIG, _ATT = "sig.0.", "att.0."
_OF_SIG: tuple[tuple[str, str, Change, str], ...] = (
    ("the payload names another image", "payload.critical.image.docker-manifest-digest", set_to("sha256:" + "0" * 64),
     "the signature is not over this payload"),
    ("another kind of payload", "payload.critical.type", set_to("something else"), "the signature is not over this payload"),
    ("one bit of the signature", "notes.signature", flip, "the signature does not verify"),
    ("no signature", "notes.signature", set_to(DROP), "nobody signed"),
    ("the signature of another image", "notes.signature", like(".sig other"), "the signature does not verify"),
    ("one bit of the certificate", "notes.certificate", flip, "the authority did not sign this certificate"),
    ("the certificate of another signer", "notes.certificate", like(".sig mallory"), "its key did not make this signature"),
    ("no certificate", "notes.certificate", set_to(DROP), "nobody says who signed"),
    ("no log entry", "notes.log", set_to(DROP), "nothing proves the time, and the trust root names logs"),
    ("one bit of the signed entry timestamp", "notes.log.SignedEntryTimestamp", flip, "the log did not sign it"),
    ("another integrated time", "notes.log.Payload.integratedTime", flip, "the log signed another time"),
    ("another log index", "notes.log.Payload.logIndex", flip, "the log signed another index"),
    ("the entry names another log", "notes.log.Payload.logID", set_to("0" * 64), "the trust root names no such log"),
    ("the entry of another signature", "notes.log", like(".sig other"), "the log proves another one"),
    ("a layer that is called something else", "type", set_to("application/json"), "nothing says that this is a signature"),
)  # fmt: skip

_OF_ATT: tuple[tuple[str, str, Change, str], ...] = (
    ("the statement names another image", "payload.payload.subject.0.digest.sha256", set_to("0" * 64),
     "the signature is not over this statement"),
    ("another source in the statement", "payload.payload.predicate.materials.0.uri", set_to("git+https://github.com/mallory/x"),
     "the signature is not over this statement"),
    ("another payload type", "payload.payloadType", set_to("application/json"), "the payload type is signed with the payload"),
    ("one bit of the signature", "payload.signatures.0.sig", flip, "the signature does not verify"),
    ("one bit of the certificate", "notes.certificate", flip, "the authority did not sign this certificate"),
    ("the certificate of another signer", "notes.certificate", like(".sig mallory", "sig.0.notes.certificate"),
     "its key did not make this signature"),
    ("no log entry", "notes.log", set_to(DROP), "nothing proves the time, and the trust root names logs"),
    ("one bit of the signed entry timestamp", "notes.log.SignedEntryTimestamp", flip, "the log did not sign it"),
    ("the entry of another attestation", "notes.log", like(".att other image"), "the log proves another one"),
)  # fmt: skip
_TSA = "notes.timestamp"


def _chain_of_another(value: Any, scene: Any) -> str:
    """Mallory's certificate as if it were an authority."""
    certificate: str = scene.attached[".sig mallory"].tree["sig"][0]["notes"]["certificate"]
    return certificate


def _swap_layers(layers: Any, scene: Any) -> list[Any]:
    """The annotations of one layer on the other."""
    (mine,) = layers
    (other,) = scene.attached[".sig mallory"].copy().tree["sig"]
    return [{**mine, "notes": other["notes"]}, {**other, "payload": "{}", "notes": mine["notes"]}]


def _cases(start: str, prefix: str, parts: tuple[tuple[str, str, Change, str], ...]) -> tuple[Case, ...]:
    return tuple(
        changed(f"`{start}`: {name}", start, (prefix + path, change), why=why, cosign=_DIFFERS.get((start, name)))
        for name, path, change, why in parts
    )


_DIFFERS = {(".sig", "a layer that is called something else"): "does not look at what a layer is called"}

CASES = (
    *_cases(".sig", _SIG, _OF_SIG),
    changed("`.sig`: a payload that names another repository", ".sig",
            (_SIG + "payload.critical.identity.docker-reference", set_to("registry.example/else")),
            why="the payload is signed with the name in it"),
    changed("`.sig`: no chain", ".sig", (_SIG + "notes.chain", set_to(DROP)), right=True,
            why="the trust root holds the chain"),
    changed("`.sig`: a chain of mallory's", ".sig", (_SIG + "notes.chain", _chain_of_another), right=True,
            why="trust comes from the root alone, a chain adds none"),
    changed("`.sig`: annotations of two layers swapped", ".sig", ("sig", _swap_layers),
            why="neither signature is over its payload"),
    changed("`.sig`: the timestamp of another signature added", ".sig", (_SIG + _TSA, like(".sig other tsa")),
            why="every timestamp that is there must be over this signature", cosign="looks at timestamps only when it is told to"),
    changed("`.sig` with timestamp: one bit of it", ".sig tsa", (_SIG + _TSA + ".SignedRFC3161Timestamp", flip),
            why="every timestamp that is there must be by an authority", cosign="looks at timestamps only when it is told to"),
    changed("`.sig`, timestamp alone: that of another signature", ".sig none", (_SIG + _TSA, like(".sig other tsa")),
            why="nothing proves the time", **UNLOGGED),
    changed("`.sig`, timestamp alone: one bit of it", ".sig none", (_SIG + _TSA + ".SignedRFC3161Timestamp", flip),
            why="nothing proves the time", **UNLOGGED),
    changed("`.sig`, timestamp alone: none", ".sig none", (_SIG + _TSA, set_to(DROP)), why="nothing proves the time",
            cosign="takes the present as the time, as long as the certificate lives", **UNLOGGED),
    *_cases(".att", _ATT, _OF_ATT),
    changed("`.att`: the annotation names another predicate type", ".att",
            (_ATT + "notes.predicate type", set_to("https://acme.example/x")), right=True,
            why="the statement says what it is, annotations are not signed"),
)  # fmt: skip
