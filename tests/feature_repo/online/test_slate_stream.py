"""One connection of an event loop answers whoever asks, or fails them all at once."""

import asyncio
import gc
import socket

import pytest
import redis
from hiredis import pack_command

from feature_repo.online.redis_address import RedisAddress, redis_client
from feature_repo.online.slate_stream import SlateStream

SECONDS = 0.2


async def as_it_is(connection):
    await connection.on_connect()


def running(address, work, opened=as_it_is):
    """What the work gives; nothing may be left that the loop complains of."""

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: left.append(context))
        stream = SlateStream(address, SECONDS, opened)
        try:
            return await work(stream)
        finally:
            stream.close()
            await asyncio.sleep(0)

    left = []
    found = asyncio.run(run())
    gc.collect()
    assert left == []
    return found


def get(*names):
    return b"".join(pack_command(("GET", name)) for name in names)


@pytest.fixture
def client(redis_address):
    with redis_client(redis_address) as client:
        yield client
        client.delete("large", "list", *(f"n{n}" for n in range(50)))


def connections(client):
    return {one["id"] for one in client.client_list()}


def test_questions_that_overlap_get_their_own_answers_over_one_connection(redis_address, client):
    client.mset({f"n{n}": n for n in range(50)})
    before = connections(client)

    async def work(stream):
        asked = [stream.ask(get(f"n{n}", f"n{n + 1}"), 2) for n in range(49)]
        return await asyncio.gather(*asked), connections(client)

    found, during = running(redis_address, work)

    assert found == [[b"%d" % n, b"%d" % (n + 1)] for n in range(49)]
    assert len(during - before) == 1


def test_an_answer_of_many_reads_is_whole(redis_address, client):
    large = bytes(range(256)) * 8192
    client.set("large", large)

    assert running(redis_address, lambda stream: stream.ask(get("large", "n1"), 2)) == [large, None]


def test_an_error_is_an_answer_like_others(redis_address, client):
    client.lpush("list", "x")
    client.set("n1", "1")

    wrong, right = running(redis_address, lambda stream: stream.ask(get("list", "n1"), 2))

    assert isinstance(wrong, redis.ResponseError)
    assert right == b"1"


def test_whoever_gives_up_takes_no_answer_from_the_next(redis_address, client):
    client.mset({"n1": 1, "n2": 2})

    async def work(stream):
        await stream.ask(get("n1"), 1)
        given_up = asyncio.ensure_future(stream.ask(get("n1"), 1))
        await asyncio.sleep(0)
        given_up.cancel()
        return await stream.ask(get("n2"), 1)

    assert running(redis_address, work) == [b"2"]


def test_the_database_of_the_address_is_asked(redis_address, client):
    address = RedisAddress.parse(redis_address.url.rpartition("/")[0] + "/3")
    with redis_client(address) as other:
        other.set("n1", "third")
        client.set("n1", "first")

        assert running(address, lambda stream: stream.ask(get("n1"), 1)) == [b"third"]

        other.delete("n1")


def test_who_gave_up_is_not_told_that_the_connection_was_lost(redis_address, client):
    async def work(stream):
        await stream.ask(get("n1"), 1)
        given_up = asyncio.ensure_future(stream.ask(get("n1"), 1))
        await asyncio.sleep(0)
        given_up.cancel()
        stream.close()
        await asyncio.sleep(0.01)

    assert running(redis_address, work) is None


def test_a_lost_connection_is_opened_again_for_the_next_question(redis_address, client):
    client.set("n1", "1")

    async def work(stream):
        before = connections(client)
        await stream.ask(get("n1"), 1)
        (ours,) = connections(client) - before
        client.client_kill_filter(_id=ours)
        found = []
        for _ in range(2):
            try:
                found.append(await stream.ask(get("n1"), 1))
            except redis.ConnectionError:
                found.append("lost")
        return found[-1]

    assert running(redis_address, work) == [b"1"]


def test_a_server_that_never_answers_fails_all_who_wait():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = RedisAddress.local(silent.getsockname()[1])

        async def no_greeting(connection):
            pass

        async def work(stream):
            asked = [stream.ask(get("n1"), 1) for _ in range(3)]
            return await asyncio.gather(*asked, return_exceptions=True)

        found = running(address, work, no_greeting)

    assert all(isinstance(error, redis.RedisError) for error in found)
    assert any(isinstance(error, redis.TimeoutError) for error in found)


def test_where_nobody_listens_it_says_so():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = RedisAddress.local(closed.getsockname()[1])

    with pytest.raises(redis.ConnectionError):
        running(address, lambda stream: stream.ask(get("n1"), 1))


def test_a_server_that_is_not_the_right_one_is_not_asked(redis_address):
    async def refuse(connection):
        await connection.on_connect()
        raise redis.ConnectionError("another one")

    with pytest.raises(redis.ConnectionError, match="another one"):
        running(redis_address, lambda stream: stream.ask(get("n1"), 1), refuse)


def test_a_loop_that_was_late_still_reads_what_came_in_time(redis_address, client):
    client.set("n1", "1")

    async def work(stream):
        await stream.ask(get("n1"), 1)
        asked = asyncio.ensure_future(stream.ask(get("n1"), 1))
        await asyncio.sleep(0)
        blocked = asyncio.get_running_loop().time() + 2 * SECONDS
        while asyncio.get_running_loop().time() < blocked:
            pass
        return await asked

    assert running(redis_address, work) == [b"1"]
