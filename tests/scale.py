"""Scale the examples and the deadlines of the tests by two environment variables.

`AISLE_EXAMPLES` multiplies the examples of every property (`make test-long` sets it).
`AISLE_PATIENCE` multiplies every deadline, of the tests and of the services they start.  A wait
ends as soon as its condition holds, so longer deadlines do not slow down a passing run.
"""

import os

EXAMPLES = float(os.environ.get("AISLE_EXAMPLES", "1"))

PATIENCE = float(os.environ.setdefault("AISLE_PATIENCE", "10"))
"""Ten by default: on a machine with ten processes a core, a test gets a tenth of a core."""


def examples(default: int) -> int:
    """Number of examples of a property that tries `default` examples without the variable."""
    return max(1, round(default * EXAMPLES))


def seconds(idle_seconds: float) -> float:
    """Return a deadline that is `idle_seconds` on an idle machine."""
    return idle_seconds * PATIENCE
