"""Private names of redis-py's asyncio connection: its stream writer, and how it drops it."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection


def transport(connection: "AbstractConnection") -> asyncio.Transport:
    """Return the transport of a connected connection, which may get another protocol."""
    writer: asyncio.StreamWriter = cast("Any", connection)._writer
    return cast("asyncio.Transport", writer.transport)


def close_writer(connection: "AbstractConnection") -> None:
    """Close the connection's writer without waiting; the connection may be closed already."""
    cast("Any", connection)._close()
