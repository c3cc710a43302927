"""Lists of a spec: how many items they may have, and that no two of them are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import AfterValidator, Field

from supplychain.api.refusal import checked, refuse
from supplychain.api.shape import Cel

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COMPARABLE", "different", "distinct", "filled", "listed"]

COMPARABLE: Final = 4_000_000
"""Characters that a rule of the cluster may look through twice: a little less than what one rule may cost."""


def listed(maximum: int, *, least: int = 0) -> Any:
    """Bound a list, which whoever applies it owns as a whole; `least` is for the cluster, beside `filled`."""
    bound = {"minItems": least} if least else {}
    return Field(strict=False, max_length=maximum, json_schema_extra={**bound, "x-kubernetes-list-type": "atomic"})


def _filled(items: tuple[object, ...]) -> None:
    # Not a bound of pydantic's: it counts after it has left out the items that are wrong, and complains about both.
    if not items:
        refuse("the list is empty", expected="at least one item")


filled = checked(_filled)
"""Refuses an empty list."""


def different(key: Callable[[Any], str], *, cel: str, what: str) -> tuple[AfterValidator, Cel]:
    """Refuse two items with the same key.

    Args:
        key: of one item.
        cel: the same for the cluster, an expression over `one`.
        what: what is wrong then, such as `two tools have the same id`.
    """

    def check(items: tuple[object, ...]) -> None:
        seen: dict[str, int] = {}
        for index, item in enumerate(items):
            earlier = seen.setdefault(key(item), index)
            if earlier != index:
                refuse(what, got=f"`{key(item)[:80]}` at {earlier} and {index}")

    return checked(check), Cel(distinct(cel), what)


def distinct(cel: str) -> str:
    """Write in CEL that no two items of a list have the same key; lists that would cost too much are left to the model.

    The outer list of one binds a name. Searches within it are native; comparing pairs in CEL would take a second.
    """
    searched = "keys.all(key, keys.indexOf(key) == keys.lastIndexOf(key))"
    return f"[self.map(one, {cel})].all(keys, keys.map(key, key.size()).sum() * keys.size() > {COMPARABLE} || {searched})"
