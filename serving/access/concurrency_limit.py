"""How much work a process takes on at once: a few requests at work, some waiting, no more.

What is refused at once costs next to nothing, so that a flood leaves the capacity to those who were
let in; what would wait longer than a shopper does is better refused.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from serving.contract import ApiError
from serving.monitoring import IN_FLIGHT

RETRY_AFTER_SECONDS = 1


@dataclass
class ConcurrencyLimit:
    """Places for one kind of work.

    Attributes:
        kind: for metrics and refusals.
        at_work: requests served at the same time.
        waiting: requests that wait for one of these, first come, first served.
    """

    kind: str
    at_work: int
    waiting: int
    _inside: int = 0
    _places: asyncio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.at_work)

    def check(self) -> None:
        """Refuse where all places are taken, before anything is read.

        Raises:
            ApiError: 429.
        """
        if self._inside >= self.at_work + self.waiting:
            expected = f"at most {self.at_work + self.waiting} {self.kind} at once"
            raise ApiError(
                429,
                "capacity",
                expected,
                "more",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        """Take a place, wait for one's turn, and give it back.

        Raises:
            ApiError: 429, all are taken.
        """
        self.check()
        self._inside += 1
        IN_FLIGHT.labels(self.kind).inc()
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1
            IN_FLIGHT.labels(self.kind).dec()
