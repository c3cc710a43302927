"""The `status` of the kinds, as models: the source of the schema, and the shape of what controllers write.

The `spec` of each kind is in `supplychain.api`, because the command line reads it too. A status is never read as a source of
trust; nothing here parses one.
"""

from mcpg_operator.api.cluster import ClusterStatus
from mcpg_operator.api.common import Condition, Status
from mcpg_operator.api.gateway import GatewayStatus
from mcpg_operator.api.plugin import PluginStatus
from mcpg_operator.api.plugin_mirror import PluginMirrorStatus
from mcpg_operator.api.plugin_set import FailedEntry, PluginSetStatus
from mcpg_operator.api.revocation_list import RevocationListStatus
from mcpg_operator.api.route import RouteStatus
from mcpg_operator.api.tenant import ObservedCounts, TenantStatus

__all__ = [
    "ClusterStatus",
    "Condition",
    "FailedEntry",
    "GatewayStatus",
    "ObservedCounts",
    "PluginMirrorStatus",
    "PluginSetStatus",
    "PluginStatus",
    "RevocationListStatus",
    "RouteStatus",
    "Status",
    "TenantStatus",
]
