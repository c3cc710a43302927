"""`MCPGPlugin` manifests turned into verification requests, as the cluster would do it, without a cluster.

The manifest carries the policy. Secrets, ConfigMaps, mirrors and revocation lists are found among the documents; what these
lack can be given beside them, and what they hold is never overridden: a contradiction is an error, not a choice made in silence.
Pure: bytes in, values out.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from supplychain.api import PluginMirrorSpec, PluginSpec, parse_spec
from supplychain.artifact import Platform
from supplychain.errors import (
    InputError,
    InvalidCredentialsError,
    InvalidManifestError,
    InvalidPolicyError,
    MirrorUnresolvedError,
    ProvenanceMissingError,
    SigningKeyMissingError,
)
from supplychain.mirror.rewrite import rewrite
from supplychain.policy import TrustPolicy, VerificationRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supplychain.artifact import Material
    from supplychain.cosign import CosignPolicy
    from supplychain.ed25519 import PublicKey
    from supplychain.manifest_index import Document, ManifestIndex
    from supplychain.reference import OciReference
    from supplychain.revocation import RevocationList
    from supplychain.slsa import SlsaPolicy
    from supplychain.verification_key import TrustedKey

__all__ = [
    "AUTHORITATIVE_LIST",
    "PROVENANCE_KEY",
    "ManifestRequest",
    "PullSecret",
    "Supplements",
    "plugin_request",
    "revocations",
    "target_name",
]

AUTHORITATIVE_LIST: Final = "cluster-default"
PROVENANCE_KEY: Final = "provenance.intoto.jsonl"
_PULL_KEYS: Final = (".dockerconfigjson", "dockerconfigjson")


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSecret:
    """Registry credentials as a Docker config, not yet parsed; never shown."""

    data: bytes = field(repr=False)
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplements:
    """What the caller gives beside the documents; it fills what they lack."""

    keys: tuple[PublicKey, ...] = ()
    provenance: tuple[Material, ...] | None = None
    cosign: CosignPolicy | None = None
    slsa: SlsaPolicy | None = None
    builder_ids: tuple[str, ...] | None = None
    allow_unsigned_provenance: bool = False
    provenance_keys: tuple[TrustedKey, ...] = ()
    log_entries: tuple[bytes, ...] = ()
    """For provenance without log proof in a ConfigMap."""
    platform: Platform = field(default_factory=Platform)
    namespace: str | None = None
    """The operator's namespace, where Secrets and ConfigMaps are looked up; None: wherever there is exactly one."""
    mirror_endpoints: Mapping[str, str] = field(default_factory=dict)
    """`host[:port]` of mirrors by name, for a caller outside the cluster's network."""
    mirrors: bool = True
    """Whether plugins are read from the mirrors that they name; without, the mirrors' documents are not needed."""
    cluster_domain: str = "cluster.local"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRequest:
    """One `MCPGPlugin`, ready to be judged."""

    request: VerificationRequest
    upstream: OciReference
    location: OciReference
    """Where the artifact and its evidence are read: the mirror where one is named, else upstream."""
    insecure: bool
    """The mirror allows plain HTTP or an unproven certificate."""
    pull_secret: PullSecret | None
    anonymous: bool
    """The mirror is to be asked without any credentials."""


def target_name(document: Document) -> str:
    """Name a plugin's report."""
    return f"MCPGPlugin/{document.name}"


def plugin_request(document: Document, *, index: ManifestIndex, supplements: Supplements) -> ManifestRequest:
    """Resolve one plugin.

    Raises:
        InputError: the document is wrong, incomplete, or contradicts the supplements; `where` names file, document and field.
        EvidenceLimitError: the provenance is longer than what is looked at.
    """
    spec = parse_spec(PluginSpec, document.body.get("spec"), where=document.place)
    warnings = [*spec.warnings]
    place = _place(spec, document, index=index, supplements=supplements, warnings=warnings)
    provenance = _provenance(spec, document, index=index, supplements=supplements)
    cosign = _cosign(spec, document, supplements=supplements)
    slsa = _slsa(spec, document, supplements=supplements)
    warnings.extend(cosign.identity.warnings if cosign is not None and cosign is supplements.cosign else ())
    if slsa is None and (supplements.builder_ids or supplements.provenance_keys or supplements.allow_unsigned_provenance):
        warnings.append("`--builder-id`, `--provenance-key` and the like have no effect: the plugin asks for no provenance")
    return ManifestRequest(
        request=VerificationRequest(
            target=target_name(document),
            policy=TrustPolicy(
                keys=_keys(spec, document, index=index, supplements=supplements),
                plugin_id=spec.plugin_id,
                version=spec.version,
                plugin_class=spec.plugin_class,
                cosign=cosign,
                slsa=slsa,
            ),
            platform=supplements.platform,
            provenance=provenance,
            warnings=tuple(warnings),
        ),
        upstream=spec.oci.reference,
        location=place.location,
        insecure=place.insecure,
        pull_secret=place.pull_secret,
        anonymous=place.anonymous,
    )


def revocations(index: ManifestIndex) -> tuple[tuple[RevocationList, ...], tuple[str, ...]]:
    """Read the lists that count for a plugin, and notes on those that do not.

    A cluster enforces `cluster-default` for every plugin; another list only adds for the gateways that name it.
    """
    from supplychain.revocation import from_spec  # noqa: PLC0415 — only where there is a list

    lists, notes = [], []
    for document in index.of_kind("MCPGRevocationList"):
        if document.name != AUTHORITATIVE_LIST:
            hint = f"only the list `{AUTHORITATIVE_LIST}` counts for every plugin; enforce another one with `--revocations`"
            notes.append(f"{document.place}: {hint}")
        else:
            lists.append(from_spec(document.spec(), name=document.name))
    return tuple(lists), tuple(notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    location: OciReference
    insecure: bool = False
    pull_secret: PullSecret | None = None
    anonymous: bool = False


def _place(
    spec: PluginSpec, document: Document, *, index: ManifestIndex, supplements: Supplements, warnings: list[str]
) -> _Place:
    if spec.oci.mirror_ref is None:
        secret, own = None, spec.oci.pull_secret_ref
        if own is not None:
            secret = _pull_secret(own.name, _PULL_KEYS, index=index, supplements=supplements, warnings=warnings)
        return _Place(location=spec.oci.reference, pull_secret=secret)
    if not supplements.mirrors:
        return _Place(location=spec.oci.reference)
    name, place = spec.oci.mirror_ref.name, f"{document.place}, field `spec.oci.mirrorRef`"
    found = index.find("MCPGPluginMirror", name)
    if found is None:
        raise MirrorUnresolvedError(f"mirror `{name}` is not among the documents", where=place)
    mirror = parse_spec(PluginMirrorSpec, found.body.get("spec"), where=found.place)
    rule = mirror.rule(name, endpoint=supplements.mirror_endpoints.get(name), cluster_domain=supplements.cluster_domain)
    with _placed(place):
        location = rewrite(spec.oci.image, mirror=rule)
    secret = None
    if mirror.auth is not None:
        reference = mirror.auth.secret_ref
        secret = _pull_secret(reference.secret_name, (reference.key,), index=index, supplements=supplements, warnings=warnings)
    return _Place(location=location, insecure=mirror.endpoint.insecure, pull_secret=secret, anonymous=mirror.auth is None)


def _pull_secret(
    name: str, keys: tuple[str, ...], *, index: ManifestIndex, supplements: Supplements, warnings: list[str]
) -> PullSecret | None:
    document = index.find("Secret", name, namespace=supplements.namespace)
    if document is None:
        warnings.append(f"pull Secret `{name}` is not among the documents; the Docker config of this user is used")
        return None
    for key in keys:
        data = document.payload(key)
        if data is not None:
            return PullSecret(data=data, where=document.place)
    raise InvalidCredentialsError("the Secret lacks the key", expected=f"`{keys[0]}`", where=document.place)


def _keys(spec: PluginSpec, document: Document, *, index: ManifestIndex, supplements: Supplements) -> tuple[PublicKey, ...]:
    reference = spec.trust.signing_key_ref
    place = f"{document.place}, field `spec.trust.signingKeyRef`"
    secret = index.find("Secret", reference.secret_name, namespace=supplements.namespace)
    if secret is None:
        if not supplements.keys:
            raise SigningKeyMissingError(f"Secret `{reference.secret_name}` is not among the documents", where=place)
        return supplements.keys
    if supplements.keys:
        raise _twice("--key", place)
    data = secret.payload(reference.key)
    if data is None:
        raise SigningKeyMissingError(f"Secret `{reference.secret_name}` lacks the key `{reference.key}`", where=secret.place)
    from supplychain.ed25519 import parse_keys  # noqa: PLC0415 — 30 ms of start-up

    with _placed(f"{secret.place}, key `{reference.key}`"):
        return parse_keys(data, name=f"{reference.secret_name}/{reference.key}")


def _cosign(spec: PluginSpec, document: Document, *, supplements: Supplements) -> CosignPolicy | None:
    identity = spec.trust.cosign_identity
    if identity is None:
        return supplements.cosign
    if supplements.cosign is not None:
        raise _twice("--certificate-…", f"{document.place}, field `spec.trust.cosignIdentity`")
    from supplychain.cosign import CosignPolicy  # noqa: PLC0415 — 50 ms of start-up
    from supplychain.identity_pattern import IdentityPattern  # noqa: PLC0415

    return CosignPolicy(identity=IdentityPattern.parse(identity.certificate_identity_regexp), issuer=identity.oidc_issuer)


def _slsa(spec: PluginSpec, document: Document, *, supplements: Supplements) -> SlsaPolicy | None:
    wanted = spec.trust.slsa_provenance
    if wanted is None:
        return supplements.slsa
    if supplements.slsa is not None:
        raise _twice("--source-uri", f"{document.place}, field `spec.trust.slsaProvenance`")
    from supplychain.slsa import SlsaPolicy  # noqa: PLC0415 — 50 ms of start-up

    with _placed(f"{document.place}, field `spec.trust.slsaProvenance`"):
        return SlsaPolicy(
            source_uri=wanted.source_uri,
            source_tag=wanted.source_tag,
            builder_ids=supplements.builder_ids,
            allow_unsigned=supplements.allow_unsigned_provenance,
            keys=supplements.provenance_keys,
        )


def _provenance(
    spec: PluginSpec, document: Document, *, index: ManifestIndex, supplements: Supplements
) -> tuple[Material, ...] | None:
    wanted = spec.trust.slsa_provenance
    if wanted is None:
        if supplements.slsa is None and supplements.provenance is not None:
            hint = "ask for it in `trust.slsaProvenance` or with `--source-uri`, or leave the flag out"
            raise InvalidPolicyError("`--provenance` has no effect: no provenance is asked for", where=document.place, hint=hint)
        return supplements.provenance
    found = index.find("ConfigMap", wanted.config_map_name, namespace=supplements.namespace)
    if found is None:
        return supplements.provenance
    place = f"{document.place}, field `spec.trust.slsaProvenance.configMapName`"
    if supplements.provenance is not None:
        raise _twice("--provenance", place)
    data = found.payload(PROVENANCE_KEY)
    if data is None:
        raise InvalidManifestError(f"ConfigMap `{found.name}` lacks the key `{PROVENANCE_KEY}`", where=found.place)
    from supplychain.slsa import parse_provenance_file  # noqa: PLC0415 — 50 ms of start-up

    try:
        return parse_provenance_file(data, where=found.place, log_entries=supplements.log_entries)
    except ProvenanceMissingError:
        return ()  # a layer that is asked for and finds nothing refuses; it does not make the request wrong


@contextmanager
def _placed(place: str) -> Iterator[None]:
    """Say in which document a value stands that somebody else refuses."""
    try:
        yield
    except InputError as exc:
        where = place if exc.where is None else f"{place}, {exc.where}"
        raise type(exc)(exc.what, expected=exc.expected, got=exc.got, where=where, hint=exc.hint) from exc


def _twice(flag: str, place: str) -> InvalidPolicyError:
    return InvalidPolicyError(
        f"`{flag}` contradicts the documents, which already say it",
        where=place,
        hint="leave the flag out, or the document; neither overrides the other",
    )
