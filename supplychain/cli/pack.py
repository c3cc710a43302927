"""`supplychain pack`: descriptor, library and signature as one package. Equal inputs give equal bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli import flags
from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    import argparse

    from supplychain.cli.console import Console
    from supplychain.descriptor import Descriptor
    from supplychain.limits import Limits
    from supplychain.spool import Spool

__all__ = ["add_to", "run"]

_EPILOG = """\
A file called LICENSE beside the descriptor is packed unless another one is named. The signature is that of the library; make it
with `supplychain sign`, which writes it beside the library, where it is found.

example:
  supplychain sign plugin.so --key release.seed
  supplychain pack -d plugin.yaml -a plugin.so -v 1.2.3
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(commands, "pack", summary="pack a plugin package", epilog=_EPILOG)
    parser.add_argument("-d", "--descriptor", metavar="FILE", required=True, help="`plugin.yaml`")
    parser.add_argument("-a", "--artifact", metavar="FILE", required=True, help="native library or WASM component")
    parser.add_argument("-v", "--version", metavar="VERSION", required=True, help="for the file name; the descriptor has none")
    parser.add_argument("-s", "--signature", metavar="FILE", help="64 raw bytes; default: the artifact's `.sig` file, if any")
    parser.add_argument("--unsigned", action="store_true", help="pack without a signature; no verification will trust it")
    parser.add_argument("-l", "--license", metavar="FILE", help="full text of the licence")
    parser.add_argument("--key", metavar="FILE", action="append", help="public key the signature must verify with; repeatable")
    parser.add_argument("--os", metavar="OS", help="refuse a library for another operating system")
    parser.add_argument("--arch", metavar="ARCH", help="refuse a library for another architecture")
    parser.add_argument("-o", "--output", metavar="PATH", help="file or directory; default: the canonical name in this directory")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Write the package and print its path."""
    from supplychain.cli.policies import public_keys, refuse_blank
    from supplychain.descriptor import parse_descriptor
    from supplychain.files import read_bounded, write_atomically
    from supplychain.limits import Limits
    from supplychain.mirror.files import spool_file
    from supplychain.packing import canonical_file_name, pack

    refuse_blank(args, ("output",))
    limits = Limits()
    keys = public_keys(args, limits=limits)
    data = read_bounded(args.descriptor, limit=limits.descriptor)
    descriptor = parse_descriptor(data, limit=limits.descriptor)
    signature = _signature(args, limits=limits)
    licence = _licence(args, limits=limits)
    with spool_file(Path(args.artifact), limit=limits.artifact) as artifact:
        _check_platform(args, descriptor=descriptor, artifact=artifact)
        name = canonical_file_name(descriptor, version=args.version, artifact=artifact)
        with pack(descriptor=data, artifact=artifact, signature=signature, licence=licence, keys=keys, limits=limits) as package:
            output = Path(args.output or ".")
            target = output / name if output.is_dir() else output
            write_atomically(target, package)
    console.print(f"{target}\n")
    if signature is None:
        console.note("packed without a signature; no verification will trust it")
    return 0


def _signature(args: argparse.Namespace, *, limits: Limits) -> bytes | None:
    from supplychain.errors import SignatureMissingError
    from supplychain.files import read_bounded
    from supplychain.packing import signature_file_name

    if args.unsigned:
        if args.signature is not None or args.key:
            raise InvalidPolicyError("`--unsigned` contradicts `--signature` and `--key`")
        return None
    if args.signature is not None:
        return read_bounded(args.signature, limit=limits.document)
    artifact = Path(args.artifact)
    beside = artifact.with_name(signature_file_name(artifact.name)) if artifact.name else artifact
    if not beside.exists():
        raise SignatureMissingError(
            "no signature to pack", where=f"`{beside}`", hint="make one with `supplychain sign`, or pack with `--unsigned`"
        )
    return read_bounded(beside, limit=limits.document)


def _licence(args: argparse.Namespace, *, limits: Limits) -> bytes | None:
    from supplychain.files import read_bounded

    beside = Path(args.descriptor).parent / "LICENSE"
    if args.license is not None:
        return read_bounded(args.license, limit=limits.licence)
    return read_bounded(beside, limit=limits.licence) if beside.is_file() else None


def _check_platform(args: argparse.Namespace, *, descriptor: Descriptor, artifact: Spool) -> None:
    from supplychain.elf import read_library

    if args.os is None and args.arch is None:
        return
    found = (
        {("wasi", "wasm")} if descriptor.runtime == "wasi-v1" else {(x.os, x.architecture) for x in read_library(artifact.view)}
    )
    if not any(args.os in {None, os} and args.arch in {None, arch} for os, arch in found):
        raise InvalidPolicyError(
            "the library is for another platform",
            expected=f"`{args.os or 'any'}/{args.arch or 'any'}`",
            got=" and ".join(f"`{os}/{arch}`" for os, arch in sorted(found)),
            where=f"`{args.artifact}`",
            hint="name the library that was built for this platform",
        )
