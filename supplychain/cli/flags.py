"""Flags that several commands share, and the values they become."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

if TYPE_CHECKING:
    from supplychain.artifact import Platform
    from supplychain.limits import Limits

__all__ = [
    "PLATFORM",
    "REPORTS",
    "Subparsers",
    "add_command",
    "add_cosign",
    "add_freshness",
    "add_limits",
    "add_platform",
    "add_provenance",
    "add_registry",
    "add_report",
    "add_trust",
    "add_trust_root",
    "jobs",
    "limits_of",
    "platform_of",
    "size",
]

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 — it has no public name
"""What `add_subparsers` returns."""

PLATFORM: Final = "linux/amd64/gnu"
"""Where a library must run unless `--platform` says otherwise."""
REPORTS: Final = ("text", "json", "sarif", "junit", "html")
"""What `--output` can say."""

_SIZE = re.compile(r"([0-9]{1,15})(?:([kKMG])i?)?[bB]?", re.ASCII)
_UNITS: Final = {None: 1, "k": 1024, "K": 1024, "M": 1024**2, "G": 1024**3}
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(?:/(?:gnu|musl))?", re.ASCII)
_LIMITS: Final = {
    "package": "the ZIP as it is pulled",
    "artifact": "the library after inflating",
    "manifest": "one OCI manifest or index",
    "candidates": "signature and provenance objects that are looked at",
    "evidence": "all those objects together",
    "delivery": "the library as it is stored in shards, compressed",
}
_PULLED: Final = ("package", "artifact", "manifest", "candidates", "evidence")
_TIMES: Final = {
    "connect_seconds": "until there is a connection",
    "first_byte_seconds": "until an answer begins",
    "idle_seconds": "between two pieces of an answer",
    "total_seconds": "one target's whole talk with a registry",
}
_LEAST_BYTES: Final = 1024**2
_LONGEST: Final = 10**15


def add_command(
    commands: Subparsers, name: str, *, summary: str, description: str | None = None, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Add a command with the flags that every command has."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    group = parser.add_argument_group("messages")
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing about what is trusted, and no notes")
    group.add_argument("--verbose", action="store_true", help="show every fact and candidate, and log to standard error")
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto; NO_COLOR is honoured")
    return parser


def add_report(parser: argparse.ArgumentParser, *, schema: str = "supplychain report-schema") -> None:
    """Add which form the report has, and where it goes; `schema` is the command that describes its JSON."""
    parser.add_argument("--output", choices=REPORTS, default="text", help=f"default: text; `{schema}` describes the JSON")
    parser.add_argument("--output-file", metavar="FILE", help="write the report there, and one line to standard output")


def add_cosign(parser: argparse.ArgumentParser) -> None:
    """Add who must have signed the manifest."""
    group = parser.add_argument_group("cosign keyless (layer 4)")
    identity = group.add_mutually_exclusive_group()
    identity.add_argument("--certificate-identity", metavar="SUBJECT", help="exact subject of the signing certificate")
    identity.add_argument(
        "--certificate-identity-regexp", metavar="RE2", help="pattern for the whole subject, anchored with `^` and `$`"
    )
    group.add_argument("--certificate-oidc-issuer", metavar="URL", help="exact issuer of the signer's identity")


def add_provenance(
    parser: argparse.ArgumentParser, *, required: bool, key_flags: tuple[str, ...] = ("--provenance-key",)
) -> None:
    """Add from what the library must have been built."""
    group = parser.add_argument_group("SLSA provenance (layer 5)")
    group.add_argument(
        "--source-uri", metavar="URI", required=required, help="source repository, as `github.com/o/r` or `git+https://…`"
    )
    group.add_argument("--source-tag", metavar="TAG", help="exact tag of the source")
    group.add_argument(
        "--source-versioned-tag", metavar="VERSION", help="tag of the source by its leading version parts, as `v1.2`"
    )
    group.add_argument("--source-branch", metavar="BRANCH", help="branch of the source")
    group.add_argument(
        "--builder-id",
        metavar="URI",
        action="append",
        help="allowed builder, with or without `@ref`; repeatable; default: the SLSA GitHub generators and GitHub's attestations",
    )
    group.add_argument("--workflow-input", metavar="KEY=VALUE", action="append", help="wanted input of the build; repeatable")
    _add_statements(group, key_flags=key_flags)


def _add_statements(group: argparse._ArgumentGroup, *, key_flags: tuple[str, ...]) -> None:
    """Add where the statements are, and what shows who made them."""
    group.add_argument(
        "--provenance",
        metavar="FILE",
        help="attestations, one DSSE envelope or Sigstore bundle a line; default: what is attached to the image",
    )
    group.add_argument(
        "--rekor-entry",
        metavar="FILE",
        action="append",
        help="log entries as Rekor serves them, for envelopes without log proof inside; repeatable",
    )
    group.add_argument(
        "--rekor-lookup",
        action="store_true",
        help="ask the transparency logs of the trust root for the entries that envelopes lack, and verify what they answer; only "
        "hashes, signature and certificate are sent",
    )
    group.add_argument(
        *key_flags,
        dest="provenance_key",
        metavar="FILE",
        action="append",
        help="public keys of the provenance's signer, PEM or DER; nothing else counts then; repeatable",
    )
    group.add_argument(
        "--allow-unsigned-provenance", action="store_true", help="let provenance count that nobody signed; the report says so"
    )


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add what Sigstore evidence is judged by."""
    group = add_trust_root(parser)
    group.add_argument("--single-verifier", action="store_true", help="do not ask sigstore-python for a second opinion")


def add_trust_root(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add where trust starts, and return the group for what belongs beside it."""
    group = parser.add_argument_group("trust root")
    group.add_argument(
        "--trust-root",
        metavar="FILE",
        action="append",
        default=[],
        help="`trusted_root.json` of a Sigstore instance, or several as JSON lines; NAME=FILE names it in reports; repeatable: "
        "evidence must be good by one of them; default: `public-good`, which may also stand beside files",
    )
    group.add_argument(
        "--offline",
        action="store_true",
        help="fetch no trust material: `public-good` is the root that ships with this version (default: by TUF, with a cache)",
    )
    group.add_argument(
        "--max-trust-root-age", type=_days, metavar="DAYS", help="judge nothing by a root that was not confirmed for longer"
    )
    return group


def add_freshness(parser: argparse.ArgumentParser) -> None:
    """Add how old what is judged by may be."""
    parser.add_argument(
        "--max-age",
        metavar="[KIND=]DURATION",
        action="append",
        default=[],
        help="judge by nothing older, as 90d or 12h; KIND is trust-root, revocations (by `issued_at`) or verification, without "
        "it all three; the report says when each expires; repeatable",
    )


def add_platform(parser: argparse.ArgumentParser) -> None:
    """Add where the library must run."""
    parser.add_argument(
        "--platform", type=_platform_text, default=PLATFORM, metavar="OS/ARCH[/LIBC]", help=f"default: {PLATFORM}"
    )


def add_registry(parser: argparse.ArgumentParser) -> None:
    """Add how registries are reached."""
    group = parser.add_argument_group("registry")
    group.add_argument("--registry-config", metavar="FILE", help="Docker config with credentials; default: Docker's own")
    group.add_argument(
        "--insecure-registry", metavar="HOST", action="append", default=[], help="allow plain HTTP to `host[:port]`; repeatable"
    )
    group.add_argument("--ca-file", metavar="FILE", help="PEM certificates to trust for TLS, instead of the system's")


def add_limits(parser: argparse.ArgumentParser, names: tuple[str, ...] = _PULLED) -> None:
    """Add the bounds on foreign input; those on what is pulled unless others are named."""
    group = parser.add_argument_group("limits", "sizes in bytes, or as 256MiB")
    for name in names:
        kind = int if name == "candidates" else size
        group.add_argument(f"--limit-{name}", type=kind, metavar="N" if kind is int else "SIZE", help=_LIMITS[name])
    if names == _PULLED:
        _add_network(parser)


def _add_network(parser: argparse.ArgumentParser) -> None:
    """Add how long registries are waited for, and how often they may be asked."""
    group = parser.add_argument_group("patience", "times in seconds")
    for name, text in _TIMES.items():
        group.add_argument(f"--limit-{name.replace('_', '-')}", type=float, metavar="N", help=text)
    group.add_argument("--limit-retries", type=int, metavar="N", help="further tries after a failure that may pass")
    group.add_argument(
        "--registry-requests-per-minute", type=int, metavar="N", help="ask no host more often, all targets together"
    )
    group.add_argument("--registry-bytes-per-minute", type=size, metavar="SIZE", help="likewise for what is carried")


def size(text: str) -> int:
    """Read a size such as `256MiB`, `64k` or `1000`; every unit is a power of 1024."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        _reject(f"no size: `{text}`; write bytes, or a number with KiB, MiB or GiB")
    return int(found[1]) * _UNITS[found[2]]


def jobs(text: str) -> int:
    """Read how many targets are judged at the same time."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 64:  # noqa: PLR2004 — more threads than that help nobody
        _reject(f"no number of jobs between 1 and 64: `{text}`")
    return int(text)


def limits_of(args: argparse.Namespace) -> Limits:
    """Build the limits from `--limit-…`."""
    from dataclasses import replace

    from supplychain.errors import InvalidPolicyError
    from supplychain.limits import Limits

    given = {name: value for name in _LIMITS if (value := getattr(args, f"limit_{name}", None)) is not None}
    for name, value in given.items():
        if value < 1:
            raise InvalidPolicyError("a limit must be at least 1", got=f"`--limit-{name} {value}`")
    return replace(Limits(), **given, **_patience_of(args))


def _patience_of(args: argparse.Namespace) -> dict[str, Any]:
    from supplychain.errors import InvalidPolicyError

    rates = {"requests_per_minute": 1, "bytes_per_minute": _LEAST_BYTES}
    least = dict.fromkeys(_TIMES, 0.001) | {"retries": 0} | rates
    found = {}
    for name, bound in least.items():
        field = f"registry_{name}" if name in rates else f"limit_{name}"
        value = getattr(args, field, None)
        if value is None:
            continue
        if not bound <= value < _LONGEST:
            flag = f"--{field.replace('_', '-')}"
            raise InvalidPolicyError("a limit that cannot hold", expected=f"at least {bound:g}", got=f"`{flag} {value}`")
        found[name] = value
    return found


def platform_of(args: argparse.Namespace) -> Platform:
    """Build the platform from `--platform`."""
    from supplychain.artifact import Platform

    os, architecture, *libc = args.platform.split("/")
    return Platform(os=os, architecture=architecture, libc=libc[0] if libc else None)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5:  # noqa: PLR2004 — 273 years
        _reject(f"no number of days: `{text}`")
    return int(text)


def _platform_text(text: str) -> str:
    if _PLATFORM.fullmatch(text) is None:
        _reject(f"no platform: `{text}`; write os/architecture, then gnu or musl where it matters, as linux/arm64/musl")
    return text


def _reject(message: str) -> NoReturn:
    raise argparse.ArgumentTypeError(message)
