"""`supplychain bundle inspect`: what a bundle holds. Nothing is judged, and no word of it says otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from supplychain.carry.plugin_bundle.opened import Bundle
    from supplychain.carry.plugin_bundle.summary import Summary
    from supplychain.cli.console import Console
    from supplychain.report import Fact

__all__ = ["run"]

_NOBODY = "nobody proved this; a summary counts under a key that the reader gives to `bundle verify`"


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the facts; the file is read to its end."""
    from supplychain.carry.plugin_bundle.opened import Bundle

    at = console.now()
    with Bundle(Path(args.bundle)) as bundle:
        for _ in bundle.packages():
            pass  # each is held to its digest on the way
        facts = _facts(bundle, at=at)
    if args.output == "json":
        document = {"schema": "mcpg.dev/supplychain-bundle-inspection/v1", "judged": False, **facts}
        console.print(json.dumps(document, indent=2) + "\n")
        return 0
    from supplychain.output.style import clean
    from supplychain.output.text import render_fact_lines

    lines = [f"{clean(args.bundle)}  (not judged)", *render_fact_lines(facts, indent="  ")]
    console.print("\n".join(lines) + "\n")
    return 0


def _facts(bundle: Bundle, *, at: datetime) -> dict[str, Fact]:
    from supplychain.carry.plugin_bundle.enclosed import enclosed_terms
    from supplychain.carry.plugin_bundle.inventory import SUMMARY_TYPE
    from supplychain.carry.plugin_bundle.keyless import SIGSTORE_SUMMARY_TYPE, keyless_claim
    from supplychain.carry.plugin_bundle.summary import read_claim
    from supplychain.cli.bundle_facts import bundle_facts, list_facts, root_facts

    inventory = bundle.inventory
    terms, sha256 = enclosed_terms(inventory)
    return {
        **bundle_facts(bundle),
        "enclosed": {
            "note": _NOBODY,
            "terms": f"sha256:{sha256}",
            "policies": tuple(_policy(one.target, one.policy) for one in terms.plugins),
            "trustRoots": tuple(root_facts(one, at=at) for one in terms.trust_roots(inventory.read)),
            "revocationLists": tuple(list_facts(one, at=at) for one in terms.revocation_lists(inventory.read)),
            "summaries": (
                *(_claim(*read_claim(inventory.read(one))) for one in inventory.enclosed.get(SUMMARY_TYPE, ())),
                *(_claim(keyless_claim(inventory.read(one)), ()) for one in inventory.enclosed.get(SIGSTORE_SUMMARY_TYPE, ())),
            ),
        },
    }


def _policy(target: str, policy: TrustPolicy) -> dict[str, Fact]:
    return {
        "target": target,
        "keys": tuple(key.fingerprint for key in policy.keys),
        "pluginId": policy.plugin_id,
        "version": policy.version,
        "identity": None if policy.cosign is None else policy.cosign.identity.text,
        "source": None if policy.slsa is None else policy.slsa.source_uri,
    }


def _claim(claimed: Summary, keys: tuple[str, ...]) -> dict[str, Fact]:
    """Say what a summary says without asking who signed it."""
    return {
        "resource": claimed.resource,
        "verifier": claimed.verifier,
        "verifiedAt": claimed.verified_at.isoformat(),
        "claimedKeys": keys,
    }


if TYPE_CHECKING:
    from supplychain.policy import TrustPolicy
