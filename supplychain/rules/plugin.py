"""Rules of `MCPGPlugin` that its schema does not hold: its tag against its version, and what is allowed but weak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.api import PluginSpec
from supplychain.identity_pattern import IdentityPattern
from supplychain.rules.problem import Severity
from supplychain.rules.rule import Finding, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RULES"]


def _parsed(subject: Subject) -> PluginSpec | None:
    return subject.parsed if isinstance(subject.parsed, PluginSpec) else None


def _other_version(subject: Subject) -> Iterator[Finding]:
    spec = _parsed(subject)
    if spec is not None and spec.version_conflict is not None:
        yield Finding(
            field="spec.version",
            what="the image's tag carries another version",
            expected=f"`{spec.version_conflict}`",
            got=f"`{spec.version}`",
            hint="change the version or the tag",
        )


def _tag_alone(subject: Subject) -> Iterator[Finding]:
    spec = _parsed(subject)
    if spec is not None and spec.oci.reference.digest is None and spec.trust.cosign_identity is None:
        yield Finding(
            field="spec.oci.image",
            what="the image is named by its tag alone, and nobody in particular has to have signed it",
            expected="`@sha256:…` behind the image, or `trust.cosignIdentity`",
            hint="whoever can write the tag can offer an older release or another plugin of the same key",
            severity=Severity.ERROR if subject.strictness.require_digest_or_cosign else Severity.WARNING,
        )


def _wide_pattern(subject: Subject) -> Iterator[Finding]:
    spec = _parsed(subject)
    if spec is not None and spec.trust.cosign_identity is not None:
        for warning in IdentityPattern.parse(spec.trust.cosign_identity.certificate_identity_regexp).warnings:
            yield Finding(field="spec.trust.cosignIdentity.certificateIdentityRegexp", what=warning)


def _plain_issuer(subject: Subject) -> Iterator[Finding]:
    spec = _parsed(subject)
    identity = None if spec is None else spec.trust.cosign_identity
    if identity is not None and not identity.oidc_issuer.startswith("https://"):
        yield Finding(
            field="spec.trust.cosignIdentity.oidcIssuer",
            what="the issuer is no `https://` address",
            hint="issuers are compared letter by letter, so no certificate may ever match",
        )


RULES: Final = (
    Rule(name="VersionNotOfTag", about="The image's tag carries another version than `version`.", find=_other_version),
    Rule(
        name="TagAlone",
        about=("The image is named by a tag, and no `cosignIdentity` is asked for. An error with `--require-digest-or-cosign`."),
        find=_tag_alone,
        severity=Severity.WARNING,
    ),
    Rule(
        name="PatternTooWide",
        about="The identity pattern is safe, and wider than it may be meant.",
        find=_wide_pattern,
        severity=Severity.WARNING,
    ),
    Rule(
        name="IssuerNotHttps",
        about="`oidcIssuer` is no `https://` address.",
        find=_plain_issuer,
        severity=Severity.WARNING,
    ),
)
