"""HTTP servers in threads of their own, and the certificates that they present, which change while they serve."""

from __future__ import annotations

from mcpg_operator.serving.certificate import Certificate, Pair, from_directory
from mcpg_operator.serving.secret import Kept, from_store, read_kept
from mcpg_operator.serving.server import Server

__all__ = ["Certificate", "Kept", "Pair", "Server", "from_directory", "from_store", "read_kept"]
