"""Reports strings that cannot be read."""

import logging

from feature_repo.online.codec.packing import RowBatch

_logger = logging.getLogger(__name__)


def report_damage(view: str, batch: RowBatch) -> None:
    """Log that strings of a view could not be read as its rows."""
    if batch.damaged.any():
        text = "%d of %d rows of %s read as missing: they are damaged, or of another schema"
        _logger.warning(text, batch.damaged.sum(), len(batch.raw), view)
