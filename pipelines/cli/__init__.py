"""`aisle`: every step of the platform from a terminal."""
