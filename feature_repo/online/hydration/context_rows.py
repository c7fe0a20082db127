"""The features of a request's shopper, query and market, stored rows and live state merged."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feature_repo.online.hydration import merge
from feature_repo.online.hydration.merge import Row
from feature_repo.online.hydration.overlay import LiveEntity, Overlay, read_owner, read_patches
from feature_repo.online.hydration.slate_query import Shopper
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import DamagedValueError, Patch
from feature_repo.request_features.context import shopper as merge_shopper
from feature_repo.shop import Shop
from feature_repo.views import (
    PART,
    SESSION_FIRST_SEEN,
    SESSION_OWNER,
    CounterView,
    Entity,
    LiveFirst,
    LiveLists,
    LiveOwner,
    LiveValues,
    ViewSpec,
)

_VIEWS_OF_OWNED = (SESSION_FIRST_SEEN, SESSION_OWNER)
"""Views of a session that matter where it belongs to the user of the request."""

_logger = logging.getLogger(__name__)


class ContextRows:
    """Decodes rows of users, sessions, queries and markets.  Threads may share it."""

    def __init__(
        self,
        rows: StoredRows,
        features: Mapping[str, Sequence[str]],
        specs: Mapping[Entity, Sequence[ViewSpec]],
        shop: Shop,
    ) -> None:
        """Create a decoder.

        Args:
            rows: of all views.
            features: the features of each view that a ranking reads.
            specs: the views of each kind of entity.
            shop: declares the item columns of recent lists, and the ttl of a session.
        """
        self._rows, self._features = rows, features
        self._specs, self._shop = specs, shop
        self._recent_columns = [field.column for field in shop.recent_fields]
        self._full_names = {
            view: {name: f"{view}__{name}" for name in names if name != PART}
            for view, names in features.items()
        }

    def fields(self, overlay: Overlay, shopper: Shopper, t: int) -> dict[str, Any]:
        """Return the fields of a request's context, features by full name, as of `t` in µs."""
        damaged = set[str]()
        is_named = shopper.user_id is not None
        user = self._row(self._specs["user"], overlay.user, t, damaged)
        session: Row = {}
        if shopper.session_id is not None:
            is_owned = is_named and self._is_owned(overlay.session, t, damaged)
            specs = _VIEWS_OF_OWNED if is_owned else self._specs["session"]
            session = self._row(specs, overlay.session, t, damaged)
        return {
            "user": merge_shopper(user, session, is_named=is_named, t=t, shop=self._shop),
            "session": session,
            "query_row": self._row(self._specs["query"], overlay.query, t, damaged),
            "market_row": self._row(self._specs["market"], overlay.market, t, damaged),
            "damaged": frozenset(damaged),
        }

    def _is_owned(self, session: LiveEntity, t: int, damaged: set[str]) -> bool:
        """Whether the session belongs to a user; `shopper` then adds nothing of it."""
        owner = self._whole(SESSION_OWNER, session, t, damaged)
        return owner is not None and owner["user_id"] is not None

    def _row(self, specs: Iterable[ViewSpec], entity: LiveEntity, t: int, damaged: set[str]) -> Row:
        """Merge views of an entity; `<view>__present` is whether a view has a row."""
        named: Row = {}
        for spec in specs:
            row = self._whole(spec, entity, t, damaged)
            values, names = row or {}, self._full_names[spec.name]
            named.update({full: values.get(name) for name, full in names.items()})
            named[f"{spec.name}__present"] = row is not None
        return named

    def _whole(self, spec: ViewSpec, entity: LiveEntity, t: int, damaged: set[str]) -> Row | None:
        """Merge one view; None, and its name among the damaged ones, if a value changed."""
        try:
            return self._merged(spec, entity, t)
        except ValueError as error:
            _logger.error("a value of %s cannot be read: %s", spec.name, error)
            damaged.add(spec.name)
            return None

    def _merged(self, spec: ViewSpec, entity: LiveEntity, t: int) -> Row | None:
        """Merge one view as its declaration says.

        Raises:
            ValueError: a value changed.
        """
        strings = entity.strings
        if isinstance(spec, CounterView):
            return merge.counters(spec, strings.tiles.get(spec.name), t)
        raw = strings.rows.get(spec.name)
        row = self._stored(spec.name, raw, t)
        match spec.live:
            case LiveValues():
                patches = read_patches(strings.patches.get(spec.name))
                return self._patched(spec.name, raw, row, patches, t)
            case LiveOwner():
                return merge.owner(row, read_owner(strings.patches.get(spec.name)))
            case LiveFirst():
                return merge.first_seen(row, entity.firsts().values())
            case LiveLists():
                return merge.recent(row, entity.recent(), self._recent_columns)
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
        if row is None and raw is not None:
            raise DamagedValueError("the stored row changed, or is of another schema")
        return row
