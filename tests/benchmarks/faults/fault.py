"""The declaration of a fault: what is done, what is expected, and how it is measured."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.http.small_shop import Service


@dataclass(frozen=True)
class Measured:
    """The result of one fault.

    Attributes:
        held: whether everything expected was measured.
        text: the figures, as the page shows them.
    """

    held: bool
    text: str


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: unique; `make bench NAME="faults 'Redis killed'"` measures this fault alone.
        done: what is done to the service.
        expected: what must hold.
        measure: does it to a running service, and leaves the service healthy.  A fault that needs
            a home or a service of another kind makes one.
        test: the test of the suite that fails without the protection, as `file::function`.
    """

    name: str
    done: str
    expected: str
    measure: Callable[[Service], Measured]
    test: str
