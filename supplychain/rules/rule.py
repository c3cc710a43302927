"""What a rule is: a name that stays, who can act on it, and a pure function from one object and its world to what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from supplychain.api import parse_spec
from supplychain.errors import InputError
from supplychain.rules.problem import Family, Severity
from supplychain.rules.reading import name_of, namespace_of, spec_of
from supplychain.rules.schema import MODELS
from supplychain.rules.tenancy import owner_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.api import Model
    from supplychain.rules.reading import Document
    from supplychain.rules.strictness import Strictness
    from supplychain.rules.world import World

__all__ = ["Finder", "Finding", "Rule", "Subject"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The object that is judged, and everything that it may be judged by; what several rules ask for is found once."""

    document: Document
    old: Document | None
    """The stored object that an update replaces."""
    world: World
    strictness: Strictness

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The `spec` as plain JSON; only what the schema takes can be relied on."""
        return spec_of(self.document)

    @cached_property
    def parsed(self) -> Model | None:
        """The typed spec; None where the schema refuses it."""
        try:
            return parse_spec(MODELS[str(self.document.get("kind"))], self.document.get("spec"), where=self.name)
        except InputError:
            return None  # reported field by field

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return name_of(self.document)

    @property
    def namespace(self) -> str:
        """`metadata.namespace`, or where a client would put the object."""
        return namespace_of(self.document)

    @cached_property
    def owner(self) -> Document | None:
        """The tenant that owns the object's namespace.

        Raises:
            LookupFailedError: the tenants cannot be listed.
        """
        return owner_of(self.namespace, self.world.tenants())


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place where a rule is broken; the texts are those of `Problem`."""

    field: str
    what: str
    expected: str | None = None
    got: str | None = None
    hint: str | None = None
    severity: Severity | None = None
    """For rules that settings make stricter; None: the rule's own."""


Finder: TypeAlias = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of one kind."""

    name: str
    """Stable CamelCase word, part of the public contract."""
    about: str
    """What is refused or warned of, for the documentation."""
    find: Finder
    severity: Severity = Severity.ERROR
    family: Family = Family.SPEC
    reads: tuple[str, ...] = ()
    """Fields directly below `spec` without which the answer would mislead: where one is malformed, the rule is silent."""
