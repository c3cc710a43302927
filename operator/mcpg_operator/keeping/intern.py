"""One value for equal packages: many plugins share few artifacts, and each verdict would hold a copy of what they say."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from supplychain.artifact import PluginPackage
    from supplychain.digest import ArtifactHash

__all__ = ["Packages"]

_REMEMBERED: Final = 4096


class Packages:
    """Gives back the first of equal packages, as long as it is remembered; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[ArtifactHash, bytes, bytes | None], PluginPackage] = OrderedDict()

    def one(self, package: PluginPackage) -> PluginPackage:
        """Give the package that says the same; its library may be closed, as that of any verdict may."""
        key = (package.artifact_hash, package.descriptor_bytes, package.signature)
        with self._lock:
            found = self._known.setdefault(key, package)
            self._known.move_to_end(key)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            return found
