"""One connection of an event loop answers whoever asks, or fails them all at once."""

import asyncio
import gc
import socket

import pytest
import redis
from hiredis import pack_command

from feature_repo.online.redis import PipelinedClient, RedisAddress, redis_client
from tests.feature_repo.online.byte_proxy import ByteProxy

SECONDS = 0.2


async def as_it_is(connection):
    await connection.on_connect()


def ignored(keys):
    pass


def running(address, work, opened=as_it_is, changed=ignored):
    """What the work gives; nothing may be left that the loop complains of."""

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: left.append(context))
        stream = PipelinedClient(address, SECONDS, opened, changed)
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


def ask(stream, *names, understand=list):
    """What lies under names, as a question of its own; the server is to tell when it changes."""
    told = pack_command(("CLIENT", "CACHING", "YES"))
    commands = b"".join(told + pack_command(("GET", name)) for name in names)
    return stream.ask(commands, 2 * len(names), lambda answers: understand(answers[1::2]))


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
        asked = [ask(stream, f"n{n}", f"n{n + 1}") for n in range(49)]
        return await asyncio.gather(*asked), connections(client)

    found, during = running(redis_address, work)

    assert found == [[b"%d" % n, b"%d" % (n + 1)] for n in range(49)]
    assert len(during - before) == 1


def test_an_answer_of_many_reads_is_whole(redis_address, client):
    large = bytes(range(256)) * 8192
    client.set("large", large)

    assert running(redis_address, lambda stream: ask(stream, "large", "n1")) == [large, None]


def test_an_error_is_an_answer_like_others(redis_address, client):
    client.lpush("list", "x")
    client.set("n1", "1")

    wrong, right = running(redis_address, lambda stream: ask(stream, "list", "n1"))

    assert isinstance(wrong, redis.ResponseError)
    assert right == b"1"


def test_whoever_gives_up_takes_no_answer_from_the_next(redis_address, client):
    client.mset({"n1": 1, "n2": 2})

    async def work(stream):
        await ask(stream, "n1")
        given_up = asyncio.ensure_future(ask(stream, "n1"))
        await asyncio.sleep(0)
        given_up.cancel()
        return await ask(stream, "n2")

    assert running(redis_address, work) == [b"2"]


def test_the_database_of_the_address_is_asked(redis_address, client):
    address = RedisAddress.parse(redis_address.url.rpartition("/")[0] + "/3")
    with redis_client(address) as other:
        other.set("n1", "third")
        client.set("n1", "first")

        assert running(address, lambda stream: ask(stream, "n1")) == [b"third"]

        other.delete("n1")


def test_who_gave_up_is_not_told_that_the_connection_was_lost(redis_address, client):
    async def work(stream):
        await ask(stream, "n1")
        given_up = asyncio.ensure_future(ask(stream, "n1"))
        await asyncio.sleep(0)
        given_up.cancel()
        stream.close()
        await asyncio.sleep(0.01)

    assert running(redis_address, work) is None


def test_a_lost_connection_is_opened_again_for_the_next_question(redis_address, client):
    client.set("n1", "1")

    async def work(stream):
        before = connections(client)
        await ask(stream, "n1")
        (ours,) = connections(client) - before
        client.client_kill_filter(_id=ours)
        found = []
        for _ in range(2):
            try:
                found.append(await ask(stream, "n1"))
            except redis.ConnectionError:
                found.append("lost")
        return found[-1]

    assert running(redis_address, work) == [b"1"]


def test_a_server_that_falls_silent_fails_all_who_wait(redis_address):
    async def work():
        async with ByteProxy(
            redis_address, lambda words: b"" if {b"GET", b"CACHING"} & {*words} else None
        ) as way:
            stream = PipelinedClient(way.address, SECONDS, as_it_is, ignored)
            asked = [ask(stream, "n1") for _ in range(3)]
            found = await asyncio.gather(*asked, return_exceptions=True)
            stream.close()
            return found

    found = asyncio.run(work())

    assert all(isinstance(error, redis.RedisError) for error in found)
    assert any(isinstance(error, redis.TimeoutError) for error in found)


def test_a_server_that_never_greets_fails_all_who_wait():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = RedisAddress.local(silent.getsockname()[1])

        async def work(stream):
            asked = [ask(stream, "n1") for _ in range(3)]
            return await asyncio.gather(*asked, return_exceptions=True)

        found = running(address, work)

    assert {type(error) for error in found} == {redis.TimeoutError}


def test_where_nobody_listens_it_says_so():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = RedisAddress.local(closed.getsockname()[1])

    with pytest.raises(redis.ConnectionError):
        running(address, lambda stream: ask(stream, "n1"))


def test_a_server_that_is_not_the_right_one_is_not_asked(redis_address):
    async def refuse(connection):
        await connection.on_connect()
        raise redis.ConnectionError("another one")

    with pytest.raises(redis.ConnectionError, match="another one"):
        running(redis_address, lambda stream: ask(stream, "n1"), refuse)


def test_a_loop_that_was_late_still_reads_what_came_in_time(redis_address, client):
    client.set("n1", "1")

    async def work(stream):
        await ask(stream, "n1")
        asked = asyncio.ensure_future(ask(stream, "n1"))
        await asyncio.sleep(0)
        blocked = asyncio.get_running_loop().time() + 2 * SECONDS
        while asyncio.get_running_loop().time() < blocked:
            pass
        return await asked

    assert running(redis_address, work) == [b"1"]


def test_a_change_is_told_before_the_answer_to_what_was_asked_after_it(redis_address, client):
    client.set("n1", "1")
    said = []

    async def work(stream):
        for value in ("2", "3"):
            await ask(stream, "n1", understand=said.append)
            client.set("n1", value)
            client.set("n2", value)
        await ask(stream, "n1", understand=said.append)

    running(redis_address, work, changed=said.append)

    assert said == [None, [b"1"], [b"n1"], [b"2"], [b"n1"], [b"3"], None]


def test_of_what_nobody_wants_to_be_told_nothing_is_told(redis_address, client):
    said = []

    async def work(stream):
        for value in ("2", "3"):
            await stream.ask(pack_command(("GET", "n1")), 1, list)
            client.set("n1", value)
        await stream.ask(pack_command(("GET", "n1")), 1, list)
        assert await stream.tells_changes()

    running(redis_address, work, changed=said.append)

    assert said == [None, None]


def test_an_answer_is_understood_before_a_change_that_comes_with_it(redis_address, client):
    client.set("n1", "old")
    said = []

    async def work():
        async with ByteProxy(redis_address) as way:
            stream = PipelinedClient(way.address, SECONDS * 50, as_it_is, said.append)
            await ask(stream, "n2")
            way.hold()
            asked = asyncio.ensure_future(ask(stream, "n1", understand=said.append))
            await way.holds(b"old")
            client.set("n1", "new")
            await way.holds(b"invalidate")
            way.release()
            await asked
            stream.close()

    asyncio.run(work())

    assert said[1:] == [[b"old"], [b"n1"], None]


def test_what_is_not_there_is_told_of_when_it_comes(redis_address, client):
    said = []

    async def work(stream):
        await ask(stream, "n1", understand=said.append)
        client.set("n1", "1")
        await ask(stream, "n2", understand=said.append)

    running(redis_address, work, changed=said.append)

    assert said == [None, [None], [b"n1"], [None], None]


def test_all_is_told_to_have_changed_where_a_connection_is_opened_lost_or_flushed(
    redis_address, client
):
    said = []

    async def work(stream):
        for _ in range(2):
            await ask(stream, "n1", understand=said.append)
            stream.close()
            await asyncio.sleep(0)
        await ask(stream, "n1", understand=said.append)
        client.flushdb()
        await ask(stream, "n1", understand=said.append)

    running(redis_address, work, changed=said.append)

    once = [None, [None], None]
    assert said == [*once, *once, None, [None], None, [None], None]


def test_what_cannot_be_understood_fails_its_question_alone(redis_address, client):
    client.set("n1", "1")

    def not_this(answers):
        raise ValueError("not this")

    async def work(stream):
        asked = [ask(stream, "n1"), ask(stream, "n1", understand=not_this), ask(stream, "n1")]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, wrong, last = running(redis_address, work)

    assert first == last == [b"1"]
    assert str(wrong) == "not this"
