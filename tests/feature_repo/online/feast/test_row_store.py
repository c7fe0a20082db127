"""The row store splits its rows into calls and encodes them as a client encodes them."""

import pyarrow as pa
from hiredis import pack_command

from feature_repo.online.feast.row_store import ROWS_PER_CALL, Rows, script_call
from feature_repo.online.redis import BYTES
from feature_repo.online.redis.resp import bulk


def test_script_call_is_encoded_as_a_client_encodes_it():
    keys, values = pa.array([b"a", b"bc"], BYTES), pa.array([b"", b"\r\n"], BYTES)

    written = script_call(Rows(bulk(keys), bulk(values)), 0, 7)

    sha = written.split(b"\r\n")[4]
    instant = (7).to_bytes(8, "little")
    assert written == pack_command((b"EVALSHA", sha, 2, b"a", b"bc", 0, instant, b"", b"\r\n"))


def test_rows_are_split_at_the_size_of_a_call():
    column = pa.array([b"x"] * (ROWS_PER_CALL + 3), BYTES)

    assert len(Rows(column, column).part(ROWS_PER_CALL)) == 3
