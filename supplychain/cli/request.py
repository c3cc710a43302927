"""Flags and files, put together into questions for the verifier."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli.flags import limits_of, platform_of
from supplychain.cli.policies import (
    cosign_policy,
    log_entries,
    provenance_keys,
    provenance_materials,
    public_keys,
    read_file,
    refuse_blank,
    refuse_stray,
    slsa_policy,
)
from supplychain.cli.sources import RegistryTarget, Target, parse_target
from supplychain.errors import (
    InvalidManifestError,
    InvalidPolicyError,
    SigningKeyMissingError,
    SupplyChainError,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from supplychain.limits import Limits
    from supplychain.manifest_index import ManifestIndex
    from supplychain.manifests import ManifestRequest
    from supplychain.policy import VerificationRequest
    from supplychain.reference import OciReference
    from supplychain.revocation import RevocationList, RevocationSet

__all__ = ["Asked", "Plan", "Question", "list_notes", "plan", "read_lists", "revocation_set", "target_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, and where to look."""

    target: Target
    request: VerificationRequest
    named: OciReference | None = None
    """What the manifest names, where `target` only says where it is read from."""
    upstream: OciReference | None = None
    """What a manifest names, whether it is read there or from a mirror; None without a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One target with what is asked about it, or with the error that kept it from being asked."""

    name: str
    asked: Asked | SupplyChainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All questions, and what they share."""

    questions: tuple[Question, ...]
    revocations: RevocationSet | None
    notes: tuple[str, ...] = ()
    limits: Limits = field(repr=False)


def target_names(args: argparse.Namespace) -> tuple[str, ...]:
    """Name what was asked about, for a report on a request that failed as a whole."""
    return tuple(args.targets) or tuple(args.manifest)


def plan(args: argparse.Namespace) -> Plan:
    """Read every file the flags name and put the questions together.

    Raises:
        InputError: a flag, a file or their combination is wrong for all targets alike.
        EvidenceLimitError: the provenance is longer than what is looked at.
    """
    limits = limits_of(args)
    refuse_blank(args, ("plugin_id", "plugin_version", "plugin_class", "namespace", "save", "certificate_identity"))
    if args.manifest:
        return _plan_of_manifests(args, limits=limits)
    if not args.targets:
        raise InvalidPolicyError("nothing to verify", expected="a TARGET, or a manifest with `-f FILE`")
    refuse_stray(args, ("namespace", "mirror_endpoint"), needs="a manifest, `-f FILE`")
    keys = public_keys(args, limits=limits)
    if not keys:
        raise SigningKeyMissingError("no key to check the detached signature with")
    from supplychain.policy import TrustPolicy, VerificationRequest

    cosign = cosign_policy(args)
    policy = TrustPolicy(
        keys=keys,
        plugin_id=args.plugin_id,
        version=args.plugin_version,
        plugin_class=args.plugin_class,
        cosign=cosign,
        slsa=slsa_policy(args, limits=limits),
    )
    provenance = provenance_materials(args, limits=limits)
    warnings = cosign.identity.warnings if cosign is not None else ()
    lists = read_lists(args, limits=limits)
    questions = []
    for name in args.targets:
        request = VerificationRequest(
            target=name, policy=policy, platform=platform_of(args), provenance=provenance, warnings=tuple(warnings)
        )
        questions.append(_question(name, request=request))
    return Plan(questions=tuple(questions), revocations=revocation_set(lists), notes=list_notes(lists), limits=limits)


def _plan_of_manifests(args: argparse.Namespace, *, limits: Limits) -> Plan:
    from supplychain.manifest_index import read_index
    from supplychain.manifests import Supplements, revocations

    refuse_stray(args, ("plugin_id", "plugin_version", "plugin_class"), needs="no manifest; with `-f` the manifest says it")
    index = read_index([(path, read_file(path, limit=limits.document)) for path in args.manifest])
    plugins = index.of_kind("MCPGPlugin")
    if not plugins:
        raise InvalidManifestError("no MCPGPlugin among the documents", where=", ".join(f"`{path}`" for path in args.manifest))
    if args.targets and (len(args.targets) > 1 or len(plugins) > 1):
        raise InvalidPolicyError(
            "a TARGET beside `-f` says where the one plugin of the manifest is read from",
            expected="one TARGET and one MCPGPlugin",
            got=f"{len(args.targets)} and {len(plugins)}",
        )
    counting, notes = revocations(index)
    lists = (*counting, *read_lists(args, limits=limits))
    supplements = Supplements(
        keys=public_keys(args, limits=limits),
        provenance=provenance_materials(args, limits=limits),
        cosign=cosign_policy(args),
        slsa=slsa_policy(args, limits=limits),
        builder_ids=tuple(args.builder_id) if args.builder_id else None,
        allow_unsigned_provenance=args.allow_unsigned_provenance,
        provenance_keys=provenance_keys(args, limits=limits),
        log_entries=log_entries(args, limits=limits),
        platform=platform_of(args),
        namespace=args.namespace,
        mirror_endpoints=_mirror_endpoints(args.mirror_endpoint, index=index),
        mirrors=getattr(args, "mirrors", True),
    )
    override = parse_target(args.targets[0]) if args.targets else None
    questions = tuple(_manifest_question(plugin, index=index, supplements=supplements, override=override) for plugin in plugins)
    return Plan(
        questions=questions,
        revocations=revocation_set(lists),
        notes=(*index.notes, *notes, *list_notes(lists)),
        limits=limits,
    )


def _question(name: str, *, request: VerificationRequest) -> Question:
    try:
        return Question(name=name, asked=Asked(target=parse_target(name), request=request))
    except SupplyChainError as error:
        return Question(name=name, asked=error)


def _manifest_question(plugin: Document, *, index: ManifestIndex, supplements: Supplements, override: Target | None) -> Question:
    from supplychain.manifests import plugin_request, target_name

    name = target_name(plugin)
    try:
        found = plugin_request(plugin, index=index, supplements=supplements)
    except SupplyChainError as error:
        return Question(name=name, asked=error)
    if override is not None:
        asked = Asked(target=override, request=found.request, named=found.upstream, upstream=found.upstream)
        return Question(name=name, asked=asked)
    return Question(name=name, asked=Asked(target=_registry_target(found), request=found.request, upstream=found.upstream))


def _registry_target(found: ManifestRequest) -> RegistryTarget:
    mirrored = found.location != found.upstream
    return RegistryTarget(
        reference=found.location,
        avoid=frozenset({found.upstream.registry}) - {found.location.registry} if mirrored else frozenset(),
        insecure=found.insecure,
        pull_secret=found.pull_secret,
        anonymous=found.anonymous,
    )


def read_lists(args: argparse.Namespace, *, limits: Limits) -> tuple[RevocationList, ...]:
    """Read every `--revocations`."""
    return tuple(one for path in args.revocations for one in _lists_of(path, read_file(path, limit=limits.document)))


def _lists_of(path: str, data: bytes) -> Sequence[RevocationList]:
    """Read one file: the list's own JSON, or `MCPGRevocationList` documents, told apart by `apiVersion`."""
    from supplychain.revocation import from_spec, parse_revocation_list
    from supplychain.strict_json import StrictJsonError, loads

    try:
        document = loads(data, limit=len(data))
    except StrictJsonError:
        document = None
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    is_json = text.startswith((b"{", b"[")) or not text
    if is_json and not (isinstance(document, dict) and "apiVersion" in document):
        return (parse_revocation_list(data, name=Path(path).name),)
    from supplychain.manifest_index import read_index

    found = read_index([(path, data)]).of_kind("MCPGRevocationList")
    if not found:
        raise InvalidManifestError("no revocation list in the file", where=f"`{path}`")
    return tuple(from_spec(document.spec(), name=document.name) for document in found)


def revocation_set(lists: Sequence[RevocationList]) -> RevocationSet | None:
    """Put the lists together; None where there is none, so that the layer counts as not configured."""
    if not lists:
        return None
    from supplychain.revocation import RevocationSet

    return RevocationSet(tuple(lists))


def list_notes(lists: Sequence[RevocationList]) -> tuple[str, ...]:
    """Say what is odd about the lists and changes no verdict."""
    return tuple(f"revocation list `{one.name}`: {warning}" for one in lists for warning in one.warnings)


def _mirror_endpoints(texts: Sequence[str], *, index: ManifestIndex) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, host = text.partition("=")
        if not equals or not name or not host or name in found:
            raise InvalidPolicyError("unusable mirror endpoint", expected="`NAME=HOST[:PORT]`, each name once", got=f"`{text}`")
        found[name] = host
    for name in found:
        if index.find("MCPGPluginMirror", name) is None:
            raise InvalidPolicyError(f"no mirror is called `{name}`", where="`--mirror-endpoint`")
    return found


if TYPE_CHECKING:
    from supplychain.manifest_index import Document
    from supplychain.manifests import Supplements
