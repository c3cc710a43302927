"""One file that carries plugins, their evidence, and what they were judged by.

* `archive`, `compression`, `parts`, `volume_writer`: the file from the inside out: tar, zstd, parts
* `index`, `inventory`: the index of its content, written and read
* `maker`, `writer`, `blob_file`: a bundle made, from plugins that are trusted
* `opened`, `small_blobs`: a bundle read, once from front to back
* `terms`, `policy_form`, `summary`, `enclosed`: what plugins were judged by, who signed that, and when it counts
* `judging`, `source`, `content`: a bundle judged, and read as a source like any other
"""

from __future__ import annotations

__all__: list[str] = []
