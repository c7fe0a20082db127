"""A file in use: read again when it changes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from feature_repo.home import SettingError
from serving.monitoring import ARTIFACT_LOADS

T = TypeVar("T")
_logger = logging.getLogger(__name__)


@dataclass
class WatchedFile(Generic[T]):
    """Follows a file; one that is wrong is refused and said once, what was before stays in use.

    Attributes:
        kind: what the file holds, for metrics and logs.
        load: reads the file, which may be absent.
        value: what it held last.
    """

    kind: str
    path: Path
    load: Callable[[Path], T]
    value: T
    _seen: tuple[int, int] | None = None

    def reload(self) -> None:
        """Load the file if it changed since the last call."""
        found = self._stamp()
        if found == self._seen:
            return
        self._seen = found
        try:
            self.value = self.load(self.path)
        except SettingError as error:
            ARTIFACT_LOADS.labels(self.kind, "refused").inc()
            _logger.error("%s are not taken: %s", self.kind, error)
            return
        ARTIFACT_LOADS.labels(self.kind, "loaded").inc()
        _logger.info("%s were read again", self.kind)

    def _stamp(self) -> tuple[int, int] | None:
        """When the file was changed, and its size; None where there is none."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size
