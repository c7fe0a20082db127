"""A circuit breaker: after consecutive failures, calls fail without waiting."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Breaker:
    """Opens after consecutive failures; after a pause one call may try again.  Thread-safe.

    Attributes:
        failures: consecutive failures that open it.
        rest_seconds: pause before the next call may try.
        clock: monotonic seconds.
    """

    failures: int = 3
    rest_seconds: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _failed: int = 0
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def allows(self) -> bool:
        """Return whether a call may be made; an open breaker allows one per pause."""
        with self._lock:
            if self._failed < self.failures:
                return True
            if self.clock() < self._until:
                return False
            self._until = self.clock() + self.rest_seconds
            return True

    def succeeded(self) -> None:
        """Record a success, which closes the breaker."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """Record a failure; the last one allowed opens the breaker."""
        with self._lock:
            self._failed += 1
            if self._failed >= self.failures:
                self._until = self.clock() + self.rest_seconds
