"""`supplychain push`: publish a package in a registry or an image layout, and print the digest to sign and pin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.cli import flags
from supplychain.errors import InvalidCredentialsError, InvalidReferenceError

if TYPE_CHECKING:
    import argparse

    from supplychain.cli.console import Console
    from supplychain.digest import ManifestDigest
    from supplychain.mirror.credentials import Credentials
    from supplychain.reference import OciReference

__all__ = ["add_to", "run"]

_EPILOG = """\
examples:
  supplychain push mcpg-plugin-audit_1.2.3_linux_amd64.zip ghcr.io/acme/audit:1.2.3-linux-amd64
  supplychain push mcpg-plugin-audit_1.2.3_linux_amd64.zip oci-layout:./audit:1.2.3-linux-amd64
  REGISTRY_PASSWORD=… supplychain push audit.zip registry.example.com/audit:1 -u robot -p env:REGISTRY_PASSWORD
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(commands, "push", summary="publish a package in a registry or an image layout", epilog=_EPILOG)
    parser.add_argument("package", metavar="ZIP")
    parser.add_argument("target", metavar="REF", help="registry/repository:tag, or oci-layout:PATH:TAG")
    parser.add_argument("-u", "--username", metavar="NAME")
    parser.add_argument("-p", "--password", metavar="env:VAR", help="environment variable with the password")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--registry-config", "--docker-config", metavar="FILE", help="Docker config; default: Docker's own")
    choice.add_argument("--no-docker-config", action="store_true", help="use no stored credentials")
    parser.add_argument("--insecure-registry", metavar="HOST", action="append", default=[], help="allow plain HTTP; repeatable")
    parser.add_argument("--ca-file", metavar="FILE", help="PEM certificates to trust for TLS")
    flags.add_limits(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print `sha256:<hex>` of the manifest."""
    from supplychain.cli.sources import LayoutTarget, RegistryTarget, parse_target

    limits = flags.limits_of(args)
    target = parse_target(args.target)
    match target:
        case LayoutTarget():
            from supplychain.mirror.layout_writer import write_layout

            if target.tag is None:
                raise InvalidReferenceError("a push needs a tag", got=f"`{args.target}`", hint="write `oci-layout:PATH:TAG`")
            digest = write_layout(target.path, package=Path(args.package), tag=target.tag, limits=limits)
            name = f"oci-layout:{target.path}@{digest}"
        case RegistryTarget():
            from supplychain.mirror.publish import push

            reference = target.reference
            digest = push(
                Path(args.package),
                reference=reference,
                credentials=_credentials(args, reference),
                insecure=reference.registry in {host.lower() for host in args.insecure_registry},
                ca_file=args.ca_file,
                limits=limits,
            )
            name = str(reference.pinned(digest))
        case _:
            raise InvalidReferenceError("a push goes to a registry or an image layout", got=f"`{args.target}`")
    _tell(digest, name=name, console=console)
    return 0


def _tell(digest: ManifestDigest, *, name: str, console: Console) -> None:
    console.print(f"{digest}\n")
    console.note(f"pushed {name}; sign it with `cosign sign {name}`" if "oci-layout" not in name else f"written {name}")


def _credentials(args: argparse.Namespace, reference: OciReference) -> Credentials:
    from supplychain.mirror.credentials import ANONYMOUS, Credentials, load_docker_config

    if (args.username is None) != (args.password is None):
        raise InvalidCredentialsError("`--username` and `--password` belong together")
    if args.username is not None:
        variable = args.password.removeprefix("env:")
        if variable == args.password:
            raise InvalidCredentialsError("a password on the command line can be read by every process", expected="`env:VAR`")
        password = os.environ.get(variable)
        if not password:
            raise InvalidCredentialsError(f"the variable `{variable}` is not set")
        entry = {"username": args.username, "password": password}
        return Credentials(where="the flags `--username` and `--password`", auths={reference.registry: entry})
    return ANONYMOUS if args.no_docker_config else load_docker_config(args.registry_config)
