"""Finds credentials in free-form configuration, without ever giving one away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CREDENTIAL", "inline_secrets", "references"]

_Path: TypeAlias = "tuple[str | int, ...]"

CREDENTIAL: Final = "cred://cluster/"
"""What a reference to a coordinator's credential begins with."""

_REFERENCE = re.compile(re.escape(CREDENTIAL) + r"([^\s}\"']*)")
_WORDS: Final = (
    "password", "passwd", "passphrase", "secret", "token", "credential", "credentials", "api_key", "apikey", "private_key",
)  # fmt: skip
"""Keys that end so hold a credential; `token_ttl` does not."""
_AUTHORITY = re.compile(r"://([^/\s?#]*)@")
_INDIRECT = re.compile(r"\$\{[^}]*\}|[A-Za-z][A-Za-z0-9+.-]*://\S*", re.ASCII)
"""What only says where a credential is: a placeholder, or the address of a secret."""
_MAX_DEPTH: Final = 64


def references(config: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every `cred://cluster/<name>` within a configuration: its field and the name."""
    for path, value in _leaves(config, ()):
        if isinstance(value, str):
            for name in _REFERENCE.findall(value):
                yield _written(field, path), name


def inline_secrets(config: Any, field: str) -> Iterator[str]:
    """The fields of a configuration that seem to hold a credential itself."""
    for path, value in _leaves(config, ()):
        if isinstance(value, bool) or value is None:
            continue
        text = str(value)
        passwords = [one.partition(":")[2] for one in _AUTHORITY.findall(text)]
        if _sounds_secret(path):
            passwords.append(text)
        if any(one.strip() and not _INDIRECT.fullmatch(one.strip()) for one in passwords):
            yield _written(field, path)


def _leaves(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    """Every scalar within free-form configuration, with the keys and indexes that lead to it."""
    if not isinstance(value, Mapping | list):
        yield path, value
    elif len(path) < _MAX_DEPTH:
        for key, child in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _leaves(child, (*path, key))


def _sounds_secret(path: _Path) -> bool:
    """Whether the nearest key, for an item of a list that of the list, is one of a credential."""
    key = next((one for one in reversed(path) if isinstance(one, str)), "")
    return key.lower().replace("-", "_").endswith(_WORDS)


def _written(field: str, path: _Path) -> str:
    return field + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
