"""`supplychain inspect`: what a package holds and what is attached to it.

Nothing is judged, so nothing here is a reason to trust it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.cli import flags

if TYPE_CHECKING:
    import argparse

    from supplychain.artifact import EvidenceSet, PluginPackage, PulledArtifact
    from supplychain.cli.console import Console
    from supplychain.report import Fact

__all__ = ["add_to", "run"]

_DESCRIPTION = """\
Print descriptor, digests and the signatures found, without judging any of them.
"""


def add_to(commands: flags.Subparsers) -> None:
    """Add the command."""
    parser = flags.add_command(commands, "inspect", summary="show a plugin without judging it", description=_DESCRIPTION)
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="OCI reference, oci-layout:PATH[:TAG|@DIGEST], bundle:PATH[:REFERENCE], or a .zip file",
    )
    parser.add_argument("--output", choices=("text", "json"), default="text", help="default: text")
    flags.add_platform(parser)
    flags.add_registry(parser)
    flags.add_limits(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the facts."""
    from supplychain.cli.sources import Sources, parse_target
    from supplychain.package import unpack

    limits = flags.limits_of(args)
    with Sources(args, limits=limits) as sources:
        source = sources.open(parse_target(args.target))
        pulled = source.pull(platform=flags.platform_of(args))
        with pulled.package:
            package = unpack(pulled.package, limits=limits)
            with package.artifact:
                facts = _facts(pulled, package)
        evidence = None if pulled.manifest_digest is None else source.evidence(pulled.manifest_digest)
    facts["attached"] = _attached(evidence)
    if args.output == "json":
        import json

        console.print(json.dumps({"schema": "mcpg.dev/supplychain-inspection/v1", "judged": False, **facts}, indent=2) + "\n")
        return 0
    from supplychain.output.style import clean
    from supplychain.output.text import render_fact_lines

    lines = [f"{clean(args.target)}  (not judged)", *render_fact_lines(facts, indent="  ")]
    console.print("\n".join(lines) + "\n")
    return 0


def _facts(pulled: PulledArtifact, package: PluginPackage) -> dict[str, Fact]:
    from supplychain.errors import SupplyChainError

    descriptor = package.descriptor
    try:
        runs_on: str | None = _runs_on(package) if package.artifact_name == "plugin.so" else "wasi/wasm"
    except SupplyChainError as error:
        runs_on = f"unknown: {error}"
    return {
        "source": pulled.source,
        "tag": pulled.tag,
        "indexDigest": None if pulled.index_digest is None else str(pulled.index_digest),
        "manifestDigest": None if pulled.manifest_digest is None else str(pulled.manifest_digest),
        "layerDigest": str(pulled.layer_digest),
        "packageSize": pulled.package.size,
        "descriptor": {
            "schema": descriptor.schema,
            "id": descriptor.id,
            "name": descriptor.name,
            "description": descriptor.description,
            "license": descriptor.license,
            "class": descriptor.plugin_class,
            "runtime": descriptor.runtime,
            "protocolVersion": descriptor.protocol_version,
            "requiredCapabilities": tuple(
                one.kind + (f" ({', '.join(one.arguments)})" if one.arguments else "") for one in descriptor.required_capabilities
            ),
            "tags": descriptor.tags,
            "provides": descriptor.provides,
            "providesSchemes": descriptor.provides_schemes,
            "unknownKeys": descriptor.unknown_keys,
        },
        "artifact": package.artifact_name,
        "artifactHash": str(package.artifact_hash),
        "artifactSize": package.artifact.size,
        "platform": runs_on,
        "signature": package.signature is not None,
        "licence": package.licence is not None,
    }


def _runs_on(package: PluginPackage) -> str:
    from supplychain.elf import read_library

    return " or ".join(
        "/".join(filter(None, (one.os, one.architecture, one.libc))) for one in read_library(package.artifact.view)
    )


def _attached(evidence: EvidenceSet | None) -> Fact:
    if evidence is None:
        return None
    return {
        "evidence": tuple({"form": one.form.value, "where": one.where, "size": len(one.data)} for one in evidence.materials),
        "skipped": tuple({"where": where, "why": why} for where, why in evidence.skipped),
        "truncated": evidence.truncated,
    }
