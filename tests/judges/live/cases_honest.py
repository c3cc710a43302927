"""What cosign signs and attests, judged where cosign put it: all of it is good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.judges.live.case import PERSON, PROVENANCE, RELEASE, SIGNATURE, Case, Question, changed
from tests.support.sigstore.identities import GENERATOR

__all__ = ["CASES", "UNLOGGED"]

_WORKFLOW = "https://github.com/acme/plugins/.github/workflows/release.yml"


def _no_logs(root: Any) -> None:
    root["tlogs"].clear()


UNLOGGED: dict[str, Any] = {"root": _no_logs, "flags": ("--insecure-ignore-tlog", "--use-signed-timestamps")}
"""A question by a trust root that names no log."""
_SIGNED = "the release workflow signed this image, and the log of the trust root shows it"
_STAMPED = "signed and time-stamped; the trust root names no log that it could be in"
_BUILT = "the generator attested the build of this image from this source"
_BY_PERSON = replace(SIGNATURE, identity=PERSON, issuer=None)
_BY_KEY = replace(PROVENANCE, key="cosign", builder=GENERATOR)
_OWN = replace(PROVENANCE, identity=RELEASE, provenance="slsaprovenance1", builder=_WORKFLOW)
_OWN_NOTE = "the release workflow itself attested the build, and the policy names it as builder"


def _honest(name: str, form: str, why: str, question: Question, **notes: str) -> Case:
    return Case(name=name, right=True, why=why, start=form, in_place=True, question=question, **notes)  # type: ignore[arg-type]


CASES = (
    _honest("bundle, Rekor v2 and timestamp", "rekor2", _SIGNED, SIGNATURE),
    _honest("bundle, Rekor v1", "rekor1", _SIGNED, SIGNATURE),
    _honest("bundle, Rekor v1, in a registry without referrers API", "rekor1 elsewhere", _SIGNED, SIGNATURE),
    _honest("bundle, Rekor v1, by a person", "rekor1 person", "the person signed this image", _BY_PERSON),
    _honest("bundle, the first entry of a Rekor v1 log", "rekor1 first", _SIGNED, SIGNATURE),
    _honest("bundle, the first entry of a Rekor v2 log", "rekor2 first", _SIGNED, SIGNATURE),
    _honest("bundle, timestamp alone", "none", _STAMPED, replace(SIGNATURE, **UNLOGGED)),
    _honest("`.sig`, Rekor v1", ".sig", _SIGNED, SIGNATURE),
    _honest("`.sig`, Rekor v1, in a registry without referrers API", ".sig elsewhere", _SIGNED, SIGNATURE),
    _honest("`.sig`, Rekor v1, by a person", ".sig person", "the person signed this image", _BY_PERSON),
    _honest("`.sig`, Rekor v1 and timestamp", ".sig tsa", _SIGNED, SIGNATURE),
    _honest("`.sig`, timestamp alone", ".sig none", _STAMPED, replace(SIGNATURE, **UNLOGGED)),
    _honest(
        "older signature as a referrer, Rekor v1", ".sig referrer", _SIGNED, replace(SIGNATURE, flags=("--experimental-oci11",))
    ),
    _honest("provenance v0.2, bundle, Rekor v1", "attest", _BUILT, PROVENANCE),
    _honest("provenance v0.2, bundle, in a registry without referrers API", "attest elsewhere", _BUILT, PROVENANCE),
    _honest("provenance v1, bundle, Rekor v2 and timestamp", "attest rekor2 v1", _OWN_NOTE, _OWN),
    _honest("provenance v1, bundle, Rekor v1", "attest v1", _OWN_NOTE, _OWN),
    _honest("provenance, bundle, timestamp alone", "attest none", _STAMPED, replace(PROVENANCE, **UNLOGGED)),
    _honest("provenance, bundle, by a key", "attest key", "the configured key signed it", _BY_KEY),
    _honest("provenance, `.att`, Rekor v1", ".att", _BUILT, PROVENANCE),
    _honest("provenance, `.att`, in a registry without referrers API", ".att elsewhere", _BUILT, PROVENANCE),
    _honest(
        "provenance, `.att`, timestamp alone",
        ".att none",
        _STAMPED,
        replace(PROVENANCE, **UNLOGGED),
        cosign="signs the timestamp over the signature, and looks for one over the whole envelope",
    ),
    _honest("provenance, `.att`, by a key", ".att key", "the configured key signed it", _BY_KEY),
    *(
        changed(
            f"copied into another repository: `{form}`", form, why="evidence is about a digest, not about a place", right=True
        )
        for form in ("rekor1", "rekor2", ".sig", "attest", ".att")
    ),
)
