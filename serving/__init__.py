"""What we answer: a request in, a slate out, an impression in the log."""
