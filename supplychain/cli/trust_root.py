"""`supplychain trust-root`: what would judge Sigstore evidence now, and a fresh root to carry elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplychain.cli import flags
from supplychain.errors import OutputError, TrustRootUnavailableError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from supplychain.cli.console import Console
    from supplychain.cli.trust import LoadedRoot
    from supplychain.report import Fact
    from supplychain.trust_root import CertificateAuthority, Log, Window

__all__ = ["add_to", "run_show", "run_update"]

_SCHEMA = "mcpg.dev/supplychain-trust-root/v1"
_SHOW = """\
exit codes: 0 shown, 2 a file is no usable trust root, 3 the root cannot be had or is older than it may be

examples:
  supplychain trust-root show
  supplychain trust-root show --offline --trust-root public-good --trust-root corp=sigstore.json
"""
_UPDATE = """\
Fetch the public-good trust root over TUF, starting from the root metadata that ships with this version, and keep it in the
cache for times without network. With --out, write it to a file as well: carry it to where there is no network, and give it
there as `--trust-root FILE`. `--offline` alone always means the root that ships with this version.
"""
_UPDATE_CODES = """\
exit codes: 0 the repository confirmed the root, 2 it cannot be kept, 3 the repository did not confirm it

example:
  supplychain trust-root update --out trusted_root.json
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command with its two subcommands."""
    parent = flags.add_command(commands, "trust-root", summary="show or refresh what Sigstore evidence is judged by")
    actions = parent.add_subparsers(title="actions", metavar="ACTION", required=True)

    show = flags.add_command(actions, "show", summary="print the roots that would be used now", epilog=_SHOW)
    _add_output(show)
    flags.add_trust_root(show)
    show.set_defaults(run=run_show)

    update = flags.add_command(
        actions, "update", summary="fetch the public-good root into cache and file", description=_UPDATE, epilog=_UPDATE_CODES
    )
    _add_output(update)
    update.add_argument("--out", metavar="FILE", help="write the root there too")
    update.set_defaults(run=run_update)


def run_show(args: argparse.Namespace, console: Console) -> int:
    """Load the roots as `verify` would, and print them."""
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.limits import Limits

    at = console.now()
    choice = TrustRootChoice(args, limit=Limits().document, at=at)
    choice()
    _print(choice.loaded, at=at, args=args, console=console)
    return 0


def run_update(args: argparse.Namespace, console: Console) -> int:
    """Fetch the root, keep it, and print it."""
    from supplychain.cli.trust import LoadedRoot
    from supplychain.tuf_root import fetch_trust_root

    online = fetch_trust_root()
    if not online.current:
        raise TrustRootUnavailableError(
            "the repository did not confirm the trust root",
            got=online.problem,
            where=f"`{online.root.name}`",
            hint="check the network; without it, the cached root is used until its metadata expires",
        )
    if args.out is not None:
        from supplychain.files import write_atomically

        write_atomically(args.out, online.root.document)
    elif online.cache_problem is not None:
        raise OutputError("the cache cannot keep the root", got=online.cache_problem, hint="write it to a file with `--out FILE`")
    loaded = LoadedRoot(root=online.root, source="online", expires=online.expires)
    _print((loaded,), at=console.now(), args=args, console=console)
    return 0


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", choices=("text", "json"), default="text", help="default: text")


def _print(roots: Sequence[LoadedRoot], *, at: datetime, args: argparse.Namespace, console: Console) -> None:
    from supplychain.findings import utc

    shown = [_describe(one, at=at) for one in roots]
    if args.output == "json":
        import json

        console.print(json.dumps({"schema": _SCHEMA, "at": utc(at), "cache": _cache(), "roots": shown}, indent=2) + "\n")
        return
    from supplychain.output.style import clean
    from supplychain.output.text import render_fact_lines

    blocks = [[clean(facts.pop("name")), *render_fact_lines(facts, indent="  ")] for facts in shown]
    lines = [f"at {utc(at)}, cache {clean(_cache() or 'none')}", *(line for block in blocks for line in ("", *block))]
    console.print("\n".join(lines) + "\n")


def _describe(loaded: LoadedRoot, *, at: datetime) -> dict[str, Any]:
    from supplychain.cli.trust import age_facts

    root = loaded.root
    return {
        **age_facts(loaded, at=at),
        "certificateAuthorities": _authorities(root.authorities, at=at),
        "logs": _logs(root.logs, at=at),
        "certificateTransparencyLogs": _logs(root.ct_logs, at=at),
        "timestampAuthorities": _authorities(root.timestamp_authorities, at=at),
    }


def _authorities(authorities: Iterable[CertificateAuthority], *, at: datetime) -> tuple[Fact, ...]:
    from cryptography.hazmat.primitives.hashes import SHA256

    return tuple(
        {
            "state": _state(one.window, at=at),
            "name": one.name,
            **_window(one.window),
            "issuingSha256": one.certificates[0].fingerprint(SHA256()).hex(),
            "anchorSha256": one.certificates[-1].fingerprint(SHA256()).hex(),
        }
        for one in authorities
    )


def _logs(logs: Iterable[Log], *, at: datetime) -> tuple[Fact, ...]:
    return tuple(
        {
            "state": _state(one.window, at=at),
            "name": one.name,
            **_window(one.window),
            "kind": one.key.kind,
            "id": one.id.hex(),
            "keySha256": one.key.fingerprint.hex(),
        }
        for one in logs
    )


def _window(window: Window) -> dict[str, Fact]:
    from supplychain.findings import utc

    return {"start": utc(window.start), "end": None if window.end is None else utc(window.end)}


def _state(window: Window, *, at: datetime) -> str:
    if window.contains(at):
        return "in force"
    return "not yet" if at < window.start else "ended"


def _cache() -> str | None:
    from supplychain.tuf_root import cache_directory

    try:
        return str(cache_directory())
    except RuntimeError:  # this user has no home
        return None
