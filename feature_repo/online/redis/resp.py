"""Commands for many rows in the Redis protocol, written without a Python value for each row.

https://redis.io/docs/latest/develop/reference/protocol-spec
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import redis

BYTES = pa.large_binary()
"""Large, because many strings may be more than 2 GB together."""


def counted(strings: pa.Array) -> pa.Array:
    """N lengths in bytes, in decimal digits."""
    return pc.binary_length(strings).cast(pa.large_string()).cast(BYTES)


def joined(*parts: pa.Array | bytes) -> pa.Array:
    """N strings: the parts of each one after the other; null where a part is null."""
    columns = [pa.scalar(part, BYTES) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*columns, pa.scalar(b"", BYTES))


def bulk(*columns: pa.Array) -> pa.Array:
    """N strings of each column as N arguments, or pairs or more of them."""
    parts = [(b"$", counted(column), b"\r\n", column, b"\r\n") for column in columns]
    return joined(*(part for of_column in parts for part in of_column))


def content(strings: pa.Array) -> bytes:
    """N strings without nulls, one after the other."""
    if not len(strings):
        return b""
    _, ends, payload = strings.buffers()
    first, last = (
        int.from_bytes(ends[8 * at : 8 * at + 8].to_pybytes(), "little")
        for at in (strings.offset, strings.offset + len(strings))
    )
    return payload[first:last].to_pybytes()  # type: ignore[no-any-return]


def arguments(*words: bytes | int) -> bytes:
    """Single words as arguments."""
    texts = [word if isinstance(word, bytes) else b"%d" % word for word in words]
    return b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])


def command(words: int, *parts: bytes) -> bytes:
    """A command of so many words, given as arguments."""
    return b"".join([b"*%d\r\n" % words, *parts])


def ask(client: "redis.Redis", commands: Sequence[bytes]) -> list[Any]:
    """Send commands to one server in one round trip; one answer for each.

    Raises:
        redis.RedisError: no answer, or one of them is an error; every command was sent.
    """
    found = exchange(client, b"".join(commands), len(commands))
    for answer in found:
        if isinstance(answer, redis.ResponseError):
            raise answer
    return found


def exchange(client: "redis.Redis", commands: bytes, answers: int) -> list[Any]:
    """What commands give that are sent in one piece, errors among the answers.

    The client's own pipeline sends a slate's keys in several, and the server wakes up for each.

    Raises:
        redis.RedisError: the server does not answer.
    """
    connection: Any = client.connection_pool.get_connection()
    try:
        connection.send_packed_command([commands])
        return [_answer(connection) for _ in range(answers)]
    except BaseException:
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)


def _answer(connection: Any) -> Any:
    """An answer, or the error it tells; the answers behind it must be read nonetheless."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
