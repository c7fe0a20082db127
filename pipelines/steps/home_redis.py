"""The Redis server of a home while a block runs, and the Feast repository that knows of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from feature_repo.home import Settings

if TYPE_CHECKING:
    from feature_repo.online.redis import RedisAddress


@contextmanager
def home_redis(settings: Settings) -> Iterator["RedisAddress"]:
    """Run or find the server; a private one may have moved to another port since the last time.

    Raises:
        RedisError: no server can be had.
    """
    from feature_repo.feast_repo import repository as feast_repo
    from feature_repo.online.redis import running_redis

    with running_redis(settings) as address:
        feast_repo.render(settings.home, address.host, address.port, settings.redis_url)
        yield address
