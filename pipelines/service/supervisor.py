"""Runs the service until it is interrupted, and starts what ended meanwhile.

The service and the home's private Redis are children of this process and end with it, even if it is
killed.  BentoML's arbiter replaces its workers (`serving.http.workers`).  A service that ends, or
does not answer for as long as its start may take, is started again; after `MOST_FAILURES` starts in
a row that fail, this process gives up.  Redis is tried for good: without it the service still
answers.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from feature_repo.home import AisleError, ServiceError, Settings
from pipelines.service.service_process import Announce, ServiceProcess

POLL_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
MOST_FAILURES = 6
"""Failed starts in a row, with 16 seconds of pauses between them."""


def ensure_redis(
    settings: Settings, announce: Announce, service: ServiceProcess, *, wait: float | None = None
) -> None:
    """Start the home's private Redis if none runs, and load what it lacks.

    A service that started before Redis had to move to another port starts again.

    Args:
        wait: limit of the start of Redis, in seconds.

    Raises:
        RedisError: no server can be started; or another home has the keys.
        ServiceError: the port of the service is in use.
    """
    # These imports take as long as the service needs to start the first of its processes.
    from pipelines.steps import ensure_home_redis, load_missing_features

    address = ensure_home_redis(settings, wait=wait)
    load_missing_features(settings, address, announce)
    if address.moved:
        service.stop()
        service.start()


@dataclass
class Backoff:
    """Pauses between starts: each is twice as long as the one before, until a start succeeds."""

    failures: int = 0
    _next_at: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the pause is over."""
        return time.monotonic() >= self._next_at

    def fail(self) -> float:
        """Begin the next pause; return its seconds."""
        seconds = min(FIRST_PAUSE_SECONDS * 2.0**self.failures, LONGEST_PAUSE_SECONDS)
        self.failures += 1
        self._next_at = time.monotonic() + seconds
        return seconds


@dataclass
class Supervisor:
    """A running service and the Redis server of its home.

    Attributes:
        redis_is_alive: whether the process of the home's server exists; true for `REDIS_URL`.
    """

    settings: Settings
    service: ServiceProcess
    redis_is_alive: Callable[[], bool]
    announce: Announce
    _redis: Backoff = field(default_factory=Backoff)
    _service: Backoff = field(default_factory=Backoff)
    _last_answer: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Start again what ended, until this process is interrupted.

        Raises:
            ServiceError: the service cannot be started.
        """
        while True:
            time.sleep(POLL_SECONDS)
            self._watch_redis()
            self._watch_service()

    def _watch_redis(self) -> None:
        if self.redis_is_alive() or not self._redis.is_due:
            return
        self.announce("Redis ended and is started again.")
        try:
            ensure_redis(self.settings, self.announce, self.service, wait=self.service.limit)
        except AisleError as error:
            self.announce(f"{error}  The next attempt is in {self._redis.fail():g} s.")
            return
        self._redis = Backoff()

    def _watch_service(self) -> None:
        if self.service.is_running and self._answers():
            return
        if not self._service.is_due:
            return
        self.announce(f"The service {self.service.state} and is started again.")
        self.service.stop()
        try:
            self.service.start()
            self.service.await_ready()
        except ServiceError as error:
            self._failed(error)
        else:
            self._service, self._last_answer = Backoff(), time.monotonic()

    def _answers(self) -> bool:
        """Return whether the service has answered recently; an idle machine's answer takes 2 ms."""
        now = time.monotonic()
        if now - self._last_answer < self.service.limit / 3:
            return True
        if self.service.client.live():
            self._last_answer = now
        return now - self._last_answer < self.service.limit

    def _failed(self, error: ServiceError) -> None:
        self.service.stop()
        if self._service.failures + 1 >= MOST_FAILURES:
            raise ServiceError(f"{MOST_FAILURES} starts in a row failed.  {error}") from error
        self.announce(f"{error}  The next attempt is in {self._service.fail():g} s.")
