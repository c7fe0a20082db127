"""Clients of the Redis in Feast's configuration, one for each deadline.

Feast's own store creates them, so that Sentinel and clusters work as with stock Feast.
"""

import asyncio
import weakref
from typing import Any

from feature_repo.library_internals import async_redis_client, redis_client
from feature_repo.online.feast.row_store import Client


class Connections:
    """Creates and caches clients; asynchronous ones belong to their event loop."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, float], Client] = {}
        self._of_loop: weakref.WeakKeyDictionary[Any, dict[tuple[str, float], Client]] = (
            weakref.WeakKeyDictionary()
        )

    def get(self, config: Any, deadline_seconds: float) -> Client:
        """Return a client whose calls wait at most `deadline_seconds`.

        Args:
            config: of the online store.
            deadline_seconds: of the connection and of each reply.
        """
        name = (config.connection_string, deadline_seconds)
        if name not in self._clients:
            timed = _timed(config, deadline_seconds)
            self._clients[name] = redis_client(timed)
        return self._clients[name]

    async def get_async(self, config: Any, deadline_seconds: float) -> Client:
        """Like `get`, for the running event loop."""
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
    """Return a copy of the configuration with this deadline and without retries."""
    replaced = ("socket_timeout=", "socket_connect_timeout=", "retry=")
    options = config.connection_string.split(",")
    options = [option for option in options if not option.startswith(replaced)]
    words = [f"socket_timeout={deadline_seconds}", f"socket_connect_timeout={deadline_seconds}"]
    text = ",".join([*options, *words, "retry=null"])
    return config.model_copy(update={"connection_string": text})
