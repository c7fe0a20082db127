"""Feature values at the instant of a request."""
