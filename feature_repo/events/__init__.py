"""Events: their contract, the log that stores them, and the ingest of files."""
