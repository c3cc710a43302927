"""Putting a bundle together: every plugin is fetched once, judged as it was fetched, and kept only if all of it is trusted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from supplychain.carry.content import LEGACY_SUFFIXES, collect
from supplychain.carry.fetched import FetchedClosure, FetchedSource
from supplychain.carry.plugin_bundle.enclosed import POLICY_URI, digest_of, resource_uri, subjects_of, terms_inputs
from supplychain.carry.plugin_bundle.inventory import SUMMARY_TYPE
from supplychain.carry.plugin_bundle.summary import Summary, build_level, sign_summary
from supplychain.carry.plugin_bundle.terms import (
    LIST_TYPE,
    PROVENANCE_TYPE,
    ROOT_TYPE,
    TERMS_TYPE,
    CarriedFile,
    PluginTerms,
    Terms,
    TermsMaterial,
)
from supplychain.carry.plugin_bundle.writer import Enclosed
from supplychain.carry.protocols import fallback_tag, referrer_entry
from supplychain.carry.sync import ended
from supplychain.errors import DigestMismatchError, SupplyChainError
from supplychain.mirror.manifests import parse_manifest
from supplychain.output.judgement import Judgement
from supplychain.report import Verdict
from supplychain.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from supplychain.carry.content import Closure
    from supplychain.carry.plugin_bundle.blob_file import BlobFile
    from supplychain.carry.plugin_bundle.keyless import KeylessSigner
    from supplychain.carry.protocols import ContentSource, Document
    from supplychain.digest import ManifestDigest
    from supplychain.policy import VerificationRequest
    from supplychain.reference import OciReference
    from supplychain.revocation import RevocationList
    from supplychain.trust_root import TrustRoot
    from supplychain.verifier import PluginVerifier

__all__ = ["BundleMaker", "Packed", "Signer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One plugin that is trusted and whose bytes are in the blob_file."""

    closure: Closure
    request: VerificationRequest
    level: str
    """The SLSA build level that all of its manifests show."""

    @property
    def terms(self) -> PluginTerms:
        """What it was judged by."""
        given = self.request.provenance
        return PluginTerms(
            reference=self.closure.reference,
            digest=self.closure.top,
            target=self.request.target,
            platform=self.request.platform,
            policy=self.request.policy,
            provenance=None if given is None else tuple(TermsMaterial.of(one) for one in given),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs the summaries."""

    private_key: Ed25519PrivateKey = field(repr=False)
    verifier: str

    @property
    def media_type(self) -> str:
        """How the sealed summary is called in a bundle."""
        return SUMMARY_TYPE

    def seal(self, summary: Summary) -> bytes:
        """Write and sign."""
        return sign_summary(summary, private_key=self.private_key)


@dataclass(slots=True, kw_only=True)
class BundleMaker:
    """Takes plugins one after another; what is enclosed is put together at the end."""

    verifier: PluginVerifier
    blob_file: BlobFile
    at: datetime
    packed: list[Packed] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    """Attached objects that did not come along, each with the reason."""
    _subjects: dict[ManifestDigest, ManifestDigest | None] = field(default_factory=dict)
    """What each document is attached to: read once, however many plugins ask for it."""

    def take(
        self, source: ContentSource, *, location: OciReference, named: OciReference, request: VerificationRequest
    ) -> list[Judgement]:
        """Fetch and judge the plugin that `source` has at `location`; it is packed under the name `named`."""
        judgements: list[Judgement] = []
        try:
            closure = _renamed(collect(source, reference=location, limits=self.verifier.limits), named)
            with FetchedClosure(closure).load(source) as fetched:
                levels = list(self._judge(fetched, request=request, judgements=judgements))
                if all(one.verdict is Verdict.TRUSTED for one in judgements):
                    self._keep(fetched)
                    self.packed.append(Packed(closure=closure, request=request, level=min(levels)))
                    self.left_behind.extend(f"{where}: {why}" for where, why in closure.left_behind)
        except SupplyChainError as error:
            judgements.append(ended(request.target, error, at=self.at))
        return judgements

    def enclosed(
        self, *, roots: Sequence[TrustRoot], lists: Sequence[RevocationList], signer: Signer | KeylessSigner | None
    ) -> list[Enclosed]:
        """Write the terms, what they name, and one summary for each plugin."""
        packed = sorted(self.packed, key=lambda one: str(one.closure.reference))
        files = {root.sha256: Enclosed(media_type=ROOT_TYPE, title=root.name, data=root.document) for root in roots}
        rendered = [(one, one.render()) for one in lists]
        terms = Terms(
            plugins=tuple(one.terms for one in packed),
            roots=tuple(CarriedFile(name=root.name, sha256=root.sha256, as_of=root.as_of) for root in roots),
            lists=tuple(CarriedFile(name=one.name, sha256=digest_of(data)) for one, data in rendered),
        ).render()
        files |= {digest_of(data): Enclosed(media_type=LIST_TYPE, title=one.name, data=data) for one, data in rendered}
        for one in packed:
            for material in one.request.provenance or ():
                for data in (material.data, *material.log_entries):
                    files[digest_of(data)] = Enclosed(media_type=PROVENANCE_TYPE, title=material.where, data=data)
        summaries = [] if signer is None else [self._summary(one, signer=signer, terms=terms) for one in packed]
        return [Enclosed(media_type=TERMS_TYPE, title="terms.json", data=terms), *files.values(), *summaries]

    def _judge(self, fetched: FetchedClosure, *, request: VerificationRequest, judgements: list[Judgement]) -> Iterator[str]:
        for plugin, platform in fetched.closure.plugins:
            source = FetchedSource(fetched=fetched, plugin=plugin, platform=platform, limits=self.verifier.limits)
            asked = request
            if platform is not None:
                asked = replace(request, target=f"{request.target} {platform}", platform=platform)
            with self.verifier.verify(source, request=asked, at=self.at) as verification:
                judgements.append(Judgement.of_report(verification.report))
                yield build_level(verification.report)

    def _keep(self, fetched: FetchedClosure) -> None:
        for blob in fetched.closure.blobs:
            data = fetched.blob(blob.sha256)
            self.blob_file.put(blob.sha256, data.view if isinstance(data, Spool) else data)

    def _summary(self, one: Packed, *, signer: Signer | KeylessSigner, terms: bytes) -> Enclosed:
        closure = one.closure
        below = tuple(plugin.digest for plugin, _ in closure.plugins if plugin.digest != closure.top)
        summary = Summary(
            verifier=signer.verifier,
            verified_at=self.at,
            resource=resource_uri(closure.reference),
            subjects=subjects_of(closure.top, below, reference=closure.reference),
            policy_uri=POLICY_URI,
            policy=digest_of(terms),
            inputs=self._inputs(one),
            levels=(one.level,),
        )
        data = signer.seal(summary)
        return Enclosed(media_type=signer.media_type, title=str(closure.reference), data=data)

    def _inputs(self, one: Packed) -> frozenset[str]:
        """Name the attestations that a reader of the bundle finds about a plugin: whatever repository they come from."""
        subjects = {plugin.digest for plugin, _ in one.closure.plugins} | {one.closure.top}
        legacy = {f"{fallback_tag(subject)}{suffix}" for subject in subjects for suffix in LEGACY_SUFFIXES}
        about = [
            document
            for packed in self.packed
            for document in packed.closure.documents
            if self._subject(document) in subjects
            or any(tag in legacy and digest == document.digest for tag, digest in packed.closure.tags.items())
        ]
        layers = {layer.sha256 for one in about for layer in parse_manifest(one.data, where=str(one.digest)).layers}
        return frozenset(layers) | terms_inputs(one.terms)

    def _subject(self, document: Document) -> ManifestDigest | None:
        if document.digest not in self._subjects:
            attached = referrer_entry(document)
            self._subjects[document.digest] = None if attached is None else attached[0]
        return self._subjects[document.digest]


def _renamed(closure: Closure, named: OciReference) -> Closure:
    """Give a closure the name under which it is judged and packed, where it was read under another one.

    Raises:
        DigestMismatchError: the name is that of another manifest.
    """
    if named.digest not in {None, closure.top}:
        raise DigestMismatchError(
            "another manifest than the one that the plugin names",
            expected=f"`{named.digest}`",
            got=f"`{closure.top}`",
            where=f"`{closure.reference}`",
        )
    tags = {tag: digest for tag, digest in closure.tags.items() if tag != closure.reference.tag}
    if named.tag is not None:
        tags[named.tag] = closure.top
    return replace(closure, reference=named, tags=tags)
