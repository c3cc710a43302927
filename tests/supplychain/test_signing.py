"""Making signatures: every form of private key, and commands that keep it elsewhere."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from supplychain.ed25519 import PublicKey
from supplychain.errors import InputError, InvalidKeyError, SignatureInvalidError, SigningKeyMissingError
from supplychain.signing import parse_private_key, public_key_of, sign, sign_with_command
from supplychain.spool import Spool
from tests.support.builders import TEST_SEED, VECTOR_MESSAGE, VECTOR_PUBLIC, VECTOR_SIGNATURE

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = Ed25519PrivateKey.from_private_bytes(TEST_SEED)
KEY = PublicKey(raw=bytes.fromhex(VECTOR_PUBLIC), name="release.pub")
PLAIN = serialization.NoEncryption()
PASSPHRASE = serialization.BestAvailableEncryption(b"secret")
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS8, OPENSSH = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEST_SEED, id="seed"),
        pytest.param(PRIVATE.private_bytes(PEM, PKCS8, PLAIN), id="pem"),
        pytest.param(PRIVATE.private_bytes(DER, PKCS8, PLAIN), id="der"),
        pytest.param(PRIVATE.private_bytes(PEM, OPENSSH, PLAIN), id="openssh"),
    ],
)
def test_every_form_of_private_key_signs_the_published_vector(data: bytes) -> None:
    key = parse_private_key(data, name="seed")
    assert sign(VECTOR_MESSAGE, private_key=key).hex() == VECTOR_SIGNATURE
    assert public_key_of(key, name="x").raw.hex() == VECTOR_PUBLIC


def test_a_spool_is_signed_without_copying() -> None:
    with Spool.of(VECTOR_MESSAGE) as spool:
        assert sign(spool.view, private_key=PRIVATE).hex() == VECTOR_SIGNATURE


@pytest.mark.parametrize(
    ("data", "got"),
    [
        pytest.param(b"", "0 bytes", id="empty"),
        pytest.param(TEST_SEED + b"\n", "33 bytes", id="seed-with-line-end"),
        pytest.param(TEST_SEED.hex().encode(), "64 bytes", id="hex"),
        pytest.param(PRIVATE.private_bytes(PEM, PKCS8, PASSPHRASE), "bytes", id="with-passphrase"),
        pytest.param(KEY.pem.encode(), "113 bytes", id="public-key"),
        pytest.param(rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, PLAIN), "another kind of key", id="rsa"),
    ],
)
def test_another_private_key_is_refused_and_never_shown(data: bytes, got: str) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        parse_private_key(data, name="release.key")
    assert got in str(caught.value.got)
    assert TEST_SEED.hex() not in f"{caught.value} {caught.value.hint}"
    assert caught.value.where == "`release.key`"


def command(script: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(script)}"


def write(hexadecimal: str) -> str:
    return command(f"import sys; sys.stdout.buffer.write(bytes.fromhex('{hexadecimal}'))")


def test_a_command_finds_the_artifact_in_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugin.so").write_bytes(VECTOR_MESSAGE)
    (tmp_path / "signature").write_bytes(bytes.fromhex(VECTOR_SIGNATURE))
    monkeypatch.chdir(tmp_path)
    line = 'test "${MCPG_SIGN_ARTIFACT#/}" != "$MCPG_SIGN_ARTIFACT" && cat "$(dirname "$MCPG_SIGN_ARTIFACT")/signature"'
    assert sign_with_command(line, path="plugin.so", artifact=VECTOR_MESSAGE, keys=(KEY,)).hex() == VECTOR_SIGNATURE


def test_a_command_that_fails_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        sign_with_command("exit 3", path="x", artifact=b"", keys=(KEY,))
    assert caught.value.got == "exit status 3"


def test_a_command_that_prints_a_signature_and_fails_is_refused() -> None:
    with pytest.raises(InputError, match="failed"):
        sign_with_command(f"{write(VECTOR_SIGNATURE)}; exit 1", path="x", artifact=VECTOR_MESSAGE, keys=(KEY,))


@pytest.mark.parametrize(
    ("line", "got"),
    [
        pytest.param("true", "0 bytes", id="nothing"),
        pytest.param(f"printf {VECTOR_SIGNATURE}", "128 bytes", id="hex"),
        pytest.param(f"{write(VECTOR_SIGNATURE)}; echo", "65 bytes", id="with-line-end"),
    ],
)
def test_a_command_that_prints_something_else_is_refused(line: str, got: str) -> None:
    with pytest.raises(InputError) as caught:
        sign_with_command(line, path="x", artifact=VECTOR_MESSAGE, keys=(KEY,))
    assert caught.value.got == got


def test_a_command_whose_signature_does_not_verify_is_refused() -> None:
    with pytest.raises(SignatureInvalidError):
        sign_with_command(write(VECTOR_SIGNATURE), path="x", artifact=b"another artifact", keys=(KEY,))


def test_a_command_without_a_public_key_to_check_it_is_refused() -> None:
    with pytest.raises(SigningKeyMissingError):
        sign_with_command(write(VECTOR_SIGNATURE), path="x", artifact=VECTOR_MESSAGE, keys=())


def test_a_command_gets_no_standard_input() -> None:
    with pytest.raises(InputError) as caught:
        sign_with_command("cat", path="x", artifact=b"", keys=(KEY,))
    assert caught.value.got == "0 bytes"


def test_a_machine_without_shell_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(InputError) as caught:
        sign_with_command("true", path="x", artifact=b"", keys=(KEY,))
    assert caught.value.got == "No such file or directory"


def test_a_command_with_a_nul_byte_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be run"):
        sign_with_command("true\0", path="x", artifact=b"", keys=(KEY,))


def test_a_signer_that_prints_without_end_is_stopped():
    with pytest.raises(InputError) as caught:
        sign_with_command("cat /dev/zero", path="x", artifact=b"", keys=(KEY,))
    assert caught.value.got == "more than 4096 bytes"
