"""Feature values at the instant of a request: stored rows and live events in Redis."""
