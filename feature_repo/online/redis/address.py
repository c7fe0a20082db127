"""The address of a Redis server, and clients with short timeouts."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from feature_repo.home import RedisError
from feature_repo.online.redis.redis_url import check_url, options_of

DEFAULT_PORT = 6379

DEFAULT_TIMEOUT_SECONDS = 0.05
"""Limits the wait for a frozen server; an unreachable server fails in under 1 ms."""


@dataclass(frozen=True)
class RedisAddress:
    """A server in use.

    Attributes:
        host: name or address.
        port: TCP port.
        url: with password and database; not shown.
        owned: whether this process started the server and will stop it.
        moved: whether the home's port was in use and another one was chosen, so that files which
            name the port must be rewritten.
        notice: what a start changed, in words.
    """

    host: str
    port: int
    url: str = field(repr=False)
    owned: bool = False
    moved: bool = False
    notice: str = ""

    @classmethod
    def local(cls, port: int, password: str = "", **state: Any) -> "RedisAddress":
        """Return the address of a server on this machine's loopback."""
        secret = f":{quote(password, safe='')}@" if password else ""
        return cls("127.0.0.1", port, f"redis://{secret}127.0.0.1:{port}/0", **state)

    @classmethod
    def parse(cls, url: str) -> "RedisAddress":
        """Read a URL such as `redis://:secret@host:6379/0`.

        Raises:
            SettingError: not the URL of one server that Feast can use too.
        """
        parts = check_url(url)
        return cls(unquote(parts.hostname or "localhost"), parts.port or DEFAULT_PORT, url)

    @property
    def options(self) -> dict[str, Any]:
        """The parts of the URL besides host and port, by redis-py's names."""
        return options_of(self.url)


def redis_client(
    address: RedisAddress, *, timeout: float = DEFAULT_TIMEOUT_SECONDS
) -> "redis.Redis":
    """Return a client that returns bytes, waits at most `timeout` seconds and never retries."""
    return redis.Redis.from_url(
        address.url,
        protocol=2,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )


def unreachable(address: RedisAddress, error: Exception) -> RedisError:
    """Return the error of a server that does not answer, with what to do."""
    return RedisError(
        f"Redis at {address.host}:{address.port} does not answer ({error}); "
        "`aisle doctor` says more."
    )


def server_info(address: RedisAddress, *, timeout: float = 1.0) -> dict[str, Any]:
    """Return `INFO` of the server as a mapping.

    Raises:
        RedisError: the server does not answer.
    """
    with redis_client(address, timeout=timeout) as client:
        try:
            return dict(client.info())
        except redis.RedisError as error:
            raise unreachable(address, error) from error
