"""`supplychain hash`: the artifact hash, as revocation lists, pins and provenance name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.cli.flags import Subparsers, add_command

if TYPE_CHECKING:
    import argparse

    from supplychain.cli.console import Console

__all__ = ["add_to", "run"]


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(commands, "hash", summary="print the artifact hash of a library")
    parser.add_argument("artifact", metavar="ARTIFACT", help="`plugin.so`, `plugin.wasm` or any other file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print `sha256:<hex>`, and on standard error the gateway's key that takes the bare hex."""
    import hashlib

    from supplychain.errors import UnreadableFileError
    from supplychain.files import open_regular

    digest = hashlib.sha256()
    with open_regular(args.artifact) as file:
        try:
            while piece := file.read(1 << 20):
                digest.update(piece)
        except OSError as exc:
            raise UnreadableFileError("cannot read file", got=exc.strerror, where=f"`{args.artifact}`") from exc
    console.print(f"sha256:{digest.hexdigest()}\n")
    console.note(f"pin it in the gateway's plugin entry as `signature.sha256: {digest.hexdigest()}`")
    return 0
