"""`python -m mcpg_operator`: one command each for what the program can do; a command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcpg_operator import settings
from supplychain.errors import InputError, SupplyChainError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_DEFAULTS = settings.Settings()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mcpg_operator", description="The Kubernetes operator of MCPG plugins.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    operator = commands.add_parser("run", help="run the operator; also what happens where no command is named")
    settings.add_flags(operator)
    operator.set_defaults(run=_run)
    crds = commands.add_parser("crds", help="write the CustomResourceDefinitions")
    crds.add_argument("--split-by-kind", metavar="DIR", type=Path, help="one file a kind into this folder")
    crds.add_argument("--docs", metavar="FILE", type=Path, help="the reference of all fields, as Markdown")
    crds.set_defaults(run=_crds)
    policies = commands.add_parser("policies", help="write the ValidatingAdmissionPolicies")
    policies.add_argument("--file", metavar="FILE", type=Path, help="write them there; default: standard output")
    policies.add_argument("--operator-namespace", metavar="NAME", default=_DEFAULTS.namespace, help="which no tenant may own")
    policies.add_argument("--require-coordinator-tls", action="store_true", help="as the operator's flag")
    policies.add_argument("--require-digest-or-cosign", action="store_true", help="as the operator's flag")
    policies.set_defaults(run=_policies)
    webhook = commands.add_parser("webhook", help="write the ValidatingWebhookConfiguration")
    webhook.add_argument("--file", metavar="FILE", type=Path, help="write it there; default: standard output")
    webhook.add_argument("--name", metavar="NAME", default=_DEFAULTS.webhook_configuration, help="of the configuration")
    webhook.add_argument("--operator-namespace", metavar="NAME", default=_DEFAULTS.namespace, help="where the Service is")
    webhook.add_argument("--webhook-service", metavar="NAME", default=_DEFAULTS.webhook_service, help="that leads to the webhook")
    webhook.add_argument("--ca-file", metavar="FILE", type=Path, help="PEM of whom to trust; default: nobody yet")
    webhook.add_argument("--failure-policy", choices=("Fail", "Ignore"), default="Fail", help="what happens without an answer")
    webhook.set_defaults(run=_webhook)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in {*commands.choices, "-h", "--help"}:
        words.insert(0, "run")
    options = parser.parse_args(words)
    code: int = options.run(options)
    return code


def _run(options: argparse.Namespace) -> int:
    from mcpg_operator.app import run

    try:
        return run(settings.read(options, os.environ))
    except SupplyChainError as exc:
        hint = f"\n  hint: {exc.hint}" if exc.hint else ""
        sys.stderr.write(f"mcpg-operator: {exc.reason}: {exc}{hint}\n")
        return 2 if isinstance(exc, InputError) else 3


def _crds(options: argparse.Namespace) -> int:
    from mcpg_operator.crds.command import write

    write(folder=options.split_by_kind, reference=options.docs)
    return 0


def _policies(options: argparse.Namespace) -> int:
    from mcpg_operator.admission.policy import render_policies
    from supplychain.rules.strictness import Strictness

    text = render_policies(
        Strictness(
            operator_namespace=options.operator_namespace,
            require_coordinator_tls=options.require_coordinator_tls,
            require_digest_or_cosign=options.require_digest_or_cosign,
        )
    )
    return _write(text, options.file)


def _webhook(options: argparse.Namespace) -> int:
    from mcpg_operator.admission.configuration import ServiceTarget, render_configuration

    target = ServiceTarget(namespace=options.operator_namespace, name=options.webhook_service)
    authorities = b"" if options.ca_file is None else options.ca_file.read_bytes()
    text = render_configuration(options.name, target, authorities=authorities, failure_policy=options.failure_policy)
    return _write(text, options.file)


def _write(text: bytes, file: Path | None) -> int:
    if file is None:
        sys.stdout.write(text.decode())
    else:
        file.write_bytes(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
