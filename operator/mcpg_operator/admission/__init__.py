"""Admission: refuses what the rules refuse before it is stored, in every replica, out of its caches."""

from __future__ import annotations

from mcpg_operator.admission.service import Admission

__all__ = ["Admission"]
