"""Where a server does not tell of changes, nothing of an item is kept."""

from contextlib import closing

import pytest

from feature_repo.online.redis import RedisAddress
from tests.feature_repo.online.cached_reader import Watched, full
from tests.feature_repo.online.histories import ITEMS, NOW, upsert

UNKNOWN = b"-ERR unknown command\r\n"


@pytest.fixture(params=["client|tracking", "client|caching"])
def without_tracking(room, request):
    """A user of the server who may not ask it to tell of changes."""
    room.client.acl_setuser(
        "reader", enabled=True, nopass=True, keys=["*"],
        commands=["+@all", f"-{request.param}"],
    )  # fmt: skip
    yield RedisAddress.parse(f"redis://reader:any@127.0.0.1:{room.address.port}/0")
    room.client.acl_deluser("reader")


def test_where_the_server_does_not_tell_of_changes_nothing_is_kept(room, without_tracking, caplog):
    with closing(Watched(room, address=without_tracking)) as watched:
        for n in range(3):
            room.take(upsert(f"e{n + 4}", NOW - 9 + n, "i1", brand=f"brand {n}"))
            found, asked = watched.read()
            assert asked == [list(ITEMS)]
            assert found == full(room)

    (warning,) = [r.getMessage() for r in caplog.records if "anew" in r.getMessage()]
    assert "no permissions" in warning.lower()


def test_where_the_server_speaks_the_older_protocol_alone_nothing_is_kept(room, caplog):
    with closing(Watched(room)) as watched:
        watched.way.before = lambda words: UNKNOWN if words[0] == b"HELLO" else None

        for _ in range(2):
            found, asked = watched.read()
            assert asked == [list(ITEMS)]
            assert found == full(room)

    assert "unknown command" in caplog.text


def test_an_address_that_asks_for_an_older_protocol_is_told_of_changes_too(room):
    address = RedisAddress.parse(f"{room.address.url}?protocol=2")
    with closing(Watched(room, address=address)) as watched:
        for n in range(3):
            room.take(upsert(f"e{n + 4}", NOW - 9 + n, "i1", brand=f"brand {n}"))

            assert watched.read()[0] == full(room)
        assert watched.read()[1] == [[]]
