"""The business rules in use: read again when their file changes."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from feature_repo.errors import SettingError
from feature_repo.shop import Shop
from serving.metrics import RELOADS
from serving.rules import Rules

_logger = logging.getLogger(__name__)


@dataclass
class RulesFile:
    """Follows a file; one that is wrong is refused and said once, the rules before stay in use."""

    path: Path
    shop: Shop
    rules: Rules = field(default_factory=Rules)
    _seen: tuple[int, int] | None = None

    def follow(self) -> None:
        """Load the file if it changed since the last call."""
        found = self._stamp()
        if found == self._seen:
            return
        self._seen = found
        try:
            self.rules = Rules.load(self.path, self.shop)
        except SettingError as error:
            RELOADS.labels("rules", "refused").inc()
            _logger.error("rules are not taken: %s", error)
            return
        RELOADS.labels("rules", "loaded").inc()
        _logger.info("%d rules are in use", len(self.rules.rules))

    def _stamp(self) -> tuple[int, int] | None:
        """When the file was changed, and its size; None where there is none."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size
