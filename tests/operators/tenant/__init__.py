"""The controller of tenants."""
