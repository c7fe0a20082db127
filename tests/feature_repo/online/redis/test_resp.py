"""Commands encoded for many rows equal the bytes that a client encodes."""

import pyarrow as pa
import pytest
import redis
from hiredis import pack_command
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.online.redis import BYTES, arguments, command
from feature_repo.online.redis.resp import bulk, content, send

strings = st.binary(max_size=20)


@given(st.lists(st.tuples(strings, strings), min_size=1, max_size=9), st.data())
def test_pairs_are_encoded_as_a_client_encodes_them(pairs, data):
    keys, values = (pa.array(column, BYTES) for column in zip(*pairs, strict=True))
    first = data.draw(st.integers(0, len(pairs) - 1))
    some = bulk(keys, values).slice(first)

    written = command(1 + 2 * len(some), arguments(b"MSETNX"), content(some))

    words = [word for pair in pairs[first:] for word in pair]
    assert written == pack_command((b"MSETNX", *words))


def test_error_reply_is_raised_and_the_connection_is_reusable(redis_address):
    client = redis.Redis.from_url(redis_address.url)
    commands = [command(2, arguments(*words)) for words in ((b"INCR", b"n"), (b"LLEN", b"n"))]

    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        send(client, [*commands, commands[0]])

    assert send(client, commands[:1]) == [3]
    client.close()
