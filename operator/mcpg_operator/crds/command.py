"""`python -m mcpg_operator crds`: writes the definitions and their reference."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mcpg_operator.crds import render
from mcpg_operator.crds.reference import render_reference

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write"]


def write(*, folder: Path | None, reference: Path | None) -> None:
    """Write one file a kind into `folder`, and the reference of all fields into the file `reference`.

    Without either, the definitions go to standard output as one stream that `kubectl apply -f -` takes.

    Raises:
        OSError: a file cannot be written.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in render().items():
            (folder / f"{name}.yaml").write_bytes(text)
    if reference is not None:
        reference.write_text(render_reference(), encoding="utf-8")
    if folder is None and reference is None:
        sys.stdout.write("---\n".join(text.decode() for text in render().values()))
