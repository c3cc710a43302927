"""`supplychain sign`: the detached Ed25519 signature of a library, with a key from a file or from a command that keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli import flags
from supplychain.errors import SigningKeyMissingError

if TYPE_CHECKING:
    import argparse

    from supplychain.cli.console import Console
    from supplychain.ed25519 import PublicKey
    from supplychain.spool import Spool

__all__ = ["add_to", "run"]

_EPILOG = """\
The command of --subprocess runs under `sh -c`, finds the artifact's path in MCPG_SIGN_ARTIFACT, and prints the 64 raw bytes.
What it prints is verified with the public key before it is written.

examples:
  supplychain sign plugin.so --key release.seed
  supplychain sign plugin.so --subprocess 'my-hsm sign --file "$MCPG_SIGN_ARTIFACT"' --public-key file:release.pub
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(commands, "sign", summary="sign a library with an Ed25519 key", epilog=_EPILOG)
    parser.add_argument("artifact", metavar="ARTIFACT", help="`plugin.so` or `plugin.wasm`")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--key", metavar="FILE", help="private key: 32-byte seed, PEM, DER or OpenSSH, without passphrase")
    choice.add_argument("--subprocess", metavar="COMMAND", help="external signer; needs --public-key")
    parser.add_argument("--public-key", metavar="HEX|file:PATH", help="what the signature must verify with")
    parser.add_argument("-o", "--output", metavar="FILE", help="default: the artifact's name with `.sig`")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Write the signature; print the artifact hash and the public key."""
    from supplychain.cli.policies import refuse_blank
    from supplychain.files import write_atomically
    from supplychain.limits import Limits
    from supplychain.mirror.files import spool_file
    from supplychain.packing import signature_file_name

    refuse_blank(args, ("output",))
    path = Path(args.artifact)
    with spool_file(path, limit=Limits().artifact) as artifact:
        signature, key = _sign(args, artifact=artifact)
        output = Path(args.output) if args.output else path.with_name(signature_file_name(path.name))
        write_atomically(output, signature)
        console.print(f"artifact    sha256:{artifact.sha256}\npublic key  {key.raw.hex()}\nsignature   {output}\n")
    return 0


def _sign(args: argparse.Namespace, *, artifact: Spool) -> tuple[bytes, PublicKey]:
    from supplychain.ed25519 import verify_detached
    from supplychain.files import read_bounded
    from supplychain.limits import Limits
    from supplychain.signing import parse_private_key, public_key_of, sign, sign_with_command

    keys = _public_keys(args.public_key)
    if args.subprocess is not None:
        if not keys:
            raise SigningKeyMissingError("an external signer needs `--public-key`, so that its answer can be verified")
        signature = sign_with_command(args.subprocess, path=args.artifact, artifact=artifact.view, keys=keys)
    else:
        private_key = parse_private_key(read_bounded(args.key, limit=Limits().document), name=args.key)
        signature = sign(artifact.view, private_key=private_key)
        keys = keys or (public_key_of(private_key, name=args.key),)
    return signature, verify_detached(artifact.view, signature=signature, keys=keys)


def _public_keys(text: str | None) -> tuple[PublicKey, ...]:
    from supplychain.ed25519 import parse_keys
    from supplychain.files import read_bounded
    from supplychain.limits import Limits

    if text is None:
        return ()
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        return parse_keys(read_bounded(path, limit=Limits().document), name=path)
    return parse_keys(text.encode(), name="--public-key")
