"""MCPGPluginSet: brings proven plugins into a namespace, and says in one document which of them gateways load, and how.

`observe` looks, `decide` holds every rule of resolution, `deliver`, `document`, `binding` and `retire` write, `report` tells.
"""

from mcpg_operator.controllers.plugin_set.reconciler import PluginSetReconciler

__all__ = ["PluginSetReconciler"]
