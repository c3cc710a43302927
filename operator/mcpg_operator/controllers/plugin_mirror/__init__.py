"""MCPGPluginMirror: whether the mirror is there, answers, and takes the credentials; and how many plugins name it.

The object changes nothing but its own status. How references are renamed is `supplychain.mirror.rewrite`, and that a plugin that
names a mirror never goes upstream is the business of whoever pulls.
"""

from mcpg_operator.controllers.plugin_mirror.reconciler import PluginMirrorReconciler

__all__ = ["PluginMirrorReconciler"]
