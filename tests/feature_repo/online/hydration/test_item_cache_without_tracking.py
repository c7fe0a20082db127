"""Items are not cached where the server does not report changes."""

from contextlib import closing

import pytest

from feature_repo.online.redis import RedisAddress
from tests.feature_repo.online.cached_reader import ObservedReader, uncached
from tests.feature_repo.online.histories import ITEMS, NOW, upsert

UNKNOWN = b"-ERR unknown command\r\n"


@pytest.fixture(params=["client|tracking", "client|caching"])
def without_tracking(room, request):
    """A user of the server without permission to track keys."""
    room.client.acl_setuser(
        "reader",
        enabled=True,
        nopass=True,
        keys=["*"],
        commands=["+@all", f"-{request.param}"],
    )
    yield RedisAddress.parse(f"redis://reader:any@127.0.0.1:{room.address.port}/0")
    room.client.acl_deluser("reader")


def test_nothing_is_cached_without_permission_to_track(room, without_tracking, caplog):
    with closing(ObservedReader(room, address=without_tracking)) as observed:
        for n in range(3):
            room.take(upsert(f"e{n + 4}", NOW - 9 + n, "i1", brand=f"brand {n}"))
            context, requests = observed.read()
            assert requests == [list(ITEMS)]
            assert context == uncached(room)

    (warning,) = [r.getMessage() for r in caplog.records if "not cached" in r.getMessage()]
    assert "no permissions" in warning.lower()


def test_nothing_is_cached_over_protocol_version_2(room, caplog):
    with closing(ObservedReader(room)) as observed:
        observed.proxy.before = lambda words: UNKNOWN if words[0] == b"HELLO" else None

        for _ in range(2):
            context, requests = observed.read()
            assert requests == [list(ITEMS)]
            assert context == uncached(room)

    assert "unknown command" in caplog.text


def test_url_with_protocol_2_is_tracked_over_protocol_3(room):
    address = RedisAddress.parse(f"{room.address.url}?protocol=2")
    with closing(ObservedReader(room, address=address)) as observed:
        for n in range(3):
            room.take(upsert(f"e{n + 4}", NOW - 9 + n, "i1", brand=f"brand {n}"))

            assert observed.read()[0] == uncached(room)
        assert observed.read()[1] == [[]]
