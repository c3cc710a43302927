"""Every target, by name."""

from __future__ import annotations

from tests.fuzz import archives, documents, evidence, registry

__all__ = ["TARGETS"]

TARGETS = {one.name: one for one in (*archives.TARGETS, *documents.TARGETS, *registry.TARGETS, *evidence.TARGETS)}
