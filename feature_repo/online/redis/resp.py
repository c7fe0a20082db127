"""Encodes commands of many rows in the Redis protocol, without a Python value for each row.

https://redis.io/docs/latest/develop/reference/protocol-spec
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import redis

BYTES = pa.large_binary()
"""The large type, because many strings may exceed 2 GB together."""


def decimal_lengths(strings: pa.Array) -> pa.Array:
    """Return N lengths in bytes, in decimal digits."""
    return pc.binary_length(strings).cast(pa.large_string()).cast(BYTES)


def concatenate(*parts: pa.Array | bytes) -> pa.Array:
    """Concatenate the parts of N strings; null where a part is null."""
    columns = [pa.scalar(part, BYTES) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*columns, pa.scalar(b"", BYTES))


def bulk(*columns: pa.Array) -> pa.Array:
    """Encode N strings of each column as arguments: of two columns as N pairs."""
    parts = [(b"$", decimal_lengths(column), b"\r\n", column, b"\r\n") for column in columns]
    return concatenate(*(part for column_parts in parts for part in column_parts))


def content(strings: pa.Array) -> bytes:
    """Return the bytes of N strings without nulls, end to end."""
    if not len(strings):
        return b""
    _, ends, payload = strings.buffers()
    first, last = (
        int.from_bytes(ends[8 * at : 8 * at + 8].to_pybytes(), "little")
        for at in (strings.offset, strings.offset + len(strings))
    )
    return payload[first:last].to_pybytes()  # type: ignore[no-any-return]


def arguments(*words: bytes | int) -> bytes:
    """Encode words as arguments."""
    texts = [word if isinstance(word, bytes) else b"%d" % word for word in words]
    return b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])


def command(words: int, *parts: bytes) -> bytes:
    """Return a command of `words` words, which are given as encoded arguments."""
    return b"".join([b"*%d\r\n" % words, *parts])


def send(client: "redis.Redis", commands: Sequence[bytes]) -> list[Any]:
    """Send commands to one server in one round trip; return one reply for each.

    Raises:
        redis.RedisError: the server does not answer, or a reply is an error; all were sent.
    """
    replies = exchange(client, b"".join(commands), len(commands))
    for reply in replies:
        if isinstance(reply, redis.ResponseError):
            raise reply
    return replies


def exchange(client: "redis.Redis", commands: bytes, reply_count: int) -> list[Any]:
    """Send commands in one piece and return their replies, errors among them.

    The client's own pipeline sends a slate's keys in several pieces, and each wakes up the server.

    Raises:
        redis.RedisError: the server does not answer.
    """
    connection: Any = client.connection_pool.get_connection()
    try:
        connection.send_packed_command([commands])
        return [_reply(connection) for _ in range(reply_count)]
    except BaseException:
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)


def _reply(connection: Any) -> Any:
    """Return a reply or its error; the replies after an error must be read too."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
