"""One connection of an event loop serves overlapping exchanges, or fails them together."""

import asyncio
import gc
import socket
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from hiredis import pack_command

from feature_repo.online.redis import PipelinedClient, RedisAddress, redis_client
from tests.feature_repo.online.byte_proxy import ByteProxy

SECONDS = 0.2


@dataclass
class Gets:
    """An exchange of GET commands, tracked by default."""

    names: tuple[str, ...]
    parse_values: Any = list
    is_tracked: bool = True

    def __post_init__(self):
        caching = pack_command(("CLIENT", "CACHING", "YES")) if self.is_tracked else b""
        self.commands = b"".join(caching + pack_command(("GET", name)) for name in self.names)
        self.reply_count = (1 + self.is_tracked) * len(self.names)

    def while_waiting(self):
        """Nothing to do."""

    def parse(self, replies):
        return self.parse_values(replies[1::2] if self.is_tracked else replies)


async def default_on_connect(connection):
    await connection.on_connect()


def ignore(keys):
    pass


def run_with_client(address, work, on_connect=default_on_connect, on_invalidation=ignore):
    """Return the result of `work(client)`; the loop must not report unhandled errors."""

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        client = PipelinedClient(address, SECONDS, on_connect, on_invalidation)
        try:
            return await work(client)
        finally:
            client.close()
            await asyncio.sleep(0)

    errors = []
    result = asyncio.run(run())
    gc.collect()
    assert errors == []
    return result


def get(client, *names, parse=list):
    """Read names in one tracked exchange."""
    return client.send(Gets(names, parse))


@pytest.fixture
def redis_py(redis_address):
    with redis_client(redis_address) as client:
        yield client
        client.delete("large", "list", *(f"n{n}" for n in range(50)))


def connection_ids(redis_py):
    return {connection["id"] for connection in redis_py.client_list()}


def test_overlapping_exchanges_get_their_own_replies_over_one_connection(redis_address, redis_py):
    redis_py.mset({f"n{n}": n for n in range(50)})
    before = connection_ids(redis_py)

    async def work(client):
        reads = [get(client, f"n{n}", f"n{n + 1}") for n in range(49)]
        return await asyncio.gather(*reads), connection_ids(redis_py)

    results, during = run_with_client(redis_address, work)

    assert results == [[b"%d" % n, b"%d" % (n + 1)] for n in range(49)]
    assert len(during - before) == 1


def test_reply_larger_than_the_buffer_is_complete(redis_address, redis_py):
    large = bytes(range(256)) * 8192
    redis_py.set("large", large)

    values = run_with_client(redis_address, lambda client: get(client, "large", "n1"))

    assert values == [large, None]


def test_error_is_one_of_the_replies(redis_address, redis_py):
    redis_py.lpush("list", "x")
    redis_py.set("n1", "1")

    error, value = run_with_client(redis_address, lambda client: get(client, "list", "n1"))

    assert isinstance(error, redis.ResponseError)
    assert value == b"1"


def test_cancelled_exchange_does_not_shift_later_replies(redis_address, redis_py):
    redis_py.mset({"n1": 1, "n2": 2})

    async def work(client):
        await get(client, "n1")
        cancelled = asyncio.ensure_future(get(client, "n1"))
        await asyncio.sleep(0)
        cancelled.cancel()
        return await get(client, "n2")

    assert run_with_client(redis_address, work) == [b"2"]


def test_database_of_the_url_is_used(redis_address, redis_py):
    address = RedisAddress.parse(redis_address.url.rpartition("/")[0] + "/3")
    with redis_client(address) as other:
        other.set("n1", "third")
        redis_py.set("n1", "first")

        assert run_with_client(address, lambda client: get(client, "n1")) == [b"third"]

        other.delete("n1")


def test_cancelled_exchange_gets_no_error_when_the_connection_is_lost(redis_address, redis_py):
    async def work(client):
        await get(client, "n1")
        cancelled = asyncio.ensure_future(get(client, "n1"))
        await asyncio.sleep(0)
        cancelled.cancel()
        client.close()
        await asyncio.sleep(0.01)

    assert run_with_client(redis_address, work) is None


def test_lost_connection_is_reopened_for_the_next_exchange(redis_address, redis_py):
    redis_py.set("n1", "1")

    async def work(client):
        before = connection_ids(redis_py)
        await get(client, "n1")
        (own_id,) = connection_ids(redis_py) - before
        redis_py.client_kill_filter(_id=own_id)
        results = []
        for _ in range(2):
            try:
                results.append(await get(client, "n1"))
            except redis.ConnectionError:
                results.append("lost")
        return results[-1]

    assert run_with_client(redis_address, work) == [b"1"]


def test_server_that_falls_silent_fails_all_exchanges(redis_address):
    async def work():
        async with ByteProxy(
            redis_address, lambda words: b"" if {b"GET", b"CACHING"} & {*words} else None
        ) as proxy:
            client = PipelinedClient(proxy.address, SECONDS, default_on_connect, ignore)
            reads = [get(client, "n1") for _ in range(3)]
            errors = await asyncio.gather(*reads, return_exceptions=True)
            client.close()
            return errors

    errors = asyncio.run(work())

    assert all(isinstance(error, redis.RedisError) for error in errors)
    assert any(isinstance(error, redis.TimeoutError) for error in errors)


def test_server_that_accepts_and_never_replies_fails_all_exchanges():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = RedisAddress.local(silent.getsockname()[1])

        async def work(client):
            reads = [get(client, "n1") for _ in range(3)]
            return await asyncio.gather(*reads, return_exceptions=True)

        errors = run_with_client(address, work)

    assert {type(error) for error in errors} == {redis.TimeoutError}


def test_reads_that_wait_for_a_silent_server_share_one_attempt_to_connect():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        address = RedisAddress.local(silent.getsockname()[1])

        async def work(client):
            reads = [get(client, "n1") for _ in range(5)]
            return await asyncio.gather(*reads, return_exceptions=True)

        errors = run_with_client(address, work)
        with silent.accept()[0], pytest.raises(BlockingIOError):
            silent.accept()

    assert {type(error) for error in errors} == {redis.TimeoutError}


def test_a_cancelled_read_does_not_end_the_attempt_to_connect_of_another(redis_address, redis_py):
    redis_py.set("n1", "1")

    async def work(client):
        cancelled = asyncio.ensure_future(get(client, "n1"))
        other = asyncio.ensure_future(get(client, "n1"))
        await asyncio.sleep(0)
        cancelled.cancel()
        return await other

    assert run_with_client(redis_address, work) == [b"1"]


def test_refused_connection_raises_connection_error():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = RedisAddress.local(closed.getsockname()[1])

    with pytest.raises(redis.ConnectionError):
        run_with_client(address, lambda client: get(client, "n1"))


def test_on_connect_may_reject_the_server(redis_address):
    async def reject(connection):
        await connection.on_connect()
        raise redis.ConnectionError("another one")

    with pytest.raises(redis.ConnectionError, match="another one"):
        run_with_client(redis_address, lambda client: get(client, "n1"), reject)


def test_late_event_loop_still_reads_a_reply_that_came_in_time(redis_address, redis_py):
    redis_py.set("n1", "1")

    async def work(client):
        await get(client, "n1")
        read = asyncio.ensure_future(get(client, "n1"))
        await asyncio.sleep(0)
        blocked_until = asyncio.get_running_loop().time() + 2 * SECONDS
        while asyncio.get_running_loop().time() < blocked_until:
            pass
        return await read

    assert run_with_client(redis_address, work) == [b"1"]


def test_invalidation_is_processed_before_the_reply_to_a_later_command(redis_address, redis_py):
    redis_py.set("n1", "1")
    messages = []

    async def work(client):
        for value in ("2", "3"):
            await get(client, "n1", parse=messages.append)
            redis_py.set("n1", value)
            redis_py.set("n2", value)
        await get(client, "n1", parse=messages.append)

    run_with_client(redis_address, work, on_invalidation=messages.append)

    assert messages == [None, [b"1"], [b"n1"], [b"2"], [b"n1"], [b"3"], None]


def test_untracked_key_is_never_invalidated(redis_address, redis_py):
    messages = []

    async def work(client):
        for value in ("2", "3"):
            await client.send(Gets(("n1",), is_tracked=False))
            redis_py.set("n1", value)
        await client.send(Gets(("n1",), is_tracked=False))
        assert await client.is_tracking()

    run_with_client(redis_address, work, on_invalidation=messages.append)

    assert messages == [None, None]


def test_reply_is_parsed_before_an_invalidation_of_the_same_read(redis_address, redis_py):
    redis_py.set("n1", "old")
    messages = []

    async def work():
        async with ByteProxy(redis_address) as proxy:
            client = PipelinedClient(
                proxy.address, SECONDS * 50, default_on_connect, messages.append
            )
            await get(client, "n2")
            proxy.pause_replies()
            read = asyncio.ensure_future(get(client, "n1", parse=messages.append))
            await proxy.wait_for_reply(b"old")
            redis_py.set("n1", "new")
            await proxy.wait_for_reply(b"invalidate")
            proxy.resume_replies()
            await read
            client.close()

    asyncio.run(work())

    assert messages[1:] == [[b"old"], [b"n1"], None]


def test_missing_key_is_invalidated_when_it_is_created(redis_address, redis_py):
    messages = []

    async def work(client):
        await get(client, "n1", parse=messages.append)
        redis_py.set("n1", "1")
        await get(client, "n2", parse=messages.append)

    run_with_client(redis_address, work, on_invalidation=messages.append)

    assert messages == [None, [None], [b"n1"], [None], None]


def test_opened_lost_or_flushed_connection_invalidates_everything(redis_address, redis_py):
    messages = []

    async def work(client):
        for _ in range(2):
            await get(client, "n1", parse=messages.append)
            client.close()
            await asyncio.sleep(0)
        await get(client, "n1", parse=messages.append)
        redis_py.flushdb()
        await get(client, "n1", parse=messages.append)

    run_with_client(redis_address, work, on_invalidation=messages.append)

    connection = [None, [None], None]
    assert messages == [*connection, *connection, None, [None], None, [None], None]


def test_error_while_parsing_fails_its_exchange_alone(redis_address, redis_py):
    redis_py.set("n1", "1")

    def fail(values):
        raise ValueError("not this")

    async def work(client):
        reads = [get(client, "n1"), get(client, "n1", parse=fail), get(client, "n1")]
        return await asyncio.gather(*reads, return_exceptions=True)

    first, error, last = run_with_client(redis_address, work)

    assert first == last == [b"1"]
    assert str(error) == "not this"
