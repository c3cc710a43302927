"""`supplychain materialise`: from mounted Secrets to the files that a gateway loads, verified once more on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from supplychain.cli import flags
from supplychain.cli.exit_codes import verdict_of
from supplychain.errors import SupplyChainError

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from supplychain.cli.console import Console
    from supplychain.cli.materialise_plan import Order, Plan
    from supplychain.delivery.target import Target
    from supplychain.output.judgement import Judgement
    from supplychain.trust_root import AnyTrustRoot
    from supplychain.verifier import VerifiedPlugin

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Read a plugin from the Secrets it was stored in (`plugin.so`, or `index.json` and its shards as `shards/NAME`, beside
`plugin.yaml` and `plugin.sig`), check it against the pinned SHA-256, the publisher's Ed25519 key and the revocation lists, and
write `plugin.so`, `plugin.so.sig` and `plugin.so.plugin.yaml`. All files appear at the end or none does, and what was there stays
until then. Meant for an init container: no network, and little memory whatever the library's size.
"""
_EPILOG = """\
exit codes: 0 trusted and written, 1 refused, 2 wrong request, 3 could not be evaluated; of several plugins the worst (1, 2, 3)

A plan is a JSON list of objects with `source`, `target`, `digest`, `keys` (a list of files) or `publicKeys` (a list of keys as
texts) and, where wanted, `pluginId`, `pluginClass` and `content`. An order is one such object: nobody can edit the arguments of a
running pod, and no file has to be trusted.

examples:
  supplychain materialise --source /secrets/audit --target /plugins/audit --digest sha256:… --key /keys/release.pub \\
      --plugin-id dev.acme.audit --revocations /revocations/revocations.json
  supplychain materialise --plan /plan/plan.json --revocations /revocations/revocations.json --output json
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(
        commands,
        "materialise",
        summary="write a stored plugin out for its gateway",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    one = parser.add_argument_group("one plugin")
    one.add_argument("--source", metavar="DIR", help="where its Secrets are mounted")
    one.add_argument("--target", metavar="DIR", help="where its files shall be; made where it is missing")
    one.add_argument("--digest", metavar="sha256:HEX", help="the library's SHA-256")
    one.add_argument(
        "--content", metavar="HEX", help="what all mounted keys hash to, the end of the Secret's name; default: not compared"
    )
    one.add_argument("--key", metavar="FILE", action="append", help="Ed25519 public keys of the publisher; repeatable")
    one.add_argument("--plugin-id", metavar="ID", help="wanted id")
    one.add_argument("--class", dest="plugin_class", metavar="CLASS", help="wanted class")
    parser.add_argument("--plan", metavar="FILE", help="several plugins, in place of the flags for one; `-` for stdin")
    parser.add_argument(
        "--order",
        metavar="JSON",
        action="append",
        default=[],
        help="one plugin of a plan, as text; repeatable, instead of `--plan`",
    )
    parser.add_argument(
        "--revocations", metavar="FILE", action="append", default=[], help="revocation list, its JSON or the resource; repeatable"
    )
    parser.add_argument("--mode", type=_mode, default=0o440, metavar="OCTAL", help="of the files; default: 0440")
    flags.add_report(parser)
    flags.add_platform(parser)
    flags.add_limits(parser, ("artifact", "delivery"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Write every plugin that may be trusted, print one report, and return the worst exit code."""
    from supplychain.cli.materialise_plan import read_plan
    from supplychain.cli.reporting import emit

    at = console.now()
    try:
        plan = read_plan(args)
    except SupplyChainError as error:
        return emit([_problem(error, target=args.source or args.plan or "(no source)", at=at)], args=args, console=console)
    for note in plan.notes:
        console.note(note)
    results = [_carry_out(order, plan=plan, at=at) for order in plan.orders]
    failures = [failure for _, failure in results if failure is not None]
    code = emit([one for one, _ in results], args=args, console=console, notes=plan.notes, failures=failures)
    for failure in failures:
        console.refuse(failure)
    return code


def _carry_out(order: Order, *, plan: Plan, at: datetime) -> tuple[Judgement, SupplyChainError | None]:
    """Judge one plugin and write it if it is trusted. The second value is a failure to write it in the end."""
    from supplychain.delivery.source import MountedSource
    from supplychain.delivery.target import Target
    from supplychain.output.judgement import Judgement
    from supplychain.verifier import PluginVerifier

    verifier = PluginVerifier(root=_no_root, revocations=plan.revocations, limits=plan.limits)
    failure: SupplyChainError | None = None
    try:
        with Target(order.target, mode=plan.mode) as target:
            source = MountedSource(
                directory=order.source, target=target, digest=order.digest, content=order.content, limits=plan.limits
            )
            with verifier.verify(source, request=order.request, at=at) as verification:
                report = verification.report
                if report.trusted:
                    failure = _commit(target, plugin=verification.verified())
    except SupplyChainError as error:
        return _problem(error, target=order.request.target, at=at), None
    return Judgement.of_report(report), failure


def _commit(target: Target, *, plugin: VerifiedPlugin) -> SupplyChainError | None:
    """Let the files appear. The plugin is not read: that there is one is the permission."""
    del plugin
    try:
        target.commit()
    except SupplyChainError as failure:
        return failure
    return None


def _problem(error: SupplyChainError, *, target: str, at: datetime) -> Judgement:
    from supplychain.findings import problem
    from supplychain.output.judgement import Judgement, Scope

    return Judgement.of_problem(problem(error), scope=Scope.PLUGIN, target=target, at=at, verdict=verdict_of(error))


def _no_root() -> AnyTrustRoot:
    raise AssertionError("no layer that is judged here needs a trust root")


def _mode(text: str) -> int:
    import argparse

    if re.fullmatch(r"0?[4-7][0-7]{2}", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"no mode with which the owner could read: `{text}`; write it as 0440")
    return int(text, 8)
