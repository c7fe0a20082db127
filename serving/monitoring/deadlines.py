"""Blocking work in threads, with or without a deadline."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def run_with_timeout(seconds: float, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run `work` in a thread of `pool`.

    Raises:
        TimeoutError: the work takes longer.  It finishes in its thread if it had begun; its result
            is lost.
    """
    deadline = time.monotonic() + seconds

    def unless_late() -> T:
        if time.monotonic() > deadline:
            raise TimeoutError
        return work()

    async with asyncio.timeout(seconds):
        return await run_in_pool(pool, unless_late)


async def run_in_pool(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run `work` in a thread of `pool`."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)
