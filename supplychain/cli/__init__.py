"""The command line: flags in, a report on standard output, everything else on standard error.

One module a command. Nothing heavy is imported before a command runs, because `supplychain --help` must answer at once.
"""

from __future__ import annotations

__all__: list[str] = []
