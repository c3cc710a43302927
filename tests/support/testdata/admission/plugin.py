"""Cases of `MCPGPlugin`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.case import ABSENT, Case, accepted, changed, differing, null, refused

__all__ = ["CASES"]

_KIND: Final = "MCPGPlugin"
_DIGEST: Final = "sha256:" + "a" * 64
_BASE: Final = {
    "pluginId": "dev.acme.audit",
    "version": "1.2.3",
    "pluginClass": "audit_sink",
    "oci": {"image": f"ghcr.io/acme/audit:1.2.3-linux-amd64@{_DIGEST}"},
    "trust": {"signingKeyRef": {"secretName": "acme-keys"}},
}
_COSIGN: Final = {
    "certificateIdentityRegexp": r"^https://github\.com/acme/audit/.+$",
    "oidcIssuer": "https://token.actions.githubusercontent.com",
}
_SLSA: Final = {"configMapName": "audit-provenance", "sourceUri": "github.com/acme/audit", "sourceTag": "v1.2.3"}
_PATTERN: Final = "trust.cosignIdentity.certificateIdentityRegexp"


def _yes(title: str, changes: dict[str, Any], *, why: str) -> Case:
    return accepted(_KIND, title, changed(_BASE, changes), why=why)


def _no(
    title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None, reason: str = "InvalidManifest"
) -> Case:
    spec = changed(_BASE, {field: value})
    return refused(_KIND, title, spec, why=why, schema=schema, field=field if at is None else at, reason=reason)


def _image(title: str, image: str, *, why: str, schema: str) -> Case:
    return _no(title, "oci.image", image, why=why, schema=schema, reason="InvalidReference")


def _pattern(title: str, pattern: str, *, why: str, schema: str) -> Case:
    spec = changed(_BASE, {"trust.cosignIdentity": {**_COSIGN, "certificateIdentityRegexp": pattern}})
    return refused(_KIND, title, spec, why=why, schema=schema, field=_PATTERN, reason="InvalidIdentityPattern")


def _unproven(title: str, pattern: str, *, why: str) -> Case:
    spec = changed(_BASE, {"trust.cosignIdentity": {**_COSIGN, "certificateIdentityRegexp": pattern}})
    difference = "a rule of the schema sees the anchors, and cannot build a syntax tree to prove what a pattern matches"
    return differing(_KIND, title, spec, why=why, difference=difference, field=_PATTERN, reason="InvalidIdentityPattern")


_ACCEPTED: Final = (
    _yes("smallest", {}, why="Only what must be there."),
    _yes(
        "every field",
        {
            "oci.pullSecretRef": {"name": "pull"},
            "oci.mirrorRef": {"name": "harbor.eu-1"},
            "trust.signingKeyRef.key": "acme_2026.pub",
            "trust.cosignIdentity": _COSIGN,
            "trust.slsaProvenance": _SLSA,
        },
        why="All that can be there.",
    ),
    _yes(
        "tag alone",
        {"oci.image": "ghcr.io/acme/audit:v1.2.3"},
        why="Weak, and good enough for development: a warning, no refusal.",
    ),
    _yes("digest alone", {"oci.image": f"ghcr.io/acme/audit@{_DIGEST}"}, why="What production should name."),
    _yes("digest in upper case", {"oci.image": "ghcr.io/acme/audit@sha256:" + "A" * 64}, why="Hex has no case."),
    _yes("registry with a port", {"oci.image": "registry.example:5000/audit:1.2.3"}, why="The port is no tag."),
    _yes(
        "registry called localhost",
        {"oci.image": "localhost/audit:1.2.3"},
        why="The one host without a dot that is meant as one.",
    ),
    _yes(
        "registry as an address",
        {"oci.image": "[2001:db8::1]:5000/acme/audit:1.2.3"},
        why="Colons within the brackets are no tag.",
    ),
    _yes("registry in upper case", {"oci.image": "GHCR.IO/acme/audit:1.2.3"}, why="Hosts have no case, repositories do."),
    _yes("version with v and build", {"version": "v1.2.3-rc.1+build.7"}, why="All parts that a semantic version can have."),
    _yes(
        "version that differs from the tag",
        {"version": "9.9.9"},
        why="Refused as a finding once it is verified, not as bad input.",
    ),
    _yes("class by its older name", {"pluginClass": "cluster_backend"}, why="It means `cluster`."),
    _yes(
        "pattern with anchored alternatives",
        {
            "trust.cosignIdentity": {
                **_COSIGN,
                "certificateIdentityRegexp": r"^https://github\.com/a/[^|]+$|^https://github\.com/b/.+$",
            }
        },
        why="Each alternative is anchored by itself, and one class holds a bar that is none.",
    ),
    _yes(
        "pattern with nested alternatives",
        {
            "trust.cosignIdentity": {
                **_COSIGN,
                "certificateIdentityRegexp": r"^https://github\.com/acme/(?:audit|log(?:s|ging))/.+$",
            }
        },
        why="Bars within groups leave the anchors in force.",
    ),
    _yes(
        "pattern for an address",
        {"trust.cosignIdentity": {**_COSIGN, "certificateIdentityRegexp": r"^[a-z.]+@acme\.example$"}},
        why="People sign with e-mail addresses.",
    ),
    _yes("names at their bounds", {"trust.signingKeyRef": {"secretName": "a" * 253, "key": "k" * 253}}, why="As long as can be."),
)

_FIELDS: Final = (
    _no("no plugin id", "pluginId", ABSENT, why="Nothing could be compared with the descriptor.", schema="spec.pluginId: Required"),
    _no("blank plugin id", "pluginId", " ", why="As good as none.", schema="no plugin id"),
    _no("plugin id without a dot", "pluginId", "audit", why="No reverse DNS name; anybody could call theirs so.", schema="no plugin id"),
    _no("plugin id of 256 characters", "pluginId", "a." + "b" * 254, why="No descriptor may have it.", schema="Too long"),
    _no("no version", "version", ABSENT, why="A rollback could not be told.", schema="spec.version: Required"),
    _no("blank version", "version", " ", why="As good as none.", schema="no semantic version"),
    _no("version of two parts", "version", "1.2", why="Cannot be ordered.", schema="no semantic version"),
    _no("version that is a word", "version", "latest", why="Says nothing.", schema="no semantic version"),
    _no("version with a leading zero", "version", "1.02.3", why="Two texts for one version.", schema="no semantic version"),
    _no("version with a line break", "version", "1.2.3\n", why="A pattern must fit the whole text.", schema="no semantic version"),
    _no("version that is a number", "version", 1.2, why="YAML without quotes.", schema="must be of type string"),
    _no("class that is unknown", "pluginClass", "gate", why="No gateway has such a role.", schema="Unsupported value"),
    _no("field that is misspelt", "trust.cosignIdenttiy", _COSIGN, why="It would drop the demand for a signature.", schema="unknown field"),
    _no("no trust", "trust", ABSENT, why="Nothing would have to be proven.", schema="spec.trust: Required"),
    _no("trust as a list", "trust", [], why="Another type.", schema="must be of type object"),
    _no("no signing key", "trust.signingKeyRef", ABSENT, why="The detached signature is mandatory.", schema="signingKeyRef: Required"),
    _no("blank secret", "trust.signingKeyRef.secretName", " ", why="As good as none.", schema="no name that an object can have"),
    _no(
        "secret with a path", "trust.signingKeyRef.secretName", "../configmaps/keys",
        why="The name becomes part of a request's path.", schema="no name that an object can have",
    ),
    _no("secret in upper case", "trust.signingKeyRef.secretName", "Keys", why="No object has such a name.", schema="no name that an object"),
    _no("secret of 254 characters", "trust.signingKeyRef.secretName", "a" * 254, why="No object has such a name.", schema="Too long"),
    _no("empty key", "trust.signingKeyRef.key", "", why="No Secret has such a key.", schema="no key that a Secret can have"),
    _no("key with a slash", "trust.signingKeyRef.key", "a/b", why="No Secret has such a key.", schema="no key that a Secret can have"),
    _no("empty pull secret", "oci.pullSecretRef", {"name": ""}, why="As good as none.", schema="no name that an object can have",
        at="oci.pullSecretRef.name"),
    _no("mirror without a name", "oci.mirrorRef", {}, why="Upstream must not be used in its place.", schema="mirrorRef.name: Required",
        at="oci.mirrorRef.name"),
    _no("mirror in a namespace", "oci.mirrorRef", {"name": "a", "namespace": "b"}, why="Mirrors have none.", schema="unknown field",
        at="oci.mirrorRef.namespace"),
    _no("blank issuer", "trust.cosignIdentity", {**_COSIGN, "oidcIssuer": "\t "}, why="Would be compared with nothing.",
        schema="the field is blank", at="trust.cosignIdentity.oidcIssuer"),
    _no("issuer of no break spaces", "trust.cosignIdentity", {**_COSIGN, "oidcIssuer": "\u00a0\u2003"}, why="Blank for every reader.",
        schema="the field is blank", at="trust.cosignIdentity.oidcIssuer"),
    _no("no issuer", "trust.cosignIdentity", changed(_COSIGN, {"oidcIssuer": ABSENT}), why="Any issuer could vouch for the identity.",
        schema="oidcIssuer: Required", at="trust.cosignIdentity.oidcIssuer"),
    _no("issuer of 1025 characters", "trust.cosignIdentity", {**_COSIGN, "oidcIssuer": "https://" + "a" * 1017}, why="Too long.",
        schema="Too long", at="trust.cosignIdentity.oidcIssuer"),
    _no("blank source", "trust.slsaProvenance", {**_SLSA, "sourceUri": " "}, why="Any source would do.", schema="the field is blank",
        at="trust.slsaProvenance.sourceUri"),
    _no("blank source tag", "trust.slsaProvenance", {**_SLSA, "sourceTag": ""}, why="Any tag would do.", schema="the field is blank",
        at="trust.slsaProvenance.sourceTag"),
    _no("no provenance", "trust.slsaProvenance", changed(_SLSA, {"configMapName": ABSENT}), why="Nowhere to look.",
        schema="configMapName: Required", at="trust.slsaProvenance.configMapName"),
)  # fmt: skip

_IMAGES: Final = (
    _image(
        "image without tag and digest",
        "ghcr.io/acme/audit",
        why="No default tag is guessed.",
        schema="neither a tag nor a digest",
    ),
    _image(
        "image whose port is no tag",
        "registry.example:5000/audit",
        why="The colon is the registry's.",
        schema="neither a tag nor",
    ),
    _image(
        "image with half a digest",
        "ghcr.io/acme/audit@sha256:12",
        why="It pins nothing.",
        schema="unusable tag or digest",
    ),
    _image(
        "image with a tag and half a digest",
        "ghcr.io/acme/audit:1@sha256:12",
        why="It pins nothing.",
        schema="unusable tag or digest",
    ),
    _image(
        "image with another digest",
        "ghcr.io/acme/audit@sha512:" + "a" * 128,
        why="Only SHA-256 is looked up.",
        schema="unusable tag or digest",
    ),
    _image(
        "image with two tags",
        "ghcr.io/acme/audit:1:2",
        why="Two readers could choose differently.",
        schema="unusable tag or digest",
    ),
    _image("image with a long tag", "ghcr.io/acme/audit:" + "a" * 129, why="No registry has it.", schema="neither a tag nor"),
    _image("image without a registry", "acme/audit:1", why="No default registry is guessed.", schema="no full OCI reference"),
    _image("image of one word", "audit:1", why="No default registry is guessed.", schema="no full OCI reference"),
    _image("image as an address", "https://ghcr.io/acme/audit:1", why="A reference is no URL.", schema="no full OCI reference"),
    _image("image in upper case", "ghcr.io/Acme/audit:1", why="Repositories are lower case.", schema="no full OCI reference"),
    _image("image with an empty segment", "ghcr.io/acme//audit:1", why="No registry has it.", schema="no full OCI reference"),
    _image(
        "image with a dot segment",
        "ghcr.io/acme/../audit:1",
        why="It would leave the repository.",
        schema="no full OCI reference",
    ),
    _image("image at port 0", "registry.example:0/audit:1", why="No port.", schema="no full OCI reference"),
    _image("image at port 65536", "registry.example:65536/audit:1", why="No port.", schema="no full OCI reference"),
    _image("image with a long repository", "ghcr.io/" + "a" * 256 + ":1", why="256 characters.", schema="no full OCI reference"),
    _image(
        "image with a line break", "ghcr.io/acme/audit:1\n", why="A pattern must fit the whole text.", schema="neither a tag nor"
    ),
    _image("image with a space in front", " ghcr.io/acme/audit:1", why="Not trimmed in silence.", schema="no full OCI reference"),
    _image("blank image", " ", why="As good as none.", schema="no full OCI reference"),
)

_PATTERNS: Final = (
    _pattern("pattern without anchors", "https://github.com/acme", why="It matches within any subject.", schema="not anchored"),
    _pattern("pattern without an end", r"^https://github\.com/acme", why="Anything may follow.", schema="not anchored"),
    _pattern("pattern with an escaped end", r"^https://github\.com/acme/\$", why="The last character is a dollar sign.", schema="not anchored"),
    _pattern("pattern half anchored", "^a|b$", why="The first one matches whatever begins with a.", schema="an alternative of the pattern"),
    _pattern("pattern half anchored after a group", r"^https://(?:a|b)\.example/x|.*$", why="The second one matches all.", schema="alternative"),
    _pattern("pattern half anchored after a class", r"^https://github\.com/[^/]+|x$", why="The first one is open.", schema="alternative"),
    _pattern("blank pattern", " ", why="As good as none.", schema="not anchored"),
    _no("pattern of 1025 characters", "trust.cosignIdentity", {**_COSIGN, "certificateIdentityRegexp": "^" + "a" * 1023 + "$"},
        why="Too long to be proven.", schema="Too long", at=_PATTERN),
    _unproven("pattern that does not compile", "^https://github\\.com/(acme$", why="Nothing could match."),
    _unproven("pattern with look ahead", r"^https://github\.com/(?=acme).+$", why="RE2 has no look-around."),
    _unproven("pattern with an open dot", r"^https://github.com/acme/.+$", why="`githubxcom` matches as well."),
    _unproven("pattern that matches all", "^.*$", why="Anybody could have signed."),
    _unproven("pattern half anchored after nested groups", r"^https://a\.example/(x(y|z))|.*$", why="The second alternative matches all."),
)  # fmt: skip

CASES: Final = (
    *_ACCEPTED,
    *_FIELDS,
    *_IMAGES,
    *_PATTERNS,
    null(_KIND, _BASE, "trust.signingKeyRef.key", apply=None),
    null(_KIND, _BASE, "trust.cosignIdentity", apply='must be of type object: "null"'),
    null(_KIND, _BASE, "oci.mirrorRef", apply='must be of type object: "null"'),
    differing(
        _KIND, "issuer of control characters", changed(_BASE, {"trust.cosignIdentity": {**_COSIGN, "oidcIssuer": "\u001c\u001f"}}),
        why="Blank for Python alone.", field="trust.cosignIdentity.oidcIssuer",
        difference="the rule's `trim` leaves the information separators, which Python takes for space",
    ),
    refused(_KIND, "no spec", ABSENT, why="Nothing is said.", schema="spec: Required value", field=""),
    refused(_KIND, "spec as a list", [], why="Another type.", schema='spec: Invalid value: "array"', field=""),
)  # fmt: skip
