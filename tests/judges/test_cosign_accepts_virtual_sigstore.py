"""The real cosign accepts an image signed by the virtual Sigstore, and refuses it for another identity, digest or root."""

import json
import subprocess

import pytest

from tests.support.builders import build_package
from tests.support.components import component
from tests.support.oci import Stored
from tests.support.sigstore.statements import COSIGN_SIGN, SLSA_V0_2
from tests.support.testdata.release import TESTDATA, TRUST_ROOT
from tests.support.virtual_sigstore import (
    GITHUB_ISSUER,
    VirtualSigstore,
    generator_identity,
    github_identity,
    image_signature,
    slsa_provenance,
)

SIGSTORE = VirtualSigstore()


def _push(registry, repository, *, log, signed_digest=None, plugin_id="dev.example.audit", **faults):
    stored = Stored()
    plugin = stored.plugin(build_package(), config={"id": plugin_id, "of": repository}, tag="1.2.3")
    signature = SIGSTORE.sign_statement(image_signature(signed_digest or plugin["digest"]), log=log, **faults)
    provenance = SIGSTORE.sign_statement(slsa_provenance(plugin["digest"]), identity=generator_identity(), log=log, **faults)
    stored.attach(signature, subject=plugin, predicate_type=COSIGN_SIGN)
    stored.attach(provenance, subject=plugin, predicate_type=SLSA_V0_2)
    stored.push(registry, repository)
    return f"{registry}/{repository}@{plugin['digest']}"


@pytest.fixture
def registry(registries):
    return registries.referrers.host


@pytest.fixture
def cosign(tmp_path):
    program = component("cosign")

    def run(command, image, *, subject, root=None, issuer=GITHUB_ISSUER, options=()):
        path = tmp_path / "trusted_root.json"
        path.write_bytes(root or SIGSTORE.trusted_root())
        # Nothing outside loopback can be reached, and no configuration of the machine is read.
        environment = {"HOME": str(tmp_path), "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
        line = [program, command, "--trusted-root", path, "--allow-http-registry", "--certificate-identity", subject]
        return subprocess.run(
            [*line, "--certificate-oidc-issuer", issuer, *options, image],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


SLSA = ("--type", "slsaprovenance02")


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_an_image_signature_is_accepted(registry, cosign, log):
    image = _push(registry, f"signed/{log}", log=log)
    done = cosign("verify", image, subject=github_identity().subject)
    assert done.returncode == 0, done.stderr
    types = {found["critical"]["type"] for found in json.loads(done.stdout)}
    assert COSIGN_SIGN in types  # it would also pass an image that is only attested, under another type


@pytest.mark.parametrize("log", ["rekor1", "rekor2"])
def test_provenance_is_accepted(registry, cosign, log):
    image = _push(registry, f"built/{log}", log=log)
    done = cosign("verify-attestation", image, subject=generator_identity().subject, options=SLSA)
    assert done.returncode == 0, done.stderr


def test_the_shipped_demo_is_accepted_and_its_siblings_signed_elsewhere_are_not(registry, cosign):
    root = TRUST_ROOT.read_bytes()
    subject = github_identity().subject
    verdicts = {}
    for name in ("layout", "layout-other-workflow", "layout-tampered"):
        stored = Stored.read(TESTDATA / "demo" / name)
        stored.push(registry, f"demo/{name}")
        image = f"{registry}/demo/{name}@{stored.listed[0]['digest']}"
        verdicts[name] = cosign("verify", image, subject=subject, root=root).returncode == 0
    assert verdicts == {"layout": True, "layout-other-workflow": False, "layout-tampered": False}


def test_another_identity_is_refused(registry, cosign):
    image = _push(registry, "refused/identity", log="rekor2")
    done = cosign("verify", image, subject=github_identity("acme/other").subject)
    assert done.returncode != 0
    assert "no matching CertificateIdentity found" in done.stderr


def test_another_issuer_is_refused(registry, cosign):
    image = _push(registry, "refused/issuer", log="rekor2")
    done = cosign("verify", image, subject=github_identity().subject, issuer="https://issuer.example")
    assert done.returncode != 0


def test_a_signature_for_another_digest_is_refused(registry, cosign):
    image = _push(registry, "refused/digest", log="rekor2", signed_digest="sha256:" + "0" * 64)
    done = cosign("verify", image, subject=github_identity().subject)
    assert done.returncode != 0
    assert "digest" in done.stderr


def test_another_root_is_refused(registry, cosign):
    image = _push(registry, "refused/root", log="rekor2")
    other = VirtualSigstore(seed=b"somebody else").trusted_root()
    done = cosign("verify", image, subject=github_identity().subject, root=other)
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("log", "faults"),
    [
        pytest.param("rekor1", {"promise": False, "proof": False}, id="rekor1 without promise and proof"),
        pytest.param("rekor2", {"tsa": None}, id="rekor2 without timestamp"),
        pytest.param("rekor2", {"scts": 0}, id="no SCT"),
        pytest.param("rekor2", {"signed_message": b"something else"}, id="signature over something else"),
    ],
)
def test_a_fault_is_refused(registry, cosign, log, faults):
    image = _push(registry, f"refused/{log}-{next(iter(faults)).replace('_', '-')}", log=log, **faults)
    assert cosign("verify", image, subject=github_identity().subject).returncode != 0
