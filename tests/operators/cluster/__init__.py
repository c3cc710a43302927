"""The controller of shared coordinators."""
