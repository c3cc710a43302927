"""`supplychain revoke`: show what a revocation would stop, then write it into the list."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.cli import flags
from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from supplychain.blast_radius import Radius
    from supplychain.cli.console import Console
    from supplychain.cli.sources import Sources
    from supplychain.digest import ArtifactHash, ManifestDigest
    from supplychain.limits import Limits
    from supplychain.revocation_file.entry import ListFile

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Put the hash of an artifact into a revocation list, after showing what that reaches: which plugins stand for it, which sets have
them, which gateways go on without, and which stop because the plugin guards access or evidence.

HASH is `sha256:HEX`, or whatever holds the artifact: a library file, a package, a layout, a bundle, an OCI reference. It is read
to be hashed and is not verified: what is revoked may well be bad. The list is its own JSON or an MCPGRevocationList as YAML or
JSON; one entry is added, and every other character of the file stays as it is, comments and order among them.

SOURCE is read and hashed to say whether it is the artifact. With -f, manifests or `kubectl get … -o yaml` are looked through;
what a status says there is a hint only, so name the images themselves as SOURCE to be sure.
"""
_EPILOG = """\
exit codes: 0 the list names the artifact, or would (--dry-run); 1 you said no, or a target holds no plugin; 2 wrong request; 3 a
target could not be read; nothing was written unless it is 0

examples:
  supplychain revoke sha256:… --reason CVE-2026-0001 --list revocations.json --dry-run
  kubectl get mcpgplugins,mcpgpluginsets,mcpggateways,mcpgclusters -A -o yaml > cluster.yaml
  supplychain revoke ghcr.io/acme/audit:1.2.3 --reason 'key stolen' --list cluster-default.yaml -f cluster.yaml
"""
_HASH = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})", re.ASCII)
_LONGEST_REASON: Final = 1024
_LIBRARIES: Final = (".so", ".wasm", ".dll", ".dylib")


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(
        commands, "revoke", summary="take an artifact back, and see what that stops", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument("artifact", metavar="HASH", help="`sha256:HEX`, or a file or target that holds the artifact")
    parser.add_argument("targets", nargs="*", metavar="SOURCE", help="plugins to be read and compared, as for `verify`")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why, for people")
    parser.add_argument("--list", required=True, metavar="FILE", help="the list that the entry is written into")
    parser.add_argument("--list-name", metavar="NAME", help="which MCPGRevocationList of the file, where there are several")
    parser.add_argument(
        "-f", "--manifest", metavar="FILE", action="append", default=[], help="objects that may use it, `-` for stdin; repeatable"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what it reaches and write nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask before writing")
    parser.add_argument("--output", choices=("text", "json"), default="text", help="default: text")
    flags.add_platform(parser)
    flags.add_registry(parser)
    flags.add_limits(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Everything that was found out before anything is written."""

    artifact: ArtifactHash
    read: Mapping[str, ArtifactHash]
    """Artifacts by the name of the SOURCE."""
    radius: Radius
    known: bool
    """Whether there were objects to look through."""
    notes: tuple[str, ...]


def run(args: argparse.Namespace, console: Console) -> int:
    """Show what it reaches, ask, write, and say what was done."""
    from supplychain.cli.revoke_report import render, render_json
    from supplychain.revocation import Revocation
    from supplychain.revocation_file.entry import find_list, insert

    limits = flags.limits_of(args)
    _check(args)
    before = _read(args.list, limits=limits)
    found = find_list(before, file=args.list, name=args.list_name)
    wanted = _wanted(args, found, limits=limits)
    for note in (*_list_notes(found), *wanted.notes):
        console.note(note)
    standing = found.revocations.entries.get(wanted.artifact.hex)
    text = render(wanted.radius, artifact=wanted.artifact, read=wanted.read, known=wanted.known, style=console.style(console.out))
    if args.output == "text":
        console.print(text)
    after = None
    if standing is None:
        entry = Revocation(hash=wanted.artifact, reason=args.reason, revoked_at=console.now().isoformat().replace("+00:00", "Z"))
        after = insert(found, entry)
    written = after is not None and not args.dry_run and _agreed(args, text=text)
    if after is not None and written:
        from supplychain.revocation_file.replace import replace_file

        replace_file(args.list, before=before, after=after)
    state = "already" if after is None else "written" if written else "dry-run" if args.dry_run else "declined"
    if args.output == "json":
        console.print(render_json(wanted.radius, artifact=wanted.artifact, read=wanted.read, found=found, state=state))
    else:
        console.print(_told(found, wanted.artifact, state=state) + "\n")
    return 1 if state == "declined" else 0


def _check(args: argparse.Namespace) -> None:
    reason = args.reason
    if not reason.strip() or not reason.isprintable() or len(reason) > _LONGEST_REASON:
        raise InvalidPolicyError(
            "no usable reason", expected=f"printable text on one line, at most {_LONGEST_REASON} characters", where="`--reason`"
        )
    if args.dry_run or args.yes:
        return
    if "-" in args.manifest or not sys.stdin.isatty():
        raise InvalidPolicyError("nobody can be asked", expected="`--yes` to write, or `--dry-run` to look")


def _read(path: str, *, limits: Limits) -> bytes:
    from supplychain.files import read_bounded

    return read_bounded(path, limit=limits.document)


def _list_notes(found: ListFile) -> Iterator[str]:
    """Say what is wrong with a list that takes the entry all the same."""
    one = found.revocations
    yield from (f"revocation list `{one.name}`: {text}" for text in (*one.problems[:5], *one.warnings[:5]))


def _wanted(args: argparse.Namespace, found: ListFile, *, limits: Limits) -> _Wanted:
    from supplychain.blast_radius import radius
    from supplychain.cli.sources import Sources

    with Sources(args, limits=limits) as sources:
        said: list[str] = []
        artifact = _artifact(args.artifact, said, sources=sources, args=args)
        read = {text: _artifact(text, said, sources=sources, args=args) for text in args.targets}
        notes = [*said, *sources.warnings()]
    if _HASH.fullmatch(args.artifact) is None:
        read = {args.artifact: artifact, **read}
    objects = list(_objects(args, notes, limits=limits))
    _refuse_pin(objects, artifact)
    names = {"list_name": found.revocations.name} if found.resource else {}
    return _Wanted(
        artifact=artifact,
        read=read,
        radius=radius(objects, artifact=artifact, read=read, **names),
        known=bool(args.manifest),
        notes=tuple(notes),
    )


def _artifact(text: str, notes: list[str], *, sources: Sources, args: argparse.Namespace) -> ArtifactHash:
    """Read a hash, or make it of what holds the artifact; of an index that is one platform of several, which is noted.

    Raises:
        InputError: it is no hash and no target.
        SupplyChainError: it cannot be read, or holds no plugin.
    """
    from pathlib import Path

    from supplychain.cli.sources import parse_target
    from supplychain.digest import ArtifactHash
    from supplychain.mirror.files import spool_file
    from supplychain.package import open_package

    if (found := _HASH.fullmatch(text)) is not None:
        return ArtifactHash(found[1].lower())
    if text.endswith(_LIBRARIES):
        with spool_file(Path(text), limit=sources.limits.artifact) as library:
            return ArtifactHash(library.sha256)
    pulled = sources.open(parse_target(text)).pull(platform=flags.platform_of(args))
    if pulled.index is not None and (others := _others(pulled.index, pulled.manifest_digest)):
        notes.append(f"{text}: only the artifact for {pulled.platform} was read; the index has {others} more, see `--platform`")
    with pulled.package:
        package = open_package(pulled, limits=sources.limits)
        with package.artifact:
            return package.artifact_hash


def _refuse_pin(objects: Sequence[Mapping[str, Any]], artifact: ArtifactHash) -> None:
    """Refuse the digest of a manifest in the place of an artifact's hash: it would revoke nothing.

    Raises:
        InvalidPolicyError: an object names an image by it.
    """
    from supplychain.rules.reading import at

    for one in objects:
        image = at(one, "spec.oci.image")
        if isinstance(image, str) and image.lower().endswith(f"@sha256:{artifact.hex}"):
            raise InvalidPolicyError(
                "HASH is the digest of an image and not of an artifact; it would revoke nothing",
                expected="the hash of the artifact, or the image itself to have it read",
                got=f"`{artifact}` of `{image}`",
            )


def _others(index: bytes, chosen: ManifestDigest | None) -> int:
    """Count the manifests of an index besides the one that was read."""
    from supplychain.mirror.manifests import parse_index, parse_oci_descriptor

    entries = parse_index(index, where="index").entries
    return len({parse_oci_descriptor(one, where="index").manifest_digest for one in entries} - {chosen})


def _objects(args: argparse.Namespace, notes: list[str], *, limits: Limits) -> Iterator[Mapping[str, Any]]:
    """Every object of the manifests; what cannot be read is no object, and is said, as the plugin might be in it."""
    from supplychain.cli.policies import read_file
    from supplychain.errors import InvalidManifestError
    from supplychain.rules.manifest_file import Located, read_manifests

    for path in args.manifest:
        for one in read_manifests(path, read_file(path, limit=limits.document)):
            if isinstance(one, Located):
                yield one.body
            elif one.problem.rule == "NotReadable":
                raise InvalidManifestError("the file cannot be used", got=one.problem.got, where=f"`{path}`, line {one.line}")
            else:
                notes.append(f"`{path}`, line {one.line}: {one.problem.what}")


def _agreed(args: argparse.Namespace, *, text: str) -> bool:
    if args.yes:
        return True
    if args.output != "text":
        sys.stderr.write(text)
    sys.stderr.write(f"write it into {args.list}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _told(found: ListFile, artifact: ArtifactHash, *, state: str) -> str:
    from supplychain.output.style import clean

    entry = found.revocations.entries.get(artifact.hex)
    if state == "already" and entry is not None:
        since = f" since {entry.revoked_at}" if entry.revoked_at else ""
        return f"already revoked{since}: {clean(entry.reason)}; {clean(found.file)} stays as it is"
    if state == "written":
        more = f"; it counts when it is applied: kubectl apply -f {clean(found.file)}" if found.resource else ""
        return f"written into {clean(found.file)}{more}"
    return "nothing was written" + (" (--dry-run)" if state == "dry-run" else "")
