"""The features of a request's user, query and market, stored rows and live state merged."""

from collections.abc import Mapping, Sequence

from feature_repo.online.hydration import merge
from feature_repo.online.hydration.entity_strings import Strings
from feature_repo.online.hydration.merge import Row
from feature_repo.online.hydration.overlay import Overlay, read_patches
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import Patch
from feature_repo.views import (
    PART,
    CounterView,
    Entity,
    LiveFirst,
    LiveLists,
    LiveValues,
    ViewSpec,
)


class ContextRows:
    """Decodes rows of users, queries and markets.  Threads may share it."""

    def __init__(
        self,
        rows: StoredRows,
        features: Mapping[str, Sequence[str]],
        specs: Mapping[Entity, Sequence[ViewSpec]],
        recent_columns: Sequence[str],
    ) -> None:
        """Create a decoder.

        Args:
            rows: of all views.
            features: the features of each view that a ranking reads.
            specs: the views of each kind of entity.
            recent_columns: item columns that the recent lists of a user store.
        """
        self._rows, self._features = rows, features
        self._specs, self._recent_columns = specs, recent_columns
        self._full_names = {
            view: {name: f"{view}__{name}" for name in names if name != PART}
            for view, names in features.items()
        }

    def user(self, overlay: Overlay, t: int) -> Row:
        """Return the user's features by full name, as of `t` in µs."""
        return self._row("user", overlay.user, overlay, t)

    def query(self, overlay: Overlay, t: int) -> Row:
        """Return the query's features by full name, as of `t` in µs."""
        return self._row("query", overlay.query, overlay, t)

    def market(self, overlay: Overlay, t: int) -> Row:
        """Return the market's features by full name, as of `t` in µs."""
        return self._row("market", overlay.market, overlay, t)

    def _row(self, entity: Entity, strings: Strings, overlay: Overlay, t: int) -> Row:
        """Merge the views of an entity; `<view>__present` is whether a view has a row."""
        named: Row = {}
        for spec in self._specs[entity]:
            row = self._merged(spec, strings, overlay, t)
            values, names = row or {}, self._full_names[spec.name]
            named.update({full: values.get(name) for name, full in names.items()})
            named[f"{spec.name}__present"] = row is not None
        return named

    def _merged(self, spec: ViewSpec, strings: Strings, overlay: Overlay, t: int) -> Row | None:
        """Merge one view as its declaration says."""
        if isinstance(spec, CounterView):
            return merge.counters(spec, strings.tiles.get(spec.name), t)
        raw = strings.rows.get(spec.name)
        row = self._stored(spec.name, raw, t)
        match spec.live:
            case LiveValues():
                patches = read_patches(spec.name, strings.patches.get(spec.name))
                return self._patched(spec.name, raw, row, patches, t)
            case LiveFirst():
                return merge.first_seen(row, overlay.firsts.values())
            case LiveLists():
                return merge.recent(row, overlay.recent, self._recent_columns)
        return row

    def _patched(
        self,
        view: str,
        raw: bytes | None,
        row: Row | None,
        patches: Mapping[str, Patch],
        t: int,
    ) -> Row | None:
        if not patches:
            return row
        (event_times,) = self._rows.event_times(view, [raw], t)
        return merge.attributes(row, patches, event_times)

    def _stored(self, view: str, raw: bytes | None, t: int) -> Row | None:
        (row,) = self._rows.rows(view, [raw], self._features[view], t)
        return row
