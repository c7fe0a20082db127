"""The Redis server of a home while a block runs, and the Feast repository that uses it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from feature_repo.home import BusyError, Clock, Settings, exclusive

if TYPE_CHECKING:
    from feature_repo.online.redis import RedisAddress


@contextmanager
def home_redis(settings: Settings, *, wait: float | None = None) -> Iterator["RedisAddress"]:
    """Yield the address of the server, and start a private one if none is configured.

    Args:
        settings: which home, and whether `REDIS_URL` is given.
        wait: limit of the start, in seconds.

    Raises:
        RedisError: no server can be reached or started; or another home has the keys.
    """
    from feature_repo.online.redis import running_redis

    with running_redis(settings, wait=wait) as address:
        _prepare(settings, address)
        yield address


def ensure_home_redis(settings: Settings, *, wait: float | None = None) -> "RedisAddress":
    """Start the home's private server if none runs; it ends with this process.

    Raises:
        RedisError: no server can be started; or another home has the keys.
    """
    from feature_repo.online.redis import server

    address = server.ensure_redis(settings, wait=wait)
    _prepare(settings, address)
    return address


def load_missing_features(
    settings: Settings, address: "RedisAddress", announce: Callable[[str], None]
) -> None:
    """Load the home's features into a server that lacks them, as after a loss of its data.

    Without an answer of the server, or while a refresh runs, which loads them, it does nothing.
    The service applies the events that came after the last refresh.
    """
    import redis

    from feature_repo.feast_repo import loaded_key, repository
    from feature_repo.online.redis import redis_client

    home = settings.home
    if address.notice:
        announce(address.notice)
    with suppress(redis.RedisError, BusyError), redis_client(address, timeout=1.0) as client:
        if not home.features.exists() or client.exists(loaded_key(home)):
            return
        with exclusive(home, "a load"):
            announce("Redis lacks the features of this home; they are loaded from its files.")
            repository.apply(home)
            repository.materialize(home, Clock.of(settings).now(), full=True)


def _prepare(settings: Settings, address: "RedisAddress") -> None:
    """Claim the keys, and write the Feast repository: a private server may use another port now."""
    import redis

    from feature_repo.feast_repo import repository
    from feature_repo.online.redis import claim, redis_client

    repository.render(settings.home, address)
    # Without an answer, the work itself decides: a service starts and waits for the server.
    with suppress(redis.RedisError), redis_client(address) as client:
        claim(client, settings.home)
