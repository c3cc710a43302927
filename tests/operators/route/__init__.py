"""The controller of routes."""
