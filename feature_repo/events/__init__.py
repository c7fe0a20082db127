"""What happened: the event contract, the log that keeps it, and the files that fill the log."""
