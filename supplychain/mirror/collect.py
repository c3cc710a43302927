"""Collecting the evidence that is attached to a manifest, within bounds, wherever the objects are kept.

What counts as evidence is decided from the opened manifest of each referrer: descriptors in a referrers list cannot be relied on
(one registry drops the annotations, another writes the config's type as `artifactType`). They are used only to look at likely
objects first, so that thousands of other referrers cannot hide a signature. Nothing found here is proven.

An object that is no evidence of a known form, lies about its subject, or cannot be had is listed in `skipped` with the reason and
does not harm the others. A registry that cannot be asked at all is another matter: that error goes through to the caller.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from supplychain.artifact import EvidenceForm, EvidenceSet, Material
from supplychain.errors import ManifestInvalidError, NotFoundError, VerificationError
from supplychain.mirror.manifests import OciDescriptor, parse_manifest, parse_oci_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from supplychain.digest import ManifestDigest
    from supplychain.errors import SupplyChainError
    from supplychain.limits import Limits
    from supplychain.mirror.manifests import Manifest

__all__ = ["BUNDLE_PREFIX", "LEGACY_LAYERS", "EvidenceCollector", "evidence_layers"]

BUNDLE_PREFIX: Final = "application/vnd.dev.sigstore.bundle"
LEGACY_LAYERS: Final = {
    EvidenceForm.LEGACY_SIGNATURE: "application/vnd.dev.cosign.simplesigning.v1+json",
    EvidenceForm.LEGACY_ATTESTATION: "application/vnd.dsse.envelope.v1+json",
}
_BUNDLE_NOTE: Final = "dev.sigstore.bundle."
_PREDICATE_NOTE: Final = "dev.sigstore.bundle.predicateType"
_SIGNATURE_PREDICATE: Final = "https://sigstore.dev/cosign/sign/v1"


def evidence_layers(manifest: Manifest, *, subject: ManifestDigest, where: str) -> tuple[EvidenceForm, tuple[OciDescriptor, ...]]:
    """Say which layers of a referrer are evidence about `subject`: one bundle, as cosign 3 writes it, or layers as older ones do.

    Before bundles, cosign could attach the layers of `.sig` and `.att` objects as referrers too (its experimental OCI 1.1 mode).

    Raises:
        ManifestInvalidError: another subject, or layers of another kind.
    """
    if manifest.subject is None or manifest.subject.manifest_digest != subject:
        got = "no subject" if manifest.subject is None else f"`{manifest.subject.manifest_digest}`"
        raise ManifestInvalidError("the object is attached to something else", expected=f"`{subject}`", got=got, where=where)
    types = [layer.media_type for layer in manifest.layers]
    if len(types) == 1 and types[0].startswith(BUNDLE_PREFIX):
        return EvidenceForm.BUNDLE, manifest.layers
    for form, media_type in LEGACY_LAYERS.items():
        if set(types) == {media_type}:
            return form, manifest.layers
    got = ", ".join(f"`{name}`" for name in types[:4]) or "no layer"
    raise ManifestInvalidError("no evidence of a known form", expected="one Sigstore bundle", got=got, where=where)


class EvidenceCollector:
    """Opens the objects that may be evidence about one manifest, best guesses first, and stops at the limits.

    `manifest` and `blob` fetch the bytes of a descriptor and raise `DigestMismatchError`, `NotFoundError` or another error of the
    tree; they check digest and size. Manifests and blobs together stay within `limits.evidence`.
    """

    def __init__(
        self,
        subject: ManifestDigest,
        *,
        limits: Limits,
        manifest: Callable[[OciDescriptor], bytes],
        blob: Callable[[OciDescriptor], bytes],
    ) -> None:
        self._subject = subject
        self._limits = limits
        self._manifest = manifest
        self._blob = blob
        self._seen: set[str] = set()
        self._listed: list[OciDescriptor] = []
        self._materials: list[Material] = []
        self._skipped: list[tuple[str, str]] = []
        self._unopened = 0
        self._tried = 0
        self._bytes = 0
        self._truncated = False

    @property
    def has_bundle(self) -> bool:
        """Whether any evidence was found so far."""
        return bool(self._materials)

    @property
    def has_signature(self) -> bool:
        """Whether something was found that may be an image signature, by what its annotations say or do not say."""
        return any(
            material.annotations.get(_PREDICATE_NOTE, _SIGNATURE_PREDICATE) == _SIGNATURE_PREDICATE
            for material in self._materials
            if material.form is not EvidenceForm.LEGACY_ATTESTATION
        )

    def skip(self, where: str, why: str) -> None:
        """Record something that does not count; the list itself stays bounded."""
        if len(self._skipped) < 2 * self._limits.candidates:
            self._skipped.append((where, why))
        else:
            self._unopened += 1

    def truncate(self, where: str, why: str) -> None:
        """Record that there is more than may be looked at."""
        self._truncated = True
        self.skip(where, why)

    def referrers(self, entries: Iterable[object], *, where: str) -> None:
        """Open the referrers of the list that `where` names."""
        self.enlist(entries, where=where)
        self.open()

    def enlist(self, entries: Iterable[object], *, where: str) -> None:
        """Note one page of referrers; of all pages only the likeliest are kept, as many as may be opened."""
        for position, entry in enumerate(entries):
            try:
                descriptor = parse_oci_descriptor(entry, where=f"{where}, `manifests[{position}]`")
            except ManifestInvalidError as exc:
                self.skip(f"{where}, entry {position}", str(exc))
                continue
            if descriptor.sha256 not in self._seen:
                self._seen.add(descriptor.sha256)
                self._listed.append(descriptor)
        self._listed.sort(key=_rank)
        for descriptor in self._listed[self._limits.candidates :]:
            self._refuse_count(f"referrer {descriptor.manifest_digest}")
        del self._listed[self._limits.candidates :]

    def open(self) -> None:
        """Open what was noted, the likeliest first."""
        listed, self._listed = self._listed, []
        for descriptor in listed:
            self._guarded(descriptor, self._open_referrer, where=f"referrer {descriptor.manifest_digest}")

    def legacy(self, data: bytes, *, tag: str, form: EvidenceForm) -> None:
        """Take the layers of a cosign `.sig` or `.att` object; `data` is its manifest, `tag` the name it was found under."""
        where = f"tag {tag}"
        try:
            layers = parse_manifest(data, where=where).layers
        except ManifestInvalidError as exc:
            self.skip(where, _why(exc, where=where))
            return
        self._open_layers(layers, form=form, where=where)

    def finish(self) -> EvidenceSet:
        """Return what was found."""
        skipped = list(self._skipped)
        if self._unopened:
            skipped.append((f"{self._unopened} more", "not listed one by one"))
        return EvidenceSet(materials=tuple(self._materials), skipped=tuple(skipped), truncated=self._truncated)

    def _guarded(self, descriptor: OciDescriptor, look: Callable[[OciDescriptor, str], None], *, where: str) -> None:
        if self._tried >= self._limits.candidates:
            self._refuse_count(where)
            return
        self._tried += 1
        try:
            look(descriptor, where)
        except (VerificationError, NotFoundError) as exc:
            self.skip(where, _why(exc, where=where))

    def _refuse_count(self, where: str) -> None:
        self.truncate(where, f"not looked at: more than {self._limits.candidates} candidates")

    def _open_referrer(self, descriptor: OciDescriptor, where: str) -> None:
        if not self._afford(descriptor, where=where):
            return
        manifest = parse_manifest(self._manifest(descriptor), where=where, declared=descriptor.media_type)
        form, layers = evidence_layers(manifest, subject=self._subject, where=where)
        if form is EvidenceForm.BUNDLE:
            self._take(layers[0], form=form, notes=manifest.annotations, where=where)
        else:
            self._open_layers(layers, form=form, where=where)

    def _open_layers(self, layers: Iterable[OciDescriptor], *, form: EvidenceForm, where: str) -> None:
        for position, layer in enumerate(layers):
            self._guarded(layer, partial(self._open_legacy, form=form), where=f"{where}, layer {position}")

    def _open_legacy(self, layer: OciDescriptor, where: str, *, form: EvidenceForm) -> None:
        if layer.media_type != LEGACY_LAYERS[form]:
            expected = f"`{LEGACY_LAYERS[form]}`"
            raise ManifestInvalidError("no evidence of a known form", expected=expected, got=f"`{layer.media_type}`", where=where)
        self._take(layer, form=form, notes=layer.annotations, where=where)

    def _take(self, layer: OciDescriptor, *, form: EvidenceForm, notes: Mapping[str, str], where: str) -> None:
        if self._afford(layer, where=where):
            self._materials.append(Material(form=form, data=self._blob(layer), where=where, annotations=dict(notes)))

    def _afford(self, descriptor: OciDescriptor, *, where: str) -> bool:
        if self._bytes + descriptor.size > self._limits.evidence:
            self.truncate(where, f"not looked at: more than {self._limits.evidence} bytes of evidence")
            return False
        self._bytes += descriptor.size
        return True


def _rank(descriptor: OciDescriptor) -> int:
    if (descriptor.artifact_type or "").startswith(BUNDLE_PREFIX):
        return 0
    return 1 if any(key.startswith(_BUNDLE_NOTE) for key in descriptor.annotations) else 2


def _why(error: SupplyChainError, *, where: str) -> str:
    return str(error).removesuffix(f", in {where}")
