"""Blocking work, done in threads beside the event loop, and not waited for longer than agreed."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def run_with_timeout(seconds: float, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run `work` in a thread of `pool`.

    Raises:
        TimeoutError: it takes longer; it goes on unheard, or never begins.
    """
    deadline = time.monotonic() + seconds

    def in_time() -> T:
        if time.monotonic() > deadline:
            raise TimeoutError
        return work()

    async with asyncio.timeout(seconds):
        return await run_in_pool(pool, in_time)


async def run_in_pool(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run `work` in a thread of `pool`, however long it takes."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)
