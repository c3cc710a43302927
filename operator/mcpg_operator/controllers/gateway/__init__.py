"""MCPGGateway: renders what a gateway needs from what was proven, keeps it running, and says how it is.

`observe` looks (`sets`, `lists`, `coordinators`, `claims` look at one dependency each), `decide` holds every rule, `children` and
`enact` write, `report` tells.
"""

from mcpg_operator.controllers.gateway.reconciler import GatewayReconciler

__all__ = ["GatewayReconciler"]
