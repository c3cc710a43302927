"""MCPGRoute: whether its gateway takes it, and whether it carries it.

The object changes nothing but its own status; its rules are rendered with the gateway.
"""

from mcpg_operator.controllers.route.reconciler import RouteReconciler

__all__ = ["RouteReconciler"]
