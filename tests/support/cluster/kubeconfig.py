"""The file that tells a client which API server to talk to, and as whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["write_kubeconfig"]


def write_kubeconfig(file: Path, *, url: str, ca_file: Path, user: Mapping[str, str], namespace: str = "default") -> Path:
    """Write a kubeconfig with one user, readable by the caller alone; returns the file."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
        "users": [{"name": "test", "user": dict(user)}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        "current-context": "test",
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(document, indent=2) + "\n")  # JSON is YAML
    return file
