"""Flags of commands that judge several plugins, from documents or by the policy in the flags."""

from __future__ import annotations

import argparse

__all__ = ["add_documents", "add_plugin", "jobs"]

_MOST_JOBS = 64
"""More threads than that help nobody."""


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add how Kubernetes documents are read."""
    parser.add_argument("--namespace", metavar="NAME", help="where Secrets and ConfigMaps of the manifests count; default: any")
    parser.add_argument(
        "--mirror-endpoint",
        metavar="NAME=HOST",
        action="append",
        default=[],
        help="reach the mirror NAME from outside its cluster",
    )


def add_plugin(parser: argparse.ArgumentParser) -> None:
    """Add what the first three layers ask for."""
    plugin = parser.add_argument_group("plugin (layers 1 to 3)")
    plugin.add_argument("--key", metavar="FILE", action="append", help="Ed25519 public keys of the publisher; repeatable")
    plugin.add_argument("--plugin-id", metavar="ID", help="wanted id")
    plugin.add_argument("--plugin-version", metavar="VERSION", help="wanted version, compared with the tag's")
    plugin.add_argument("--class", dest="plugin_class", metavar="CLASS", help="wanted class")
    plugin.add_argument(
        "--revocations", metavar="FILE", action="append", default=[], help="revocation list, its JSON or the resource; repeatable"
    )


def jobs(text: str) -> int:
    """Read how many targets may be worked on at the same time."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"no number of jobs between 1 and {_MOST_JOBS}: `{text}`")
    return int(text)
