"""A configuration file that is read again when it changes."""

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
    """Content of a file; an invalid new version is logged once, and the previous value stays.

    Attributes:
        kind: of the content, for metrics and logs.
        load: reads the file, which may be absent.
        value: the last valid content.
    """

    kind: str
    path: Path
    load: Callable[[Path], T]
    value: T
    _loaded_version: tuple[int, int] | None = None

    def reload(self) -> None:
        """Load the file if it changed since the last call."""
        version = self._version()
        if version == self._loaded_version:
            return
        self._loaded_version = version
        try:
            self.value = self.load(self.path)
        except SettingError as error:
            ARTIFACT_LOADS.labels(self.kind, "refused").inc()
            _logger.error("%s are invalid and were not loaded: %s", self.kind, error)
            return
        ARTIFACT_LOADS.labels(self.kind, "loaded").inc()
        _logger.info("%s were loaded again", self.kind)

    def _version(self) -> tuple[int, int] | None:
        """Return the file's modification time and size; None where it is absent."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size
