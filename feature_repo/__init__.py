"""What we know: events in, features out, offline and online."""
