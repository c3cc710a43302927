"""MCPGRevocationList: `cluster-default` is kept safe, brought to every namespace that has a gateway, and reported on.

That a revocation takes effect does not wait for any of this: `mcpg_operator.revocations` wakes the plugins as soon as the list
changes. Lists of other names only add for gateways that name them; here they are counted.
"""

from mcpg_operator.controllers.revocation_list.reconciler import RevocationListReconciler

__all__ = ["RevocationListReconciler"]
