"""The Kubernetes operator of MCPG plugins: carries the verdict of `supplychain` into a cluster.

It observes four kinds of `mcpg.dev/v1alpha2`, decides in pure functions and enacts by server-side apply. What must be proven
about a plugin, and the proof itself, belong to `supplychain`; nothing here judges evidence.
"""
