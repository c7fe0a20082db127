"""Clients of the Redis that Feast's configuration names, one for each deadline.

Feast's own store makes them, so that Sentinel and clusters are reached as it reaches them.
"""

import asyncio
import weakref
from typing import Any

from feature_repo.library_internals import async_redis_client, redis_client
from feature_repo.online.feast.row_store import Client


class Connections:
    """Made when first asked for, and kept; asynchronous ones belong to their event loop."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, float], Client] = {}
        self._of_loop: weakref.WeakKeyDictionary[Any, dict[tuple[str, float], Client]] = (
            weakref.WeakKeyDictionary()
        )

    def get(self, config: Any, deadline_seconds: float) -> Client:
        """A client whose calls wait so long for an answer.

        Args:
            config: of the online store.
            deadline_seconds: of the connection and of each answer.
        """
        name = (config.connection_string, deadline_seconds)
        if name not in self._clients:
            timed = _timed(config, deadline_seconds)
            self._clients[name] = redis_client(timed)
        return self._clients[name]

    async def get_async(self, config: Any, deadline_seconds: float) -> Client:
        """As `get`, for the running event loop."""
        clients = self._of_loop.setdefault(asyncio.get_running_loop(), {})
        name = (config.connection_string, deadline_seconds)
        if name not in clients:
            timed = _timed(config, deadline_seconds)
            clients[name] = await async_redis_client(timed)
        return clients[name]

    def close(self) -> None:
        """Close the clients that are not asynchronous."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    async def close_async(self) -> None:
        """Close the clients of the running event loop."""
        for client in self._of_loop.pop(asyncio.get_running_loop(), {}).values():
            await client.aclose()


def _timed(config: Any, deadline_seconds: float) -> Any:
    """The configuration with this deadline in place of its own, and without retries."""
    ours = ("socket_timeout=", "socket_connect_timeout=", "retry=")
    kept = [word for word in config.connection_string.split(",") if not word.startswith(ours)]
    words = [f"socket_timeout={deadline_seconds}", f"socket_connect_timeout={deadline_seconds}"]
    text = ",".join([*kept, *words, "retry=null"])
    return config.model_copy(update={"connection_string": text})
