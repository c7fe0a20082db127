"""Feature values as they were at past instants."""
