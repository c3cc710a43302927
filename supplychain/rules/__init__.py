"""The rules of the kinds: what admission refuses, controllers check again, and `supplychain lint` tells before either.

Pure: one object, the objects around it and a few settings go in, all of its problems come out. Other objects are read as plain
JSON of any shape, since they may have been stored before a rule existed.
"""

from supplychain.rules.check import LOOKUP_FAILED, RULES, Ruling, admit, check
from supplychain.rules.problem import Family, Problem, Severity
from supplychain.rules.reading import Document
from supplychain.rules.rule import Finding, Rule
from supplychain.rules.strictness import Strictness
from supplychain.rules.world import Documents, LookupFailedError, World

__all__ = [
    "LOOKUP_FAILED",
    "RULES",
    "Document",
    "Documents",
    "Family",
    "Finding",
    "LookupFailedError",
    "Problem",
    "Rule",
    "Ruling",
    "Severity",
    "Strictness",
    "World",
    "admit",
    "check",
]
