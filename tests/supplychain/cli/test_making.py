"""`pack`, `sign`, `push`, `inspect` and `hash`: what they make is what `verify` accepts."""

import hashlib
import json
import shlex
import sys

import pytest

from supplychain.mirror import publish
from supplychain.mirror.credentials import BasicCredential
from tests.support.builders import DESCRIPTOR, TEST_SEED, build_descriptor, build_package, build_wasm, public_key, sign
from tests.support.scenario import LIBRARY


@pytest.fixture
def parts(workshop):
    workshop.write("plugin.yaml", DESCRIPTOR)
    workshop.write("release.seed", TEST_SEED)
    return workshop


NAME = "mcpg-plugin-echo_1.2.3_linux_amd64.zip"
PACK = ("pack", "-d", "plugin.yaml", "-a", "plugin.so", "-v", "1.2.3")


# -- hash --------------------------------------------------------------------------------------------------------------


def test_the_hash_is_printed_and_the_hint_names_the_current_key(run, parts):
    found = run("hash", "plugin.so")
    assert found.out == f"sha256:{hashlib.sha256(LIBRARY).hexdigest()}\n"
    assert "signature.sha256" in found.err
    assert run("hash", "plugin.so", "-q").err == ""


@pytest.mark.parametrize("path", ["missing", ".", "a\0b"])
def test_what_is_no_file_has_no_hash(run, parts, path):
    assert run("hash", path).code == 2


def test_a_file_that_breaks_while_it_is_read_has_no_hash(run, parts, monkeypatch):
    class Broken:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, _):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("supplychain.files.open_regular", lambda path: Broken())
    assert run("hash", "plugin.so").code == 2


# -- sign --------------------------------------------------------------------------------------------------------------


def test_a_seed_signs_beside_the_library(run, parts):
    found = run("sign", "plugin.so", "--key", "release.seed")
    assert found.code == 0
    assert (parts.folder / "plugin.so.sig").read_bytes() == sign(LIBRARY)
    assert public_key().hex() in found.out
    assert hashlib.sha256(LIBRARY).hexdigest() in found.out


def test_the_signature_can_be_written_elsewhere(run, parts):
    assert run("sign", "plugin.so", "--key", "release.seed", "-o", "x.sig").code == 0
    assert (parts.folder / "x.sig").read_bytes() == sign(LIBRARY)


@pytest.mark.parametrize("form", ["hex", "0x", "file"])
def test_an_external_signer_is_verified(run, parts, form):
    parts.write("given.sig", sign(LIBRARY))
    key = {"hex": public_key().hex(), "0x": f"0x{public_key().hex()}", "file": f"file:{parts.key}"}[form]
    assert run("sign", "plugin.so", "--subprocess", "cat given.sig", "--public-key", key).code == 0
    assert (parts.folder / "plugin.so.sig").exists()


def test_an_external_signer_gets_the_path(run, parts):
    script = "import os, pathlib, sys; assert pathlib.Path(os.environ['MCPG_SIGN_ARTIFACT']).is_absolute(); sys.exit(7)"
    command = shlex.join([sys.executable, "-c", script])
    found = run("sign", "plugin.so", "--subprocess", command, "--public-key", public_key().hex())
    assert found.code == 2
    assert "exit status 7" in found.err


def test_a_wrong_external_signature_is_not_written(run, parts):
    parts.write("given.sig", bytes(64))
    assert run("sign", "plugin.so", "--subprocess", "cat given.sig", "--public-key", public_key().hex()).code == 1
    assert not (parts.folder / "plugin.so.sig").exists()


def test_an_external_signer_needs_a_public_key(run, parts):
    found = run("sign", "plugin.so", "--subprocess", "true")
    assert found.code == 2
    assert "SigningKeyMissing" in found.err


def test_a_seed_for_another_public_key_signs_nothing(run, parts):
    other = public_key(seed=bytes(32)).hex()
    assert run("sign", "plugin.so", "--key", "release.seed", "--public-key", other).code == 1
    assert not (parts.folder / "plugin.so.sig").exists()


def test_a_key_is_needed_to_sign(run, parts):
    assert run("sign", "plugin.so").code == 2
    assert run("sign", "plugin.so", "--key", "plugin.yaml").code == 2


# -- pack --------------------------------------------------------------------------------------------------------------


def test_what_is_signed_and_packed_is_trusted(run, parts):
    run("sign", "plugin.so", "--key", "release.seed")
    found = run(*PACK)
    assert (found.code, found.out) == (0, f"{NAME}\n")
    assert run("verify", NAME, "--key", parts.key, "--plugin-id", "dev.mcpg.example.echo").code == 0


def test_equal_inputs_give_equal_packages(run, parts):
    run("sign", "plugin.so", "--key", "release.seed")
    run(*PACK, "-o", "one.zip")
    run(*PACK, "-o", "two.zip")
    assert (parts.folder / "one.zip").read_bytes() == (parts.folder / "two.zip").read_bytes()


def test_a_package_can_go_into_a_directory(run, parts):
    run("sign", "plugin.so", "--key", "release.seed")
    (parts.folder / "out").mkdir()
    assert run(*PACK, "-o", "out").out == f"out/{NAME}\n"


def test_the_licence_beside_the_descriptor_is_packed(run, parts):
    parts.write("LICENSE", "text")
    parts.write("other", "other text")
    run(*PACK, "--unsigned", "-o", "one.zip")
    run(*PACK, "--unsigned", "-o", "two.zip", "-l", "other")
    assert json.loads(run("inspect", "one.zip", "--output", "json").out)["licence"] is True
    assert (parts.folder / "one.zip").read_bytes() != (parts.folder / "two.zip").read_bytes()


def test_nothing_is_packed_unsigned_by_accident(run, parts):
    found = run(*PACK)
    assert found.code == 1
    assert "SignatureMissing" in found.err
    assert run(*PACK, "--unsigned").code == 0
    assert run(*PACK, "--unsigned", "-s", "x").code == 2
    assert run(*PACK, "--unsigned", "--key", parts.key).code == 2


def test_a_signature_can_be_named_and_checked(run, parts):
    parts.write("named.sig", sign(LIBRARY))
    parts.write("bad.sig", bytes(64))
    assert run(*PACK, "-s", "named.sig", "--key", parts.key).code == 0
    assert run(*PACK, "-s", "bad.sig", "--key", parts.key, "-o", "bad.zip").code == 1
    assert not (parts.folder / "bad.zip").exists()


def test_a_library_for_another_platform_is_not_packed(run, parts):
    assert run(*PACK, "--unsigned", "--os", "linux", "--arch", "amd64").code == 0
    assert run(*PACK, "--unsigned", "--arch", "arm64").code == 2
    assert run(*PACK, "--unsigned", "--os", "darwin").code == 2


def test_a_component_is_packed_for_wasi(run, parts):
    parts.write("plugin.yaml", build_descriptor(runtime="wasi-v1"))
    parts.write("plugin.wasm", build_wasm())
    pack = ("pack", "-d", "plugin.yaml", "-a", "plugin.wasm", "-v", "1.2.3", "--unsigned")
    assert run(*pack, "--os", "wasi", "--arch", "wasm").out.endswith("_wasi_wasm.zip\n")
    assert run(*pack, "--os", "linux").code == 2


def test_a_directory_is_no_library(run, parts):
    assert run("pack", "-d", "plugin.yaml", "-a", ".", "-v", "1", "-s", "release.pub").code == 2
    assert run("pack", "-d", "plugin.yaml", "-a", "/", "-v", "1").code == 2


# -- inspect -----------------------------------------------------------------------------------------------------------


def test_inspecting_shows_everything_and_judges_nothing(run, parts):
    found = run("inspect", parts.layout)
    assert found.code == 0
    assert "(not judged)" in found.out
    assert f"manifestDigest: {parts.digest}" in found.out
    assert "form sigstore-bundle" in found.out
    assert "platform: linux/amd64/gnu" in found.out
    assert "secrets_read (vault)" in found.out


def test_inspecting_a_bare_package_finds_no_attachments(run, parts):
    found = json.loads(run("inspect", "echo.zip", "--output", "json").out)
    assert found["judged"] is False
    assert found["attached"] is None
    assert found["manifestDigest"] is None
    assert found["descriptor"]["id"] == "dev.mcpg.example.echo"


def test_inspecting_shows_what_is_no_library(run, parts):
    parts.write("odd.zip", build_package(artifact=b"text", signature=None))
    assert json.loads(run("inspect", "odd.zip", "--output", "json").out)["platform"].startswith("unknown:")
    parts.write(
        "w.zip", build_package(descriptor=build_descriptor(runtime="wasi-v1"), artifact=build_wasm(), artifact_name="plugin.wasm")
    )
    assert json.loads(run("inspect", "w.zip", "--output", "json").out)["platform"] == "wasi/wasm"


def test_inspecting_what_cannot_be_read_is_an_error(run, parts):
    assert run("inspect", "missing.zip").code == 2
    assert run("inspect", "127.0.0.1:1/a/b:1").code == 3


# -- push --------------------------------------------------------------------------------------------------------------


def test_a_package_is_pushed_into_a_layout(run, parts):
    found = run("push", "echo.zip", "oci-layout:new:1.2.3")
    assert found.code == 0
    assert found.out.startswith("sha256:")
    assert run("verify", f"oci-layout:new@{found.out.strip()}", "--key", parts.key).code == 0


@pytest.mark.parametrize("target", ["oci-layout:new", "other.zip", "127.0.0.1:1/acme/echo@sha256:" + "0" * 64, "echo"])
def test_a_push_needs_a_place_with_a_tag(run, parts, target):
    assert run("push", "echo.zip", target).code == 2


def test_an_unreachable_registry_is_not_a_success(run, parts):
    found = run("push", "echo.zip", "127.0.0.1:1/acme/echo:1.2.3")
    assert found.code == 3
    assert found.out == ""


@pytest.fixture
def pushed(monkeypatch, workshop):
    """What reaches the publisher."""
    calls = []

    def push(package, **options):
        calls.append(options)
        return workshop.digest

    monkeypatch.setattr(publish, "push", push)
    return calls


PUSH = ("push", "echo.zip", "registry.example:5000/acme/echo:1.2.3")


def test_a_push_prints_the_digest_to_sign(run, parts, pushed):
    found = run(*PUSH, "--insecure-registry", "Registry.Example:5000", "--no-docker-config")
    assert found.out == f"{parts.digest}\n"
    assert f"cosign sign registry.example:5000/acme/echo@{parts.digest}" in found.err
    assert pushed[0]["insecure"] is True
    assert pushed[0]["credentials"].find("registry.example:5000", "acme/echo") is None


def test_a_push_uses_the_password_of_a_variable(run, parts, pushed, monkeypatch):
    monkeypatch.setenv("PUSH_PASSWORD", "secret")
    assert run(*PUSH, "-u", "robot", "-p", "env:PUSH_PASSWORD").code == 0
    assert pushed[0]["credentials"].find("registry.example:5000", "acme/echo") == BasicCredential(
        username="robot", password="secret"
    )
    assert pushed[0]["credentials"].find("other.example", "acme/echo") is None
    assert pushed[0]["insecure"] is False


def test_a_push_uses_the_docker_config(run, parts, pushed):
    config = parts.write("config.json", json.dumps({"auths": {"registry.example:5000": {"username": "a", "password": "b"}}}))
    assert run(*PUSH, "--registry-config", config).code == 0
    assert pushed[0]["credentials"].find("registry.example:5000", "acme/echo") == BasicCredential(username="a", password="b")


@pytest.mark.parametrize(
    "flags",
    [
        ("-u", "robot"),
        ("-p", "env:X"),
        ("-u", "robot", "-p", "plain"),
        ("-u", "robot", "-p", "env:NOT_SET_ANYWHERE"),
        ("--registry-config", "missing"),
    ],
)
def test_unusable_credentials_never_become_none(run, parts, pushed, flags):
    found = run(*PUSH, *flags)
    assert found.code == 2
    assert "PullSecretInvalid" in found.err
    assert pushed == []
