"""What became of each stage of a request: its time, what it found, whether it was left out."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from feature_repo.home import AisleError
from serving.monitoring.metrics import DEGRADED, STAGE_SECONDS

_logger = logging.getLogger(__name__)


@dataclass
class Trace:
    """A request's way through the stages.

    Attributes:
        degraded: stages that were left out, in whole or in part, each once.
        stages: what is told of each with `?explain=1`, in order.
    """

    degraded: list[str] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    _seconds: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Measure a stage; what is put into the dict is told with it.  Errors pass."""
        told: dict[str, Any] = {"stage": name}
        self.stages.append(told)
        started = time.perf_counter()
        try:
            yield told
        finally:
            seconds = time.perf_counter() - started
            told["took"] = round(seconds * 1000, 3)
            self._seconds.append((name, seconds))

    def count(self) -> None:
        """Let the metrics know how long the stages took."""
        for name, seconds in self._seconds:
            STAGE_SECONDS.labels(name).observe(seconds)

    @contextmanager
    def fail_open(self, name: str) -> Iterator[dict[str, Any]]:
        """A stage that is left out where it fails or is late: no error passes."""
        try:
            with self.stage(name) as told:
                yield told
        except Exception as error:
            self.mark_degraded(name, error)

    def mark_degraded(self, name: str, error: Exception | None = None) -> None:
        """Note that a stage was left out, and log why, where nobody expects it."""
        if name not in self.degraded:
            self.degraded.append(name)
            DEGRADED.labels(name).inc()
        if error is not None:
            self._told_of(name)["error"] = type(error).__name__
            if not isinstance(error, AisleError | TimeoutError):
                _logger.error("%s failed", name, exc_info=error)

    def _told_of(self, name: str) -> dict[str, Any]:
        return next((told for told in reversed(self.stages) if told["stage"] == name), {})
