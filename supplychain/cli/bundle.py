"""`supplychain bundle`: plugins, their evidence and what they were judged by, carried over an air gap in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.cli import bundle_keyless, flags, plan_flags

if TYPE_CHECKING:
    import argparse

    from supplychain.cli.console import Console

__all__ = ["add_to"]

_VERIFIER: Final = "https://mcpg.dev/supplychain/bundle"
_LIMITS: Final = ("artifact", "package", "manifest", "candidates", "evidence")
"""Without those on talks with a registry, which `verify` has none of."""
_CREATE = """\
Fetch plugins with everything that is attached to them, judge them as `verify` does, and write them into one file. Nothing is
written unless every plugin is trusted, an index with all of its platforms. The terms of the judgement (policy with public keys,
trust roots, revocation lists) go along; with --sign-key or --sign-keyless a verification summary (SLSA VSA v1) of each plugin is
signed.

TARGET is an OCI reference, or bundle:PATH[:REFERENCE]. With -f, the manifests say which plugins, and what must be true.
"""
_CREATE_EPILOG = """\
exit codes: as those of `supplychain verify`; a file is written only with 0

examples:
  supplychain bundle create -f plugins.yaml -f keys.yaml --sign-key verifier.seed -o friday.mcpg.tar.zst
  supplychain bundle create ghcr.io/acme/audit:1.2.3 --key release.pub --part-size 4400MiB -o audit.mcpg.tar.zst
"""
_INSPECT = """\
Say what a bundle holds and how old it is. Nothing is judged, so nothing here is a reason to trust it.
"""
_VERIFY = """\
Judge every plugin of a bundle from the bundle alone: no network, no home directory. The policy is your own (-f, or --key and the
other flags), or the enclosed one if --verifier-key or --verifier-certificate-identity says whose summary of it you trust. What is
enclosed never vouches for itself. Your own revocation lists always count. REFERENCE narrows it down to some plugins.
"""
_VERIFY_EPILOG = """\
exit codes: 0 trusted, 1 refused, 2 wrong request, 3 could not be evaluated (a part is missing, a list is too old)

examples:
  supplychain bundle verify friday.mcpg.tar.zst --verifier-key verifier.pub --revocations today.json
  supplychain bundle verify friday.mcpg.tar.zst -f plugins.yaml -f keys.yaml --trust-root root.json --max-age revocations=7d
"""
_LOAD = """\
Judge a bundle as `bundle verify` does, and only if all of it is trusted, write it to a mirror and judge it again as the mirror
serves it. Where each plugin goes, the MCPGPluginMirror among the manifests says, or --from and --to.
"""
_LOAD_EPILOG = """\
exit codes: as those of `bundle verify`

examples:
  supplychain bundle load friday.mcpg.tar.zst --verifier-key verifier.pub --from ghcr.io/acme --to mirror.internal:5000/acme
  supplychain bundle load friday.mcpg.tar.zst -f plugins.yaml -f mirror.yaml -f keys.yaml --mirror-endpoint in=127.0.0.1:5000
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command with its subcommands."""
    parent = flags.add_command(commands, "bundle", summary="carry plugins over an air gap in one file")
    kinds = parent.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_create(kinds)
    inspect = flags.add_command(kinds, "inspect", summary="show a bundle without judging it", description=_INSPECT)
    inspect.add_argument("bundle", metavar="BUNDLE", help="the file, or any of its parts")
    inspect.add_argument("--output", choices=("text", "json"), default="text", help="default: text")
    inspect.set_defaults(run=_inspect)
    verify = flags.add_command(
        kinds, "verify", summary="judge a bundle, with nothing but the bundle", description=_VERIFY, epilog=_VERIFY_EPILOG
    )
    _add_reading(verify)
    flags.add_limits(verify, _LIMITS)
    verify.set_defaults(run=_verify, registry_config=None, insecure_registry=[], ca_file=None, mirrors=False)
    _add_load(kinds)


def _add_create(kinds: flags.Subparsers) -> None:
    create = flags.add_command(
        kinds, "create", summary="judge plugins and write them into a bundle", description=_CREATE, epilog=_CREATE_EPILOG
    )
    create.add_argument("targets", nargs="*", metavar="TARGET")
    create.add_argument("-o", "--out", metavar="FILE", required=True, help="usually NAME.mcpg.tar.zst")
    create.add_argument(
        "--part-size", type=flags.size, metavar="SIZE", help="write FILE.001, FILE.002, … of at most this size, for media"
    )
    create.add_argument(
        "--sign-key", metavar="FILE", help="Ed25519 private key of the verifier, in the forms of `supplychain sign`"
    )
    bundle_keyless.add_signing(create)
    _add_verifier_id(create)
    _add_policy(create)
    flags.add_registry(create)
    flags.add_limits(create)
    create.set_defaults(run=_create, mirrors=False)


def _add_load(kinds: flags.Subparsers) -> None:
    load = flags.add_command(
        kinds, "load", summary="judge a bundle and write it to a mirror", description=_LOAD, epilog=_LOAD_EPILOG
    )
    _add_reading(load)
    load.add_argument(
        "--from", dest="upstream", metavar="HOST/PATH", action="append", default=[], help="what `--to` stands for; repeatable"
    )
    load.add_argument("--to", metavar="HOST[/PATH]", help="mirror of plugins whose manifest names none")
    load.add_argument("--dry-run", action="store_true", help="judge, say what would be written, and write nothing")
    flags.add_registry(load)
    flags.add_limits(load)
    load.set_defaults(run=_load)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE", help="the file, or any of its parts")
    parser.add_argument("targets", nargs="*", metavar="REFERENCE", help="only these plugins, by reference or sha256:…")
    parser.add_argument(
        "--verifier-key",
        metavar="FILE",
        action="append",
        default=[],
        help="Ed25519 public keys whose summaries you trust; the enclosed policy, roots and lists count under them; repeatable",
    )
    bundle_keyless.add_trust(parser)
    _add_verifier_id(parser)
    _add_policy(parser)


def _add_verifier_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--verifier-id", metavar="URI", default=_VERIFIER, help=f"who verifies, in summaries; default: {_VERIFIER}"
    )


def _add_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f", "--manifest", metavar="FILE", action="append", default=[], help="Kubernetes documents, `-` for stdin; repeatable"
    )
    plan_flags.add_documents(parser)
    flags.add_report(parser)
    flags.add_platform(parser)
    plan_flags.add_plugin(parser)
    flags.add_cosign(parser)
    flags.add_provenance(parser, required=False)
    flags.add_trust(parser)
    flags.add_freshness(parser)


def _create(args: argparse.Namespace, console: Console) -> int:
    from supplychain.cli.bundle_create import run

    return run(args, console)


def _inspect(args: argparse.Namespace, console: Console) -> int:
    from supplychain.cli.bundle_inspect import run

    return run(args, console)


def _verify(args: argparse.Namespace, console: Console) -> int:
    from supplychain.cli.bundle_verify import run

    return run(args, console)


def _load(args: argparse.Namespace, console: Console) -> int:
    from supplychain.cli.bundle_load import run

    return run(args, console)
