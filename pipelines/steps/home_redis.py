"""The Redis server of a home while a block runs, and the Feast repository that uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from feature_repo.home import Settings

if TYPE_CHECKING:
    from feature_repo.online.redis import RedisAddress


@contextmanager
def home_redis(settings: Settings) -> Iterator["RedisAddress"]:
    """Yield the address of the server, and start a private one if none is configured.

    The Feast repository is written again, because a private server may use another port now.

    Raises:
        RedisError: no server can be reached or started.
    """
    from feature_repo.feast_repo import repository as feast_repo
    from feature_repo.online.redis import running_redis

    with running_redis(settings) as address:
        feast_repo.render(settings.home, address.host, address.port, settings.redis_url)
        yield address
