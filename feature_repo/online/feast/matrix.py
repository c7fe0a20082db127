"""The features of a slate as one matrix, without Feast's answer: one round trip, no protobuf.

What is read is what `get_online_features` reads: the same keys, the same bytes, the same rule for
what is too old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from feast.feature_view import DUMMY_ENTITY_ID

from feature_repo.home import CatalogueError
from feature_repo.online.codec import Bools, RowBatch, ViewCodec
from feature_repo.online.feast.layout import Layout
from feature_repo.online.feast.read_plan import alive, report_damage
from feature_repo.online.feast.request_keys import listed, request_suffixes
from feature_repo.online.redis import NO_ENTITY

if TYPE_CHECKING:
    from feast import FeatureService, FeatureStore, FeatureView

Entities = Mapping[str, object | Sequence[object]]
"""Join key → one value for the whole slate, or a list, array or series with one for each row."""

_Entity = tuple[str, str]
"""What the request calls a join key, and the Feast type it is declared."""


@dataclass(frozen=True)
class Matrix:
    """The features of N rows in F columns.

    Attributes:
        values: shape (N, F), NaN where there is none.
        present: shape (N, F): whether there is a value; a stored NaN is one, a null is not.
    """

    values: npt.NDArray[np.float32]
    present: Bools


Places = slice | npt.NDArray[np.intp]
"""Which columns of an array: a slice, where they are evenly apart, is read without a copy."""


@dataclass(frozen=True)
class _Block:
    """Columns of one block of stored rows: where they come from and where they go."""

    name: str
    slots: "Places"
    places: "Places"
    targets: "Places"


@dataclass(frozen=True)
class _ViewColumns:
    """The columns of one view.

    Attributes:
        view: as it is registered.
        codec: of its strings.
        entities: its join keys, in order of their names in the view; none where it has none.
        blocks: its columns.
    """

    view: "FeatureView"
    codec: ViewCodec
    entities: Sequence[_Entity]
    blocks: Sequence[_Block]

    def keys(self, suffixes: Mapping[_Entity, list[bytes | None]]) -> list[bytes | None]:
        """The keys of the slate's rows; one, where the view's entities are one for all of them."""
        parts = [suffixes[entity] for entity in self.entities] or [[NO_ENTITY]]
        if len(parts) == 1:
            return self.codec.keys(parts[0])
        size = next((len(part) for part in parts if len(part) != 1), 1)
        rows = zip(*(part * size if len(part) == 1 else part for part in parts), strict=True)
        joined = [None if None in row else b"".join(row) for row in rows]
        return self.codec.keys(joined)

    def fill(self, batch: RowBatch, now: int, values: Any, present: Any) -> bool:
        """Write the view's columns, and what of them is not present; whether there is such."""
        for block in self.blocks:
            values[:, block.targets] = batch.heads[block.name][:, block.slots]
        young = alive(self.view, batch, now)
        if batch.is_full and young.all():
            return False
        known = ~batch.nulls
        known &= (batch.found & young)[:, None]
        for block in self.blocks:
            present[:, block.targets] = known[:, block.places]
        return True


class MatrixReader:
    """Reads slates of one feature service.  Threads may share it."""

    def __init__(self, store: "FeatureStore", service: "FeatureService") -> None:
        """Look up the service's views once.

        Args:
            store: whose online store is `AisleOnlineStore`.
            service: what a model reads.

        Raises:
            CatalogueError: the store is another one, or the service has no number, or a view that
                is computed on demand.
        """
        from feature_repo.online.feast.store import AisleOnlineStore

        online = store._get_provider().online_store
        if not isinstance(online, AisleOnlineStore):
            raise CatalogueError(f"expected AisleOnlineStore, found {type(online).__name__}")
        self.layout = Layout.of(service)
        self._config, self._online = store.config, online
        self._views = _views(store, service, online, self.layout)
        self._entities = {*chain.from_iterable(view.entities for view in self._views)}
        self._names = _entity_names(store, service)

    def read(self, entities: Entities) -> Matrix:
        """The matrix of a slate.

        Args:
            entities: such as `{"user_id": "u1", "query_key": None, "item_id": ["a", "b"]}`; what is
                not named, or is None, has no features.  N is the length of the lists, 1 without.
                Values are converted as `get_online_features` converts them.

        Raises:
            RedisError: the server does not answer in time.
            ValueError: lists of different lengths, a value that is none of its key's type, or
                what is no join key of the service.
        """
        self._refuse_others(entities)
        columns = {name: listed(name, values) for name, values in entities.items()}
        lists = {name: values for name, values in columns.items() if values is not None}
        size = _size(lists)
        suffixes = {
            (name, kind): request_suffixes(name, lists.get(name, [entities.get(name)]), kind)
            for name, kind in self._entities
        }
        keys = [view.keys(suffixes) for view in self._views]
        found = self._online.get(self._config, [*chain.from_iterable(keys)])
        starts = [0, *accumulate(map(len, keys))]
        values = np.empty((size, len(self.layout)), np.float32)
        present = np.ones((size, len(self.layout)), bool)
        now, has_gaps = self._online.now(self._config), False
        with np.errstate(over="ignore"):
            for view, (start, stop) in zip(self._views, pairwise(starts), strict=True):
                batch = view.codec.read(found[start:stop], now)
                report_damage(view.view.name, batch)
                has_gaps |= view.fill(batch, now, values, present)
        if has_gaps:
            np.putmask(values, ~present, np.nan)
        return Matrix(values, present)

    def _refuse_others(self, entities: Entities) -> None:
        others = sorted(entities.keys() - self._names)
        if others:
            expected = ", ".join(sorted(self._names)) or "none"
            raise ValueError(f"expected the join keys {expected}; found {', '.join(others)}")


def matrix_read(store: "FeatureStore", service: "FeatureService", entities: Entities) -> Matrix:
    """Read one slate; keep a `MatrixReader` to read many."""
    return MatrixReader(store, service).read(entities)


def _views(
    store: "FeatureStore", service: "FeatureService", online: Any, layout: Layout
) -> list[_ViewColumns]:
    found = []
    for projection in service.feature_view_projections:
        name = projection.name_to_use()
        wanted = {c.feature: n for n, c in enumerate(layout.columns) if c.view == name}
        if not wanted:
            continue
        view = store.get_feature_view(projection.name)
        codec = online.codec(store.config, view)
        named = projection.join_key_map
        keys = sorted((key.name, key.dtype.to_value_type().name) for key in view.entity_columns)
        entities = [(named.get(key, key), kind) for key, kind in keys if key != DUMMY_ENTITY_ID]
        found.append(_ViewColumns(view, codec, entities, _blocks(codec, wanted)))
    return found


def _entity_names(store: "FeatureStore", service: "FeatureService") -> set[str]:
    """What requests call the join keys of all views of a service, those without numbers too."""
    return {
        projection.join_key_map.get(key, key)
        for projection in service.feature_view_projections
        for key in store.get_feature_view(projection.name).join_keys
        if key != DUMMY_ENTITY_ID
    }


def _blocks(codec: ViewCodec, wanted: Mapping[str, int]) -> list[_Block]:
    fields = [field for field in codec.layout.fields if field.name in wanted]
    blocks = []
    for name in dict.fromkeys(field.block for field in fields if field.block):
        of_it = [field for field in fields if field.block == name]
        places = [codec.layout.places[field.name] for field in of_it]
        targets = [wanted[field.name] for field in of_it]
        slots = [field.slot for field in of_it]
        blocks.append(_Block(name, _evenly(slots), _evenly(places), _evenly(targets)))
    return blocks


def _evenly(places: Sequence[int]) -> Places:
    steps = {b - a for a, b in pairwise(places)} or {1}
    if len(steps) > 1 or min(steps) < 1:
        return np.array(places)
    return slice(places[0], places[-1] + 1, *steps)


def _size(lists: Mapping[str, Sequence[Any]]) -> int:
    sizes = {len(values) for values in lists.values()}
    if len(sizes) > 1:
        raise ValueError(f"expected lists of one length, found lengths {sorted(sizes)}")
    return sizes.pop() if sizes else 1
