"""A revocation list as somebody's file: one entry added, everything else left as it stands.

* `entry`: where the list is in the file, and the file with one more entry, proven by reading it again
* `json_places`, `yaml_places`: where an array or a sequence ends in a text (pure)
* `replace`: the new file in the place of the one that was read
"""

from __future__ import annotations

__all__: list[str] = []
