"""The event contract, its parsers, and the log that keeps what happened."""
