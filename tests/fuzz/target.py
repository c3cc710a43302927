"""What is fuzzed: good inputs, what reads them, and what must hold where a changed one is still accepted."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any

from tests.fuzz.mutate import Mutator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Shape", "Target"]


class Shape(enum.Enum):
    """How inputs are changed."""

    BYTES = "bytes"
    TEXT = "text"
    JSON = "json"
    YAML = "YAML"
    ZIP = "ZIP"
    DER = "DER"
    PEM = "PEM"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One reader of foreign bytes.

    `judge` returns where it accepts, raises an error of our tree where it refuses, and asserts whatever else must hold.
    """

    name: str
    shape: Shape
    good: Callable[[], Mapping[str, bytes]]
    """Inputs that `judge` accepts, by a name for people; made when first asked for."""
    judge: Callable[[bytes], Any]
    tokens: tuple[str, ...] = field(default=())
    cpu_seconds: float = 1.0
    """No input may take longer, by the MiB that it has beyond none."""
    mebibytes: int = 64
    """No input may take more memory, by the same measure."""

    @cached_property
    def seeds(self) -> tuple[bytes, ...]:
        """The good inputs."""
        return tuple(self.good().values())

    @cached_property
    def _values(self) -> tuple[bytes, ...]:
        """JSON texts to change as trees."""
        return tuple(json.dumps(value).encode() for value in map(_json_of, self.seeds) if value is not None)

    def input(self, seed: int, number: int) -> bytes:
        """The changed input `number` of the run `seed`: always the same one."""
        random = Random(f"{seed} {self.name} {number}")
        return self.change(random.choice(self.seeds), random)

    def change(self, data: bytes, random: Random) -> bytes:
        """A changed copy of `data`."""
        mutator = Mutator(random, tokens=self.tokens)
        if (
            self.shape in (Shape.JSON, Shape.YAML)
            and self._values
            and random.random() < (0.85 if self.shape is Shape.JSON else 0.5)
        ):
            value = _json_of(data)
            value = json.loads(random.choice(self._values)) if value is None else value
            donors = [json.loads(random.choice(self._values))] if random.random() < 0.2 else []
            for _ in range(mutator.rounds()):
                value = mutator.json(value, donors=donors)
            return mutator.render(value)
        for _ in range(mutator.rounds()):
            data = self._changed_bytes(data, mutator, random)
        return data

    def _changed_bytes(self, data: bytes, mutator: Mutator, random: Random) -> bytes:
        if random.random() < 0.35:
            return mutator.octets(data)
        match self.shape:
            case Shape.TEXT | Shape.YAML:
                return mutator.lines(data)
            case Shape.ZIP:
                return mutator.zip(data)
            case Shape.DER:
                return mutator.inner(data)
            case Shape.PEM:
                return mutator.pem(data) if random.random() < 0.5 else mutator.lines(data)
            case _:
                return mutator.octets(data)


def _json_of(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        pass
    try:
        import yaml

        value = yaml.safe_load(data)
    except Exception:  # noqa: BLE001 — a seed that is neither is changed as bytes
        return None
    return value if isinstance(value, dict) else None
