"""Limits of concurrent work: a few requests run, some wait, the rest are rejected.

A rejection costs almost nothing, so an overloaded process still has its capacity for the requests
it accepted.
"""

import asyncio
from dataclasses import dataclass, field

from serving.contract import ApiError
from serving.monitoring import IN_FLIGHT

RETRY_AFTER_SECONDS = 1

RUNNING_ANSWERS, WAITING_ANSWERS = 2, 14
"""One is scored while another waits for Redis; a third would only delay rejections.  A longer queue
would exceed the deadline."""

RUNNING_EVENTS, WAITING_EVENTS = 8, 56
"""One body per writer thread; waiting bodies share one fsync."""


@dataclass
class ConcurrencyLimit:
    """Limit of one kind of work; an asynchronous context manager around each request.

    Attributes:
        kind: name in metrics and errors.
        running: how many requests run at the same time.
        waiting: how many more may wait, first come, first served.
    """

    kind: str
    running: int
    waiting: int
    _in_flight: int = 0
    _semaphore: asyncio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._semaphore = asyncio.Semaphore(self.running)

    @property
    def running_slots(self) -> asyncio.Semaphore:
        """What a request that has taken a slot waits for."""
        return self._semaphore

    def check(self) -> None:
        """Reject a request, before its body is read, when no slot is free.

        Raises:
            ApiError: 429.
        """
        if self._in_flight >= self.running + self.waiting:
            raise ApiError(
                429,
                "capacity",
                f"at most {self.running + self.waiting} {self.kind} at once",
                "more",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )

    async def __aenter__(self) -> None:
        """Wait until the request may run.

        Raises:
            ApiError: 429, no slot is free.
        """
        self.take()
        try:
            await self._semaphore.acquire()
        except BaseException:
            self.give_back()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._semaphore.release()
        self.give_back()

    def take(self) -> None:
        """Take a slot, for a request that waits or runs.

        Raises:
            ApiError: 429, no slot is free.
        """
        self.check()
        self._in_flight += 1
        IN_FLIGHT.labels(self.kind).inc()

    def give_back(self) -> None:
        """Give a taken slot back."""
        self._in_flight -= 1
        IN_FLIGHT.labels(self.kind).dec()


def concurrency_limits() -> dict[str, ConcurrencyLimit]:
    """Return the limits of one process, by kind of work."""
    return {
        "answers": ConcurrencyLimit("answers", RUNNING_ANSWERS, WAITING_ANSWERS),
        "events": ConcurrencyLimit("events", RUNNING_EVENTS, WAITING_EVENTS),
    }
