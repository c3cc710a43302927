"""Good inputs that several families share: the shipped cases, a private Sigstore, and foreign evidence where it is there."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from supplychain.trust_root import TrustRoot, parse_trust_root
from tests.support.components import evidence_directory
from tests.support.testdata.cases import FOLDER
from tests.support.virtual_sigstore import (
    VirtualSigstore,
    generator_identity,
    github_provenance,
    image_signature,
    slsa_provenance,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ARTIFACT", "MESSAGE", "SIGSTORE", "envelopes", "foreign", "messages", "root", "shipped", "statements"]

SIGSTORE = VirtualSigstore(seed=b"fuzzed sigstore")
MESSAGE = b"a message"
ARTIFACT = "9c2e" * 16


@cache
def root() -> TrustRoot:
    return parse_trust_root(SIGSTORE.trusted_root(), name="fuzzed")


@cache
def statements() -> dict[str, Any]:
    return {
        "image signature": image_signature(ARTIFACT),
        "generator provenance": slsa_provenance(ARTIFACT, event={"inputs": {"level": "high", "count": 3}}),
        "github provenance": github_provenance(ARTIFACT),
    }


@cache
def envelopes() -> dict[str, bytes]:
    """Bundles with an envelope in every form that the private Sigstore writes."""
    forms: dict[str, dict[str, Any]] = {
        "v2": {},
        "v2 in a chain": {"version": "0.2"},
        "v1": {"log": "rekor1"},
        "v1, oldest bundle": {"log": "rekor1", "version": "0.1"},
        "v1, promise alone": {"log": "rekor1", "version": "0.1", "proof": False},
        "v1, intoto": {"log": "rekor1", "kind": "intoto"},
        "v1 with timestamp": {"log": "rekor1", "tsa": SIGSTORE.tsa, "entries": 2},
    }
    statement = statements()["generator provenance"]
    return {name: SIGSTORE.sign_statement(statement, identity=generator_identity(), **form) for name, form in forms.items()}


@cache
def messages() -> dict[str, bytes]:
    return {log: SIGSTORE.sign_message(MESSAGE, log=log) for log in ("rekor1", "rekor2")}


def shipped(pattern: str) -> dict[str, bytes]:
    """Files of the good cases under `testdata/verify`."""
    found = sorted(path for case in FOLDER.glob("*_trusted") for path in case.glob(pattern) if path.is_file())
    return {str(path.relative_to(FOLDER)): path.read_bytes() for path in found}


def foreign(*sets: str) -> Iterator[tuple[dict[str, Any], Path]]:
    """Entries of the foreign evidence with its folder; none where it is not there."""
    try:
        directory = evidence_directory()
    except (pytest.skip.Exception, pytest.fail.Exception):
        return
    for entry in json.loads((directory / "MANIFEST.json").read_bytes()):
        if entry["set"] in sets:
            yield entry, directory
