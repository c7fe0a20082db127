"""Addresses of a Redis server with a password, as tests pass them on."""

import json
from dataclasses import replace

from feature_repo.online.redis import RedisAddress


def behind(address: RedisAddress, port: int) -> RedisAddress:
    """Return the address of a proxy of a server: its user and password at another port."""
    url = address.url.replace(f":{address.port}/", f":{port}/")
    return replace(address, host="127.0.0.1", port=port, url=url)


def connection_string(address: RedisAddress, database: int = 0) -> str:
    """Return an address as Feast's Redis store reads it."""
    options = address.options | ({"db": database} if database else {})
    words = [f"{name}={json.dumps(value)}" for name, value in options.items()]
    return ",".join([f"{address.host}:{address.port}", *words])
