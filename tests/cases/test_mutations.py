"""Every good case, changed in one leaf or one byte at a time: each mutant must be refused by an error of our tree.

Our own core judges alone here, so that no other verifier can cover for a check that is missing. What nobody authenticates or compares
is listed by name with the reason, and an entry of a list that no longer lets anything through is an error, too.
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from supplychain.artifact import EvidenceForm, EvidenceSet, Material
from supplychain.cli.main import build_parser
from supplychain.cli.request import Asked, plan
from supplychain.cli.sources import Sources
from supplychain.digest import ManifestDigest
from supplychain.errors import SupplyChainError
from supplychain.trust_root import parse_trust_root
from supplychain.verifier import PluginVerifier
from tests.cases.test_cases import CASES, command
from tests.support.mutations import mutants
from tests.support.oci import canonical
from tests.support.testdata.cases import FOLDER
from tests.support.testdata.demo import flip
from tests.support.testdata.release import REPOSITORY, SIGSTORE, Release, dump_yaml
from tests.support.virtual_sigstore import (
    generator_identity,
    github_identity,
    github_provenance,
    image_signature,
    slsa_provenance,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from supplychain.artifact import Platform, PulledArtifact
    from supplychain.ports import PluginSource

AT = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = [name for name in CASES if name.endswith("_trusted")]

_BUILD_LABEL = "a label of the build that no policy asks about"
_OPTIONAL_CLAIM = "compared with the certificate where it is there, and not demanded"

LISTED: dict[str, dict[str, str]] = {
    "bundle": {
        r".*\.checkpoint(\.envelope)?: line 5, sign 3": "nothing binds the note's name of a Rekor v1 log; the key hint behind it chooses the key",
        r"verificationMaterial\.publicKey\.hint: .*": "a hint that nobody authenticates; every configured key is tried",
        r".*\.verification\.inclusionProof(\.checkpoint)?: removed": "the signed entry timestamp is enough for an entry of Rekor v1",
        r"dev\.sigstore\.cosign/chain: .*": "empty here, because the trust root names the intermediate; text around PEM blocks is skipped",
        r"dev\.cosignproject\.cosign/signature: .*": "beside an envelope, which carries its own signature",
    },
    "trust root": {
        r"(certificateAuthorities|timestampAuthorities)\.0\.(subject\.\w+|uri): .*": "names an authority for people",
        r"(ctlogs|tlogs)\.0\.baseUrl: mangled": "names a log for people; only Rekor v2 checkpoints are bound to it",
        r"(certificateAuthorities|timestampAuthorities)\.0\.certChain\.certificates\.1\.rawBytes: byte 5\d\d": (
            "the signature of a root over itself; it is trusted because it stands in the trust root"
        ),
        r".*\.validFor\.start: ten years earlier": "a wider window; whoever writes the trust root decides what is trusted",
    },
    "policy": {
        r"MCPGPlugin\.spec\.oci\.image: mangled": "the target on the command line says where the plugin is read from",
        r"MCPGPlugin\.spec\.version: mangled": "a digest or a file has no tag that the version could be compared with",
        r"MCPGPlugin\.spec\.trust\.signingKeyRef\.key: removed": "the default is the same",
        r"Secret\.metadata\.namespace: .*": "any namespace counts unless `--namespace` names one",
    },
    "descriptor": {
        r"(name|description|license): .*": "the detached signature is over the library alone; pin the digest or ask for cosign",
        r"tags\.0: .*": "the same",
        r"required_capabilities\.0: removed": "the same; the gateway compares capabilities with the library",
    },
    "image statement": {},
    "generator statement": {
        r"subject\.0\.name: .*": "a file name; the digest is what counts",
        r"predicate\.invocation\.configSource\.entryPoint: .*": "the certificate's claim 18 names the workflow",
        r"predicate\.invocation\.environment\.github_(actor|actor_id|base_ref|head_ref|run_number|repository_owner): .*": _BUILD_LABEL,
        r"predicate\.invocation\.environment\.github_event_payload\.(base_ref|ref): .*": "read only where a branch is asked for",
        r"predicate\.invocation\.environment\.github_event_payload\.inputs: removed": "read only where an input is asked for",
        r"predicate\.invocation\.environment\.github_ref_type: mangled": "the full ref begins with `refs/tags/` anyway",
        r"predicate\.invocation\.environment\.github_(repository_id|repository_owner_id|run_id): removed": _OPTIONAL_CLAIM,
        r"predicate\.metadata\.(buildInvocationID|reproducible|completeness\.\w+): .*": _BUILD_LABEL,
    },
    "github statement": {
        r"subject\.0\.name: .*": "a file name; the digest is what counts",
        r"predicate\.buildDefinition\.internalParameters\.github\.\w+: removed": _OPTIONAL_CLAIM,
        r"predicate\.runDetails\.metadata\.invocationId: removed": _OPTIONAL_CLAIM,
    },
}
"""What lets a mutant through: kind of document, pattern of mutants, reason."""


def check_survivors(kind: str, found: set[str]) -> None:
    """Every survivor is listed, and every entry of the list has one."""
    listed = LISTED[kind]
    assert sorted(name for name in found if not any(re.fullmatch(pattern, name) for pattern in listed)) == []
    assert [pattern for pattern in listed if not any(re.fullmatch(pattern, name) for name in found)] == []


def survivors(document: Any, trusted: Callable[[Any], bool]) -> set[str]:
    """The mutants that are still trusted; the document itself must be."""
    assert trusted(document)
    return {name for name, mutant in mutants(document) if trusted(mutant)}


# --- one good case, opened once and judged many times -------------------------------------------------------------------------


class Attached:
    """A source with other evidence and, where one is given, another manifest around the same package."""

    def __init__(self, source: PluginSource, materials: tuple[Material, ...], *, manifest: bytes | None = None) -> None:
        self._source = source
        self._materials = materials
        self._digest = ManifestDigest.of(manifest) if manifest is not None else None

    def pull(self, *, platform: Platform) -> PulledArtifact:
        pulled = self._source.pull(platform=platform)
        return pulled if self._digest is None else replace(pulled, manifest_digest=self._digest)

    def evidence(self, digest: ManifestDigest, *, thorough: bool = False) -> EvidenceSet:
        return EvidenceSet(materials=self._materials)


@dataclass(frozen=True, kw_only=True)
class Court:
    name: str
    asked: Asked
    source: PluginSource
    verifier: PluginVerifier
    root: bytes

    @property
    def wants(self) -> set[str]:
        policy = self.asked.request.policy
        return {name for name, part in (("cosign", policy.cosign), ("slsa", policy.slsa)) if part is not None}

    @property
    def signed_by_a_key(self) -> bool:
        """Whether no certificate takes part, so that nothing rests on the authorities of the trust root."""
        slsa = self.asked.request.policy.slsa
        return slsa is not None and bool(slsa.keys)

    def without(self, layer: str) -> Court:
        """The same case with one layer no longer asked for, so that a mutant of the other one decides alone."""
        request = self.asked.request
        policy = replace(request.policy, cosign=None) if layer == "cosign" else replace(request.policy, slsa=None)
        return replace(self, asked=replace(self.asked, request=replace(request, policy=policy)))

    def trusts(self, *, source: PluginSource | None = None, provenance: Material | None = None, root: Any = None) -> bool:
        """Whether it is trusted with one thing replaced. Anything but an error of our tree goes through."""
        verifier = self.verifier
        if root is not None:
            try:
                parsed = parse_trust_root(json.dumps(root).encode(), name="mutant")
            except SupplyChainError:
                return False
            verifier = replace(verifier, root=lambda: parsed)
        request = self.asked.request
        if provenance is not None:
            request = replace(request, provenance=(provenance,))
        with verifier.verify(source or self.source, request=request, at=AT) as verification:
            return verification.report.trusted

    def trusts_signature(self, material: Material) -> bool:
        return self.trusts(source=Attached(self.source, (material,)))

    def trusts_provenance(self, material: Material) -> bool:
        return self.trusts(provenance=material)

    def trusts_by(self, root: Any) -> bool:
        return self.trusts(root=root)

    @contextmanager
    def pulled(self) -> Iterator[PulledArtifact]:
        artifact = self.source.pull(platform=self.asked.request.platform)
        try:
            yield artifact
        finally:
            artifact.package.close()

    def attached(self) -> tuple[Material, ...]:
        with self.pulled() as artifact:
            return () if artifact.manifest_digest is None else self.source.evidence(artifact.manifest_digest).materials


@contextmanager
def opened(words: list[str], *, name: str = "") -> Iterator[Court]:
    """Open the one target of a command as the command line does.

    Raises:
        SupplyChainError: the request is wrong.
    """
    args = build_parser().parse_args(words)
    planned = plan(args)
    [question] = planned.questions
    if isinstance(question.asked, SupplyChainError):
        raise question.asked
    root = (REPOSITORY / args.trust_root[0]).read_bytes()
    parsed = parse_trust_root(root, name="test")
    verifier = PluginVerifier(root=lambda: parsed, revocations=planned.revocations, limits=planned.limits, second_opinion=False)
    with Sources(args, limits=planned.limits) as sources:
        source = sources.open(question.asked.target)
        yield Court(name=name, asked=question.asked, source=source, verifier=verifier, root=root)


@pytest.fixture
def courts(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    with ExitStack() as stack:
        found = [stack.enter_context(opened(command(FOLDER / name), name=name)) for name in GOOD]
        assert all(court.trusts() for court in found)
        yield found


# --- what an attacker without keys can write ----------------------------------------------------------------------------------


def test_every_change_of_an_image_signature_or_provenance_is_refused(courts):
    found: set[str] = set()
    judged = 0
    for court in courts:
        carrying = []
        if "cosign" in court.wants:
            alone = court.without("slsa")
            carrying += [(each, alone.trusts_signature) for each in alone.attached()]
        if "slsa" in court.wants:
            alone = court.without("cosign")
            materials = alone.asked.request.provenance or alone.attached()
            carrying += [(each, alone.trusts_provenance) for each in materials]
        for material, trusts in carrying:
            if not trusts(material):
                continue  # beside the one that counts
            judged += 1

            for document, rebuild in _documents(material):
                found |= survivors(document, partial(_trusts, trusts, rebuild))
    assert judged >= len([court for court in courts if court.wants])
    check_survivors("bundle", found)


def _trusts(trusts: Callable[[Material], bool], rebuild: Callable[[Any], Material], mutant: Any) -> bool:
    return trusts(rebuild(mutant))


def _documents(material: Material) -> Iterator[tuple[Any, Callable[[Any], Material]]]:
    """Every JSON document that a piece of evidence consists of, and how to put a changed one in its place."""
    yield json.loads(material.data), lambda value: replace(material, data=json.dumps(value).encode())
    if material.form in (EvidenceForm.LEGACY_SIGNATURE, EvidenceForm.LEGACY_ATTESTATION):
        notes = dict(material.annotations)
        yield notes, lambda value: replace(material, annotations=value)
        for name in (name for name, text in notes.items() if text.startswith("{")):
            yield json.loads(notes[name]), partial(_with_note, material, name)
    for entry in material.log_entries:
        yield json.loads(entry), lambda value: replace(material, log_entries=(json.dumps(value).encode(),))


def _with_note(material: Material, name: str, value: Any) -> Material:
    return replace(material, annotations={**material.annotations, name: json.dumps(value)})


def test_every_change_of_the_trust_root_is_refused(courts):
    found: set[str] = set()
    for court in courts:
        if court.wants and not court.signed_by_a_key:
            root = _pruned(json.loads(court.root), court)
            found |= survivors(root, court.trusts_by)
    check_survivors("trust root", found)


def _pruned(root: Any, court: Court) -> Any:
    """The trust root with those logs and authorities alone on which the case rests, so that every mutant is about one of them."""
    for part in ("tlogs", "timestampAuthorities"):
        for position in reversed(range(len(root[part]))):
            smaller = {**root, part: [*root[part][:position], *root[part][position + 1 :]]}
            if court.trusts(root=smaller):
                root = smaller
    return root


def test_every_change_of_the_policy_is_refused(courts, tmp_path):
    found: set[str] = set()
    path = tmp_path / "policy.yaml"

    def trusted(words: list[str], documents: list[Any]) -> bool:
        path.write_bytes(dump_yaml(*documents))
        try:
            with opened(words) as court:
                return court.trusts()
        except SupplyChainError:
            return False

    for court in courts:
        words = command(FOLDER / court.name)
        documents = list(yaml.safe_load_all((FOLDER / court.name / "policy.yaml").read_bytes()))
        words[words.index("-f") + 1] = str(path)
        assert trusted(words, documents)
        for position, document in enumerate(documents):
            if document["kind"] == "ConfigMap":
                continue  # the provenance in it is evidence, changed in a test of its own
            for name, mutant in mutants(document):
                if trusted(words, [*documents[:position], mutant, *documents[position + 1 :]]):
                    found.add(f"{document['kind']}.{name}")
    check_survivors("policy", found)


def test_every_change_of_a_signed_manifest_is_refused(courts):
    """The changed manifest gets a digest that agrees, and all signatures of the old one stay attached."""
    signed = [court for court in courts if "cosign" in court.wants]
    assert signed
    for court in signed:
        with court.pulled() as pulled:
            assert pulled.manifest_digest is not None
            path = FOLDER / court.name / "layout" / "blobs" / "sha256" / pulled.manifest_digest.hex
        attached = court.attached()

        def trusted(mutant: Any, court: Court = court, attached: tuple[Material, ...] = attached) -> bool:
            return court.trusts(source=Attached(court.source, attached, manifest=canonical(mutant)))

        assert survivors(json.loads(path.read_bytes()), trusted) == set()


# --- the package, packed again with everything around it made to agree --------------------------------------------------------


@pytest.fixture
def repacked(tmp_path, monkeypatch):
    """Writes a release that asks for nothing but the detached signature, and says whether it is trusted."""
    monkeypatch.chdir(REPOSITORY)
    count = 0

    def trusted(**changes: Any) -> bool:
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        release = Release()
        release.only()
        for name, value in changes.items():
            setattr(release, name, value)
        release.write(folder)
        with opened(release.command(str(folder))) as court:
            return court.trusts()

    assert trusted()
    return trusted


def test_every_region_of_the_library_is_covered_by_the_signature(repacked):
    honest = Release()
    signature = honest.key.sign(honest.library)
    for place in range(0, len(honest.library), len(honest.library) // 60):
        assert not repacked(library=flip(honest.library, place), signature=signature), f"byte {place}"


def test_every_byte_of_the_signature_counts(repacked):
    honest = Release()
    signature = honest.key.sign(honest.library)
    for place in range(len(signature)):
        assert not repacked(signature=flip(signature, place)), f"byte {place}"


def test_every_change_of_the_descriptor_is_refused(repacked):
    check_survivors("descriptor", survivors(Release().descriptor, lambda mutant: repacked(descriptor=mutant)))


# --- signed again: the trusted signer itself says something else --------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "case", "identity"),
    [
        pytest.param("image statement", "complete_release_trusted", github_identity(), id="image signature"),
        pytest.param("generator statement", "complete_release_trusted", generator_identity(), id="generator provenance"),
        pytest.param(
            "github statement", "github_attestation_by_an_allowed_builder_trusted", github_identity(), id="github provenance"
        ),
    ],
)
def test_every_change_of_a_statement_is_refused_although_it_is_signed_again(kind, case, identity, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    with opened(command(FOLDER / case)) as both:
        court = both.without("slsa" if kind == "image statement" else "cosign")
        with court.pulled() as pulled:
            digest = str(pulled.manifest_digest)
        artifact = Release().artifact_hash
        statement = {
            "image statement": image_signature(digest),
            "generator statement": slsa_provenance(artifact),
            "github statement": github_provenance(artifact),
        }[kind]

        def trusted(mutant: Any) -> bool:
            data = SIGSTORE.sign_statement(mutant, identity=identity)
            material = Material(form=EvidenceForm.BUNDLE, data=data, where="mutant")
            return court.trusts_signature(material) if kind == "image statement" else court.trusts_provenance(material)

        check_survivors(kind, survivors(statement, trusted))


def test_every_change_of_a_list_that_revokes_keeps_the_plugin_out(monkeypatch, tmp_path):
    """The list is the user's own file; still, no single slip in it may read as "nothing is revoked", but the hash itself."""
    monkeypatch.chdir(REPOSITORY)
    folder = FOLDER / "revoked_in_a_file_refused"
    words = command(folder)
    path = tmp_path / "revocations.json"
    words[words.index("--revocations") + 1] = str(path)
    document = json.loads((folder / "revocations.json").read_text(encoding="utf-8"))
    found = set()
    for name, mutant in mutants(document):
        path.write_text(json.dumps(mutant), encoding="utf-8")
        with opened(words) as court:
            if court.trusts():
                found.add(name)
    assert found <= {
        f"revocations.1.artifact_sha256: {change}" for change in ("byte 0", "byte 24", "byte 47", "mangled", "one more")
    }
