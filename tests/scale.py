"""How hard a run of the tests looks, and how long it waits: two factors from the environment.

`AISLE_EXAMPLES` multiplies the examples of every property (`make test-long` sets it).
`AISLE_PATIENCE` multiplies every deadline, of the tests and of the services they start.  A wait
ends as soon as its condition holds, so that patience costs a run that passes nothing.
"""

import os

EXAMPLES = float(os.environ.get("AISLE_EXAMPLES", "1"))

PATIENCE = float(os.environ.setdefault("AISLE_PATIENCE", "10"))
"""A machine with ten processes a core gives a test a tenth of it."""


def examples(usual: int) -> int:
    """Number of examples of a property that tries `usual` many by default."""
    return max(1, round(usual * EXAMPLES))


def seconds(usual: float) -> float:
    """A deadline of `usual` seconds on an idle machine."""
    return usual * PATIENCE
