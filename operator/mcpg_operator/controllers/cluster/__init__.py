"""MCPGCluster: whether gateways can bind to the coordinator that it describes, and which ones do.

The object changes nothing but its own status. What a bound gateway gets of it, the block and the credentials, is rendered with
the gateway from the same parts: `render.cluster_block` and `credentials`.
"""

from mcpg_operator.controllers.cluster.reconciler import ClusterReconciler

__all__ = ["ClusterReconciler"]
