"""`supplychain`: the parser, and the one place where errors become exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

from supplychain.cli.console import Console
from supplychain.cli.exit_codes import BROKEN_PIPE, INTERNAL, INTERRUPTED, code_of, verdict_of
from supplychain.cli.version import version
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

__all__ = ["build_parser", "main"]

_EPILOG = """\
exit codes:
  0  trusted           every mandatory layer passed, and every other one passed or was not configured
  1  refused           the evidence was examined and is bad
  2  wrong request     a flag, a file or a manifest must change
  3  not evaluated     a registry, a trust root or a form of evidence was out of reach; try again

examples:
  supplychain verify ghcr.io/acme/audit:1.2.3 --key release.pub --plugin-id dev.acme.audit
  supplychain verify -f plugin.yaml -f secrets.yaml --output json
  supplychain verify oci-layout:./audit@sha256:… --key release.pub --offline \\
      --certificate-identity-regexp '^https://github\\.com/acme/audit/\\.github/workflows/release\\.yml@refs/tags/.+$' \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com
"""


_COMMANDS: Final = (
    "verify", "diff", "check", "lint", "inspect", "pack", "sign", "push", "mirror", "hash", "revoke", "materialise",
    "trust-root", "bundle", "explain", "report-schema", "completion",
)  # fmt: skip
"""In the order of the help; each is a module of this package."""


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(f"supplychain {version()}\n")
        parser.exit(0)


def build_parser(*names: str) -> argparse.ArgumentParser:
    """Build the parser of some commands; without names, of all."""
    parser = argparse.ArgumentParser(
        prog="supplychain",
        description="Verifies the supply chain of MCPG gateway plugins: Ed25519, revocation, cosign keyless, SLSA provenance.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in names or _COMMANDS:
        import_module(f"supplychain.cli.{name.replace('-', '_')}").add_to(commands)
    return parser


def main(argv: Sequence[str] | None = None, *, clock: Callable[[], datetime] | None = None) -> int:
    """Run one command and return its exit code; `argv` is without the program's name. Never raises, never shows a traceback."""
    words = sys.argv[1:] if argv is None else argv
    # The flags of the other commands cost 10 ms; `completion` lists them all.
    parser = build_parser(*(name for name in words[:1] if name in _COMMANDS and name != "completion"))
    try:
        args = _parse(parser, words)
    except SystemExit as exc:  # --help is 0, a wrong flag is 2, both by argparse
        return int(exc.code or 0)
    console = Console.of(args, clock=clock)
    args.parser, args.argv = parser, tuple(words)
    try:
        with _log_to(console):
            code: int = args.run(args, console)
    except SupplyChainError as error:
        console.refuse(error)
        return code_of(verdict_of(error))
    except KeyboardInterrupt:
        console.error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return BROKEN_PIPE
    except Exception as exc:  # noqa: BLE001 — a defect must not look like a verdict, nor hit anybody with a traceback
        return _internal(exc, console)
    return code


def _parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Parse, and let targets stand on both sides of a flag, which argparse alone does not."""
    args, rest = parser.parse_known_args(words)
    if rest and (not hasattr(args, "targets") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        args.targets += rest
    return args


def _internal(exc: Exception, console: Console) -> int:
    hint = "" if console.verbose else "; `--verbose` shows where"
    console.error(f"internal error, nothing was evaluated: {type(exc).__name__}: {exc}{hint}")
    if console.verbose:
        import traceback

        traceback.print_exception(exc, file=console.err)
    return INTERNAL


@contextmanager
def _log_to(console: Console) -> Iterator[None]:
    """Show this package's own log on standard error while a verbose command runs."""
    if not console.verbose:
        yield
        return
    import logging

    logger = logging.getLogger("supplychain")
    handler = logging.StreamHandler(console.err)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


def _forget_stdout() -> None:
    """Keep the interpreter from flushing into the broken pipe once more at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return  # standard output is no file, as in tests
