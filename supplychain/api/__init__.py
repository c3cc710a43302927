"""The custom resources that say what must be proven, and what serves it: `mcpg.dev/v1alpha2`, as strict models.

Pure: a document goes in, a typed spec or an `InputError` that names the field comes out. The same models judge a manifest on the
command line and an object of the cluster. What needs other objects (does the mirror exist?) is not decided here.
"""

from supplychain.api.cluster import ClusterSpec
from supplychain.api.common import API_VERSION, Model, parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.api.plugin import PluginSpec
from supplychain.api.plugin_mirror import PluginMirrorSpec
from supplychain.api.plugin_set import PluginSetSpec
from supplychain.api.problems import FieldProblem, problems_of
from supplychain.api.revocation_list import RevocationListSpec
from supplychain.api.route import RouteSpec
from supplychain.api.tenant import TenantSpec

__all__ = [
    "API_VERSION",
    "ClusterSpec",
    "FieldProblem",
    "GatewaySpec",
    "Model",
    "PluginMirrorSpec",
    "PluginSetSpec",
    "PluginSpec",
    "RevocationListSpec",
    "RouteSpec",
    "TenantSpec",
    "parse_spec",
    "problems_of",
]
