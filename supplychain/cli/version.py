"""Which version this is."""

from __future__ import annotations

__all__ = ["version"]


def version() -> str:
    """The installed version; `0+source` when run from a source tree that was never installed."""
    # 15 ms of start-up, and only a report or `--version` needs it
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("mcpg-supplychain")
    except PackageNotFoundError:
        return "0+source"
