"""MCPGPlugin."""
