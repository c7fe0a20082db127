"""A circuit breaker: after failures in a row it refuses at once, instead of waiting for each."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Breaker:
    """Open after some failures in a row; after a rest one call may try again.  Thread-safe.

    Attributes:
        failures: in a row that open it.
        rest_seconds: how long it then stays open.
        clock: monotonic seconds.
    """

    failures: int = 3
    rest_seconds: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _failed: int = 0
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def allows(self) -> bool:
        """Whether to make a call; while it is open, one a rest."""
        with self._lock:
            if self._failed < self.failures:
                return True
            if self.clock() < self._until:
                return False
            self._until = self.clock() + self.rest_seconds
            return True

    def succeeded(self) -> None:
        """Close it."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """Count a failure; the last one allowed opens it."""
        with self._lock:
            self._failed += 1
            if self._failed >= self.failures:
                self._until = self.clock() + self.rest_seconds
