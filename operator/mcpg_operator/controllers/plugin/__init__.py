"""MCPGPlugin: pulled, judged by the verifier, stored, and judged again from what is kept whenever the grounds change.

`observe` reads everything that a verdict depends on, `decide` says what to do next, `enact` does it; a pass repeats this until
there is nothing to do but to wait, and then writes status and ledger once. Downloads run beside the passes, in `lanes`.
"""

from mcpg_operator.controllers.plugin.reconciler import HOUSEKEEPING, PluginReconciler

__all__ = ["HOUSEKEEPING", "PluginReconciler"]
