"""Units of the room that keeps verified plugins."""
