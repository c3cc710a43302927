"""MCPGTenant: whose the namespaces are, how much there may be in them, and who may use which plugins there.

`observe` looks at one namespace and at one tenant, `decide` holds the rules, `namespaces` writes what a namespace has to bear.
What a tenant allows is enforced by the controllers of sets and gateways.
"""

from mcpg_operator.controllers.tenant.reconciler import TenantReconciler

__all__ = ["TenantReconciler"]
