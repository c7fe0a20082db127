"""The candidate sources of one request: search each by its name, and record missing ones."""

import logging
from dataclasses import dataclass, field, replace

import numpy as np

from serving.candidates.variants import Variants
from serving.query import ListRequest
from training.retrieval.catalogue import Flags, ItemTable, RankedList, RankedRows
from training.retrieval.sources import SourceMissingError, SourceRequest, source_specs

_logger = logging.getLogger(__name__)


@dataclass
class CandidateSources:
    """The sources that a request may search.

    Attributes:
        request: input of the sources.
        list_request: the list to fill.
        variants: of the items; None where a list shows each item.
        missing: the sources that could not be searched.
    """

    request: SourceRequest
    list_request: ListRequest
    variants: Variants | None = None
    missing: list[str] = field(default_factory=list)

    @property
    def item_table(self) -> ItemTable:
        """All N items."""
        return self.request.item_table

    def search(self, name: str) -> RankedRows:
        """Return the items of a source that may be shown; none where it cannot be searched."""
        try:
            results = source_specs()[name].search(self.request)
        except SourceMissingError:
            self.missing.append(name)
            return RankedRows()
        except Exception:
            # One broken source, perhaps of a shop's package, must not empty the whole page.
            _logger.exception("The candidate source %s failed.", name)
            self.missing.append(name)
            return RankedRows()
        return self.request.select(results) if isinstance(results, RankedList) else results

    def count(self, selected: Flags) -> int:
        """Return how many entries of a list the selected items are."""
        if self.variants is not None:
            return self.variants.count(selected)
        return int(np.count_nonzero(selected))

    def within(self, eligible: Flags) -> "CandidateSources":
        """Return the same sources for fewer items."""
        return replace(self, request=replace(self.request, eligible=eligible))
