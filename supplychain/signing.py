"""Makes the detached signature: with a private key from a file, or through a command that keeps the key elsewhere.

A signature is verified before it is handed out, so nobody ships one that nobody accepts. Private keys are read from memory, never
written, and never appear in a message.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, load_ssh_private_key

from supplychain.ed25519 import PublicKey, verify_detached
from supplychain.errors import InputError, InvalidKeyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from supplychain.files import StrPath

__all__ = ["parse_private_key", "public_key_of", "sign", "sign_with_command"]

ARTIFACT_VARIABLE: Final = "MCPG_SIGN_ARTIFACT"
_SEED_SIZE = 32
_SIGNATURE_SIZE = 64
_LONGEST_ANSWER: Final = 4096
"""Enough to say how long a wrong answer is."""
_HINT = "give a raw 32-byte seed, or an unencrypted Ed25519 key as PEM, DER or OpenSSH file; or sign through a command"


def parse_private_key(data: bytes, *, name: str) -> Ed25519PrivateKey:
    """Read an Ed25519 private key: the raw 32-byte seed, PKCS #8 as PEM or DER, or OpenSSH, without passphrase.

    Raises:
        InvalidKeyError: it is none of these; the message says only kind and length.
    """
    if len(data) == _SEED_SIZE:
        return Ed25519PrivateKey.from_private_bytes(data)
    if b"-----BEGIN OPENSSH PRIVATE KEY-----" in data:
        load: Callable[..., object] = load_ssh_private_key
    elif b"-----BEGIN" in data:
        load = load_pem_private_key
    else:
        load = load_der_private_key
    try:
        key = load(data, password=None)
    except Exception as exc:  # the edge of a library; a passphrase, another kind and plain garbage all end here
        raise InvalidKeyError(
            "unusable private key", expected="an Ed25519 private key", got=f"{len(data)} bytes", where=f"`{name}`", hint=_HINT
        ) from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidKeyError(
            "unusable private key", expected="an Ed25519 private key", got="another kind of key", where=f"`{name}`", hint=_HINT
        )
    return key


def public_key_of(private_key: Ed25519PrivateKey, *, name: str) -> PublicKey:
    """Return the public half of a private key."""
    return PublicKey(raw=private_key.public_key().public_bytes_raw(), name=name)


def sign(artifact: Buffer, *, private_key: Ed25519PrivateKey) -> bytes:
    """Return the 64-byte signature over the bytes of `artifact`."""
    signature = private_key.sign(memoryview(artifact))
    verify_detached(artifact, signature=signature, keys=(public_key_of(private_key, name="the signing key"),))
    return signature


def sign_with_command(command: str, *, path: StrPath, artifact: Buffer, keys: tuple[PublicKey, ...]) -> bytes:
    """Run `command` under `sh -c` and return the signature that it prints as 64 raw bytes.

    The command finds the artifact's absolute path in the variable `MCPG_SIGN_ARTIFACT`; what it writes to standard error is shown
    as it comes, and it may take its time, because a person may have to confirm. `artifact` is the content of `path` as the caller
    read it.

    Raises:
        InputError: the command failed, or printed something else.
        SignatureInvalidError: what it printed is no signature by one of `keys` over `artifact`.
        SigningKeyMissingError: `keys` is empty, so the signature could not be verified.
    """
    status, printed = _run(command, path=path)
    if len(printed) > _LONGEST_ANSWER:
        raise _no_signature(got=f"more than {_LONGEST_ANSWER} bytes")
    if status != 0:
        raise InputError("the signer command failed", expected="exit status 0", got=f"exit status {status}")
    if len(printed) != _SIGNATURE_SIZE:
        raise _no_signature(got=f"{len(printed)} bytes")
    verify_detached(artifact, signature=printed, keys=keys)
    return printed


def _run(command: str, *, path: StrPath) -> tuple[int, bytes]:
    """Return the exit status and what was printed; who prints without end is stopped."""
    environment = {**os.environ, ARTIFACT_VARIABLE: os.fspath(Path(path).absolute())}
    try:
        # The command is the user's own, given on the command line to be run by the shell.
        with subprocess.Popen(  # noqa: S603
            ["sh", "-c", command],  # noqa: S607
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            printed = process.stdout.read(_LONGEST_ANSWER + 1) if process.stdout is not None else b""
            if len(printed) > _LONGEST_ANSWER:
                process.kill()
    except (OSError, ValueError) as exc:  # ValueError: a NUL byte in the command
        raise InputError("the signer command cannot be run", got=getattr(exc, "strerror", None) or type(exc).__name__) from exc
    return process.returncode, printed


def _no_signature(*, got: str) -> InputError:
    return InputError(
        "the signer command printed no signature",
        expected=f"{_SIGNATURE_SIZE} raw bytes on standard output",
        got=got,
        hint="print the raw signature alone: no hex, no base64, no line end",
    )
