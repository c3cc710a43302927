import hashlib
import json

import jsonschema
import pytest

from supplychain.output.schema import report_schema
from tests.supplychain.cli.conftest import IDENTITY, ISSUER
from tests.support.builders import build_elf, sign
from tests.support.oci import Stored
from tests.support.scenario import LIBRARY, provenance_bundle
from tests.support.sigstore.keys import Seed, public_key_pem
from tests.support.sigstore.legacy import bare_envelope, layer_annotations
from tests.support.virtual_sigstore import VirtualSigstore, generator_identity, slsa_provenance

# -- ed25519 -----------------------------------------------------------------------------------------------------------


def test_a_good_signature_passes_and_is_not_called_trusted(run, workshop):
    workshop.write("plugin.so.sig", sign(LIBRARY))
    found = run("check", "ed25519", "plugin.so", "--key", workshop.key, "--output", "json")
    assert found.code == 0
    assert found.report["verdict"] == "Passed"
    assert found.report["scope"] == "ed25519"
    assert found.json["verdict"] == "Passed"
    jsonschema.validate(found.json, report_schema())


def test_the_signature_can_be_elsewhere(run, workshop):
    other = workshop.write("other", sign(LIBRARY))
    assert run("check", "ed25519", "plugin.so", "--key", workshop.key, "--signature", other).code == 0


@pytest.mark.parametrize("signature", [bytes(64), b"", sign(build_elf(payload=b"other"))])
def test_a_bad_signature_is_refused(run, workshop, signature):
    workshop.write("plugin.so.sig", signature)
    found = run("check", "ed25519", "plugin.so", "--key", workshop.key, "--output", "json")
    assert found.code == 1
    assert found.report["verdict"] == "Refused"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ((), "SigningKeyMissing"),
        (("--key", "missing"), "UnreadableFile"),
        (("--key", "plugin.so"), "SigningKeyInvalid"),
        (("--key", "release.pub"), "UnreadableFile"),
    ],
)
def test_an_unusable_request_is_told_from_a_refusal(run, workshop, flags, reason):
    found = run("check", "ed25519", "plugin.so", *flags, "--output", "json")
    assert found.code == 2
    assert found.report["error"]["reason"] == reason


# -- cosign ------------------------------------------------------------------------------------------------------------

WHO = ("--certificate-identity-regexp", IDENTITY, "--certificate-oidc-issuer", ISSUER)


def cosign(workshop, target=None, *flags, who=WHO):
    root = ("--trust-root", workshop.folder / "root.json", "--single-verifier", "--output", "json")
    return ("check", "cosign", target or workshop.layout, *who, *root, *flags)


def test_a_good_image_signature_passes(run, workshop):
    found = run(*cosign(workshop))
    assert found.code == 0
    assert found.report["inputs"]["manifestDigest"] == str(workshop.digest)
    assert found.layer("cosign")["facts"]["issuer"] == ISSUER


def test_a_digest_is_checked_as_it_is_named(run, workshop):
    named = f"oci-layout:{workshop.folder / 'layout'}@{workshop.digest}"
    assert run(*cosign(workshop, named)).code == 0
    other = f"oci-layout:{workshop.folder / 'layout'}@sha256:{'0' * 64}"
    assert run(*cosign(workshop, other)).code == 1


def test_a_pinned_reference_is_not_pulled_first(run, workshop):
    found = run(*cosign(workshop, f"127.0.0.1:1/acme/echo@{workshop.digest}"))
    assert found.code == 3
    assert found.layer("cosign")["problem"]["reason"] == "RegistryUnavailable"
    assert "referrers" in found.layer("cosign")["problem"]["where"]


def test_another_identity_is_refused(run, workshop):
    who = ("--certificate-identity", "https://github.com/evil/plugins", "--certificate-oidc-issuer", ISSUER)
    found = run(*cosign(workshop, who=who))
    assert found.code == 1
    assert found.layer("cosign")["problem"]["reason"] == "IdentityMismatch"


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ((), "InvalidPolicy"),
        (("--certificate-oidc-issuer", ISSUER), "InvalidPolicy"),
        (("--certificate-identity", "https://github.com/a"), "InvalidPolicy"),
        (("--certificate-identity-regexp", ".*", "--certificate-oidc-issuer", ISSUER), "InvalidIdentityPattern"),
    ],
)
def test_a_signature_by_anybody_is_no_request(run, workshop, who, reason):
    found = run(*cosign(workshop, who=who))
    assert found.code == 2
    assert found.report["error"]["reason"] == reason


def test_a_bare_package_has_no_manifest_to_check(run, workshop):
    assert run(*cosign(workshop, workshop.package)).code == 2


def test_a_tag_of_something_else_is_a_wrong_request(run, workshop):
    index = workshop.folder / "layout" / "index.json"
    document = json.loads(index.read_bytes())
    evidence = next(one for one in document["manifests"] if "artifactType" in one)
    evidence["annotations"]["org.opencontainers.image.ref.name"] = "evidence"
    index.write_text(json.dumps(document))
    found = run(*cosign(workshop, f"oci-layout:{workshop.folder / 'layout'}:evidence"))
    assert found.code == 2
    assert "digest" in found.report["error"]["hint"]


def test_a_source_without_a_manifest_is_a_wrong_request(run, workshop, monkeypatch):
    from dataclasses import replace

    from supplychain.mirror.layout import LayoutSource

    honest = LayoutSource.pull
    monkeypatch.setattr(
        LayoutSource, "pull", lambda self, *, platform: replace(honest(self, platform=platform), manifest_digest=None)
    )
    assert run(*cosign(workshop)).code == 2


# -- provenance --------------------------------------------------------------------------------------------------------

SOURCE = ("--source-uri", "github.com/acme/plugins")


def provenance(workshop, artifact="plugin.so", *flags):
    file = workshop.write("prov.jsonl", provenance_bundle())
    root = ("--trust-root", workshop.folder / "root.json", "--single-verifier", "--output", "json")
    return ("check", "provenance", artifact, "--provenance", file, *root, *flags)


def test_good_provenance_of_a_file_passes(run, workshop):
    found = run(*provenance(workshop, "plugin.so", *SOURCE, "--source-tag", "v1.2.3"))
    assert found.code == 0
    assert found.report["scope"] == "slsa"
    jsonschema.validate(found.json, report_schema())


def test_good_provenance_of_a_hash_passes(run, workshop):
    import hashlib

    digest = f"sha256:{hashlib.sha256(LIBRARY).hexdigest()}"
    assert run(*provenance(workshop, digest, "--source-uri", "git+https://github.com/acme/plugins")).code == 0


@pytest.mark.parametrize(
    ("artifact", "flags", "reason"),
    [
        ("sha256:" + "0" * 64, SOURCE, "SubjectMismatch"),
        ("plugin.so", ("--source-uri", "github.com/evil/plugins"), "SourceMismatch"),
        ("plugin.so", (*SOURCE, "--source-tag", "v9"), "SourceMismatch"),
        ("plugin.so", (*SOURCE, "--builder-id", "https://github.com/evil/builder"), "BuilderMismatch"),
    ],
)
def test_provenance_of_something_else_is_refused(run, workshop, artifact, flags, reason):
    found = run(*provenance(workshop, artifact, *flags))
    assert found.code == 1
    assert found.layer("slsa")["problem"]["reason"] == reason


@pytest.mark.parametrize(
    ("artifact", "flags"),
    [
        ("sha256:12", SOURCE),
        ("missing", SOURCE),
        ("plugin.so", ("--source-uri", " ")),
        ("plugin.so", (*SOURCE, "--workflow-input", "novalue")),
        ("plugin.so", (*SOURCE, "--workflow-input", "a=1", "--workflow-input", "a=2")),
    ],
)
def test_an_unusable_provenance_request_is_one(run, workshop, artifact, flags):
    assert run(*provenance(workshop, artifact, *flags)).code == 2


def test_workflow_inputs_are_compared(run, workshop):
    found = run(*provenance(workshop, "plugin.so", *SOURCE, "--workflow-input", "a=b"))
    assert found.code == 1


def test_a_key_of_the_provenances_signer_is_read_under_both_names(run, workshop):
    key = Seed(b"x").p256("provenance")
    statement = slsa_provenance(hashlib.sha256(LIBRARY).hexdigest())
    workshop.write("keyed.jsonl", VirtualSigstore().sign_statement(statement, keyed=True, leaf_key=key))
    workshop.write("cosign.pub", public_key_pem(key))
    words = (
        "check",
        "provenance",
        "plugin.so",
        "--provenance",
        "keyed.jsonl",
        "--trust-root",
        workshop.folder / "root.json",
        *SOURCE,
    )
    for flag in ("--key", "--provenance-key"):
        found = run(*words, flag, "cosign.pub", "--output", "json")
        assert (found.code, found.layer("slsa")["facts"]["identityKind"]) == (0, "key")
    assert run(*words).code == 3
    assert run(*words, "--key", "plugin.so").code == 2


def test_log_entries_without_provenance_are_a_wrong_request(run, workshop):
    flags = ("--key", workshop.key, "--source-uri", "github.com/acme/plugins", "--rekor-entry", "plugin.so")
    found = run("verify", workshop.layout, *flags, "--output", "json")
    assert found.code == 2
    assert "--rekor-entry" in found.out + found.err


def image(folder, *, about=None):
    """A layout with an image that is no plugin and provenance in an `.att` object beside it, as a container builder leaves it."""
    stored = Stored()
    config = stored.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    plain = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []}
    digest = stored.manifest(plain, tag="v1")["digest"]
    statement = slsa_provenance(about or digest.removeprefix("sha256:"))
    attested = VirtualSigstore().sign_statement(statement, identity=generator_identity(), log="rekor1")
    layer = {
        **stored.blob(bare_envelope(attested), "application/vnd.dsse.envelope.v1+json"),
        "annotations": layer_annotations(attested),
    }
    stored.manifest({**plain, "layers": [layer]}, tag=f"{digest.replace(':', '-')}.att")
    stored.write(folder / "image")
    return digest


def of_image(workshop, target, *flags):
    root = ("--trust-root", workshop.folder / "root.json", "--output", "json")
    return ("check", "provenance", target, *SOURCE, *root, *flags)


def test_provenance_that_is_attached_to_an_image_passes_by_its_digest(run, workshop):
    digest = image(workshop.folder)
    for name in ("", ":v1", f"@{digest}"):
        found = run(*of_image(workshop, f"oci-layout:image{name}"))
        assert (found.code, found.report["inputs"]["artifactHash"]) == (0, digest.removeprefix("sha256:"))
    attached = found.layer("slsa")["candidates"][0]["where"]
    assert attached.endswith(".att, layer 0")


def test_provenance_of_another_image_is_refused_wherever_it_is_attached(run, workshop):
    image(workshop.folder, about="0" * 64)
    found = run(*of_image(workshop, "oci-layout:image"))
    assert (found.code, found.layer("slsa")["problem"]["reason"]) == (1, "SubjectMismatch")
    assert run(*of_image(workshop, "oci-layout:image:v2")).code == 3


def test_a_file_for_an_image_counts_instead_of_what_is_attached(run, workshop):
    image(workshop.folder)
    other = workshop.write("other.jsonl", provenance_bundle())
    assert run(*of_image(workshop, "oci-layout:image", "--provenance", other)).code == 1


def test_a_reference_is_asked_and_a_file_of_that_name_comes_first(run, workshop):
    found = run(*of_image(workshop, "127.0.0.1:1/acme/image:v1"))
    assert (found.code, found.layer("slsa")["problem"]["reason"]) == (3, "RegistryUnavailable")
    (workshop.folder / "127.0.0.1:1" / "acme").mkdir(parents=True)
    workshop.write("127.0.0.1:1/acme/image:v1", LIBRARY)
    assert (
        run(*of_image(workshop, "127.0.0.1:1/acme/image:v1", "--provenance", workshop.write("p", provenance_bundle()))).code == 0
    )


@pytest.mark.parametrize("target", ["plugin.so", f"sha256:{'0' * 64}"])
def test_without_a_place_for_provenance_there_is_nothing_to_judge(run, workshop, target):
    found = run(*of_image(workshop, target))
    assert found.code == 2
    assert "nothing says where the provenance is" in found.out


def test_the_name_of_a_package_is_no_reference(run, workshop):
    found = run(*of_image(workshop, "127.0.0.1:1/acme/image:v1.zip", "--provenance", workshop.write("p", provenance_bundle())))
    assert found.code == 2
    assert "127.0.0.1:1/acme/image:v1.zip" in found.out


def test_a_name_that_no_file_can_have_is_a_wrong_request_and_no_defect(run):
    for name in ("a" * 5000, f"{'a/' * 3000}b@sha256:x"):
        found = run("check", "provenance", name, "--source-uri", "github.com/acme/plugins", "--offline")
        assert found.code == 2
        assert "internal error" not in found.err


def test_no_example_of_the_help_stands_there_twice(run):
    for layer in ("ed25519", "cosign", "provenance"):
        lines = [line for line in run("check", layer, "--help").out.splitlines() if line.startswith("  supplychain check")]
        assert lines
        assert len(set(lines)) == len(lines)
