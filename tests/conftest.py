"""What tests of every room share: a home of their own, and a real Redis server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from feature_repo.config import Settings
from feature_repo.home import Home
from feature_repo.online.redis_server import RedisAddress, redis_client, running_redis


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home; its folder does not exist yet."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisAddress]:
    """One private server for the whole run."""
    settings = Settings(home=Home(tmp_path_factory.mktemp("redis")))
    with running_redis(settings) as address:
        yield address


@pytest.fixture
def redis_address(shared_redis: RedisAddress) -> RedisAddress:
    """The server, emptied."""
    with redis_client(shared_redis, timeout=5) as client:
        client.flushall()
    return shared_redis


@pytest.fixture
def redis_settings(home: Home, redis_address: RedisAddress) -> Settings:
    """Settings of `home` that use the emptied server."""
    return Settings(home=home, redis_url=redis_address.url)
