"""Trace of a request: how long each stage took, and which stages were skipped."""

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
    """Stages of one request.

    Attributes:
        degraded: stages that were skipped in whole or in part, each once.
        stages: details of each stage, in order; the answer has them with `?explain=1`.
    """

    degraded: list[str] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    _seconds: list[tuple[str, float]] = field(default_factory=list)
    _started: float = field(default_factory=time.perf_counter)

    @property
    def took_ms(self) -> float:
        """Milliseconds since the beginning of the request."""
        return (time.perf_counter() - self._started) * 1000

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage, and yield its details for the stage to extend.  Errors propagate."""
        details: dict[str, Any] = {"stage": name}
        self.stages.append(details)
        started = time.perf_counter()
        try:
            yield details
        finally:
            seconds = time.perf_counter() - started
            details["took"] = round(seconds * 1000, 3)
            self._seconds.append((name, seconds))

    def observe_stages(self) -> None:
        """Add the times of the stages to the metrics."""
        for name, seconds in self._seconds:
            STAGE_SECONDS.labels(name).observe(seconds)

    @contextmanager
    def fail_open(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage, and suppress its errors: a stage that fails or is late is degraded."""
        try:
            with self.stage(name) as details:
                yield details
        except Exception as error:
            self.mark_degraded(name, error)

    def mark_degraded(self, name: str, error: Exception | None = None) -> None:
        """Record that a stage was skipped; log an unexpected error."""
        if name not in self.degraded:
            self.degraded.append(name)
            DEGRADED.labels(name).inc()
        if error is not None:
            self._last_details(name)["error"] = type(error).__name__
            if not isinstance(error, AisleError | TimeoutError):
                _logger.error("%s failed", name, exc_info=error)

    def _last_details(self, name: str) -> dict[str, Any]:
        stages = reversed(self.stages)
        return next((details for details in stages if details["stage"] == name), {})
