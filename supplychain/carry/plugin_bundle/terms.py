"""The terms of a bundle: what each plugin in it was judged by, in one document, so that one digest stands for all of it.

They name every plugin with its digest and its policy, and the trust roots and revocation lists by digest. A summary is over the
digest of the terms; whoever changes a policy, exchanges a root, leaves an entry out of a list, or adds a plugin, changes it.
The terms prove nothing by themselves. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Self

from supplychain.artifact import EvidenceForm, Material
from supplychain.carry.plugin_bundle.policy_form import (
    optional_text,
    parse_platform,
    parse_policy,
    render_platform,
    render_policy,
)
from supplychain.digest import ManifestDigest
from supplychain.errors import BundleFileInvalidError, InputError
from supplychain.mirror.artifact_form import canonical
from supplychain.policy import VerificationRequest
from supplychain.reference import OciReference
from supplychain.revocation import parse_revocation_list
from supplychain.trust_root import parse_trust_root
from supplychain.wire import Fields, MalformedError, parse_json, translating

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplychain.artifact import Platform
    from supplychain.policy import TrustPolicy
    from supplychain.revocation import RevocationList
    from supplychain.trust_root import TrustRoot

__all__ = ["LIST_TYPE", "PROVENANCE_TYPE", "ROOT_TYPE", "TERMS_TYPE", "CarriedFile", "PluginTerms", "Terms", "TermsMaterial"]

TERMS_TYPE: Final = "application/vnd.mcpg.bundle.terms.v1+json"
ROOT_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
LIST_TYPE: Final = "application/vnd.mcpg.revocations.v1+json"
PROVENANCE_TYPE: Final = "application/vnd.mcpg.bundle.provenance.v1+json"
"""Of attestations that were given as a file, and of log entries beside them."""
_VERSION: Final = 1
_MAX_PLUGINS: Final = 10_000
_MAX_FILES: Final = 64
_MAX_MATERIALS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedFile:
    """A trust root or a revocation list by its digest."""

    name: str
    sha256: str
    as_of: date | None = None
    """Of a root: the day on which its source last confirmed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsMaterial:
    """A piece of evidence that was given as a file; digests are SHA-256, hex."""

    form: EvidenceForm
    where: str
    sha256: str
    log_entries: tuple[str, ...] = ()

    @classmethod
    def of(cls, material: Material) -> Self:
        """Name a material by the digests of its bytes."""
        entries = tuple(hashlib.sha256(entry).hexdigest() for entry in material.log_entries)
        digest = hashlib.sha256(material.data).hexdigest()
        return cls(form=material.form, where=material.where, sha256=digest, log_entries=entries)

    def load(self, read: Callable[[str], bytes]) -> Material:
        """Make the material again."""
        return Material(
            form=self.form,
            data=read(self.sha256),
            where=self.where,
            log_entries=tuple(read(entry) for entry in self.log_entries),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginTerms:
    """What one plugin was judged by."""

    reference: OciReference
    digest: ManifestDigest
    """Of the manifest or index."""
    target: str
    """How its report is called."""
    platform: Platform
    """Of a manifest that no index gives one."""
    policy: TrustPolicy
    provenance: tuple[TermsMaterial, ...] | None = None

    def request(self, read: Callable[[str], bytes]) -> VerificationRequest:
        """Ask the question again that was asked; `read` gives the bytes of a digest."""
        given = None if self.provenance is None else tuple(one.load(read) for one in self.provenance)
        return VerificationRequest(target=self.target, policy=self.policy, platform=self.platform, provenance=given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All plugins of a bundle, and the roots and lists that all were judged by."""

    plugins: tuple[PluginTerms, ...]
    roots: tuple[CarriedFile, ...] = ()
    lists: tuple[CarriedFile, ...] = ()

    def render(self) -> bytes:
        """Write the terms, canonically."""
        return canonical(
            {
                "mcpgBundleTerms": _VERSION,
                "plugins": [_render_plugin(one) for one in self.plugins],
                "trustRoots": [_render_file(one) for one in self.roots],
                "revocationLists": [_render_file(one) for one in self.lists],
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the terms.

        Raises:
            BundleFileInvalidError: a field is missing, unknown, or cannot be what it says.
        """
        where = "the enclosed terms"
        try:
            with translating(BundleFileInvalidError, "unusable terms", where=where):
                fields = Fields(parse_json(data), "terms")
                if fields.integer("mcpgBundleTerms") != _VERSION:
                    raise MalformedError(f"`terms.mcpgBundleTerms` is not {_VERSION}")
                terms = cls(
                    plugins=tuple(_plugin(one) for one in fields.objects("plugins", limit=_MAX_PLUGINS)),
                    roots=tuple(_file(one) for one in fields.objects("trustRoots", limit=_MAX_FILES)),
                    lists=tuple(_file(one) for one in fields.objects("revocationLists", limit=_MAX_FILES)),
                )
                fields.done()
        except InputError as exc:
            raise BundleFileInvalidError("unusable terms", got=str(exc), where=where) from exc
        return terms

    def trust_roots(self, read: Callable[[str], bytes]) -> tuple[TrustRoot, ...]:
        """Read the enclosed roots.

        Raises:
            BundleFileInvalidError: one is no trust root.
        """
        try:
            return tuple(parse_trust_root(read(one.sha256), name=one.name, as_of=one.as_of) for one in self.roots)
        except InputError as exc:
            raise BundleFileInvalidError("an enclosed trust root is unusable", got=str(exc)) from exc

    def revocation_lists(self, read: Callable[[str], bytes]) -> tuple[RevocationList, ...]:
        """Read the enclosed lists; one with problems is a list that clears nothing."""
        return tuple(parse_revocation_list(read(one.sha256), name=one.name) for one in self.lists)


def _render_plugin(one: PluginTerms) -> dict[str, Any]:
    found: dict[str, Any] = {
        "reference": str(one.reference),
        "digest": str(one.digest),
        "target": one.target,
        "platform": render_platform(one.platform),
        "policy": render_policy(one.policy),
    }
    if one.provenance is not None:
        found["provenance"] = [
            {"form": item.form.value, "where": item.where, "sha256": item.sha256, "logEntries": list(item.log_entries)}
            for item in one.provenance
        ]
    return found


def _plugin(fields: Fields) -> PluginTerms:
    given = fields.objects("provenance", limit=_MAX_MATERIALS) if "provenance" in fields else None
    plugin = PluginTerms(
        reference=OciReference.parse(fields.text("reference")),
        digest=ManifestDigest.parse(fields.text("digest")),
        target=fields.text("target"),
        platform=parse_platform(fields.fields("platform")),
        policy=parse_policy(fields.fields("policy")),
        provenance=None if given is None else tuple(_material(one) for one in given),
    )
    fields.done()
    return plugin


def _material(fields: Fields) -> TermsMaterial:
    form = fields.text("form")
    if form not in set(EvidenceForm):
        raise MalformedError(f"`{fields.where}.form` is unknown")
    entries = fields.items("logEntries", limit=_MAX_MATERIALS)
    if not all(isinstance(entry, str) for entry in entries):
        raise MalformedError(f"`{fields.where}.logEntries` are no texts")
    material = TermsMaterial(
        form=EvidenceForm(form), where=fields.text("where"), sha256=fields.text("sha256"), log_entries=tuple(entries)
    )
    fields.done()
    return material


def _render_file(one: CarriedFile) -> dict[str, str]:
    found = {"name": one.name, "sha256": one.sha256}
    return found if one.as_of is None else {**found, "asOf": one.as_of.isoformat()}


def _file(fields: Fields) -> CarriedFile:
    day = optional_text(fields, "asOf")
    one = CarriedFile(
        name=fields.text("name"), sha256=fields.text("sha256"), as_of=None if day is None else date.fromisoformat(day)
    )
    fields.done()
    return one
