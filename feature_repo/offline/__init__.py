"""Feature values as they were known at past instants."""
