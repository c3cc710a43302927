"""Provenance that does not prove the wanted build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.sigstore.identities import GENERATOR
from tests.support.sigstore.transparency import b64
from tests.support.testdata.cases import case, refused, unavailable
from tests.support.testdata.release import OTHER_SIGSTORE, SIGSTORE, Release, attest_build, sign_image
from tests.support.virtual_sigstore import (
    generator_identity,
    github_identity,
    github_provenance,
    image_signature,
    slsa_provenance,
)

if TYPE_CHECKING:
    from tests.support.virtual_sigstore import Identity


def _attest(release: Release, statement: dict[str, Any], identity: Identity | None = None, **faults: Any) -> None:
    release.only("slsa")
    bundle = SIGSTORE.sign_statement(statement, identity=identity or generator_identity(), **faults)
    release.attest_build = (lambda _: bundle,)


@case(refused("slsa", "ProvenanceMissing"))
def no_provenance_anywhere_refused(release: Release) -> None:
    """Neither the ConfigMap nor the manifest's referrers hold provenance.

    The policy asks for it, so nothing is not enough. An empty loop must not look like success.
    """
    release.only("slsa")
    release.config_map = False


@case(refused("slsa", "EnvelopeInvalid", "EnvelopeInvalid"))
def unsigned_envelope_refused(release: Release) -> None:
    """The provenance file holds an envelope without any signature.

    Everybody can write such a file. It says nothing about who built what.
    """
    release.only("slsa")
    payload = json.dumps(slsa_provenance(release.artifact_hash)).encode()
    envelope = {"payload": b64(payload), "payloadType": "application/vnd.in-toto+json", "signatures": []}
    release.attest_build = (lambda _: json.dumps(envelope).encode(),)


@case(unavailable("slsa", "EvidenceUnsupported", "EvidenceUnsupported"))
def envelope_without_its_certificate_unavailable(release: Release) -> None:
    """The provenance file holds only the envelope of a genuine attestation.

    Certificate and log entry were left behind, so nobody can say who signed. It is not bad, it cannot be judged.
    """
    release.only("slsa")
    envelope = json.loads(attest_build(release.artifact_hash))["dsseEnvelope"]
    release.attest_build = (lambda _: json.dumps(envelope).encode(),)


@case(refused("slsa", "CertificateInvalid", "CertificateInvalid"))
def provenance_signed_by_an_attacker_refused(release: Release) -> None:
    """The provenance says all the right things and is signed in the attacker's own Sigstore.

    What a statement says counts only if the builder said it. Its words can be copied by anybody.
    """
    release.only("slsa")
    release.attest_build = (
        lambda artifact: OTHER_SIGSTORE.sign_statement(slsa_provenance(artifact), identity=generator_identity(), ca=OTHER_SIGSTORE.ca,
                                                       rekor=SIGSTORE.rekor2, tsa=SIGSTORE.tsa),
    )  # fmt: skip


@case(refused("slsa", "SubjectMismatch", "SubjectMismatch"))
def provenance_of_another_artifact_refused(release: Release) -> None:
    """The provenance is genuine, but about another file.

    Provenance is public and can be put beside anything. Its subject must be the artifact hash.
    """
    _attest(release, slsa_provenance("0" * 64))


@case(refused("slsa", "SubjectMismatch", "SubjectMismatch"))
def provenance_about_the_manifest_refused(release: Release) -> None:
    """The subject is the manifest digest.

    Four different hashes name parts of a plugin. The build made the library, so the library is the subject.
    """
    _attest(release, slsa_provenance(release.stored().listed[0]["digest"]))


@case(refused("slsa", "BuilderMismatch", "BuilderMismatch"))
def provenance_by_the_publishers_own_workflow_refused(release: Release) -> None:
    """The release workflow itself signed the statement that names the trusted builder.

    A build that writes its own provenance can write anything. The signer must be the builder that the statement names.
    """
    _attest(release, slsa_provenance(release.artifact_hash), github_identity())


@case(refused("slsa", "BuilderMismatch", "BuilderMismatch"))
def builder_that_nobody_allowed_refused(release: Release) -> None:
    """A reusable workflow of a stranger built and signed.

    Statement and certificate agree, the builder is just not one that is trusted. The allowlist decides.
    """
    builder = "https://github.com/stranger/builders/.github/workflows/generator_generic_slsa3.yml"
    identity = generator_identity(generator=builder)
    _attest(release, slsa_provenance(release.artifact_hash, builder=f"{builder}@refs/tags/v2.1.0"), identity)


@case(refused("slsa", "BuilderMismatch", "BuilderMismatch"))
def builder_at_a_branch_refused(release: Release) -> None:
    """The trusted builder's workflow was used from its main branch.

    A branch moves with every push, only releases of the builder were reviewed. The builder must be at a release tag.
    """
    identity = generator_identity(generator_ref="refs/heads/main")
    _attest(release, slsa_provenance(release.artifact_hash, builder=f"{GENERATOR}@refs/heads/main"), identity)


@case(refused("slsa", "BuilderMismatch", "BuilderMismatch"))
def builder_in_statement_and_certificate_differ_refused(release: Release) -> None:
    """Statement and certificate name two releases of the builder.

    The certificate is what the issuer saw, the statement is what the build claims. They must be equal.
    """
    _attest(release, slsa_provenance(release.artifact_hash, builder=f"{GENERATOR}@refs/tags/v2.0.0"))


@case(refused("slsa", "SourceMismatch", "SourceMismatch"))
def build_from_a_fork_refused(release: Release) -> None:
    """The trusted builder built from somebody's fork.

    The builder builds whatever it is called with. Where the source came from is for the policy to say.
    """
    statement = slsa_provenance(release.artifact_hash, source_uri="git+https://github.com/acme-fork/plugins")
    _attest(release, statement, generator_identity("acme-fork/plugins"))


@case(refused("slsa", "SourceMismatch", "SourceMismatch"))
def source_in_statement_and_certificate_differ_refused(release: Release) -> None:
    """The statement names the wanted repository, the certificate another one.

    The certificate is what the issuer saw when the build ran. Both must name the wanted source.
    """
    _attest(release, slsa_provenance(release.artifact_hash), generator_identity("acme-fork/plugins"))


@case(refused("slsa", "SourceMismatch", "SourceMismatch"))
def source_with_the_wanted_name_as_beginning_refused(release: Release) -> None:
    """The source repository's name begins with the wanted one.

    `acme/plugins-evil` begins with `acme/plugins`. Names are compared as a whole.
    """
    statement = slsa_provenance(release.artifact_hash, source_uri="git+https://github.com/acme/plugins-evil")
    _attest(release, statement, generator_identity("acme/plugins-evil"))


@case(refused("slsa", "SourceMismatch", "SourceMismatch"))
def build_of_another_tag_refused(release: Release) -> None:
    """The library was built from an older tag.

    The older source has known holes. The policy names the tag of the release.
    """
    statement = slsa_provenance(release.artifact_hash, ref="refs/tags/v1.2.2")
    _attest(release, statement, generator_identity(ref="refs/tags/v1.2.2"))


@case(refused("slsa", "SourceMismatch", "SourceMismatch"))
def build_of_a_branch_named_like_the_tag_refused(release: Release) -> None:
    """The library was built from a branch that is called like the tag.

    Branches move and can be pushed by many. `refs/heads/v1.2.3` is not `refs/tags/v1.2.3`.
    """
    statement = slsa_provenance(release.artifact_hash, ref="refs/heads/v1.2.3")
    _attest(release, statement, generator_identity(ref="refs/heads/v1.2.3"))


@case(refused("slsa", "ProvenanceMissing", "StatementInvalid"))
def statement_of_another_kind_refused(release: Release) -> None:
    """The trusted builder signed an image signature, not provenance.

    It is a statement about the right file by the right signer. It just says nothing about the build.
    """
    _attest(release, image_signature(release.artifact_hash))


@case(refused("slsa", "StatementInvalid", "StatementInvalid"))
def github_predicate_without_its_source_refused(release: Release) -> None:
    """The predicate lacks the workflow that started the build.

    Missing is not the same as matching. Every field that is compared must be there.
    """
    statement = github_provenance(release.artifact_hash)
    statement["predicate"]["buildDefinition"]["externalParameters"] = {}
    _attest(release, statement, github_identity())
    release.arguments = ["--builder-id", "https://github.com/acme/plugins/.github/workflows/release.yml"]


@case(refused("slsa", "EnvelopeInvalid", "EnvelopeInvalid"))
def provenance_file_with_rubbish_only_refused(release: Release) -> None:
    """The provenance file holds JSON that is neither bundle nor envelope.

    It is judged line by line, and a line that means nothing proves nothing.
    """
    release.only("slsa")
    release.attest_build = (lambda _: b'{"provenance": "trust me"}',)


@case(refused("slsa", "ProvenanceInvalid", "BuilderMismatch", "SourceMismatch", "SubjectMismatch"))
def several_statements_of_which_none_counts_refused(release: Release) -> None:
    """Three statements are there: wrong builder, wrong source, wrong subject.

    Each fails for its own reason, and the good parts of one do not complete another. All of them are listed.
    """
    release.only("slsa")
    fork = slsa_provenance(release.artifact_hash, source_uri="git+https://github.com/acme-fork/plugins")
    release.attest_build = (
        lambda artifact: SIGSTORE.sign_statement(slsa_provenance(artifact), identity=github_identity()),
        lambda _: SIGSTORE.sign_statement(fork, identity=generator_identity("acme-fork/plugins")),
        lambda _: attest_build("0" * 64),
    )


@case(refused("slsa", "WorkflowInputMismatch", "WorkflowInputMismatch"))
def build_with_another_input_refused(release: Release) -> None:
    """The build was started by hand with another input than the wanted one.

    Inputs can switch tests off or debugging on. The question is asked by flags alone here, without a manifest.
    """
    release.only("slsa")
    statement = slsa_provenance(
        release.artifact_hash,
        environment={"github_event_name": "workflow_dispatch"},
        event={"inputs": {"sanitize": "false"}},
    )
    identity = generator_identity(trigger="workflow_dispatch")
    provenance = SIGSTORE.sign_statement(statement, identity=identity)
    release.edit_directory = lambda folder: (folder / "provenance.intoto.jsonl").write_bytes(provenance + b"\n")
    release.words = [
        *("--key", "testdata/keys/release.pub", "--plugin-id", "dev.acme.audit"),
        *("--provenance", "{case}/provenance.intoto.jsonl", "--source-uri", "github.com/acme/plugins"),
        *("--source-tag", "v1.2.3", "--workflow-input", "sanitize=true"),
    ]


@case(refused("cosign", "CosignSignatureMissing", "CosignSignatureInvalid"))
def provenance_does_not_stand_in_for_the_signature_refused(release: Release) -> None:
    """Everything is asked for; the image signature is missing, good provenance is attached twice over.

    Layers do not help each other out. Each one must pass by itself.
    """
    release.attach_provenance = True
    release.sign_image = ()


@case(refused("slsa", "SubjectMismatch", "SubjectMismatch"))
def good_signature_with_provenance_of_another_build_refused(release: Release) -> None:
    """All layers but the last one pass.

    A release is trusted only as a whole. The report still shows what passed.
    """
    bundle = SIGSTORE.sign_statement(slsa_provenance("0" * 64), identity=generator_identity())
    release.sign_image = (sign_image,)
    release.attest_build = (lambda _: bundle,)
