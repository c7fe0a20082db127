"""Ids that no other process gives: 128 random bits, of which only the seed costs a system call."""

import random

_chance = random.Random()


def new_id() -> str:
    """32 hexadecimal digits."""
    return f"{_chance.getrandbits(128):032x}"
