"""Plugins and their evidence moved across an air gap as one thing.

* `content`, `protocols`: what belongs to a plugin (a `Closure`), and the two sides between which it moves
* `fetched`: a closure with its bytes, fetched once, to be judged and then written
* `registry_content`, `registry_destination`, `pushing`, `fallback`: both sides over a registry
* `sync`: one plugin from its upstream to its mirror, verified before it is written and again as the mirror serves it
* `stamp`, `stamp_file`: what was verified before, and what it still answers for
* `once`, `difference`: one plugin judged twice, and what that changes
* `plugin_bundle`: everything in one file

Nothing is trusted because it was carried: whoever reads at the other side judges again.
"""

from __future__ import annotations

__all__: list[str] = []
