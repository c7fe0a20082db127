"""Request ids: 128 random bits, with one system call per process instead of one per id."""

import random

_random = random.Random()


def new_id() -> str:
    """Return 32 hexadecimal digits."""
    return f"{_random.getrandbits(128):032x}"
