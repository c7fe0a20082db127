"""Decodes the tiles of a counter view as rows, so that Feast reads the current counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from feature_repo.online.codec.counter_tiles import count
from feature_repo.online.codec.packing import RowBatch
from feature_repo.online.codec.row_layout import VERSION, RowLayout
from feature_repo.online.redis import LiveKeys
from feature_repo.views import STORED_AS, TILES, WINDOWS, CounterView, counter_views

if TYPE_CHECKING:
    from feast import FeatureView

_PART = "part"


def counter_of(view: "FeatureView") -> CounterView | None:
    """Return the counter of a view that is stored as tiles; None for other views."""
    if view.tags.get(STORED_AS) != TILES:
        return None
    return next((counter for counter in counter_views() if counter.name == view.name), None)


@dataclass(frozen=True)
class TileCodec:
    """Decodes the tiles of one view; see `view_codec`."""

    layout: RowLayout
    live_keys: LiveKeys
    counter: CounterView

    @cached_property
    def prefix(self) -> bytes:
        """Prefix of the keys of the view's tiles."""
        return self.live_keys.tile(self.counter.name, "").encode()

    def keys(self, suffixes: Sequence[bytes | None]) -> list[bytes | None]:
        """Return the keys of N tiles; a suffix is a letter, a length, a colon and a text."""
        prefix = self.prefix
        return [None if s is None else prefix + s.partition(b":")[2] for s in suffixes]

    def read(self, raw: Sequence[bytes | None], now: int) -> RowBatch:
        """Decode N tiles as rows of counts as of an instant, which is also their event time."""
        counts = count(raw, now, tuple(WINDOWS.values()), measures=len(self.counter.measures))
        present = counts.present
        heads = np.tile(np.frombuffer(self.layout.blank, self.layout.head), len(raw))
        heads["version"][present], heads["schema"][present] = VERSION, self.layout.schema
        heads["event"][present], heads["nulls"][present] = now, 0
        values = counts.values.reshape(len(raw), len(self.counter.features))
        for field in self.layout.fields:
            column = counts.parts if field.name == _PART else values[:, self._position(field.name)]
            heads[field.block][present, field.slot] = column[present]
        return RowBatch(self.layout, raw, heads, present, counts.damaged)

    def _position(self, feature: str) -> int:
        return self.counter.features.index(feature)
