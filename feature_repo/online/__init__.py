"""Feature values at the instant of a request: Redis rows, live tiles, the Redis server."""
