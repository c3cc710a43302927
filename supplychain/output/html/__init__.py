"""Reports as one self-contained HTML page: nothing is loaded, no text of strangers is markup, only our script may run."""

from supplychain.output.html.manifests import render_lint
from supplychain.output.html.verdicts import render

__all__ = ["render", "render_lint"]
