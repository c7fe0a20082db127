"""Commands written for many rows at once are the bytes a client writes for one."""

import pyarrow as pa
import pytest
import redis
from hiredis import pack_command
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.online.feast.row_store import ROWS_PER_CALL, Rows, _evalsha
from feature_repo.online.redis import BYTES, arguments, command
from feature_repo.online.redis.resp import ask, bulk, content

strings = st.binary(max_size=20)


@given(st.lists(st.tuples(strings, strings), min_size=1, max_size=9), st.data())
def test_pairs_are_written_as_a_client_writes_them(pairs, data):
    keys, values = (pa.array(column, BYTES) for column in zip(*pairs, strict=True))
    first = data.draw(st.integers(0, len(pairs) - 1))
    some = bulk(keys, values).slice(first)

    written = command(1 + 2 * len(some), arguments(b"MSETNX"), content(some))

    words = [word for pair in pairs[first:] for word in pair]
    assert written == pack_command((b"MSETNX", *words))


def test_a_call_of_the_script_is_written_as_a_client_writes_it():
    keys, values = pa.array([b"a", b"bc"], BYTES), pa.array([b"", b"\r\n"], BYTES)

    written = _evalsha(Rows(bulk(keys), bulk(values)), 0, 7)

    sha = written.split(b"\r\n")[4]
    instant = (7).to_bytes(8, "little")
    assert written == pack_command((b"EVALSHA", sha, 2, b"a", b"bc", 0, instant, b"", b"\r\n"))


def test_rows_part_at_the_size_of_a_call():
    column = pa.array([b"x"] * (ROWS_PER_CALL + 3), BYTES)

    assert len(Rows(column, column).part(ROWS_PER_CALL)) == 3


def test_an_error_among_answers_is_raised_and_the_connection_goes_on(redis_address):
    client = redis.Redis(redis_address.host, redis_address.port, single_connection_client=False)
    asked = [command(2, arguments(*words)) for words in ((b"INCR", b"n"), (b"LLEN", b"n"))]

    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        ask(client, [*asked, asked[0]])

    assert ask(client, asked[:1]) == [3]
    client.close()
