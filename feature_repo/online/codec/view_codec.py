"""Names and decodes the strings of a view: packed rows, or tiles for a counter view.

The online store uses this protocol only, so a view of another format, such as tiles whose windows
end at the instant of the read, gives every caller the same batches of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from feature_repo.online.codec.packing import RowBatch
from feature_repo.online.codec.row_layout import RowLayout
from feature_repo.online.codec.tile_codec import TileCodec, counter_of
from feature_repo.online.redis import LiveKeys, view_prefix
from feature_repo.shop import Shop
from feature_repo.views import CounterView, ViewSpec

if TYPE_CHECKING:
    from feast import FeatureView


class ViewCodec(Protocol):
    """Names and decodes the strings of one view of one project."""

    @property
    def layout(self) -> RowLayout:
        """Layout of the decoded rows."""
        ...

    @property
    def prefix(self) -> bytes:
        """Prefix of the keys of all strings of the view."""
        ...

    def keys(self, suffixes: Sequence[bytes | None]) -> list[bytes | None]:
        """Return the keys of N entities given by their suffixes; None stays None."""
        ...

    def read(self, raw: Sequence[bytes | None], now: int) -> RowBatch:
        """Decode N strings as of an instant in µs."""
        ...


@dataclass(frozen=True)
class RowCodec:
    """Packed rows, the same at any instant."""

    layout: RowLayout
    prefix: bytes

    def keys(self, suffixes: Sequence[bytes | None]) -> list[bytes | None]:
        """Return the view's prefix followed by each suffix."""
        prefix = self.prefix
        return [None if suffix is None else prefix + suffix for suffix in suffixes]

    def read(self, raw: Sequence[bytes | None], now: int) -> RowBatch:  # noqa: ARG002
        """Decode N rows."""
        return RowBatch.read(self.layout, raw)


def codec_of(project: str, view: "FeatureView", name: str) -> ViewCodec:
    """Return the codec of a Feast view.

    Args:
        project: of the feature store.
        view: of the strings.
        name: of the view, with its version where views are versioned.

    Raises:
        CatalogueError: a field has no type that can be stored.
    """
    return _codec(project, name, RowLayout.of(view), counter_of(view))


def codec_of_spec(project: str, spec: ViewSpec, shop: Shop) -> ViewCodec:
    """Return the codec of the Feast view that is built from a spec, without importing Feast."""
    layout = RowLayout.from_kinds(spec.value_types(shop).items(), [spec.key])
    return _codec(project, spec.name, layout, spec if isinstance(spec, CounterView) else None)


def _codec(project: str, name: str, layout: RowLayout, counter: CounterView | None) -> ViewCodec:
    if counter is not None:
        return TileCodec(layout, LiveKeys.of_project(project), counter)
    return RowCodec(layout, view_prefix(project, name))
