"""How the strings of a view are named and read: as packed rows, unless the view says otherwise.

The store knows nothing but this protocol, so a view whose strings are read in another way, such as
tiles that age at the instant of the read, gives the same batches of rows to every caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from feature_repo.online.codec.packing import RowBatch
from feature_repo.online.codec.row_layout import RowLayout
from feature_repo.online.codec.tile_codec import TileCodec, counter_of
from feature_repo.online.redis import LiveKeys, view_prefix

if TYPE_CHECKING:
    from feast import FeatureView


class ViewCodec(Protocol):
    """Reads the strings of one view of one project."""

    @property
    def layout(self) -> RowLayout:
        """Of the rows it gives."""
        ...

    @property
    def prefix(self) -> bytes:
        """What the keys of every string of the view begin with."""
        ...

    def keys(self, suffixes: Sequence[bytes | None]) -> list[bytes | None]:
        """The keys of N entities given by their suffixes; None stays None."""
        ...

    def read(self, raw: Sequence[bytes | None], now: int) -> RowBatch:
        """N strings as rows, as of an instant in µs."""
        ...


@dataclass(frozen=True)
class RowCodec:
    """Packed rows, the same at any instant."""

    layout: RowLayout
    prefix: bytes

    def keys(self, suffixes: Sequence[bytes | None]) -> list[bytes | None]:
        """The view's prefix, then the entity."""
        prefix = self.prefix
        return [None if suffix is None else prefix + suffix for suffix in suffixes]

    def read(self, raw: Sequence[bytes | None], now: int) -> RowBatch:  # noqa: ARG002
        """The rows as they were stored."""
        return RowBatch.read(self.layout, raw)


def codec_of(project: str, view: "FeatureView", name: str) -> ViewCodec:
    """The codec of a view.

    Args:
        project: of the feature store.
        view: whose strings.
        name: the view's, with its version where views are versioned.

    Raises:
        CatalogueError: a field has no type that can be stored.
    """
    layout, counter = RowLayout.of(view), counter_of(view)
    if counter is not None:
        return TileCodec(layout, LiveKeys.of_project(project), counter)
    return RowCodec(layout, view_prefix(project, name))
